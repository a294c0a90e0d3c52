"""A progress bar on stderr for what takes longer than a moment, and only where somebody looks."""

import sys
import time
from types import TracebackType
from typing import Any, Self

PATIENCE = 1.0
"""Seconds before it appears."""


class Progress:
    """Shows entries, bytes and, where the total is known, the time left; call it with entries and bytes so far."""

    def __init__(self, what: str, total: int | None, *, quiet: bool) -> None:
        self._what = what
        self._total = total
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
        self._bar.update(self._task, completed=entries, files=f"{entries:,}".replace(",", " "), size=_size(read))


def _bar(what: str, total: int | None) -> tuple[Any, Any]:
    from rich.console import Console  # noqa: PLC0415 - only for those who wait
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[files]} files, {task.fields[size]}"),
        TimeRemainingColumn() if total else TimeElapsedColumn(),
        TextColumn("left" if total else ""),
        console=Console(stderr=True),
        transient=True,
    )
    bar.start()
    return bar, bar.add_task(what, total=total, files="0", size="0 B")


def _size(read: int) -> str:
    size, unit = float(read), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if size < 1024 or unit == "TiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
