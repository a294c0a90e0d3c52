"""How fast a host without Python hashes, and what it can still hash in time: its tools stop for no clock."""

import time

BESIDES = 64 << 10
"""Bytes that are hashed in the time that a file takes however small it is."""
ENOUGH = 64 << 20
"""Bytes after which it is known how fast it goes."""


class Pace:
    """Told of files that are to be hashed one after the other, and of those that are."""

    def __init__(self, end: float) -> None:
        self._end = end
        self._began = self._heard = time.monotonic()
        self._asked = self._done = 0

    def fits(self, size: int) -> bool:
        """Whether a file can still be hashed after all that was asked before; if so, it is asked now."""
        asked = self._asked + size + BESIDES
        rate = (self._heard - self._began) / self._done if self._done >= ENOUGH else 0.0
        if self._heard + rate * (asked - self._done) >= self._end:
            return False
        self._asked = asked
        return True

    def heard(self, sizes: list[int]) -> None:
        """Files of these sizes are done now."""
        self._done += sum(sizes) + BESIDES * len(sizes)
        self._heard = time.monotonic()
