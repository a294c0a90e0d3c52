"""Packages.db, the database of rpm on SUSE: lib/backend/ndb/rpmpkg.c of rpm. All numbers are little-endian.

Pages of slots at its beginning say where each package lies; a slot is 16 bytes, and the first two are the head of the file. A
package lies in blocks of 16 bytes between a head that names it and a tail with a checksum over all before.
"""

import struct
import zlib
from collections.abc import Iterator

from auditkit.errors import FormatError
from auditkit.model import Gap

MAGIC, SLOT, HEAD, TAIL = b"RpmP", b"Slot", b"BlbS", b"BlbE"
PAGE, BLOCK = 4096, 16


def knows(data: bytes) -> bool:
    """Whether it is a database of this kind."""
    return data.startswith(MAGIC)


def headers(data: bytes) -> Iterator[bytes | Gap]:
    """Yield the header of each package, in the order of the slots.

    Raises:
        FormatError: its head is that of no such file.
    """
    if len(data) < PAGE:
        raise FormatError("Packages.db is shorter than a page")
    version, _generation, pages = struct.unpack_from("<3I", data, 4)
    if version or not 1 <= pages <= len(data) // PAGE:
        raise FormatError(f"Packages.db is of version {version}, with {pages} pages of slots")
    for page in range(pages):
        yield from _page(data, page)


def _page(data: bytes, page: int) -> Iterator[bytes | Gap]:
    """Yield the header behind each slot of a page."""
    start = page * PAGE
    slots = list(struct.iter_unpack("<4s3I", data[start : start + PAGE]))[0 if page else 2 :]
    odd = sum(magic != SLOT for magic, *_ in slots)
    if odd:
        yield Gap(f"page {page} of Packages.db", f"{odd} slots are damaged: the packages in them are lost")
    for magic, number, offset, blocks in slots:
        if magic == SLOT and number:
            try:
                yield _package(data, number, offset * BLOCK, blocks)
            except FormatError as error:
                yield Gap(f"package {number} in Packages.db", str(error))


def _package(data: bytes, number: int, start: int, blocks: int) -> bytes:
    end = start + blocks * BLOCK
    if blocks < 2 or end > len(data):
        raise FormatError("it does not lie in the file")
    magic, named, _generation, length = struct.unpack_from("<4s3I", data, start)
    checksum, again, last = struct.unpack_from("<2I4s", data, end - 12)
    if (magic, last, named) != (HEAD, TAIL, number) or again != length or blocks != (16 + length + 12 + 15) // BLOCK:
        raise FormatError("its head or tail is damaged")
    if zlib.adler32(memoryview(data)[start : end - 12]) != checksum:
        raise FormatError("its checksum is wrong")
    return data[start + 16 : start + 16 + length]
