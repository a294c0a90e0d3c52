"""The evidence of a case: copies of files, and what auditkit wrote, each named by the number of the entry that tells of it.

A file is copied without a name, brought to the disk, named under the lock of the journal, and then told of there. A crash
before that leaves nothing; one between the name and the entry leaves a whole file that no entry tells of, which `verify`
names, and the command may be given again.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import IO, Any

from auditkit import opening
from auditkit.errors import AuditkitError, UntrustedError
from auditkit.incident.cases import EVIDENCE, Case
from auditkit.incident.originals import BEYOND, PIECE, Stream, changed, known, opened, streamed
from auditkit.printable import counted
from auditkit.response.nouns import Entry, Filed, Hand, Kind, Said, filed
from auditkit.response.reports import is_report
from auditkit.response.summary import Kept

ZEROS = bytes(PIECE)
LONGEST_NAME = 100
LARGEST_REPORT = 512 << 20
AGAIN = 100
"""Files without an entry that may have had the number before."""
_ODD = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(slots=True)
class _Copy:
    """A file that is to be evidence, and has no name yet."""

    name: str
    file: IO[bytes]
    temporary: str
    size: int = 0
    told: dict[str, object] = field(default_factory=dict)
    """What the entry says of it."""


@dataclass(frozen=True, slots=True)
class Original:
    """A file that is to be kept."""

    path: str
    beside: tuple[str, ...] = ()
    """Files that belong to it, as a seal does."""
    whence: str = ""
    """What the entry says instead of its path, where that means nothing later on."""
    passing: Callable[[int], object] = bool
    """Is told how many bytes were copied, now and then."""


def kept(case: Case, hand: Hand, original: Original, said: Said | None = None) -> Entry:
    """Copy a file into the evidence of a case and tell of it; gives the entry, whose data has all that is known of the file.

    `said` is what the entry says besides: its text comes first. A file that changed while it was copied is kept as it was
    read, and the entry says so (`changed`).

    Raises:
        UsageError: it is no file: a directory, a link, a pipe, a device.
        UntrustedError: the journal is broken.
        AuditkitError: it cannot be read, or the evidence cannot be written.
    """
    with ExitStack() as stack:
        copies = [stack.enter_context(_copied(case, *one, original.passing)) for one in _names(original)]
        if original.whence:
            copies[0].told["from"] = original.whence
        text = f"{said.text}: {_sentence(copies[0])}" if said and said.text else _sentence(copies[0])
        return _entered(case, hand, copies, Said(said.kind if said else Kind.FILE, text, said.data if said else {}))


def noted(case: Case, hand: Hand, path: str, said: Said) -> Entry:
    """Tell of a file that is not copied: where it lies, how large it is, and its digest.

    Raises:
        UsageError: it is no file.
        UntrustedError: the journal is broken.
        AuditkitError: it cannot be read.
    """
    with opened(path) as source:
        before = os.fstat(source.fileno())
        first = streamed(source, before.st_size + BEYOND)
        told = known(path, before) | {"sha256": first.digest, "size": first.size}
    text = f"{said.text}: {counted(first.size, 'byte')} of {told['from']}, not copied"
    return case.add(hand, replace(said, text=text, data={**said.data, **told}))


def written(case: Case, hand: Hand, name: str, pieces: Iterable[bytes], said: Said) -> Entry:
    """Keep what auditkit itself wrote, as a report, and tell of it: `said`, with the file and its digest.

    Raises:
        UntrustedError: the journal is broken.
        AuditkitError: the evidence cannot be written.
    """
    return written_together(case, hand, {name: pieces}, said)


def written_together(case: Case, hand: Hand, files: Mapping[str, Iterable[bytes]], said: Said) -> Entry:
    """Keep several files that belong together, as the forms of a letter, and tell of all in one entry: pieces by name.

    Raises:
        UntrustedError: the journal is broken.
        AuditkitError: the evidence cannot be written.
    """
    with ExitStack() as stack:
        copies = [stack.enter_context(_made(case, name, pieces)) for name, pieces in files.items()]
        return _entered(case, hand, copies, said)


@contextmanager
def _made(case: Case, name: str, pieces: Iterable[bytes]) -> Iterator[_Copy]:
    """What auditkit wrote as a file that has no name yet."""
    with _nameless(case, _safe(name)) as copy:
        digest, size = sha256(), 0
        for piece in pieces:  # there may be a hundred thousand small ones
            with _kept_in(case):
                copy.file.write(piece)
            digest.update(piece)
            size += len(piece)
        _finished(case, copy, size)
        copy.told |= {"sha256": digest.hexdigest(), "size": size}
        yield copy


def reports(case: Case) -> tuple[Kept, ...]:
    """The reports of auditkit that are kept in a case, the oldest first, each once it is what the journal says.

    What a document holds is still what somebody could have written: whoever reads it looks at each part.

    Raises:
        UntrustedError: the journal is broken, or a report is not as it was kept.
        AuditkitError: the case cannot be read.
    """
    journal = case.read()
    if journal.broken:
        raise UntrustedError(
            f"entry {journal.broken.seq} of case {case.id}: {journal.broken.reason}; nothing was made of it",
            f"see auditkit incident verify {case.id}",
        )
    return tuple(Kept(entry, _document(case, entry)) for entry in journal.entries if is_report(entry))


# --- copying


def _names(original: Original) -> Iterator[tuple[str, str]]:
    """Yield each path of an original and what its copy is called: a seal as what it seals, and `.sig`."""
    name = _safe(os.path.basename(original.path))
    yield original.path, name
    for path in original.beside:
        belongs = path.startswith(original.path)
        yield (
            path,
            name + _ODD.sub("_", path[len(original.path) :])[:LONGEST_NAME] if belongs else _safe(os.path.basename(path)),
        )


@contextmanager
def _copied(case: Case, path: str, name: str, passing: Callable[[int], object]) -> Iterator[_Copy]:
    """A copy of a file that has no name yet, and what is known of both."""
    with _nameless(case, name) as copy:
        with opened(path) as source:
            before = os.fstat(source.fileno())
            most = before.st_size + BEYOND
            first = streamed(source, most, _putting(case, copy, passing))
            _finished(case, copy, first.size)
            source.seek(0)
            after, status = streamed(source, most), os.fstat(source.fileno())
        copy.told |= known(path, before) | _digests(case, copy, first, after) | changed(before, status, first, after)
        yield copy


def _digests(case: Case, copy: _Copy, first: Stream, after: Stream) -> dict[str, object]:
    """The digests of the source as it was read, of the copy as it lies there, and of the source as it is afterwards."""
    copy.file.seek(0)
    lies = streamed(copy.file, first.size + 1)
    if lies != first:
        raise AuditkitError(f"the copy in case {case.id} is not what was written", "look at that disk, and attach it again")
    return {"sha256": lies.digest, "size": lies.size, "before": first.digest, "after": after.digest}


def _sentence(copy: _Copy) -> str:
    """What the entry says of a copy; its data says the rest."""
    told = f"{counted(copy.size, 'byte')} copied from {copy.told['from']}"
    if not copy.told.get("changed"):
        return told
    return f"{told}; it changed while it was copied, and is kept as it was read"


# --- keeping


@contextmanager
def _nameless(case: Case, name: str) -> Iterator[_Copy]:
    """A new file in the evidence that is gone unless it is named."""
    with _kept_in(case):
        file, temporary = opening.unnamed(case.at(EVIDENCE, name))
    try:
        yield _Copy(name, file, temporary)
    finally:
        with suppress(OSError):  # a disk that is full is so for what is thrown away too
            file.close()
        if temporary:
            with suppress(FileNotFoundError):
                os.unlink(case.at(EVIDENCE, temporary))


def _putting(case: Case, copy: _Copy, passing: Callable[[int], object]) -> Callable[[bytes], None]:
    """What takes the pieces of a copy, and says how long they are."""

    def put(piece: bytes) -> None:
        _put(case, copy.file.fileno(), piece)
        passing(len(piece))

    return put


def _put(case: Case, handle: int, piece: bytes) -> None:
    """Write what comes next; where a file has a hole its copy has one."""
    with _kept_in(case):
        if piece == ZEROS:
            os.lseek(handle, len(piece), os.SEEK_CUR)
            return
        left = memoryview(piece)
        while left:
            left = left[os.write(handle, left) :]


def _finished(case: Case, copy: _Copy, size: int) -> None:
    """Bring a copy to the disk, for reading only from now on."""
    with _kept_in(case):
        copy.file.flush()
        handle = copy.file.fileno()
        copy.size = size
        os.ftruncate(handle, size)  # it may end in a hole
        os.fchmod(handle, 0o400)
        os.fsync(handle)


def _entered(case: Case, hand: Hand, copies: Sequence[_Copy], said: Said) -> Entry:
    """Name copies by the number of the entry that tells of them, and write it; without the entry no file is left."""
    named: list[str] = []

    def telling(number: int) -> Said:
        with _kept_in(case):
            place = _placed(case, copies, number, named)
        told = [{"file": f"{EVIDENCE}/{name}", **copy.told} for name, copy in zip(place, copies, strict=True)]
        also = {"also": told[1:]} if told[1:] else {}
        return replace(said, data={**said.data, **told[0], **also})

    try:
        return case.add(hand, telling)
    except BaseException:
        with suppress(AuditkitError, OSError):
            for name in () if _tells(case, named) else named:
                os.unlink(case.at(EVIDENCE, name))
        raise


def _placed(case: Case, copies: Sequence[_Copy], number: int, named: list[str]) -> list[str]:
    """Give copies their names, and `named` what has one; what a crash left under a number is not written over."""
    for again in range(1, AGAIN):
        lead = f"{number:04}" if again == 1 else f"{number:04}-{again}"
        names = [f"{lead}-{copy.name}" for copy in copies]
        if any(os.path.lexists(case.at(EVIDENCE, name)) for name in names):
            continue
        for copy, name in zip(copies, names, strict=True):
            opening.name(copy.file.fileno(), copy.temporary, case.at(EVIDENCE, name))
            named.append(name)
        return names
    raise AuditkitError(f"the evidence of case {case.id} is full of files without an entry", "move them elsewhere")


def _tells(case: Case, names: Sequence[str]) -> bool:
    """Whether the journal tells of these files, though writing to it ended in an error."""
    return any(one.file == f"{EVIDENCE}/{name}" for entry in case.read().entries for one in filed(entry) for name in names)


def _safe(name: str) -> str:
    """A name that is one everywhere: ASCII, short, and neither hidden nor an option; its ending is kept."""
    plain = _ODD.sub("_", name).lstrip(".-_") or "file"
    stem, dot, ending = plain.rpartition(".")
    if len(plain) <= LONGEST_NAME or not dot or len(ending) > LONGEST_NAME // 2:
        return plain[:LONGEST_NAME]
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}"


# --- reading


def _document(case: Case, entry: Entry) -> Mapping[str, Any]:
    """The report of an entry, once it has the digest that the entry names.

    Raises:
        UntrustedError: it is not as it was kept.
    """
    (report, *_others) = filed(entry)
    content = checked(case, entry, report)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _altered(entry, report, "is no report") from error
    if not isinstance(document, dict):
        raise _altered(entry, report, "is no report")
    return document


def checked(case: Case, entry: Entry, file: Filed) -> bytes:
    """The content of a kept file that is no larger than a report is, once its digest is what the entry names.

    Raises:
        UntrustedError: it is not, or it is gone.
    """
    try:
        with open(case.at(*file.file.split("/")), "rb", opener=opening.itself) as lies:
            content = lies.read(LARGEST_REPORT + 1)
    except FileNotFoundError as error:
        raise _altered(entry, file, "is not there") from error
    except OSError as error:
        raise AuditkitError(f"{file.file} of case {case.id} cannot be read: {error.strerror}", "see that you own it") from error
    if len(content) > LARGEST_REPORT:
        raise AuditkitError(f"{file.file} of case {case.id} is larger than a report can be", "ask fewer hosts at once")
    if sha256(content).hexdigest() != file.sha256:
        raise _altered(entry, file, "is not as it was kept: its digest is another")
    return content


def _altered(entry: Entry, file: Filed, what: str) -> UntrustedError:
    return UntrustedError(
        f"{file.file}, of which entry {entry.seq} tells, {what}", "nothing was made of it: find out who did it"
    )


@contextmanager
def _kept_in(case: Case) -> Iterator[None]:
    """What goes wrong with the evidence as our own error."""
    try:
        yield
    except OSError as error:
        raise AuditkitError(
            f"the evidence of case {case.id} cannot be written: {error.strerror}",
            "see that you own it, and that the disk has room",
        ) from error
