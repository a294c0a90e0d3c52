"""The less of the time is left, the smaller the files that are still read, so that a large one hides nothing but itself."""

import errno
import time

from .hints import Optional

LIMITS = ((1 / 2, 64 << 20), (3 / 4, 1 << 20), (7 / 8, 128 << 10))
"""When so much of the time is over, files of more bytes than that are read no further."""
RAISE = ": raise --timeout"
"""What to do where time was too short, as a gap says it."""


def unread(seconds: float) -> str:
    """Why a file has no digest, and what to do."""
    return "not read, %.3g seconds were too short" % seconds + RAISE


class Haste:
    """When a scan must be done, and until when a file may be read."""

    def __init__(self, seconds: Optional[float] = None) -> None:
        self.seconds = seconds or float("inf")
        began = time.monotonic()
        self.end = began + self.seconds
        self._limits = [(most, began + part * self.seconds) for part, most in LIMITS]

    def until(self, size: int) -> float:
        """When a file of that size is given up, as time.monotonic() tells it."""
        for most, until in self._limits:
            if size > most:
                return until
        return self.end

    def check(self, until: float) -> None:
        """Go on, unless that time is over.

        Raises:
            OSError: it is.
        """
        if time.monotonic() >= until:
            raise OSError(errno.ETIMEDOUT, unread(self.seconds))
