"""Cases in the store: each is a directory with a journal that is only added to, and evidence beside it.

    STORE/cases/2026-001/journal.jsonl   the chain of entries, as `response.chain` writes them
                         evidence/       copies of files and reports, numbered as the entries that tell of them
                         manifest.sha256 what is kept, for `sha256sum -c`; made of the journal, which counts
                         heads/          what was sealed: the hash of an entry, and the signature over it
                         torn/           what a crash left of an entry that was not written to its end

Who writes holds a lock on the journal, so that two people may write at once. A case gets its name once its first entry is on
disk; an entry that cannot be written to its end is taken back, and one that a crash left is set aside by the next writer.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256

from auditkit.errors import AuditkitError, UntrustedError, UsageError
from auditkit.opening import itself, whole
from auditkit.printable import printable
from auditkit.response import chain, checked, sums
from auditkit.response.nouns import SCHEMA, Entry, Hand, Journal, Kind, Said

CASES, JOURNAL, EVIDENCE, HEADS, TORN = "cases", "journal.jsonl", "evidence", "heads", "torn"
LARGEST = 64 << 20
"""Bytes of a journal that is read."""
FOR_ITS_END = 4 << 20
"""Bytes of it that are left for closing, sealing and exporting."""
AFTERWARDS = (Kind.RECOVERY, Kind.SEAL, Kind.EXPORT)
"""What is still written in a case that was closed: it adds nothing to what happened."""
_OPENING = ".opening"
"""The name of a case that is being opened."""
_ID = re.compile(r"(\d{4})-(\d{3,6})")
_NUMBER = re.compile(r"\d{1,6}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


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
        return chain.read(self.content())

    def content(self) -> bytes:
        """What its journal holds, not in the middle of somebody's writing.

        Raises:
            AuditkitError: it cannot be read.
        """
        with _told(self.at(JOURNAL)), open(self.at(JOURNAL), "rb", opener=itself) as file:
            with suppress(OSError):  # where nobody can lock, nobody writes
                fcntl.flock(file.fileno(), fcntl.LOCK_SH)
            return _bounded(file.fileno(), self.id)

    def check(self) -> None:
        """See that something can be added, before what is to be added is asked for.

        Raises:
            UntrustedError: the journal is broken.
            UsageError: the case is closed.
            AuditkitError: it cannot be read.
        """
        journal = self.read()
        _sound(self, journal)
        _open(self, journal)

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
    """The cases of a store, the oldest first.

    Raises:
        AuditkitError: nobody can tell.
    """
    with _told(directory(store)):
        try:
            names = os.listdir(directory(store))
        except FileNotFoundError:
            return ()
    cases = (Case(name, os.path.join(directory(store), name)) for name in sorted(filter(_ID.fullmatch, names), key=_order))
    return tuple(case for case in cases if os.path.isdir(case.path))


def _order(name: str) -> tuple[int, int]:
    year, number = name.split("-")
    return int(year), int(number)


def found(store: str, word: str) -> Case:
    """The case that a person names: by its id, by its number if that is enough, or by the path of its directory.

    Raises:
        UsageError: there is none, or more than one.
    """
    path = os.path.abspath(word)
    if not _NUMBER.fullmatch(word) and not _ID.fullmatch(word) and os.path.lexists(os.path.join(path, JOURNAL)):
        return Case(os.path.basename(path), path)
    if os.sep in word:
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
    place = directory(store)
    with _told(place):
        os.makedirs(place, 0o700, exist_ok=True)
        with _locked(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) as handle:
            name = _next(store, hand.time.year)
            half = Case(name, os.path.join(place, _OPENING))
            shutil.rmtree(half.path, ignore_errors=True)
            first = chain.following(Journal(), hand, Said(Kind.OPENED, title, {"schema": SCHEMA, "case": name, **data}))
            _laid_out(half, first)
            os.rename(half.path, os.path.join(place, name))
            os.fsync(handle)
    return Case(name, os.path.join(place, name)), first


def _next(store: str, year: int) -> str:
    """The id that no case of this year has."""
    taken = [_order(case.id)[1] for case in all_of(store) if _order(case.id)[0] == year]
    number = max(taken, default=0) + 1
    while os.path.lexists(os.path.join(directory(store), f"{year:04}-{number:03}")):
        number += 1
    return f"{year:04}-{number:03}"


def _laid_out(case: Case, first: Entry) -> None:
    """Make the directory of a case, with its first entry, on disk."""
    for path in (case.path, case.at(EVIDENCE), case.at(HEADS)):
        os.mkdir(path, 0o700)
    handle = os.open(case.at(JOURNAL), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _written(handle, first)
    finally:
        os.close(handle)
    settled(case.path)


def settled(directory: str) -> None:
    """Have the names in a directory on disk, not only what they name."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(path: str, flags: int = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC) -> Iterator[int]:
    """A journal open for reading and adding, for one writer at a time; or the directory of all cases, for who opens one."""
    handle = itself(path, flags)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def _added(case: Case, handle: int, hand: Hand, said: Said | Callable[[int], Said]) -> Entry:
    journal = chain.read(_bounded(handle, case.id))
    _sound(case, journal)
    if journal.torn:
        _set_aside(case, handle, journal.torn)
    journal = _recovered(case, handle, journal, hand)
    new = said(len(journal.entries) + 1) if callable(said) else said
    if new.kind not in AFTERWARDS:
        _open(case, journal)
    entry = chain.following(journal, hand, new)
    _fits(case, handle, entry)
    _written(handle, entry)
    _listed(case, Journal((*journal.entries, entry)))
    return entry


