"""Whether RevokedKeys of sshd takes keys back: a list in which a key stands, or one that sshd cannot read."""

from collections.abc import Iterator

from auditkit.access import asking, configuring, needs
from auditkit.keys import revoked
from auditkit.keys.authorized import Line
from auditkit.keys.revoked import Revoked
from auditkit.keys.use import Effect
from auditkit.model import Evidence, Means, Need
from auditkit.printable import printable
from auditkit.sshd.effective import Effective

_WHY = "which keys sshd does not take any more"
_UNSEEN = "it was not looked at"
MOST_FILES = 20


def lists_wanted(evidence: Evidence) -> tuple[Need, ...]:
    """The lists that any line of the configuration names."""
    return tuple(Need(Means.FILE, path, _WHY) for path in _named(evidence) if asking.readable(path))[:MOST_FILES]


def _named(evidence: Evidence) -> tuple[str, ...]:
    words = (word for line in configuring.named(evidence, "RevokedKeys") for word in line if word.lower() != "none")
    return tuple(dict.fromkeys(word if word.startswith("/") else f"/{word}" for word in words))


Lists = dict[str, Revoked | str | None]
"""Each list by its path: what is in it; why nobody can tell; None where it is not there, so that sshd takes no key."""


def lists(evidence: Evidence) -> Lists:
    """The lists that any line names."""
    asked = {need.what for need in lists_wanted(evidence) if evidence.was_asked(need)}
    return {path: _list(evidence, path) if path in asked else _UNSEEN for path in _named(evidence)}


def _list(evidence: Evidence, path: str) -> Revoked | str | None:
    need = Need(Means.FILE, path, _WHY)
    found = needs.items(evidence, need)
    if found:
        return revoked.parse(found[0].data)
    gap = needs.unread(evidence, path)
    if gap:
        return gap.reason
    # a part of a disk may not be mounted, but /etc is where its configuration was found
    certain = path.startswith("/etc/") or bool(needs.items(evidence, needs.LISTENERS))
    return None if certain else "it is not there, where all of the disk may not be mounted"


def taken_back(line: Line, effective: Effective, known: Lists) -> Iterator[Effect]:
    """Yield why sshd takes a key not any more, or that nobody can tell."""
    effect = effective.effects["RevokedKeys"]
    if effect.value is None:
        yield Effect(None, "RevokedKeys of sshd is not known")
    for path in effect.value or ():
        if path == "none":
            continue
        told = known.get(path, _UNSEEN)
        name = printable(path[:80])
        if told is None:
            yield Effect(False, f"sshd takes no key at all: RevokedKeys names {name}, which is not there ({effect.origin})")
        elif isinstance(told, str):
            yield Effect(None, f"whether RevokedKeys takes it back is not known: {name}: {told}")
        elif told.holds(line.key.blob):
            yield Effect(False, f"it is taken back: it stands in {name} ({effect.origin})")
        elif told.holds(line.key.blob) is None:
            yield Effect(None, f"whether RevokedKeys takes it back is not known: {name}: {told.unread}")
