"""Cases in the store: each is a directory with a journal that is only added to, and evidence beside it.

    STORE/cases/2026-001/journal.jsonl   the chain of entries, as `response.chain` writes them
                         evidence/       copies of files and reports, numbered as the entries that tell of them
                         heads/          what was sealed: the hash of an entry, and the signature over it
                         torn/           what a crash left of an entry that was not written to its end

Who writes holds a lock on the journal, so that two people may write at once.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256

from auditkit.errors import AuditkitError, UntrustedError, UsageError
from auditkit.opening import itself
from auditkit.printable import printable
from auditkit.response import chain
from auditkit.response.nouns import SCHEMA, Entry, Hand, Journal, Kind, Said

CASES, JOURNAL, EVIDENCE, HEADS, TORN = "cases", "journal.jsonl", "evidence", "heads", "torn"
LARGEST = 64 << 20
"""Bytes of a journal that is read."""
_ID = re.compile(r"(\d{4})-(\d{3,6})")
_NUMBER = re.compile(r"\d{1,6}")


@dataclass(frozen=True, slots=True)
class Case:
    """A case in its directory."""

    id: str
    """As in `2026-001`."""
    path: str

    def at(self, *names: str) -> str:
        """The path of something in the case."""
        return os.path.join(self.path, *names)

    def read(self) -> Journal:
        """Its journal, as far as it can be believed.

        Raises:
            AuditkitError: it cannot be read.
        """
        with _told(self.at(JOURNAL)), open(self.at(JOURNAL), "rb", opener=itself) as file:
            return chain.read(_bounded(file.fileno(), self.id))

    def add(self, hand: Hand, said: Said | Callable[[int], Said]) -> Entry:
        """Write an entry at the end of the journal, on disk when this returns; a function is given the number it will have.

        Raises:
            UntrustedError: the journal is broken: nothing is added to it.
            AuditkitError: it cannot be written.
        """
        with _told(self.at(JOURNAL)), _locked(self.at(JOURNAL)) as handle:
            return _added(self, handle, hand, said)


def directory(store: str) -> str:
    """Where the cases of a store are."""
    return os.path.join(store, CASES)


def all_of(store: str) -> tuple[Case, ...]:
    """The cases of a store, the oldest first."""
    try:
        names = os.listdir(directory(store))
    except OSError:
        return ()
    return tuple(Case(name, os.path.join(directory(store), name)) for name in sorted(filter(_ID.fullmatch, names), key=_order))


def _order(name: str) -> tuple[int, int]:
    year, number = name.split("-")
    return int(year), int(number)


def found(store: str, word: str) -> Case:
    """The case that a person names: by its id, by its number if that is enough, or by the path of its directory.

    Raises:
        UsageError: there is none, or more than one.
    """
    if os.sep in word:
        path = os.path.abspath(word)
        if os.path.isfile(os.path.join(path, JOURNAL)):
            return Case(os.path.basename(path), path)
        raise UsageError(f"{printable(word)} is no case", "name the directory that holds journal.jsonl")
    known = all_of(store)
    fitting = [case for case in known if word == case.id or (_NUMBER.fullmatch(word) and int(word) == _order(case.id)[1])]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"case {word} may be {' or '.join(case.id for case in fitting)}", "write the year, too")
    there_are = f"there are {', '.join(case.id for case in known[-5:])}" if known else "begin one: auditkit incident open TITLE"
    raise UsageError(f"there is no case {printable(word)}", there_are)


def begun(store: str, title: str, hand: Hand, data: dict[str, object]) -> tuple[Case, Entry]:
    """A new case with its first entry; the next number of the year is taken, whoever else opens one at the same time.

    Raises:
        AuditkitError: it cannot be written.
    """
    with _told(directory(store)):
        case = _made(store, hand.time.year)
        for name in (EVIDENCE, HEADS):
            os.mkdir(case.at(name), 0o700)
        os.close(os.open(case.at(JOURNAL), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    first = Said(Kind.OPENED, title, {"schema": SCHEMA, "case": case.id, **data})
    return case, case.add(hand, first)


def _made(store: str, year: int) -> Case:
    """The directory of a new case."""
    os.makedirs(directory(store), 0o700, exist_ok=True)
    number = max((_order(case.id)[1] for case in all_of(store) if _order(case.id)[0] == year), default=0)
    while True:
        number += 1
        name = f"{year:04}-{number:03}"
        with suppress(FileExistsError):
            os.mkdir(os.path.join(directory(store), name), 0o700)
            return Case(name, os.path.join(directory(store), name))


@contextmanager
def _locked(path: str) -> Iterator[int]:
    """The journal open for reading and adding, for one writer at a time."""
    handle = itself(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _added(case: Case, handle: int, hand: Hand, said: Said | Callable[[int], Said]) -> Entry:
    content = _bounded(handle, case.id)
    journal = chain.read(content) if content else Journal()
    if journal.torn:
        journal = _mended(case, handle, journal, hand)
    if journal.broken:
        raise UntrustedError(
            f"entry {journal.broken.seq} of case {case.id}: {journal.broken.reason}; nothing was added",
            f"see auditkit incident verify {case.id}",
        )
    if journal.entries and (closed := journal.entries[-1]).said.kind is Kind.CLOSED:
        raise UsageError(
            f"case {case.id} was closed on {closed.hand.time:%Y-%m-%d}", "open a new one, and name this one in its title"
        )
    new = said(len(journal.entries) + 1) if callable(said) else said
    if not journal.entries and new.kind is not Kind.OPENED:
        raise UntrustedError(
            f"the journal of case {case.id} is empty: its opening was cut short, or taken out", "open a new case"
        )
    return _written(handle, chain.following(journal, hand, new))


def _mended(case: Case, handle: int, journal: Journal, hand: Hand) -> Journal:
    """The journal without the entry that a crash left unfinished, which is kept beside it and told of."""
    digest = sha256(journal.torn).hexdigest()
    os.makedirs(case.at(TORN), 0o700, exist_ok=True)
    kept = case.at(TORN, digest[:16])
    with open(kept, "wb") as file:
        file.write(journal.torn)
        file.flush()
        os.fsync(file.fileno())
    os.ftruncate(handle, os.fstat(handle).st_size - len(journal.torn))
    os.fsync(handle)
    if journal.broken or not journal.entries:
        return Journal(journal.entries, journal.broken if journal.entries else None)
    text = f"an entry of {len(journal.torn)} bytes was not written to its end, as after a crash: see {TORN}/{digest[:16]}"
    entry = _written(handle, chain.following(journal, hand, Said(Kind.RECOVERY, text, {"sha256": digest})))
    return Journal((*journal.entries, entry))


def _written(handle: int, entry: Entry) -> Entry:
    left = memoryview(chain.line(entry))
    while left:
        left = left[os.write(handle, left) :]
    os.fsync(handle)
    return entry


def _bounded(handle: int, case: str) -> bytes:
    """All that a journal holds.

    Raises:
        AuditkitError: it is larger than a journal is.
    """
    if os.fstat(handle).st_size > LARGEST:
        raise AuditkitError(
            f"the journal of case {case} is larger than 64 MiB", "open a new case, and name this one in its title"
        )
    os.lseek(handle, 0, os.SEEK_SET)
    pieces = []
    while piece := os.read(handle, 1 << 20):
        pieces.append(piece)
    return b"".join(pieces)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What goes wrong on the disk as our own error."""
    try:
        yield
    except OSError as error:
        raise AuditkitError(
            f"{printable(path)} cannot be read or written: {error.strerror}", "see that you own it, and that the disk has room"
        ) from error
