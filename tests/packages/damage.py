"""Bytes as a bad disk, or a bad guest, would hand them over."""

import random


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The data with some bytes changed, cut out, put in or doubled."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 12)):
        at = chance.randrange(len(changed))
        match chance.randrange(3):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randrange(1, 40)]
            case _:
                changed[at:at] = chance.choice([b"\n", b"\n\n", b":", b" ", b"\0", b"/../", changed[at : at + 60]])
        changed = changed or bytearray(b"x")
    return bytes(changed)
