"""Is a record as it was written? Its chain, what it keeps, its seals, and the hashes that somebody has on paper. Pure.

Whoever can write a record can write all of it anew, and it hangs together again. Only what he cannot write tells: a
signature, or a hash on paper. So the verdict names up to which entry somebody vouches, and says so where nobody does.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditkit.errors import FormatError, UntrustedError
from auditkit.model import Gap
from auditkit.printable import counted, printable
from auditkit.response import sums
from auditkit.response.heads import Head
from auditkit.response.nouns import Entry, Journal, Kind, filed
from auditkit.response.standing import standing

KEPT = re.compile(r"(?:evidence|torn)/[A-Za-z0-9][A-Za-z0-9._+@=~,-]{0,250}", re.ASCII)
"""The names that an entry may give to what is kept with it."""
HEAD = re.compile(r"heads/[0-9]{6,9}\.head", re.ASCII)
"""The names of heads."""
JOURNAL, MANIFEST = "journal.jsonl", "manifest.sha256"
"""What is written, and a list of what is kept for `sha256sum -c`, which is made of it."""
IN_ARCHIVES = ("README.txt", "journal.txt", "allowed_signers", sums.NAME, f"{sums.NAME}.sig")
"""What stands in an archive besides; SHA256SUMS makes nothing else a part of the record."""
ANEW = "the record was written anew"
LEAST = 16
"""Digits of a hash on paper that tell it from all others."""
NEARLY = 4
"""Digits in which a hash on paper may differ and still be a slip of the pen."""
_ID = re.compile(r"\d{4}-\d{3,6}", re.ASCII)
_BLANKS = re.compile(r"[\s:.-]+")


@dataclass(frozen=True, slots=True)
class Held:
    """A file that lies in the directory of a case."""

    name: str
    """As `evidence/0003-auth.log`."""
    size: int = 0
    sha256: str = ""
    """Empty where it was not read."""
    reason: str = ""
    """Why it could not be read."""


@dataclass(frozen=True, slots=True)
class Named:
    """A file as an entry tells of it."""

    name: str
    entry: int
    size: object
    sha256: object


@dataclass(frozen=True, slots=True)
class Seal:
    """A head and the signature over it, as they lie in the case."""

    name: str
    head: Head | None
    signer: str = ""
    """Who signed, `anna SHA256:...`; empty where nobody was asked, and where nobody did whose signature counts."""
    objection: str = ""
    """What is wrong with either."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archive says of its files, in SHA256SUMS."""

    digests: Mapping[str, str]
    signer: str = ""
    """Who signed that, if anybody did whose signature counts."""
    objection: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What lies in the directory of a case."""

    called: str
    """The name of the directory, which is the id of the case where it lies in a store."""
    journal: Journal
    held: Sequence[Held]
    seals: Sequence[Seal]
    archive: Archive | None = None
    """Where an archive was unpacked."""
    manifest: bytes = b""
    """As it was before the journal was read."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a record, what could not be seen of it, and who vouches for how much."""

    wrong: tuple[Gap, ...]
    """It is not what was written, and why."""
    gaps: tuple[Gap, ...]
    files: int
    """Files that are as they were when they were kept."""
    vouched: tuple[Seal, ...]
    """Seals that fit, the last one last."""
    exporter: str
    """Who signed the archive that this is; empty where nobody did or nobody was asked."""
    papers: tuple[tuple[str, int], ...]
    """Hashes on paper that fit, and the entries that they are of."""


def verdict(seen: Seen, papers: Sequence[str], *, asked: bool) -> Verdict:
    """Whether a record is as it was written; `asked`: it was said whose signatures count."""
    journal, held, seals = seen.journal, seen.held, seen.seals
    fitting = tuple(seal for seal in seals if not objection(journal, seal))
    found = tuple((paper, number) for paper in papers if (number := on_paper(journal, paper)))
    wrong = (
        *_name(seen.called, journal),
        *_chain(journal),
        *_unsound(journal),
        *_files(journal, held),
        *_manifest(seen),
        *_seals(journal, seals, _since(fitting, found)),
        *_papers(journal, papers, _since(fitting, found)),
        *_archived(seen),
    )
    exporter = seen.archive.signer if seen.archive and JOURNAL in seen.archive.digests else ""
    gaps = (*_torn(journal), *_unread(journal, held), *_additional(seen))
    if asked and not (fitting or found or exporter or wrong):
        gaps += (Gap("seal", "it is said whose signatures count, and nobody has sealed this record"),)
    return Verdict(wrong, gaps, len(_as_kept(journal, held)), fitting, exporter, found)


