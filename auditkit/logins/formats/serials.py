"""Serial numbers of the kernel's audit records: each event has the next one, so it shows which are missing."""

LATE = 4096
"""Numbers that an event may come behind another."""


class Serials:
    """Counts what is missing of a run of numbers that may come in a slightly other order, and begin anew at a boot."""

    def __init__(self) -> None:
        self._top: int | None = None
        self._open: set[int] = set()
        """Missing numbers that may still come."""
        self._gone = 0

    @property
    def missing(self) -> int:
        """Numbers that did not come."""
        return self._gone + len(self._open)

    def saw(self, serial: int) -> None:
        """An event of this number was there."""
        top = self._top
        if top is None or serial < top - LATE:
            self.begin(serial)
        elif serial <= top:
            self._open.discard(serial)
        else:
            if serial > top + 1:
                self._gap(top + 1, serial)
            self._top = serial

    def begin(self, serial: int | None = None) -> None:
        """The kernel counts anew."""
        self._gone += len(self._open)
        self._open.clear()
        self._top = serial

    def _gap(self, first: int, end: int) -> None:
        if len(self._open) + end - first > LATE:
            self._gone += len(self._open)
            self._open.clear()
            self._gone += max(0, end - first - LATE)
            first = max(first, end - LATE)
        self._open.update(range(first, end))
