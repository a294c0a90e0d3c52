"""Lists of patterns as OpenSSH has them everywhere (ssh_config(5), PATTERNS): `*.example.com,!ws-03.example.com`."""

from collections.abc import Sequence

_LONGEST = 1023
"""OpenSSH (match.c) matches no pattern that is longer."""


def among(name: str, patterns: str) -> bool:
    """Whether a list of patterns, as written, covers a name."""
    return listed(name, [pattern for pattern in patterns.split(",") if pattern])


def listed(name: str, patterns: Sequence[str]) -> bool:
    """Whether a list of patterns covers a name; a negated one that matches outweighs all."""
    return covers(name, patterns) is True


def covers(name: str, patterns: Sequence[str]) -> bool | None:
    """True where a list of patterns covers a name, False where a negated one shuts it out, None where none matches."""
    found = None
    for pattern in patterns:
        if matches(name, pattern.removeprefix("!")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def matches(name: str, pattern: str) -> bool:
    """Whether one pattern matches; none with `*` or `?` does that is longer than OpenSSH takes."""
    return fits(name, pattern) and (len(pattern) <= _LONGEST or set(pattern).isdisjoint("*?"))


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern of any length fits: `*` is any text, `?` any sign; it costs at most its length by the name's."""
    if "*" not in pattern and "?" not in pattern:
        return name == pattern
    at = place = covered = 0
    star = -1
    while at < len(name):
        sign = pattern[place : place + 1]
        if sign == "*":
            star, covered = place, at
            place += 1
        elif sign in ("?", name[at]):
            place, at = place + 1, at + 1
        elif star >= 0:  # the last star covers one sign more
            covered += 1
            place, at = star + 1, covered
        else:
            return False
    return not pattern[place:].strip("*")