def named(journal: Journal) -> Iterator[Named]:
    """Yield each file that an entry tells of, in what it says itself and in what belongs to it (`also`).

    A name that no case has is none: nothing outside of a case is ever opened for what a journal says.
    """
    for entry in journal.entries:
        also = entry.said.data.get("also")
        for told in (entry.said.data, *(also if isinstance(also, list) else ())):
            name = told.get("file", told.get("torn")) if isinstance(told, Mapping) else None
            if isinstance(name, str) and KEPT.fullmatch(name):
                yield Named(name, entry.seq, told.get("size"), told.get("sha256"))


def digests(journal: Journal) -> dict[str, str]:
    """SHA-256 by name, of all that a journal tells of."""
    return {one.name: one.sha256 for one in named(journal) if isinstance(one.sha256, str)}


def sealed(journal: Journal) -> Iterator[tuple[str, Entry]]:
    """Yield the name of each head that was sealed, and the entry that says so."""
    for entry in journal.entries:
        name = entry.said.data.get("head")
        if entry.said.kind is Kind.SEAL and isinstance(name, str) and HEAD.fullmatch(name):
            yield name, entry


def _name(called: str, journal: Journal) -> Iterator[Gap]:
    stand = standing(journal)
    if stand and _ID.fullmatch(called) and stand.case != called:
        yield Gap("case", f"in the place of case {called} lies the record of case {printable(stand.case)}")


def _chain(journal: Journal) -> Iterator[Gap]:
    if journal.broken:
        yield Gap(f"entry {journal.broken.seq}", journal.broken.reason)


def _unsound(journal: Journal) -> Iterator[Gap]:
    """Yield each entry that tells of files as auditkit never does: they hang together, and somebody else has written them."""
    for entry in journal.entries:
        try:
            filed(entry)
        except UntrustedError as error:
            yield Gap(f"entry {entry.seq}", str(error).removeprefix(f"entry {entry.seq} "))


def _torn(journal: Journal) -> Iterator[Gap]:
    if journal.torn and not journal.broken:
        size = counted(len(journal.torn), "byte")
        reason = f"it was not written to its end ({size}), as after a crash: whoever writes next sets it aside"
        yield Gap(f"entry {len(journal.entries) + 1}", reason)


def _as_kept(journal: Journal, held: Sequence[Held]) -> set[str]:
    """The names of what is as every entry on it says."""
    there = {one.name: (one.size, one.sha256) for one in held if one.sha256}
    told = {one.name: (one.size, one.sha256) for one in named(journal)}
    return {name for name, facts in told.items() if there.get(name) == facts}


def _files(journal: Journal, held: Sequence[Held]) -> Iterator[Gap]:
    """Yield what is kept and is not there, or is not as it was."""
    there = {one.name: one for one in held}
    for told in named(journal):
        subject, one = f"{told.name} (entry {told.entry})", there.get(told.name)
        if one is None:
            yield Gap(subject, "it is missing")
        elif one.sha256 and (one.size, one.sha256) != (told.size, told.sha256):
            differ = f"{one.size} bytes now, {told.size} when it was kept" if one.size != told.size else "as long as it was"
            yield Gap(subject, f"its content was changed ({printable(differ)}); SHA-256 {one.sha256} now")


def _manifest(seen: Seen) -> Iterator[Gap]:
    """Yield it where it says what the journal does not; one that is behind or gone says nothing wrong."""
    if seen.journal.broken:
        return
    try:
        told = sums.parsed(seen.manifest)
    except FormatError as error:
        yield Gap(MANIFEST, str(error))
        return
    known = digests(seen.journal)
    yield from (
        Gap(MANIFEST, f"it does not say of {name} what the journal says") for name in told if told[name] != known.get(name)
    )


def _unread(journal: Journal, held: Sequence[Held]) -> Iterator[Gap]:
    told = {one.name for one in named(journal)}
    yield from (Gap(one.name, one.reason) for one in held if one.reason and one.name in told)


def _additional(seen: Seen) -> Iterator[Gap]:
    """Yield each file that nothing tells of; where the journal is broken, nobody knows."""
    if seen.journal.broken:
        return
    told = {one.name for one in named(seen.journal)} | {f"{seal.name}{end}" for seal in seen.seals for end in ("", ".sig")}
    told |= {JOURNAL, MANIFEST, *(IN_ARCHIVES if seen.archive else ())}
    for one in seen.held:
        if one.name not in told:
            yield Gap(
                printable(one.name), "nothing tells of it: it is no evidence (a crash while a file was kept may leave it)"
            )


