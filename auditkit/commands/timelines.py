"""A timeline of all events of logins, written while logs are read: there whole, or not at all."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from auditkit import opening
from auditkit.errors import AuditkitError, UsageError
from auditkit.logins.nouns import Event, Log
from auditkit.printable import printable
from auditkit.report.timelines import ENDINGS, FORMATS, Form


class Timeline:
    """A timeline under way, of one host or of many at once."""

    def __init__(self, file: IO[bytes], form: Form, since: int | None, until: int | None) -> None:
        self.timeless = 0
        """Events that have no time, and so no place in it."""
        self._file = file
        self._line = form.line
        self._since, self._until = since, until
        self._lock = threading.Lock()
        file.write(form.head.encode("ascii"))

    def of(self, host: str) -> Callable[[Log, Event], None]:
        """What takes the events of a host."""

        def told(log: Log, event: Event) -> None:
            time = event.time
            if time is None:
                self.timeless += event.times
            elif (self._since is None or time >= self._since) and (self._until is None or time <= self._until):
                line = self._line(host, log.name, event).encode("utf-8")
                with self._lock:
                    self._file.write(line)

        return told


def form(path: str, named: str | None) -> Form:
    """How a timeline is written: as was asked for, else as the ending of its name says.

    Raises:
        UsageError: it says nothing.
    """
    found = named or next((word for ending, word in ENDINGS.items() if path.endswith(ending)), None)
    if found is None:
        hint = f"call it FILE.csv, FILE.jsonl or FILE.ecs.jsonl, or add --timeline-format {'|'.join(FORMATS)}"
        raise UsageError(f"{printable(path)} does not say in which form the timeline is to be written", hint)
    return FORMATS[found]


@contextmanager
def opened(path: str | None, named: str | None, since: int | None, until: int | None) -> Iterator[Timeline | None]:
    """A timeline to be written to a file, which gets its name at the end; None where none was asked for.

    Raises:
        UsageError: its form is not known.
        AuditkitError: it cannot be written.
    """
    if path is None:
        yield None
        return
    wanted = form(path, named)
    special = os.path.exists(path) and not os.path.isfile(path)  # a terminal, a pipe: not to be replaced
    unread: BrokenPipeError | None = None
    try:
        with open(path, "wb") if special else opening.whole(path) as file:
            timeline = Timeline(file, wanted, since, until)
            try:
                yield timeline
            except BrokenPipeError as error:  # who reads the answer has read enough of it; the timeline is whole
                unread = error
    except OSError as error:
        raise AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", "name another file") from error
    if unread:
        raise unread
