"""The access matrix: which key opens which account on which host, keys of nobody known first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from auditkit.across.reading import Host, Key, Private

MOST_COMMENTS = 5
"""Comments of one key that are told; lines with the same key may each have another one."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An account of a host that a key opens, or looks as if it did."""

    host: Host
    key: Key


@dataclass(slots=True)
class Row:
    """One key: whose it is, what it opens, and where its private half lies."""

    fingerprint: str
    opens: list[Opening] = field(default_factory=list)
    """In the order of the hosts; a line that says the same of the same account again is left out."""
    lies: list[tuple[Host, Private]] = field(default_factory=list)

    @property
    def known(self) -> str | None:
        """Whose it is; None: nobody's that is known."""
        return next((opening.key.known for opening in self.opens if opening.key.known), None)

    @property
    def comments(self) -> tuple[str, ...]:
        """What the lines call it: anybody can write anything there."""
        return tuple(dict.fromkeys(opening.key.comment for opening in self.opens if opening.key.comment))[:MOST_COMMENTS]

    @property
    def alive(self) -> list[Opening]:
        """Those that have an effect, or may have."""
        return [opening for opening in self.opens if opening.key.effective is not False]

    @property
    def roots(self) -> frozenset[int]:
        """The machines on which it opens root, or may."""
        return frozenset(opening.host.machine for opening in self.alive if opening.key.root)


def matrix(hosts: Sequence[Host]) -> list[Row]:
    """A row for each key that some host lists: of nobody known, then those that are root on most hosts, first."""
    rows = dict[str, Row]()
    seen = set[object]()
    for host in hosts:
        for key in host.keys.items:
            says = (host.word, key.fingerprint, key.account, key.root, key.effective, key.origin, key.limited, key.command)
            if (*says, key.authority) not in seen:
                seen.add((*says, key.authority))
                rows.setdefault(key.fingerprint, Row(key.fingerprint)).opens.append(Opening(host, key))
    for host in hosts:
        for private in host.privates.items:
            if private.fingerprint in rows:
                rows[private.fingerprint].lies.append((host, private))
    return _ordered(rows.values())


def _ordered(rows: Iterable[Row]) -> list[Row]:
    ranks = {row.fingerprint: (row.known is not None, -len(row.roots), -len(row.alive), row.fingerprint) for row in rows}
    return sorted(rows, key=lambda row: ranks[row.fingerprint])
