"""Changes of files that are made of others: one file per kind of them; auditkit/makers.py registers each.

Pure. What is made of verified files is explained where making it again gives the same, or where all that it names is verified;
by its name alone nothing is. What cannot be told stays as it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from blake3 import blake3

from auditkit.explain import ALTERED, BY, MISSING, SIGNED, Account, beyond_content
from auditkit.model import PASSING, Change, ChangeKind, Entry, Explanation, Kind
from auditkit.packages.layout import Layout, joined

DERIVED = "derived"
MOST_LINKS = 40
_CONTRADICTED = (ALTERED.id, MISSING.id)
_HELD = {"digest", "size", "target", "kind", "path"}
NOT_TAKEN = "what it is made of was not taken, so nothing tells whether it is as it should be"
_HASHES: Mapping[str, Callable[[bytes], str]] = {
    "blake3": lambda data: blake3(data).hexdigest(),
    "sha256": lambda data: sha256(data).hexdigest(),
}


@dataclass(frozen=True, slots=True)
class Task:
    """One source to be compiled again."""

    source: str
    """Its path: compiled code holds it."""
    text: bytes
    level: int
    """Of optimisation."""
    magic: bytes
    """What compiled code begins with that this version of Python makes."""
    python: str
    """Its tag: cpython-311."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What compiling a source came to."""

    code: bytes
    """Marshalled; empty where it could not be compiled."""
    hash: bytes = b""
    """Of the source, as compiled code may have it in place of a time."""
    version: str = ""
    """Of the Python that did it; empty where there is none of that kind."""


@dataclass(slots=True)
class Known:
    """What is known of a host whose changes are to be judged."""

    changes: dict[str, Change]
    """By path; more and more of them explained."""
    account: Account
    """What is known of the host's packages."""
    entries: Mapping[str, Entry] = field(default_factory=dict)
    """What stands unchanged since the baseline, of the directories that were asked for."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What was taken, by path."""
    compiled: Mapping[Task, Compiled] = field(default_factory=dict)

    def open(self) -> Iterator[Change]:
        """Yield the changes that nothing explains yet; what contradicts a package that owns it, nothing ever will."""
        return (one for one in tuple(self.changes.values()) if one.explanation is None and one.rule not in _CONTRADICTED)

    def now(self, path: str) -> Entry | None:
        """A path as it is now, as far as that is known."""
        change = self.changes.get(path)
        return change.after if change else self.entries.get(path)

    def before(self, path: str) -> Entry | None:
        """A path as it was when the baseline was made, as far as that is known."""
        change = self.changes.get(path)
        return change.before if change else self.entries.get(path)

    def content(self, path: str) -> bytes | None:
        """The bytes of a file that is still to be judged, if they are those that the scan saw."""
        data, entry = self.files.get(path), self.now(path)
        return data if data is not None and entry and entry.digests and is_of(data, entry.digests) else None

    def proof(self, path: str) -> str | None:
        """How well a path is verified: as the package that explains it, or as well as the host's word; None if it is not.

        A file of which the policy watches no content is never verified, whatever else of it is as it was.
        """
        change, entry = self.changes.get(path), self.now(path)
        if entry and entry.kind is Kind.FILE and not entry.digests:
            return None
        if change is None:
            return "local" if path in self.entries else None
        if change.explanation is None and is_same(change) and change.attributes and set(change.attributes) <= set(PASSING):
            return "local"  # it was written again with what it held
        return change.explanation.proof if change.explanation and change.explanation.by in (*BY, DERIVED) else None

    def end(self, path: str, layout: Layout | None = None) -> str | None:
        """Where a path leads in the end, with no link left; None where a link or the file is not verified.

        `layout` is of verified links between directories.
        """
        for _ in range(MOST_LINKS):
            path = layout.real(path) if layout else path
            entry = self.now(path)
            if entry is None or self.proof(path) is None:
                return None
            if entry.kind is not Kind.SYMLINK:
                return path
            path = led(path, entry.target or "")
        return None

    def source(self, path: str) -> bytes | None:
        """The bytes of a verified file, or of that where a verified link leads; None where they were not taken."""
        end = self.end(path)
        entry = self.now(end) if end else None
        data = self.files.get(path, self.files.get(end or ""))
        return data if data is not None and entry and entry.digests and is_of(data, entry.digests) else None

    def layout(self) -> tuple[Layout, list[str]]:
        """Which directories at the root lead into others, by verified links, and these links."""
        paths = [path for path in {*self.entries, *self.changes} if path.count("/") == 1 and self.proof(path)]
        told = {path: entry.target or "" for path in paths if (entry := self.now(path)) and entry.kind is Kind.SYMLINK}
        return Layout(told), list(told)

    def left(self, path: str) -> bool:
        """Whether a path is gone, and it is known why."""
        change = self.changes.get(path)
        return change is not None and change.change is ChangeKind.REMOVED and self.proof(path) is not None

    def beyond(self, change: Change) -> set[str]:
        """What is to be accounted for of a change beyond what the path holds."""
        return beyond_content(change) if change.after else set()

    def explain(self, path: str, maker: str, of: Iterable[str]) -> None:
        """Explain a change by what a path is made of, if all of that is verified; it is proved as well as the least of it."""
        proofs = {self.proof(one) for one in of}
        if proofs and None not in proofs:
            self.settle(path, maker, SIGNED if proofs == {SIGNED} else "local")

    def settle(self, path: str, maker: str, proof: str) -> None:
        """Explain a change, if there is nothing more to it than what the path holds."""
        change = self.changes[path]
        if not self.beyond(change):
            self.changes[path] = replace(change, explanation=Explanation(DERIVED, maker, proof))

    def note(self, path: str, text: str) -> None:
        """Say of a change why nothing explains it."""
        change = self.changes[path]
        self.changes[path] = replace(change, note=change.note or text)


def led(link: str, target: str) -> str:
    """Where a link leads; empty where its text alone does not tell, for `x/..` is elsewhere if x is a link."""
    climbing, _, rest = target.rpartition("../")
    is_plain = not climbing.replace("../", "") and not {"..", "."} & set(rest.split("/"))
    return joined(link, target) if target and is_plain else ""


def is_same(change: Change) -> bool:
    """Whether what a file holds, or a link leads to, is as it was: only written again. Where nobody looked, nothing is."""
    is_told = all(entry and (entry.kind is not Kind.FILE or entry.digests) for entry in (change.before, change.after))
    return change.change is ChangeKind.CHANGED and is_told and not _HELD & set(change.attributes)


def is_of(data: bytes, digests: tuple[str, ...]) -> bool:
    """Whether bytes have all of these digests, at least one of them of a kind that is known here."""
    told = [(name, value) for name, _, value in (digest.partition(":") for digest in digests) if name in _HASHES]
    return bool(told) and all(_HASHES[name](data) == value for name, value in told)
