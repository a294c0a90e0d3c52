"""When the versions of Debian's packages were made: the first entries of the changelog that each brings.

A build of the same source for one architecture (`+b1`) has an entry of its own, in `changelog.Debian.ARCH`.
"""

import errno
import os
import re
import zlib

from . import dpkg, inside
from .chain import Chain
from .hints import Dict, Iterator, List, Optional, Tuple
from .look import reason

PLACE = b"/usr/share/doc/*/changelog*"
"""What is asked for."""
MOST = 20000
"""Packages that are looked at."""
ENTRIES = 4
"""Entries of one changelog that are told."""
PACKED, PLAIN = 8 << 10, 24 << 10
"""Bytes that are read of a changelog, and bytes that they are unpacked to."""
NAMED = 40
"""Ids of holes that are told of one entry."""
_REBUILT = re.compile(rb"\+b[0-9]+\Z")
_ENTRY = re.compile(
    rb"^[!-~]+ \(([!-~]+)\)([^;\n]{0,200})|^ -- [^\n]{0,400}?>  ?([ -~]{10,60})$|(CVE-[0-9]{4}-[0-9]{4,7})", re.MULTILINE
)

Told = Tuple[bytes, Optional[bytes], str]


def changelogs(chain: Chain, what: bytes) -> Iterator[Told]:
    """Yield one record for each entry, `NAME:ARCH TAB VERSION TAB SUITES TAB DATE TAB HOLES`, all of them as one answer."""
    told: List[bytes] = []
    try:
        for number, fields in enumerate(dpkg.packages(chain)):
            if number == MOST:
                yield what, None, "more than %d packages; the changelogs of the others were not read" % MOST
                break
            if fields.get(b"status", b"").endswith(b" installed"):
                told.extend(_of(chain, fields))
    except OSError as error:
        yield what, None, reason(error)
    if told:
        yield what, b"".join(told)[: inside.LIMIT], ""


def _of(chain: Chain, fields: Dict[bytes, bytes]) -> Iterator[bytes]:
    name, arch = fields.get(b"package", b""), fields.get(b"architecture", b"")
    version = fields.get(b"version", b"")
    if not name or b"/" in name or name.startswith(b".") or b"/" in arch:
        return
    seen = 0
    for base in _names(arch, version):
        text = _text(chain, (b"usr", b"share", b"doc", name, base))
        if text is None:
            continue
        for record in entries(text):
            yield b"%s:%s\t%s\n" % (name, arch, record)
            seen += 1
        if seen and not base.startswith(b"changelog.Debian." + arch):
            return


def _names(arch: bytes, version: bytes) -> Iterator[bytes]:
    """Yield how the changelog may be called, the one that knows more first."""
    if _REBUILT.search(version):
        yield b"changelog.Debian.%s.gz" % arch
    for name in (b"changelog.Debian.gz", b"changelog.gz", b"changelog.Debian", b"changelog"):
        yield name


def _text(chain: Chain, place: inside.Names) -> Optional[bytes]:
    """How a changelog begins; None where it is not there, or is none."""
    try:
        try:
            handle = inside.opened_file(chain, place)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EINVAL, errno.ENOTDIR):
                raise
            handle = inside.opened_file(chain, inside.resolved(chain, place))
    except OSError:
        return None  # packages without documentation are nothing special; what has no date is told without one
    try:
        data = inside.some(handle, PACKED)
    finally:
        os.close(handle)
    if not place[-1].endswith(b".gz"):
        return data
    try:
        return zlib.decompressobj(31).decompress(data, PLAIN)
    except zlib.error:
        return None


def entries(text: bytes) -> Iterator[bytes]:
    """Yield `VERSION TAB SUITES TAB DATE TAB HOLES` of the first entries of a changelog, as deb-changelog(5) has them."""
    version, suites, number = b"", b"", 0
    holes: Dict[bytes, None] = {}
    for found in _ENTRY.finditer(text):
        if found.group(1):
            version, suites, holes = found.group(1), found.group(2).strip(), {}
        elif found.group(4):
            holes[found.group(4)] = None
        elif version:
            yield b"%s\t%s\t%s\t%s" % (version, suites, found.group(3).strip(), b",".join(list(holes)[:NAMED]))
            version, number = b"", number + 1
            if number == ENTRIES:
                return
