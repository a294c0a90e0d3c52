"""What was done so far, by the journal, and the digests by which all of it can be checked."""

from collections import Counter
from collections.abc import Iterator, Sequence

from auditkit.printable import printable
from auditkit.response.brief.notes import Note
from auditkit.response.brief.nouns import Statement
from auditkit.response.brief.wording import Times, listed, name, note
from auditkit.response.nouns import Entry, Journal, Kind
from auditkit.response.reports import summary

OF_HAND = (Kind.ACTION, Kind.CONTACT, Kind.DECISION)
OF_TOOL = (Kind.LETTER, Kind.LOOKUP, Kind.PROPOSAL, Kind.EXPORT)
_HASH = 64


def done(journal: Journal, notes: Sequence[Note], times: Times) -> Iterator[Statement]:
    """Yield what was done, in the order of the journal."""
    by_hand = {one.entry: one for one in notes if one.kind in OF_HAND}
    for entry in journal.entries:
        if entry.seq in by_hand:
            yield _noted(by_hand[entry.seq], times)
        elif entry.said.kind in OF_TOOL:
            yield Statement(f"{_who(entry, times)}: {note(entry.said.text, 120)}", (entry.seq,))
        elif entry.said.kind is Kind.CLOSED:
            yield Statement(f"{_who(entry, times)}: closed the case", (entry.seq,))
    yield from _ran(journal)


def _ran(journal: Journal) -> Iterator[Statement]:
    """Yield which commands of auditkit were run for the case; their entries tell more."""
    ran = summary((), journal.entries).ran
    counts = Counter(name(one.command) for one in ran)
    if ran:
        what = listed((f"{word} {number} times" if number > 1 else word for word, number in counts.items()), 9)
        yield Statement(f"Run with auditkit for this case: {what}", tuple(one.entry for one in ran))


def _noted(one: Note, times: Times) -> Statement:
    person = f" with {name(one.person)}" if one.person else ""
    entries = (one.entry,) if one.by == one.entry else (one.entry, one.by)
    return Statement(f"{times.moment(one.time)}, {name(one.author)}, {one.kind}{person}: {note(one.text)}", entries)


def _who(entry: Entry, times: Times) -> str:
    return f"{times.moment(entry.hand.time)}, {name(entry.hand.actor)}"


def annex(journal: Journal) -> Iterator[Statement]:
    """Yield the head of the journal, then each file of the evidence with its digest, the latest first."""
    yield Statement(f"journal at entry {len(journal.entries)}: sha256 {journal.head}")
    for entry in reversed(journal.entries):
        file, digest = entry.said.data.get("file"), entry.said.data.get("sha256")
        if isinstance(file, str) and isinstance(digest, str) and len(digest) == _HASH:
            yield Statement(f"{name(file.rpartition('/')[2])}: sha256 {printable(digest)}", (entry.seq,))
