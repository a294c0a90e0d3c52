"""What the words after a keyword of sshd_config(5) mean, and which of them sshd refuses; one reader for each shape of value.

A reader takes the words it needs from Words and gives the value, a tuple; what is left over is refused by whoever called.
Values are written as `sshd -T` of 9.2 writes them, durations as seconds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from auditkit.sshd.lines import BLANK, Refused, Version, lowered
from auditkit.sshd.patterns import address_listed

MOST = 2**31 - 1
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_TIME = re.compile(r"([0-9]+)([smhdwSMHDW]?)")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(slots=True)
class Words:
    """The words of a line that are not read yet."""

    left: tuple[str, ...]
    rest: str
    """All after the keyword as it stands."""
    version: Version

    def take(self) -> str:
        """The next word.

        Raises:
            Refused: there is none, or it is empty.
        """
        if not self.left or not self.left[0]:
            raise Refused("missing argument")
        word, self.left = self.left[0], self.left[1:]
        return word

    def all(self) -> tuple[str, ...]:
        """All words that are left."""
        words, self.left = self.left, ()
        return words


Value = tuple[str, ...]
Reader = Callable[[Words], Value]


def choice(*known: str, exact: bool = False, **same: str) -> Reader:
    """A reader of one word of a few; `same` names those that mean another one."""
    meant = {w if exact else lowered(w): w for w in known} | {k.replace("_", "-"): w for k, w in same.items()}

    def read(words: Words) -> Value:
        word = words.take()
        found = meant.get(word if exact else lowered(word))
        if found is None:
            raise Refused(f"unsupported option {word[:80]}")
        return (found,)

    return read


flag = choice("yes", "no")


def integer(words: Words) -> Value:
    """A number from 0 on."""
    return (str(whole(words.take(), MOST)),)


def duration(words: Words) -> Value:
    """A time as `1h30m`, in seconds."""
    return (str(seconds(words.take())),)


def unused(words: Words) -> Value:
    """A time, or `none`."""
    if words.left and lowered(words.left[0]) == "none":
        words.take()
        return ("none",)
    return duration(words)


def seconds(text: str) -> int:
    """How many seconds a time format of sshd_config(5) is.

    Raises:
        Refused: it is none, or too long.
    """
    total, at = 0, 0
    while at < len(text):
        part = _TIME.match(text, at)
        if part is None or len(part[1]) > 20:
            raise Refused("invalid time value")
        total += int(part[1]) * _UNITS[lowered(part[2])]
        at = part.end()
        if total > MOST:
            raise Refused("invalid time value")
    return total


def word(words: Words) -> Value:
    """One word as it is."""
    return (words.take(),)


def filename(words: Words) -> Value:
    """A path; one that is relative is below the directory that sshd was started in, for us `/`."""
    return (_path(words.take()),)


def internal(words: Words) -> Value:
    """A path, or the word `internal`."""
    name = words.take()
    return (name if lowered(name) == "internal" else _path(name),)


def agent(words: Words) -> Value:
    """A path, or the name of the variable that holds it."""
    name = words.take()
    return (name if name == "SSH_AUTH_SOCK" else _path(name),)


def home(words: Words) -> Value:
    """A path that may begin with `~`."""
    return (_home(words.take()),)


def paths(words: Words) -> Value:
    """Paths of files of a user."""
    return tuple(_home(name) for name in some(words))


def paths_or_none(words: Words) -> Value:
    """Paths, or the word `none` alone."""
    found = paths(words)
    if len(found) > 1 and "none" in map(lowered, found) and words.version >= (10, 3):
        raise Refused("none must appear alone")
    return found


def revoked(words: Words) -> Value:
    """Paths of lists of revoked keys, or `none`."""
    found = paths_or_none(words)
    return ("none",) if tuple(map(lowered, found)) == ("none",) else found


def some(words: Words) -> Value:
    """One word or more; sshd before 9.5 takes it where none is left before a comment."""
    found = words.all()
    if "" in found:
        raise Refused("empty argument")
    if not found and words.version >= (9, 5):
        raise Refused("missing argument")
    return found


def command(words: Words) -> Value:
    """The rest of the line as it is, quotes and comment too."""
    words.all()
    found = words.rest.lstrip(BLANK)
    if not found:
        raise Refused("missing argument")
    return (found,)


def program(words: Words) -> Value:
    """A command by its absolute path, or `none`."""
    found = command(words)
    if not found[0].startswith("/") and lowered(found[0]) != "none":
        raise Refused("must be an absolute path")
    return found


def addendum(words: Words) -> Value:
    """The rest of the line, a comment too: sshd means to cut it off, and does not."""
    (found,) = command(words)
    if "\r" in found:
        raise Refused("invalid argument")
    return ("none",) if lowered(found) == "none" else (found,)


def environment(words: Words) -> Value:
    """Names of variables, as patterns."""
    return checked(some(words), lambda name: "=" not in name, "invalid environment name")


def assignments(words: Words) -> Value:
    """Variables with their values, each name once."""
    found = checked(some(words), lambda name: "=" in name, "invalid environment")
    kept: dict[str, str] = {}
    for pair in found:
        kept.setdefault(pair.partition("=")[0], pair)
    return tuple(kept.values())


def networks(words: Words) -> Value:
    """A list of addresses and networks."""
    name = words.take()
    if address_listed(None, name):
        raise Refused("invalid address list")
    return ("none" if lowered(name) == "none" else name,)


def key_options(words: Words) -> Value:
    """What a key must do beyond signing."""
    found = tuple(map(lowered, words.all()))
    if set(found) - {"none", "touch-required", "verify-required"}:
        raise Refused("unsupported option")
    return tuple(word for word in ("touch-required", "verify-required") if word in found) or ("none",)


def ignored(words: Words) -> Value:
    """Nothing: the keyword is known, and does nothing."""
    words.all()
    return ()


def unsupported(words: Words) -> Value:
    """Refuse it: Linux has no such thing."""
    raise Refused("not supported on this platform")


def checked(found: Value, sound: Callable[[str], bool], reason: str) -> Value:
    """A value of which each word is sound.

    Raises:
        Refused: one is not, for this reason.
    """
    if not all(map(sound, found)):
        raise Refused(reason)
    return found


def whole(text: str, most: int) -> int:
    """A number from 0 to `most`, as sshd reads it.

    Raises:
        Refused: it is none.
    """
    found = _NUMBER.fullmatch(text)
    if found is None or len(found[1]) > 100 or not 0 <= int(found[1]) <= most:
        raise Refused("invalid integer value")
    return int(found[1])


def port_of(text: str) -> int:
    """The number of a port; -1 for what is none."""
    try:
        return whole(text, 65535)
    except Refused:
        return -1


def _home(name: str) -> str:
    """A path as sshd expands it: `~` is the home of who started it, root."""
    head, slash, tail = name.partition("/")
    if head == "~":
        return f"/root/{tail.lstrip('/')}" if slash else "/root/"
    return name


def _path(name: str) -> str:
    if lowered(name) == "none":
        return "none"
    name = _home(name)
    return name if name.startswith("/") else f"//{name}"
