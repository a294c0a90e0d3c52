"""Runs of the history found by what people call them, and their documents read: what `history` and `diff` share."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from auditkit import history
from auditkit.commands import answering, looking, names, options, saved
from auditkit.commands.keeping import place
from auditkit.errors import FormatError, UsageError
from auditkit.history import listing
from auditkit.hosts import is_here
from auditkit.printable import printable


@contextmanager
def opened(run: options.Setting) -> Iterator[history.Reader]:
    """The history to be read.

    Raises:
        UsageError: there is none.
        AuditkitError: it cannot be read.
    """
    with history.reading(place(run)) as connection:
        if connection is None:
            raise UsageError(f"no run is kept in {place(run).shown} yet", "begin with: auditkit scan")
        yield connection


def found(connection: history.Reader, word: str) -> listing.Listed:
    """The run that a word names.

    Raises:
        UsageError: there is none, or more than one.
    """
    known = listing.newest(connection, None, "", 1) if word == names.LAST else listing.named(connection, word)
    if not known:
        raise UsageError(f"there is no run {printable(word)}", "see what there is: auditkit history")
    if len(known) > 1:
        some = ", ".join(printable(one.run.id) for one in known[:3])
        raise UsageError(f"{printable(word)} begins the names of more than one run", f"write more of one: {some}")
    return known[0]


def document(connection: history.Reader, listed: listing.Listed) -> dict[str, Any]:
    """The document of a run, as its schema has it.

    Raises:
        FormatError: it is damaged.
    """
    from auditkit.report import document as documents  # noqa: PLC0415 - not for --help

    name = f"run {printable(listed.run.id)}"
    try:
        return documents.check(saved.parsed(listing.document(connection, listed.number), name), answering.schema())
    except FormatError as error:
        raise FormatError(f"{name}: {error}", "ask the hosts again; other runs may be sound") from error


def host_of(word: str) -> history.Host:
    """A host as the history knows it, by the word that names it."""
    return history.Host(word, looking.here() if is_here(word) else "")
