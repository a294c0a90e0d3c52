"""Progress on stderr for what takes longer than a moment, and only where somebody looks."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

import click

from auditkit.errors import HostError
from auditkit.printable import printable

PATIENCE = 1.0
"""Seconds before it appears."""
PERIOD = 0.1
"""Seconds between two drawings."""
LINES = 15
"""Hosts that have a line of their own."""


class Shown(Protocol):
    """Shows how one scan gets on; call it with entries and bytes so far."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End."""
        ...

    def __call__(self, entries: int, read: int) -> None:
        """So much has been seen."""
        ...


class Show(Protocol):
    """Gives what shows a scan: what is done, of which host, and how many entries there will be, if that is known."""

    def __call__(self, what: str, name: str, total: int | None, unit: str = "files") -> Shown:
        """What shows it; `unit` is of what the entries are, nothing for bytes, which are shown anyway."""
        ...


class Progress:
    """Shows entries, bytes and, where the total is known, the time left; call it with entries and bytes so far."""

    def __init__(self, what: str, total: int | None, *, quiet: bool, unit: str = "files") -> None:
        self._what = what
        self._total = total
        self._unit = unit
        self._silent = quiet or not sys.stderr.isatty()
        self._began = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, entries: int, read: int) -> None:
        """So much has been seen."""
        if self._silent or (self._bar is None and time.monotonic() - self._began < PATIENCE):
            return
        if self._bar is None:
            self._bar, self._task = _bar(self._what, self._total)
        self._bar.update(self._task, completed=entries, seen=_seen(entries, self._unit), size=sized(read))


def alone(*, quiet: bool) -> Show:
    """A bar for one host after the other."""

    def show(what: str, name: str, total: int | None, unit: str = "files") -> Progress:
        return Progress(f"{what} {printable(name)}", total, quiet=quiet, unit=unit)

    return show


class Line:
    """One host under way; its own thread writes it, the display reads it."""

    def __init__(self, word: str, changed: Callable[[], None]) -> None:
        self.word = printable(word)
        self.what = "connecting"
        self.total: int | None = None
        self.entries = self.read = 0
        self.unit = "files"
        self.began = time.monotonic()
        self._changed = changed

    def show(self, what: str, name: str, total: int | None, unit: str = "files") -> Self:
        """As Show asks for; the name is that of the line already."""
        self.what, self.total, self.unit = what, total, unit
        return self

    def pausing(self, error: HostError, seconds: float) -> None:
        """It is tried again after a pause."""
        self.what = f"{error.state}, again in {seconds:.0f} s"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.what = "judging"

    def __call__(self, entries: int, read: int) -> None:
        """So much has been seen."""
        self.entries, self.read = entries, read
        self._changed()

    def cells(self) -> tuple[str, str, str, str, str]:
        """What stands in the line."""
        seen = _seen(self.entries, self.unit).rstrip(", ") if self.entries else ""
        return self.word, self.what, seen, sized(self.read) if self.read else "", f"{time.monotonic() - self.began:.0f} s"


class Display:
    """Several hosts at once: a line for each that is under way, and how many are done; without a terminal a line at the end.

    Lines are written from any thread; drawn is only in the thread that made it.
    """

    def __init__(self, total: int, *, quiet: bool) -> None:
        self._total = total
        self._quiet = quiet
        self._silent = quiet or not sys.stderr.isatty()
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()
        self._home = threading.get_ident()
        self._done = 0
        self._drawn = time.monotonic() + PATIENCE - PERIOD
        self._live: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    @contextmanager
    def line(self, word: str) -> Iterator[Line]:
        """The line of a host, as long as it is under way."""
        line = Line(word, self.refresh)
        with self._lock:
            self._lines[word] = line
        try:
            yield line
        finally:
            with self._lock:
                del self._lines[word]

    def ended(self, word: str, state: str) -> None:
        """A host is done."""
        self._done += 1
        if not self._quiet and self._silent:
            click.echo(f"{printable(word)}: {state}", err=True)

    def refresh(self) -> None:
        """Draw it anew, if it is time; elsewhere than in the thread that made it nothing happens."""
        now = time.monotonic()
        if self._silent or threading.get_ident() != self._home or now - self._drawn < PERIOD:
            return
        self._drawn = now
        if self._live is None:
            self._live = _live()
        with self._lock:
            lines = list(self._lines.values())
        self._live.update(_drawing(lines, self._done, self._total), refresh=True)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is drawn: a person is asked or told something."""
        self._stop()
        yield

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _live() -> Any:
    from rich.console import Console  # noqa: PLC0415 - only for those who wait
    from rich.live import Live  # noqa: PLC0415

    live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
    live.start()
    return live


def _drawing(lines: list[Line], done: int, total: int) -> Any:
    """The lines of the hosts that have been under way longest, and what they are of."""
    from rich.table import Table  # noqa: PLC0415 - only for those who wait
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    for line in lines[:LINES]:
        grid.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in line.cells()))
    more = f", {len(lines) - LINES} more under way" if len(lines) > LINES else ""
    grid.add_row(Text(f"{done}/{total} hosts{more}", no_wrap=True))
    return grid


def _bar(what: str, total: int | None) -> tuple[Any, Any]:
    from rich.console import Console  # noqa: PLC0415 - only for those who wait
    from rich.markup import escape  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[seen]}{task.fields[size]}"),
        TimeRemainingColumn() if total else TimeElapsedColumn(),
        TextColumn("left" if total else ""),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar, bar.add_task(escape(what), total=total, seen="", size="0 B")


def _seen(entries: int, unit: str) -> str:
    """`12 345 files, `; nothing where the unit is bytes."""
    return f"{entries:,}".replace(",", " ") + f" {unit}, " if unit else ""


def sized(read: int) -> str:
    """`1.5 GiB`"""
    size, unit = float(read), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
