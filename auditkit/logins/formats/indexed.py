"""Files with one record for each uid: where one lies tells whose it is, and most of them are holes."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from struct import Struct
from typing import Any

from auditkit.logins.nouns import Bytes, Notes, Setting

NONZERO = re.compile(rb"[^\0]")
SAMPLE = 64 * 1024
"""Bytes from the first record on that a layout is chosen by."""
ZEROS = bytes(1 << 20)
RECORD = 400
"""Bytes of the longest record."""
EARLIEST, LATEST = 0x1E13_3800, 0x1_0000_0000
"""Seconds between which times are: 1986 and 2106."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How one kind of machine lays out a record, and whether what was unpacked can be one."""

    layout: str
    """As `struct` has it."""
    sound: Callable[[tuple[Any, ...]], bool]
    """Whether they can be one, where one must be."""
    certain: Callable[[tuple[Any, ...]], bool]
    """Whether they are one, beyond doubt."""

    @property
    def fields(self) -> Struct:
        """What unpacks it; made anew where the shape was pickled."""
        return compiled(self.layout)

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return self.fields.size


compiled = cache(Struct)


def chosen(shapes: Sequence[Shape], data: Bytes) -> Shape:
    """The shape that fits the first records best."""
    offset, sample = beginning(data)
    return max(shapes, key=lambda shape: fitting(shape, offset, sample))


def beginning(data: Bytes) -> tuple[int, bytes]:
    """The first bytes that are not zero, with the zeros before them that may be of their record, and where they begin."""
    offset, start, sample = 0, 0, b""
    for chunk in data.chunks():
        if sample:
            sample += chunk[: SAMPLE - len(sample)]
        elif not blank(chunk):
            found = NONZERO.search(chunk)
            at = found.start() if found else 0
            before = min(RECORD, offset + at)
            start, sample = offset + at - before, bytes(before) + chunk[at : at + SAMPLE]
        offset += len(chunk)
        if len(sample) >= SAMPLE:
            break
    return start, sample


def fitting(shape: Shape, offset: int, sample: bytes) -> int:
    """How many records of a shape a sample has, less those that are none."""
    at = -offset % shape.size
    unpacked = shape.fields.iter_unpack(sample[at : at + max(0, len(sample) - at) // shape.size * shape.size])
    return sum(1 if shape.certain(fields) else -1 for fields in unpacked if any(map(any_set, fields)))


def padded(field: bytes) -> bool:
    """Whether a text ends in zeros only."""
    return not any(field[len(field.partition(b"\0")[0]) :])


def any_set(field: Any) -> bool:
    """Whether a field is not zero."""
    return any(field) if isinstance(field, bytes) else bool(field)


def blank(chunk: bytes) -> bool:
    """Whether bytes are nothing but zeros; compared, as holes are long."""
    return all(chunk[at : at + len(ZEROS)] == ZEROS[: len(chunk) - at] for at in range(0, len(chunk), len(ZEROS)))


def records(shape: Shape, data: Bytes, notes: Notes) -> Iterator[tuple[int, int, tuple[Any, ...]]]:
    """Yield uid, offset and fields of each record that is not zero; one that cannot be is counted in the notes."""
    size, base, rest = shape.size, 0, b""
    for chunk in data.chunks():
        if not rest and blank(chunk):
            base += len(chunk)
            continue
        if not rest:
            rest, base = bytes(base % size), base - base % size
        rest += chunk
        at = 0
        while found := NONZERO.search(rest, at):
            at = found.start() // size * size
            if at + size > len(rest):
                break
            notes.lines += 1
            fields = shape.fields.unpack_from(rest, at)
            if shape.sound(fields):
                yield (base + at) // size, base + at, fields
            else:
                notes.malformed += 1
            at += size
        at = min(at, len(rest)) if found else len(rest) // size * size
        base, rest = base + at, rest[at:]
        if blank(rest):
            base, rest = base + len(rest), b""
    if rest:
        notes.malformed += 1
        notes.broken = f"it breaks off in a record, {size - len(rest)} bytes before its end"


def owner(setting: Setting) -> Callable[[int], str]:
    """What tells whose a uid is: a name where the accounts are known, `uid:1000` where they are not."""
    names: dict[int, str] = {}
    for name, uid in (setting.accounts or {}).items():
        names.setdefault(uid, name)
    names.setdefault(0, "root")
    return lambda uid: names.get(uid, f"uid:{uid}")
