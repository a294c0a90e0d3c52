"""What whoever asked for a letter is told: where it lies, to whom it may go, what to look at first, and what to write down."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditkit.printable import printable
from auditkit.report.letter import LETTER, Letter

PROVIDER = "the abuse desk of that network, which its registry names: --online asks it, --rdap FILE reads its answer"


@dataclass(frozen=True, slots=True)
class Told:
    """A letter that was written, and what is to be said of it."""

    letter: Letter
    directory: str
    files: Sequence[str]
    """Names of what was written."""
    missing: Sequence[tuple[str, str]]
    """Name of a file that was not written, and why."""
    notes: Sequence[str] = ()
    """What a registry said besides."""
    case: str = ""
    """The case as it was named, if not by its number."""
    more: Sequence[str] = ()
    """Options that the next command needs, as --store."""
    whence: str = ""
    """Who says whom to write to, and when."""


def told(one: Told) -> str:
    """What is said once a letter is written: where it lies, and what to do before it is sent."""
    return "\n".join(_lines(one)) + "\n"


def _lines(one: Told) -> Iterator[str]:
    files = f"{', '.join(one.files[:-1])} and {one.files[-1]}"
    yield f"Nothing was sent. {files} are in {printable(one.directory)}, and in the case."
    for name, why in one.missing:
        yield f"There is no {name}: {why}"
    yield ""
    yield f"It may go to: {_recipient(one)}"
    yield from (f"  {note}" for note in one.notes)
    yield ""
    yield "Before you send it:"
    yield from (f"  - {check}" for check in (*_first(one.letter), *one.letter.complaint.checks))
    yield ""
    yield "Once you have sent it, write that down:"
    to = one.letter.recipient.mail if one.letter.recipient else "..."
    note = f"wrote to {to} about {one.letter.complaint.address}"
    yield f"  {shlex.join(('auditkit', 'incident', 'note', one.case or one.letter.case, note, '--kind', 'contact', *one.more))}"


def _recipient(one: Told) -> str:
    to = one.letter.recipient
    if to is None:
        return f"{PROVIDER}" if not one.whence else f"nobody that is known: {one.whence} names no contact for abuse"
    network = f" of {to.network}" if to.network else ""
    if to.guess:
        return f"{to.mail}, a guess (RFC 2142): {one.whence} names no contact for abuse{network}"
    return f"{to.mail}, the contact for abuse{network}, as {one.whence} says"


def _first(letter: Letter) -> Iterator[str]:
    yield f"read {LETTER}: whether each word is true, and whether you may tell them what the lines show"
    if not (letter.reporter.name and letter.reporter.organisation and letter.reporter.contact):
        yield f"put your name, organisation and e-mail address into {LETTER}, where they stand in brackets"
    if letter.complaint.destination.address is None:
        yield "the address that they came to is not known here, and a desk asks for it: --destination IP[:PORT]"
    if not letter.complaint.outcome:
        yield "the logs cannot tell whether a login succeeded, so the letter says nothing of it"
    yield "ask whoever decides such things in your house"
