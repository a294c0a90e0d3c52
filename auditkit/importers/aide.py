"""AIDE databases, as AIDE 0.16 to 0.19 write them.

    @@begin_db
    @@db_spec name lname perm uid gid size mtime inode lcount attr sha256
    /etc/a%20b 0 100644 0 0 5 MTc5NTUyMzUxMA== 2189609 1 1073744701 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=
    @@end_db

`attr` is a bit mask of what AIDE recorded for this path (include/attributes.h): without its bit a `0` means nothing. Times
are whole seconds. What AIDE calls capabilities is left out: their value is among the xattrs.
"""

import base64
import re
import stat
from collections.abc import Iterator

from auditkit.errors import FormatError
from auditkit.model import OF_MODE, Entry, Kind

BITS = {
    "perm": 1 << 2,
    "uid": 1 << 3,
    "gid": 1 << 4,
    "size": 1 << 5 | 1 << 26,  # growing size
    "ctime": 1 << 7,
    "mtime": 1 << 8,
    "inode": 1 << 9 | 1 << 27,  # the rule I, check inode
    "lcount": 1 << 11,
    "acl": 1 << 21,
    "xattrs": 1 << 33,
    "e2fsattrs": 1 << 36,
}
DIGESTS = {
    "md5": 16, "sha1": 20, "sha256": 32, "sha512": 64, "rmd160": 20, "tiger": 24, "crc32": 4, "crc32b": 4, "haval": 32,
    "gost": 32, "whirlpool": 64, "stribog256": 32, "stribog512": 64, "sha512_256": 32, "sha3_256": 32, "sha3_512": 64,
    "blake3": 32,
}  # fmt: skip
"""The digests AIDE has had, with their length in bytes."""
OTHERS = {"name", "lname", "attr", "selinux", "atime", "bcount", "capabilities"}
_TIME = re.compile(rb"(-?\d{1,12})(?:\.(\d{1,9}))?")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})?")
_MINIMAL = re.compile(rb"(?:(?:user|group|other)::[r-][w-][x-]\n?)*")


def knows(head: bytes) -> bool:
    """Whether a file that begins so is an AIDE database."""
    return head.startswith((b"@@begin_db", b"@@db_spec"))


def parse(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Entry | str]]:
    """Yield what each line of the database records.

    Raises:
        FormatError: an entry comes before the db_spec line that tells its fields.
    """
    spec, number, ended = tuple[str, ...](), 0, False
    for number, line in lines:
        if line.startswith(b"@@db_spec"):
            yield from _odd(number, spec)
            spec = tuple(line.decode("ascii", "replace").split()[1:])
            yield from ((number, f"the field {name} is not known") for name in spec if not _known(name))
        elif line.startswith(b"@@end_db"):
            ended = True
        elif line.strip() and not line.startswith((b"#", b"@@begin_db")):
            yield number, "stands after the end of the database" if ended else _entry(spec, line, number)
    if not ended:
        yield number + 1, "the database ends without @@end_db: its tail is missing"