def _listed(case: Case, journal: Journal) -> None:
    """Have the manifest name all files that the journal tells of; the journal counts, so a full disk is no reason to fail."""
    content, there = sums.text(checked.digests(journal)), b""
    with suppress(OSError):
        with suppress(FileNotFoundError), open(case.at(checked.MANIFEST), "rb", opener=itself) as file:
            there = file.read(len(content) + 1)
        if there != content:
            with whole(case.at(checked.MANIFEST)) as file:
                file.write(content)


def _fits(case: Case, handle: int, entry: Entry) -> None:
    """Refuse what makes a journal longer than one that is read; for its end there is always room.

    Raises:
        UsageError: it is as long as it may be.
    """
    room = LARGEST if entry.said.kind in (*AFTERWARDS, Kind.CLOSED) else LARGEST - FOR_ITS_END
    if os.fstat(handle).st_size + len(chain.line(entry)) > room:
        raise UsageError(
            f"the journal of case {case.id} is as long as one may be",
            "close it, open a new one, and name this one in its title",
        )


def _sound(case: Case, journal: Journal) -> None:
    """Refuse a journal that nothing is added to.

    Raises:
        UntrustedError: it is broken.
    """
    if journal.broken:
        raise UntrustedError(
            f"entry {journal.broken.seq} of case {case.id}: {journal.broken.reason}; nothing was added",
            f"see auditkit incident verify {case.id}",
        )


def _open(case: Case, journal: Journal) -> None:
    """Refuse a case that is closed.

    Raises:
        UsageError: it is.
    """
    closed = next((entry for entry in journal.entries if entry.said.kind is Kind.CLOSED), None)
    if closed:
        raise UsageError(
            f"case {case.id} was closed on {closed.hand.time:%Y-%m-%d}", "open a new one, and name this one in its title"
        )


def _set_aside(case: Case, handle: int, torn: bytes) -> None:
    """Take what a crash left of an entry out of the journal, and keep it beside."""
    with suppress(FileExistsError):
        os.mkdir(case.at(TORN), 0o700)
    with open(case.at(TORN, sha256(torn).hexdigest()), "wb", opener=itself) as file:
        file.write(torn)
        file.flush()
        os.fsync(file.fileno())
    settled(case.at(TORN))
    os.ftruncate(handle, os.fstat(handle).st_size - len(torn))
    os.fsync(handle)


def _recovered(case: Case, handle: int, journal: Journal, hand: Hand) -> Journal:
    """The journal with an entry for each that was set aside and is not told of, as after a second crash."""
    told = {entry.said.data.get("sha256") for entry in journal.entries if entry.said.kind is Kind.RECOVERY}
    for digest in sorted(set(torn(case)) - told):
        size = os.stat(case.at(TORN, digest), follow_symlinks=False).st_size
        text = f"an entry of which {size} bytes were written was not written to its end, as after a crash"
        data = {"torn": f"{TORN}/{digest}", "sha256": digest, "size": size}
        entry = _written(handle, chain.following(journal, hand, Said(Kind.RECOVERY, text, data)))
        journal = Journal((*journal.entries, entry))
    return Journal(journal.entries)


def torn(case: Case) -> tuple[str, ...]:
    """The digests of what crashes left of entries, by which the files are called."""
    try:
        return tuple(name for name in os.listdir(case.at(TORN)) if _DIGEST.fullmatch(name))
    except FileNotFoundError:
        return ()


def _written(handle: int, entry: Entry) -> Entry:
    """Write an entry at the end, on disk; what cannot be written to its end is taken back.

    Raises:
        OSError: it could not be written.
    """
    before = os.fstat(handle).st_size
    left = memoryview(chain.line(entry))
    try:
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    except BaseException:  # a full disk, or Ctrl-C
        with suppress(OSError):
            os.ftruncate(handle, before)
        raise
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
