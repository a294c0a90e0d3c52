"""Whether a path is as a package ships it: an entry of a scan held against what a manifest says. Pure."""

import hashlib
from collections.abc import Sequence

from auditkit.model import Entry, Kind
from auditkit.packages import Shipped
from auditkit.packages.apk import TRUNCATED
from auditkit.words import decoded

CAPABILITIES = "security.capability"


def differing(file: Shipped, entry: Entry, digests: Sequence[str]) -> set[str]:
    """The attributes in which a path is not as it was shipped, as far as both say something of them."""
    if file.kind not in (None, entry.kind):
        return set() if file.ghost else {"kind"}
    found = {name for name, (one, other) in pairs(file, entry).items() if None not in (one, other) and one != other}
    if entry.kind is Kind.SYMLINK:
        found.discard("mode")  # Linux has none
    return found | ({"digest"} if same_content(file, entry, digests) is False else set())


def pairs(file: Shipped, entry: Entry) -> dict[str, tuple[object, object]]:
    """What was shipped beside what is there, by attribute; None is what is not known."""
    return {
        "mode": (file.mode, entry.mode),
        "target": (_target(file, entry), entry.target),
        "uid": _who(file.owner, entry.uid, entry.owner),
        "gid": _who(file.group, entry.gid, entry.group),
    }


def _target(file: Shipped, entry: Entry) -> str | None:
    """Where a link leads as shipped; of links apk knows a digest only, which is what is given where it is another."""
    told = [digest for digest in file.digests if file.kind is None and digest.startswith("sha")]
    if file.target is not None or not told or entry.target is None or entry.kind is not Kind.SYMLINK:
        return file.target
    data = entry.target.encode("utf-8", "surrogateescape")
    sha1, sha256 = (hashlib.new(name, data, usedforsecurity=False).hexdigest() for name in ("sha1", "sha256"))
    return entry.target if {f"sha1:{sha1}", f"sha256:{sha256}", f"{TRUNCATED}:{sha256[:40]}"} & set(told) else told[0]


def _who(shipped: str | None, number: int | None, name: str | None) -> tuple[object, object]:
    """An owner as shipped and as found; root is number 0, whatever else a host calls so."""
    wanted = "0" if shipped == "root" else shipped
    return (wanted, None if number is None else str(number)) if wanted and wanted.isdigit() else (wanted, name)


def capable(file: Shipped, value: str) -> bool:
    """Whether the attribute of a file's capabilities, as a scan has it, holds just those that were shipped."""
    return file.capabilities is not None and _rights(file.capabilities) == _rights(decoded(CAPABILITIES, value))


def _rights(text: str) -> tuple[frozenset[str], ...]:
    """Names and flags of `cap_net_admin,cap_net_raw=ep`, in whatever order they stand."""
    return tuple(frozenset(part.split(",")) if "_" in part else frozenset(part) for part in text.split("="))


def same_content(file: Shipped, entry: Entry, digests: Sequence[str]) -> bool | None:
    """Whether a file has the content that was shipped; None where nothing tells."""
    if entry.kind is not Kind.FILE:
        return True
    if None not in (file.size, entry.size) and file.size != entry.size:
        return False
    shipped = dict(digest.split(":", 1) for digest in file.digests)
    seen = dict(digest.split(":", 1) for digest in digests)
    both = shipped.keys() & seen.keys()
    return all(shipped[name] == seen[name] for name in both) if both else None
