"""The line of an entry, written by one encoder for the scan, the wire and the baseline.

A block is what one directory holds: a line with its path, a line for itself (named `.`), and a line for each entry that is
no directory, ordered by the bytes of the name. Fields stand in a fixed order, separated by one space, the name last:

    kind mode uid gid owner group size mtime ctime btime inode links flags digest xattrs extra name
    f 644 0 0 root root 2910 1732448000.000000000 ... 131077 1 - blake3:9f3c... - - sshd_config

`kind` is one of f d l b c p s; `mode` is octal; times are seconds and nanoseconds; `flags` are chattr letters; `extra` is the
target of a symlink or the device number of a node or directory. `?` means this host or level cannot show it, `-` that
there is none. A line that begins with `=` is the kept text of the entry above it.
"""

from .hints import Callable, Iterable, Tuple

UNKNOWN = "?"
NONE = "-"
LINE = "%s %o %d %d %s %s %d %d.%09d %d.%09d %d.%09d %d %d %s %s %s %s %s"
"""kind, mode, uid, gid, owner, group, size, mtime, ctime, birth, inode, links, flags, digest, xattrs, extra, name"""
UNBORN = "%s %o %d %d %s %s %d %d.%09d %d.%09d ?%.0s%.0s %d %d %s %s %s %s %s"
"""The same where no birth time is known: both its numbers are taken and nothing is written of them."""
BARE = "%s" + " ?" * 15 + " %s"
"""Kind and name: all that the level `exists` records."""
_LONG = 1024


def shown(name: str) -> str:
    """`name`, decoded with surrogateescape, as it stands at the end of a line."""
    if name.isprintable() and "\\" not in name:
        return name
    from auditkit.printable import escape  # noqa: PLC0415 - for few names

    return escape(name.encode("utf-8", "surrogateescape")).decode("utf-8")


def word(text: str) -> str:
    """`text` as a field: no space in it, and never mistaken for `?` or `-`."""
    if text in (UNKNOWN, NONE):
        return "\\x%02x" % ord(text)
    return shown(text).replace(" ", "\\x20") or UNKNOWN


def attributes(pairs: Iterable[Tuple[str, bytes]], digest: Callable[[bytes], str]) -> str:
    """Extended attributes as one field: `name=0xHEX,...`; a value over 1 KiB stands as its digest."""
    fields = []
    for name, value in sorted(pairs):
        told = "0x" + value.hex() if len(value) <= _LONG else digest(value)
        fields.append(word(name).replace(",", "\\x2c").replace("=", "\\x3d") + "=" + told)
    return ",".join(fields) or NONE


def kept(text: str) -> str:
    """The line that keeps the text of a file."""
    return "=" + shown(text)
