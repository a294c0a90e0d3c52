"""Things that happened one after the other, to be found by their time."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Generic, TypeVar

One = TypeVar("One")


class Timed(Generic[One]):
    """Such things; times are kept beside them, for it takes long to ask each for its own."""

    __slots__ = ("every", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.every: list[One] = []

    def add(self, one: One, time: int) -> None:
        """Add one that is no earlier than the others."""
        self.times.append(time)
        self.every.append(one)

    def between(self, since: int, until: int) -> Sequence[One]:
        """Those from one moment to another."""
        return self.every[bisect_left(self.times, since) : self.up_to(until)]

    def up_to(self, until: int) -> int:
        """How many there are up to a moment."""
        return bisect_right(self.times, until)
