"""BLAKE3 in Python alone, some 2 MB a second: for what auditkit writes and reads itself, not for the files of a host.

After the specification (github.com/BLAKE3-team/BLAKE3-specs), section 2; only hashing, no key and no context.
"""

import struct

SLOW = True
"""The probe takes it for none: what a host has is hashed by SHA-256, which is a hundred times as fast."""
_CHUNK, _BLOCK = 1024, 64
_START, _END, _PARENT, _ROOT = 1, 2, 4, 8
_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
_DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))
_MASK = "4294967295"


def _written() -> str:
    """The text of the compression function, its seven rounds one after the other: no loop and no list costs time."""
    lines = ["def compressed(h, m, counter, length, flags):"]
    lines += [" " + ",".join(f"m{at}" for at in range(16)) + " = m", " " + ",".join(f"v{at}" for at in range(8)) + " = h"]
    lines += [f" v{at + 8} = {_IV[at]}" for at in range(4)]
    lines += [f" v12 = counter & {_MASK}", " v13 = counter >> 32", " v14 = length", " v15 = flags"]
    order = list(range(16))
    for _ in range(7):
        words = iter(order)
        for a, b, c, d in (*_COLUMNS, *_DIAGONALS):
            for right, other in ((16, 12), (8, 7)):
                lines += [
                    f" v{a} = (v{a} + v{b} + m{next(words)}) & {_MASK}",
                    f" v{d} ^= v{a}",
                    f" v{d} = (v{d} >> {right} | v{d} << {32 - right}) & {_MASK}",
                    f" v{c} = (v{c} + v{d}) & {_MASK}",
                    f" v{b} ^= v{c}",
                    f" v{b} = (v{b} >> {other} | v{b} << {32 - other}) & {_MASK}",
                ]
        order = [order[at] for at in _ORDER]
    first = ",".join(f"v{at} ^ v{at + 8}" for at in range(8))
    return "\n".join([*lines, " return " + first + "," + ",".join(f"v{at + 8} ^ h[{at}]" for at in range(8))])


_made: dict = {}
exec(compile(_written(), "blake3", "exec"), _made)
_compressed = _made["compressed"]


class blake3:
    """A digest in the making, with as much of the interface of the package of that name as auditkit uses."""

    name = "blake3"
    digest_size, block_size = 32, 64
    AUTO = -1

    def __init__(self, data=b"", *, max_threads=1):
        self._stack = []
        self._chunks = 0
        self._rest = bytearray()
        self.update(data)

    def update(self, data):
        """Take the next bytes."""
        self._rest += data
        whole = (len(self._rest) - 1) // _CHUNK  # the last one may be the root, and waits
        for at in range(0, max(0, whole) * _CHUNK, _CHUNK):
            self._add(_node(bytes(self._rest[at : at + _CHUNK]), self._chunks))
        if whole > 0:
            del self._rest[: whole * _CHUNK]
        return self

    def _add(self, node):
        value = _compressed(*node)[:8]
        self._chunks += 1
        left = self._chunks
        while not left & 1:
            value = _compressed(*_parent(self._stack.pop(), value))[:8]
            left >>= 1
        self._stack.append(value)

    def digest(self, length=32, *, seek=0):
        """So many bytes of the digest."""
        node = _node(bytes(self._rest), self._chunks)
        for before in reversed(self._stack):
            node = _parent(before, _compressed(*node)[:8])
        h, m, _counter, size, flags = node
        told = b"".join(
            struct.pack("<16I", *_compressed(h, m, at, size, flags | _ROOT))
            for at in range(seek // 64, (seek + length + 63) // 64)
        )
        return told[seek % 64 : seek % 64 + length]

    def hexdigest(self, length=32, *, seek=0):
        """The same in hex."""
        return self.digest(length, seek=seek).hex()


def _node(chunk, counter):
    """The last block of a chunk, not compressed yet: it may be that of the root."""
    h, flags = _IV, _START
    blocks = [chunk[at : at + _BLOCK] for at in range(0, len(chunk), _BLOCK)] or [b""]
    for block in blocks[:-1]:
        h, flags = _compressed(h, struct.unpack("<16I", block), counter, _BLOCK, flags)[:8], 0
    last = blocks[-1]
    return h, struct.unpack("<16I", last.ljust(_BLOCK, b"\0")), counter, len(last), flags | _END


def _parent(left, right):
    return _IV, (*left, *right), 0, _BLOCK, _PARENT
