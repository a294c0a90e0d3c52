"""LZ4 blocks, as journals of systemd 218 to 245 hold them; in Python, for no other part of auditkit meets LZ4."""


def decompressed(block: bytes, most: int) -> bytes:
    """The first `most` bytes of a block; what comes before a defect if it has one.

    A block is sequences of literals, each followed by a copy of earlier output (LZ4 block format description).
    """
    out = bytearray()
    at, end = 0, len(block)
    while at < end and len(out) < most:
        token = block[at]
        literals, at = _length(block, at + 1, token >> 4, most)
        out += block[at : at + literals]
        at += literals
        if at + 2 > end:
            break  # the last sequence has literals only
        back = block[at] | block[at + 1] << 8
        copied, at = _length(block, at + 2, token & 15, most)
        if not 0 < back <= len(out):
            break
        _copy(out, back, min(copied + 4, most - len(out)))
    return bytes(out[:most])


def _length(block: bytes, at: int, length: int, most: int) -> tuple[int, int]:
    """A length that began with a nibble, and where it ends: 15 says that bytes follow, 255 that one more does."""
    if length == 15:
        for more in memoryview(block)[at:]:
            at += 1
            length += more
            if more != 255 or length > most:
                break
    return length, at


def _copy(out: bytearray, back: int, length: int) -> None:
    """Repeat what stands `back` bytes before the end; the copy may reach into itself."""
    piece = bytes(out[-back:])
    if length > back:
        piece *= length // back + 1
    out += piece[: max(0, length)]
