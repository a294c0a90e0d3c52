"""The hashes that a journal file keeps of its values: SipHash-2-4 with the identity of the file, or Jenkins' lookup3 of old.

They are no seals: who changes a value can change its hash. But who only edits bytes does not, and damage does not either.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct

from auditkit.logins.journals.file import KEYED
from auditkit.logins.journals.packed import MOST
from auditkit.logins.journals.values import REMEMBERED, Values

FILE_AT, HASH_AT = 24, 16
"""Where the identity of a file stands in its header, and the hash in a data object."""
M64, M32 = (1 << 64) - 1, (1 << 32) - 1
WORDS, KEY, THREE = Struct("<Q"), Struct("<QQ"), Struct("<III")


def siphash(value: bytes, key: bytes) -> int:
    """SipHash-2-4 of a value with a key of 16 bytes (Aumasson and Bernstein, 2012)."""
    k0, k1 = KEY.unpack(key)
    state = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    padded = value + bytes(-(len(value) + 1) % 8) + bytes([len(value) & 255])
    for (word,) in WORDS.iter_unpack(padded):
        a, b, c, d = _round(*_round(state[0], state[1], state[2], state[3] ^ word))
        state = a ^ word, b, c, d
    a, b, c, d = state
    a, b, c, d = _round(*_round(*_round(*_round(a, b, c ^ 255, d))))
    return a ^ b ^ c ^ d


def _round(a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    a = a + b & M64
    b = (b << 13 | b >> 51) & M64 ^ a
    a = (a << 32 | a >> 32) & M64
    c = c + d & M64
    d = (d << 16 | d >> 48) & M64 ^ c
    a = a + d & M64
    d = (d << 21 | d >> 43) & M64 ^ a
    c = c + b & M64
    b = (b << 17 | b >> 47) & M64 ^ c
    return a, b, (c << 32 | c >> 32) & M64, d


def jenkins(value: bytes) -> int:
    """The 64 bits of lookup3's hashlittle2 of a value, both seeds 0 (Jenkins, 2006)."""
    a = b = c = 0xDEADBEEF + len(value) & M32
    if not value:
        return c << 32 | b
    blocks = list(THREE.iter_unpack(value + bytes(-len(value) % 12)))
    for x, y, z in blocks[:-1]:
        a, b, c = _mix(a + x & M32, b + y & M32, c + z & M32)
    x, y, z = blocks[-1]
    b, c = _last(a + x & M32, b + y & M32, c + z & M32)
    return c << 32 | b


def _turn(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & M32


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for one, two, three in ((4, 6, 8), (16, 19, 4)):
        a = (a - c & M32) ^ _turn(c, one)
        c = c + b & M32
        b = (b - a & M32) ^ _turn(a, two)
        a = a + c & M32
        c = (c - b & M32) ^ _turn(b, three)
        b = b + a & M32
    return a, b, c


def _last(a: int, b: int, c: int) -> tuple[int, int]:
    c = (c ^ b) - _turn(b, 14) & M32
    a = (a ^ c) - _turn(c, 11) & M32
    b = (b ^ a) - _turn(a, 25) & M32
    c = (c ^ b) - _turn(b, 16) & M32
    a = (a ^ c) - _turn(c, 4) & M32
    b = (b ^ a) - _turn(a, 14) & M32
    c = (c ^ b) - _turn(b, 24) & M32
    return b, c


@dataclass(slots=True)
class Hashes:
    """Holds the values of entries against their hashes; a value that many entries share is looked at once."""

    values: Values
    _sound: dict[int, bool] = field(default_factory=dict)

    def agree(self, items: Iterable[int]) -> bool:
        """Whether all fields of an entry that can be read are as their hashes say."""
        found = [self._agrees(at) for at in items]
        return all(found)

    def _agrees(self, at: int) -> bool:
        known = self._sound.get(at)
        if known is None:
            if len(self._sound) >= REMEMBERED:
                self._sound.clear()
            known = self._sound[at] = self._looked_at(at)
        return known

    def _looked_at(self, at: int) -> bool:
        data, value = self.values.data, self.values.value(at)
        if value is None or len(value) >= MOST:
            return True  # what cannot be read is told by who reads it; of what is cut no hash can be made
        (expected,) = WORDS.unpack_from(data, at + HASH_AT)
        keyed = self.values.top.flags & KEYED
        return bool(expected == (siphash(value, bytes(data[FILE_AT : FILE_AT + 16])) if keyed else jenkins(value)))
