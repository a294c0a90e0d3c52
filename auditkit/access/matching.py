"""Which Match lines of a configuration hold for a connection, each asked once for what it looks at, and not without end."""

from dataclasses import dataclass, field

from auditkit.model import Gap
from auditkit.sshd import criteria
from auditkit.sshd.criteria import Connection, Holds
from auditkit.sshd.effective import Configuration
from auditkit.sshd.lines import Line, Refused, lowered

MOST_TRIED = 30_000
"""Lines that are tried, each for one user, address or both."""
MOST_ANSWERS = 2_000_000
"""Answers of lines that are put together."""
LOOKS_AT = {
    "user": "user",
    "group": "user",
    "invalid-user": "user",
    "host": "host",
    "address": "address",
    "localaddress": "local_address",
    "localport": "local_port",
    "rdomain": "domain",
}
"""The field of a connection that a criterion asks for."""

Told = tuple[Holds, ...]


@dataclass(slots=True)
class Matching:
    """The Match lines of a configuration, and what is known of them."""

    configuration: Configuration
    lines: tuple[Line, ...]
    looks: tuple[tuple[str, ...], ...]
    """The fields that each line asks for."""
    known: dict[tuple[object, ...], Holds] = field(default_factory=dict)
    answers: int = 0

    def told(self, who: Connection) -> Told | None:
        """Which lines hold; None where there are too many to say."""
        self.answers += len(self.lines)
        out: list[Holds] = []
        for number, (line, looks) in enumerate(zip(self.lines, self.looks, strict=True)):
            key = (number, *[getattr(who, name) for name in looks])
            if key not in self.known:
                if len(self.known) >= MOST_TRIED or self.answers > MOST_ANSWERS:
                    return None
                self.known[key] = self._holds(line, who)
            out.append(self.known[key])
        return tuple(out)

    def is_askable(self, told: Told) -> bool:
        """Whether sshd can find out by itself what of a connection is not known here: not the routing domain."""
        return not any(held is None and "domain" in looks for held, looks in zip(told, self.looks, strict=True))

    @property
    def by_domain(self) -> bool:
        """Whether any line asks for a routing domain."""
        return any("domain" in looks for looks in self.looks)

    def _holds(self, line: Line, who: Connection) -> Holds:
        try:
            return criteria.holds(line, who, self.configuration.files.version)
        except Refused:
            return None

    def is_plain(self, told: Told) -> bool:
        """Whether nothing holds but `Match all`: then all is as it is without a connection."""
        return all(held is False or _is_all(line) for line, held in zip(self.lines, told, strict=True))


def matching(configuration: Configuration) -> Matching:
    """The Match lines of a configuration, each text once."""
    lines = match_lines(configuration)
    return Matching(configuration, lines, tuple(map(_looks, lines)))


def match_lines(configuration: Configuration | None) -> tuple[Line, ...]:
    """The Match lines of a configuration, each text once."""
    found: dict[str, Line] = {}
    for statements in configuration.files.read.values() if configuration else ():
        for statement in statements if not isinstance(statements, Gap) else ():
            if lowered(statement.line.keyword) == "match":
                found.setdefault(statement.line.rest, statement.line)
    return tuple(found.values())


def _looks(line: Line) -> tuple[str, ...]:
    """The fields that a line may ask for; words that only look like criteria make it no more than ask twice."""
    heads = {lowered(word).partition("=")[0].strip("\"'") for word in line.rest.split()} | set(map(lowered, line.words))
    return tuple(dict.fromkeys(name for head, name in LOOKS_AT.items() if any(head in each for each in heads)))


def _is_all(line: Line) -> bool:
    return bool(line.words) and lowered(line.words[0]) == "all"
