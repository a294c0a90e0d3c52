"""The bytes of a source, held in memory: what tests of readers and verdicts give them."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes that are given out in pieces of a size."""

    data: bytes
    size: int = 4099
    """An odd one, so that hardly a piece ends with a line."""
    mapped: bool = False
    """Whether all of them come as they do from a mapped file."""

    def chunks(self) -> Iterator[bytes]:
        """Yield them."""
        yield from (self.data[at : at + self.size] for at in range(0, len(self.data), self.size))

    def whole(self) -> bytes | memoryview:
        """All of them."""
        return memoryview(self.data) if self.mapped else self.data
