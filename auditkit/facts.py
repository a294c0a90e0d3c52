"""What of a path its package decides, as one short text per host: equal texts are the same, others are taken apart.

Pure. A fact is made of the fields of a line of a scan (probe/lines.py), without what no two hosts share: times, inodes, sizes
that a digest implies, and the labels that a host puts on its own files.
"""

import re
from operator import itemgetter

from auditkit.model import Kind
from auditkit.printable import unescape

LABELS = (b"security.selinux", b"security.ima", b"security.evm")
"""Extended attributes that the system of a host puts on what a package brings."""
CAPABILITY = "security.capability="
DOCUMENTS = tuple(f"/usr/share/{name}/" for name in ("doc", "man", "info", "locale", "lintian", "doc-base"))
"""What does nothing, so that little is lost where it is missing."""
_OCTAL = re.compile(r"[0-7]{1,7}")
_XATTRS = 14
_OF_KIND = {b"f": (0, 1, 2, 3, 4, 5, 13, 14), b"d": (0, 1, 2, 3, 4, 5, 14), b"l": (0, 2, 3, 4, 5, 14, 15)}
"""The fields that count, by kind; of devices and the like those below."""
_OTHERS = (0, 1, 2, 3, 4, 5, 14, 15)
_PICKED = {kind: itemgetter(*places) for kind, places in _OF_KIND.items()}
_PICKED_OF_OTHERS = itemgetter(*_OTHERS)
_NAMES = {1: "mode", 2: "uid", 3: "gid", 4: "owner", 5: "group", 13: "digest", 14: "xattrs", 15: "target"}
_KINDS = {"f": Kind.FILE, "d": Kind.DIRECTORY, "l": Kind.SYMLINK, "b": Kind.BLOCK, "c": Kind.CHARACTER, "p": Kind.FIFO}

Values = dict[str, str]


def fact(fields: list[bytes]) -> bytes:
    """The fact of a line that was split into its fields; the name in it does not count."""
    if b"security." in fields[_XATTRS]:
        told = [pair for pair in fields[_XATTRS].split(b",") if pair.partition(b"=")[0] not in LABELS]
        fields[_XATTRS] = b",".join(told) or b"-"
    return b" ".join(_PICKED.get(fields[0], _PICKED_OF_OTHERS)(fields))


def values(told: bytes) -> Values:
    """What a fact says, by attribute; what that host could not show is not in it.

    Owners are compared by name, for numbers differ from host to host, and whether it is root's by number, for a name can be
    given to anybody.
    """
    letter, *rest = told.decode("utf-8", "surrogateescape").split(" ")
    places = _OF_KIND.get(letter.encode(), _OTHERS)[1:]
    known = {_NAMES[at]: field for at, field in zip(places, rest, strict=False) if field != "?"}
    found = {"kind": str(_KINDS.get(letter, "socket"))}
    for number, name in (("uid", "owner"), ("gid", "group")):
        if number in known:
            is_root = known[number] == "0"
            found[number] = "root" if is_root else "not root"
            found |= {name: known[name]} if not is_root and known.get(name, "-") != "-" else {}
    found |= {name: known[name] for name in ("mode", "xattrs", "target") if name in known}
    for digest in known.get("digest", "-").split(","):
        algorithm, colon, value = digest.partition(":")
        found |= {f"digest {algorithm}": value} if colon else {}
    return found


def is_known(told: bytes) -> bool:
    """Whether a fact tells what a path is: of a file a digest, of all else its kind."""
    return not told.startswith(b"f ") or b":" in told.split(b" ", 7)[6]


def algorithms(told: bytes) -> frozenset[str]:
    """By which digests the content is known; what has no content is known by `none` alike."""
    if not told.startswith(b"f "):
        return frozenset(("none",))
    return frozenset(name.removeprefix("digest ") for name in values(told) if name.startswith("digest "))


def shown(told: bytes, names: set[str]) -> str:
    """The attributes of a fact that are named, for a reader: `mode 4755, blake3:9f3c...`."""
    known = values(told)
    parts = []
    for name in sorted(names & known.keys(), key=lambda name: (name != "kind", name)):
        algorithm = name.removeprefix("digest ")
        value = known[name]
        if name in ("uid", "gid"):
            value = f"{'owner' if name == 'uid' else 'group'} {value}"
        elif algorithm != name:
            value = f"{algorithm}:{value}"
        elif name == "mode":
            value = f"mode {value:>04}"
        elif name == "target":
            value = f"leads to {_text(value)}"
        elif name != "kind":
            value = f"{name} {_text(value) if value != '-' else 'none'}"
        parts.append(value)
    return ", ".join(parts)


def _text(field: str) -> str:
    """A word of a line, as the host has it."""
    try:
        return unescape(field.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
    except ValueError:
        return field


def bits(told: bytes) -> int:
    """The permission bits of a file or directory, of the latter without those that are passed on; 0 where none are known."""
    known = values(told)
    if not _OCTAL.fullmatch(known.get("mode", "")) or known["kind"] not in (Kind.FILE, Kind.DIRECTORY):
        return 0
    return int(known["mode"], 8) & (0o777 if known["kind"] == Kind.DIRECTORY else 0o7777)
