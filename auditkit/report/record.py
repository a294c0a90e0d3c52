"""An incident record in text: for the terminal, and for whoever unpacks an archive of it years later."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from datetime import UTC, date
from itertools import pairwise

from auditkit.printable import counted, printable, said
from auditkit.response.checked import Verdict, named
from auditkit.response.nouns import Journal
from auditkit.response.standing import Standing, standing
from auditkit.response.steps import Step
from auditkit.response.timeline import Moment

HEX, PER_LINE = 4, 8
"""Digits of a group of a hash that somebody writes down, and groups of a line."""
MOST_LINES = 12
"""Lines of a note that are shown, unless all are asked for."""
HANG = " " * 19


def on_paper(digest: str, indent: str = "  ") -> Iterator[str]:
    """Yield a hash in groups that a person can write down and compare, in two lines."""
    groups = [digest[at : at + HEX] for at in range(0, len(digest), HEX)]
    for at in range(0, len(groups), PER_LINE):
        yield indent + " ".join(groups[at : at + PER_LINE])


def head(journal: Journal) -> Iterator[str]:
    """Yield the hash of the last entry, for paper."""
    if journal.entries:
        yield f"head, for paper (entry {len(journal.entries)}):"
        yield from on_paper(journal.head)


def to_do(steps: Iterable[Step], title: str, width: int) -> Iterator[str]:
    """Yield steps in their order, each with its command in a line of its own, for copying."""
    told = list(steps)
    if told:
        yield title
    for number, step in enumerate(told, 1):
        yield from _filled(f"  {number:>2} {printable(step.why)}", width, " " * 5)
        yield f"       {printable(step.command)}"


def row(case: str, journal: Journal, width: int) -> str:
    """A case in a line of a list."""
    stand = standing(journal)
    if stand is None:
        return f"{case:9} no entry of it can be believed: see auditkit incident verify {case}"
    state = "BROKEN" if journal.broken else "closed" if stand.closed else "open"
    entries = counted(len(journal.entries), "entry")
    title = textwrap.shorten(printable(stand.title), max(20, width - 45), placeholder=" ...")
    return f"{case:9} {state:6}  {stand.opened.hand.time:%Y-%m-%d}  {entries:>12}  {title}"


def timeline(journal: Journal, told: Iterable[Moment], width: int, *, whole: bool = False) -> Iterator[str]:
    """Yield what happened in a case, day by day; of long notes the beginning unless they are asked for `whole`."""
    stand = standing(journal)
    if stand:
        yield from _title(stand, len(journal.entries), width)
    day: date | None = None
    for moment in told:
        if moment.time.date() != day:
            day = moment.time.date()
            yield from ("", f"{day}  (times are UTC)")
        yield from _moment(moment, width, whole=whole)
    if journal.broken:
        yield from ("", f"entry {journal.broken.seq} and what follows cannot be believed: {journal.broken.reason}")
    elif journal.torn:
        yield from ("", f"the last entry was not written to its end, as after a crash ({len(journal.torn)} bytes)")


def kept(journal: Journal, width: int) -> Iterator[str]:
    """Yield what is kept with a record: each file, its size and digest, and where it was from."""
    files = [(told, journal.entries[told.entry - 1].said.data) for told in named(journal)]
    if files:
        yield from ("", "what is kept, with size and SHA-256")
    for told, data in files:
        yield f"  {told.name}  {printable(str(told.size))} bytes"
        yield f"    {printable(str(told.sha256))}"
        if isinstance(whence := data.get("from"), str) and told.name == data.get("file"):
            yield from wrapped(f"from {whence}", "    ", "      ", width)


def _title(stand: Standing, entries: int, width: int) -> Iterator[str]:
    yield from wrapped(f"{stand.case}  {stand.title}", "", "  ", width)
    closed = f", closed {stand.closed.hand.time:%Y-%m-%d %H:%M %z}" if stand.closed else ""
    yield f"opened {stand.opened.hand.time:%Y-%m-%d %H:%M %z} by {printable(stand.opened.hand.actor)}{closed}; " + counted(
        entries, "entry"
    )


def _moment(moment: Moment, width: int, *, whole: bool) -> Iterator[str]:
    """Yield the lines of a moment: when, which entry, what, by whom."""
    number = moment.seq if moment.kind != "event" else ""
    lines = list(wrapped(_said(moment), f"  {moment.time:%H:%M:%S}Z {number:>4}  ", HANG, width))
    left = len(lines) - MOST_LINES
    if left > 1 and not whole:
        lines[MOST_LINES:] = [f"{HANG}({left} more lines: --all shows them)"]
    yield from lines


def _said(moment: Moment) -> str:
    """What a moment says, and what is to be known of it."""
    who = f"{moment.who} with {moment.person}" if moment.person else moment.who
    notes = [f"corrected by entry {moment.corrected}"] if moment.corrected else []
    if moment.written:
        notes.append(f"written {moment.written:%Y-%m-%d %H:%M:%S}Z")
    notes += [f"entry {moment.seq}"] if moment.kind == "event" else [moment.file] if moment.file else []
    kind = f"corrects entry {moment.corrects}" if moment.corrects else moment.kind
    shown = f" [{'; '.join(notes)}]" if notes else ""
    return f"{kind}, {who}{shown}: {moment.text}" if moment.kind != "event" else f"{who}: {moment.text}{shown}"


UNVOUCHED = (
    "Nobody vouches for this record: whoever could write all of it anew could have done so, and it would look the same."
    " To prevent that, seal it with a key that is not kept on this machine (auditkit incident seal {case} --key agent), or"
    " write its head down on paper, or send it to somebody; then verify with --signers FILE or --head HASH."
)
UNASKED = "{seals} {are} here, and nobody was named whose signature counts: name them with --signers FILE or in auditkit.yaml."


def verified(case: str, journal: Journal, told: Verdict, width: int) -> Iterator[str]:
    """Yield what a verification came to: what is wrong first, then what is good, and who vouches for how much."""
    for one in told.wrong:
        yield from _filled(f"WRONG  {said(f'{one.subject}: {one.reason}')}", width, " " * 7)
    for one in told.gaps:
        yield from _filled(f"gap    {said(f'{one.subject}: {one.reason}')}", width, " " * 7)
    if journal.entries:
        first, last = (journal.entries[at].hand.time.astimezone(UTC) for at in (0, -1))
        span = f"{first:%Y-%m-%d %H:%M}Z to {last:%Y-%m-%d %H:%M}Z"
        of = "of its beginning " if journal.broken else ""
        number = f"{counted(len(journal.entries), 'entry')} {of}"
        chained = "hang together" if len(journal.entries) > 1 else "is as it was hashed"
        yield from _filled(f"good   case {printable(case)}: {number}{chained}, {span}", width, " " * 7)
    for earlier, later in pairwise(journal.entries):
        if later.hand.time < earlier.hand.time:
            yield f"note   entry {later.seq} has an earlier time than the one before: clocks differ, or one was set back"
    if told.files:
        yield f"good   {counted(told.files, 'file')} as {'it was' if told.files == 1 else 'they were'} when kept"
    yield from _vouched(case, journal, told, width)
    yield from head(journal)


def _vouched(case: str, journal: Journal, told: Verdict, width: int) -> Iterator[str]:
    """Yield who vouches for how much of a record."""
    number = len(journal.entries)
    for seal in told.vouched:
        if seal.head and seal.signer:
            since = _since(journal, seal.head.entry)
            sealed = f"sealed up to entry {seal.head.entry} by {printable(seal.signer)}, {seal.head.time:%Y-%m-%d %H:%M}Z"
            yield from _filled(f"good   {sealed}; {since}", width, " " * 7)
    for paper, entry in told.papers:
        yield f"good   {printable(paper)[:20]}... on paper is the head of entry {entry}; {_since(journal, entry)}"
    if told.exporter:
        sealed = f"this archive was signed by {printable(told.exporter)}, up to entry {number}"
        yield from _filled(f"good   {sealed}", width, " " * 7)
    unasked = [seal for seal in told.vouched if not seal.signer]
    if unasked:
        text = UNASKED.format(seals=counted(len(unasked), "seal"), are="is" if len(unasked) == 1 else "are")
        yield from _filled(text, width)
    if not (told.papers or told.vouched or told.exporter or told.wrong):
        yield from _filled(UNVOUCHED.format(case=printable(case)), width)


def _filled(sentence: str, width: int, hang: str = "") -> list[str]:
    """A sentence that may be shown as it is, in lines."""
    return textwrap.wrap(sentence, width, subsequent_indent=hang, break_on_hyphens=False)


def _since(journal: Journal, vouched: int) -> str:
    """What came after an entry up to which somebody vouches."""
    later = [entry for entry in journal.entries[vouched:] if entry.said.data.get("entry") != vouched]
    if not later:
        return "nothing was written since"
    return f"{counted(len(later), 'entry')} came since, for which that does not vouch"


def wrapped(text: str, first: str, indent: str, width: int) -> Iterator[str]:
    """Yield a text line by line as it was written, each broken where it is too wide, nothing of it able to do anything."""
    for line in re.split(r"\r\n|\n", text):
        shown = printable(line.replace("\t", "    "))
        lines = textwrap.wrap(shown, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
        yield from lines or [first.rstrip()]
        first = indent