def _archived(seen: Seen) -> Iterator[Gap]:
    """Yield what is not as an archive says of its files."""
    if seen.archive is None:
        return
    reason = seen.archive.objection or ("" if JOURNAL in seen.archive.digests else f"it does not name {JOURNAL}")
    if reason:
        yield Gap(sums.NAME, reason)
    there = {one.name: one for one in seen.held}
    for name, digest in seen.archive.digests.items():
        if name not in there:
            yield Gap(name, f"it is missing, and {sums.NAME} names it")
        elif there[name].sha256 != digest:
            yield Gap(name, f"it is not what {sums.NAME} says")


def objection(journal: Journal, seal: Seal) -> str:
    """What is wrong with a seal; empty if nothing is."""
    head, stand = seal.head, standing(journal)
    if seal.objection or head is None:
        return seal.objection or "it is no head of a record"
    if stand and head.case != stand.case:
        return f"it is of case {head.case}, not of {printable(stand.case)}"
    if journal.broken and head.entry >= journal.broken.seq:
        return f"entry {head.entry}, which it is of, cannot be believed any more"
    if head.entry > len(journal.entries):
        return f"there were {counted(head.entry, 'entry')}, now there are {len(journal.entries)}: the last ones were cut off"
    if journal.entries[head.entry - 1].hash != head.hash:
        return f"entry {head.entry} is not the one that was sealed: {ANEW}"
    return ""


def _since(fitting: Sequence[Seal], found: Sequence[tuple[str, int]]) -> str:
    """From where on something may be other than it was: nothing changes before a hash that fits, and none after it would."""
    vouched = max(
        (*(seal.head.entry for seal in fitting if seal.head and seal.signer), *(number for _p, number in found)), default=0
    )
    return f"; up to entry {vouched} it is as it was, and differs from a later one on" if vouched else ""


def _seals(journal: Journal, seals: Sequence[Seal], since: str) -> Iterator[Gap]:
    """Yield what is wrong with seals, and which are gone."""
    for seal in seals:
        if reason := objection(journal, seal):
            yield Gap(printable(seal.name), reason + (since if reason.endswith(ANEW) else ""))
    there = {seal.name for seal in seals}
    for name, entry in sealed(journal):
        if name not in there:
            yield Gap(name, f"entry {entry.seq} tells of this seal, and it is gone")


def digits(paper: str) -> str:
    """A hash as somebody types it from paper: without blanks, in small letters."""
    return _BLANKS.sub("", paper).lower()


def on_paper(journal: Journal, paper: str) -> int:
    """The number of the entry that a hash on paper is of; 0 for none."""
    return next((entry.seq for entry in reversed(journal.entries) if entry.hash.startswith(digits(paper))), 0)


def _papers(journal: Journal, papers: Sequence[str], since: str) -> Iterator[Gap]:
    """Yield each hash on paper that no entry has."""
    for paper in papers:
        if on_paper(journal, paper):
            continue
        near = _nearly(journal, digits(paper))
        reason = (
            f"no entry has this hash; that of entry {near} is nearly the same: read the paper once more"
            if near
            else f"no entry has this hash: what was written up to the day of the paper is not what stands here now{since}"
        )
        yield Gap("paper", f"{digits(paper)[:LEAST]}...: {reason}")


def _nearly(journal: Journal, paper: str) -> int:
    """The number of the entry whose hash differs from the one on paper in a few digits; 0 for none."""
    differing = {
        entry.seq: sum(one != other for one, other in zip(entry.hash, paper, strict=False)) for entry in journal.entries
    }
    return next((seq for seq, number in differing.items() if number <= NEARLY), 0)


def code(told: Verdict) -> int:
    """The exit status: 4 something is wrong, 3 something could not be seen, else 0."""
    return 4 if told.wrong else 3 if told.gaps else 0


def status(told: Verdict) -> str:
    """The verdict in a word, as reports have it."""
    return "untrusted" if told.wrong else "incomplete" if told.gaps else "good"


def document(told: Verdict, sizes: Mapping[str, object]) -> dict[str, object]:
    """The verdict for programs."""
    seals = [{"file": seal.name, "entry": seal.head.entry, "signer": seal.signer or None} for seal in told.vouched if seal.head]
    return {
        **sizes,
        "status": status(told),
        "wrong": [{"subject": one.subject, "reason": one.reason} for one in told.wrong],
        "gaps": [{"subject": one.subject, "reason": one.reason} for one in told.gaps],
        "files": told.files,
        "seals": seals,
        "exporter": told.exporter or None,
        "papers": [{"head": digits(paper), "entry": number} for paper, number in told.papers],
    }