def _odd(number: int, spec: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    if spec:
        yield number, "a second db_spec line"


def _known(name: str) -> bool:
    return name in BITS or name in DIGESTS or name in OTHERS


def _entry(spec: tuple[str, ...], line: bytes, number: int) -> Entry | str:
    if "name" not in spec:
        raise FormatError(f"line {number} comes before a db_spec line with the name", "take the database from a good copy")
    fields = line.split()
    if len(fields) != len(spec):
        return f"has {len(fields)} fields, db_spec has {len(spec)}"
    try:
        return _from_fields(dict(zip(spec, fields, strict=True)))
    except ValueError as error:
        return f"not a line of an AIDE database: {error}"


def _from_fields(row: dict[str, bytes]) -> Entry:
    """The entry of one line.

    Raises:
        ValueError: a field is not as AIDE writes it.
    """
    known = _recorded(row)
    perm = int(_digits(row.get("perm", b"0")), 8)
    kind = OF_MODE.get(stat.S_IFMT(perm))
    if kind is None:
        raise ValueError("the type of the file is not recorded")
    flags = _number(known, "e2fsattrs")
    return Entry(
        path=_text(_unquoted(row["name"])),
        kind=kind,
        mode=stat.S_IMODE(perm) if "perm" in known else None,
        uid=_number(known, "uid"),
        gid=_number(known, "gid"),
        size=_number(known, "size"),
        mtime_ns=_time(known["mtime"]) if "mtime" in known else None,
        ctime_ns=_time(known["ctime"]) if "ctime" in known else None,
        inode=_number(known, "inode"),
        links=_number(known, "lcount"),
        # FS_IMMUTABLE_FL and FS_APPEND_FL of linux/fs.h
        flags=None if flags is None else "i" * bool(flags & 0x10) + "a" * bool(flags & 0x20),
        digests=_digests(row),
        target=_target(row.get("lname", b"0")) if kind is Kind.SYMLINK else None,
        xattrs=_xattrs(row, known, kind),
    )


def _recorded(row: dict[str, bytes]) -> dict[str, bytes]:
    """The fields that AIDE recorded for this path; all of them where the database has no attr field, as AIDE does."""
    mask = int(_digits(row["attr"])) if "attr" in row else -1
    return {name: row[name] for name, bits in BITS.items() if name in row and mask & bits}


def _digits(field: bytes) -> bytes:
    if not field.isdigit():
        raise ValueError("not a number where one should be")
    return field


def _number(known: dict[str, bytes], name: str) -> int | None:
    return int(_digits(known[name])) if name in known else None


def _time(field: bytes) -> int:
    """Nanoseconds of a time: seconds in decimal, in base64 before that."""
    if field == b"0":
        return 0
    match = _TIME.fullmatch(field) or _TIME.fullmatch(base64.b64decode(field, validate=True))
    if match is None:
        raise ValueError("not a time")
    fraction = int((match[2] or b"0").ljust(9, b"0"))
    return int(match[1]) * 1_000_000_000 + fraction


def _unquoted(field: bytes) -> bytes:
    """The bytes of a name in which AIDE wrote odd ones as %XX."""
    return _PERCENT.sub(_byte, field)


def _byte(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        raise ValueError("a percent sign that quotes nothing")
    return bytes([int(match[1], 16)])


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _target(field: bytes) -> str | None:
    """The text of a field in which `0` is nothing, `0-` the empty text and `00` a zero in front (src/db.c)."""
    if field == b"0":
        return None
    if field == b"0-":
        return ""
    return _text(_unquoted(field.removeprefix(b"0")))


def _digests(row: dict[str, bytes]) -> tuple[str, ...] | None:
    found = []
    for name in sorted(DIGESTS.keys() & row.keys()):
        if row[name] == b"0":
            continue
        value = base64.b64decode(row[name], validate=True)
        if len(value) != DIGESTS[name]:
            raise ValueError(f"the {name} digest has the wrong length")
        found.append(f"{name}:{value.hex()}")
    return tuple(found) or None


def _xattrs(row: dict[str, bytes], known: dict[str, bytes], kind: Kind) -> tuple[tuple[str, str], ...] | None:
    """All extended attributes, or None where AIDE was not asked for all of them or shows an ACL only as names.

    AIDE keeps labels and ACLs apart from the others. It has no ACL of a symlink, and drops the bit of an absent label.
    """
    label = row.get("selinux")
    if "xattrs" not in known or label is None or not (kind is Kind.SYMLINK or _without_acl(known.get("acl"))):
        return None
    pairs = _pairs(known["xattrs"])
    if label != b"0":
        pairs.append(("security.selinux", (base64.b64decode(label, validate=True).rstrip(b"\0") + b"\0").hex()))
    return tuple(sorted(pairs))


def _pairs(field: bytes) -> list[tuple[str, str]]:
    count, *words = field.split(b",")
    if len(words) != 2 * int(_digits(count)):
        raise ValueError("extended attributes are missing")
    values = [b"" if word == b"0" else base64.b64decode(word, validate=True) for word in words[1::2]]
    return [(_text(_unquoted(name)), value.hex()) for name, value in zip(words[::2], values, strict=True)]


def _without_acl(field: bytes | None) -> bool:
    """Whether an ACL `POSIX,ACCESS,DEFAULT` says no more than the mode does, so that there is no such attribute."""
    form, _, rest = (field or b"").partition(b",")
    access, _, default = rest.partition(b",")
    if form != b"POSIX" or default != b"0":
        return False
    return access == b"0" or _MINIMAL.fullmatch(base64.b64decode(access, validate=True)) is not None
