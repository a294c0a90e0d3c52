"""`auditkit incident abuse CASE ADDRESS -o DIR`: a letter to an abuse desk, if the logs support one. Nothing is sent."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import click

from auditkit.commands import cases as common
from auditkit.commands import options
from auditkit.errors import AuditkitError, UntrustedError, UsageError
from auditkit.incident import cases, evidence, registry
from auditkit.printable import printable
from auditkit.report import letter as letters
from auditkit.report.letter import Letter, mail, plain, screen, xarf
from auditkit.response.complaint import Asked, Complaint, Destination, Recipient, Reporter, contacts
from auditkit.response.complaint.subject import DOCUMENTS, Address, address_of, special
from auditkit.response.complaint.written import complaint
from auditkit.response.nouns import Hand, Kind, Said

LONGEST = 200
"""Characters of a name."""
INCOMPLETE = 3
LARGEST_PORT = 65535
ELSEWHERE = "name another directory with -o"


@click.command("abuse")
@common.case
@click.argument("address", metavar="ADDRESS")
@click.option("-o", "output", required=True, metavar="DIR", help="the directory that the letter is written into")
@click.option("--online", is_flag=True, help="ask the registries of the internet (and nobody else) whom to write to")
@click.option("--rdap", metavar="FILE", help="what a registry said of that address, saved: RDAP as JSON")
@click.option("--reporter", metavar="NAME", help="who signs the letter")
@click.option("--contact", metavar="MAIL", help="the e-mail address at which you can be reached")
@click.option("--organisation", metavar="ORG", help="whose machines these are")
@click.option("--destination", metavar="IP[:PORT]", help="the address that they came to, where the logs do not say it")
@click.option("--keep-names", is_flag=True, help="leave names of your accounts and machines in the lines")
@common.writer
def command(case: str, address: str, **given: Any) -> int:
    """Write a polite letter about ADDRESS to whoever answers for its network, from the reports in the case.

    It is refused where the logs cannot support it. Nothing is sent: you read it, and send it yourself or not. Beside the
    letter lie the same as XARF (for desks that read by machine), as a mail to be opened, and the lines.
    """
    run = options.setting(**{**given, "output": None})
    found = cases.found(run.store, case)
    found.check()
    reporter, asked = _reporter(given), _asked(address, run, given)
    said = complaint(asked, [kept.document for kept in common.reports(found)])
    _room(given["output"])
    hand = common.hand(given["by"])
    whom, failed = _whom(said, given, run.store, found, hand)
    made = Letter(said, found.id, reporter, whom.recipient, str(uuid4()), hand.time, options.TOOL)
    files, missing = dict(_files(made)), tuple(_missing(made))
    evidence.written_together(found, hand, {name: [data] for name, data in files.items()}, _said(made, whom, given["output"]))
    _write(given["output"], files)
    notes, more = (*whom.notes, *failed), common.repeated(given)
    told = screen.Told(made, given["output"], tuple(files), missing, notes, printable(case), more, whom.whence)
    click.echo(screen.told(told), nl=False)
    return INCOMPLETE if failed else 0


# --- what is asked


def _reporter(given: Mapping[str, Any]) -> Reporter:
    """Who complains, as the options name them.

    Raises:
        UsageError: a name could not stand in a letter, or the address is none.
    """
    for option in ("reporter", "organisation"):
        name = given[option] or ""
        if not name.isprintable() or len(name) > LONGEST:
            raise UsageError(f"--{option} takes a name of one line, of at most {LONGEST} characters", "write it shorter")
    mail_address = given["contact"] or ""
    if mail_address and not contacts.is_mail(mail_address):
        raise UsageError(f"{printable(mail_address[:100])} is no e-mail address", "write it as name@example.org, in ASCII")
    return Reporter(given["reporter"] or "", mail_address, given["organisation"] or "")


def _asked(address: str, run: options.Setting, given: Mapping[str, Any]) -> Asked:
    return Asked(
        address,
        tuple(map(str, run.config.networks or ())),
        tuple(host.address for host in run.config.hosts.values() if host.address),
        _destination(given["destination"]),
        given["keep_names"],
    )


def _destination(text: str | None) -> Destination:
    """Where they came to, as the user says.

    Raises:
        UsageError: that is no address which anybody outside could know.
    """
    if text is None:
        return Destination()
    there, _colon, port = (text[1:].replace("]", "", 1) if text.startswith("[") else text).rpartition(":")
    place = address_of(text.strip("[]"))
    if place is None:
        place = address_of(there) if port.isascii() and port.isdigit() and 0 < int(port) <= LARGEST_PORT else None
    else:
        port = ""
    if place is None:
        raise UsageError(f"{printable(text[:100])} is no address", "write 198.51.100.7, 198.51.100.7:22 or [2001:db8::7]:22")
    if (kind := special(place)) and kind != DOCUMENTS:
        raise UsageError(f"{place} is {kind}, which the other side does not know", "name the address that the world sees")
    return Destination(str(place), int(port) if port else None)


def _room(directory: str) -> None:
    """See that there is a directory, and that no letter in it is written over.

    Raises:
        UsageError: there is one: somebody may have worked on it.
        AuditkitError: it cannot be made.
    """
    names = (letters.LETTER, letters.XARF, letters.MAIL, letters.LINES)
    if there := next((name for name in names if os.path.lexists(os.path.join(directory, name))), None):
        raise UsageError(f"{printable(directory)} has a {there} already", ELSEWHERE)
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
    except OSError as error:
        raise AuditkitError(f"{printable(directory)} cannot be made: {error.strerror}", ELSEWHERE) from error


# --- whom it is for


def _whom(
    said: Complaint, given: Mapping[str, Any], store: str, case: cases.Case, hand: Hand
) -> tuple["_Whom", tuple[str, ...]]:
    """Whom a registry names, and what went wrong in asking."""
    address = address_of(said.address)
    assert address is not None
    if given["rdap"] and given["online"]:
        raise UsageError("--rdap has the answer that --online would ask for", "leave one of them out")
    if given["rdap"]:
        whom = _of(registry.saved(given["rdap"]), address)
        evidence.kept(case, hand, evidence.Original(given["rdap"]), Said(Kind.FILE, f"what a registry says of {address}"))
        return whom, ()
    if not given["online"]:
        return _Whom(), ()
    try:
        return _of(_looked_up(address, store, case, hand), address), ()
    except UntrustedError:
        raise
    except AuditkitError as error:
        return _Whom(), tuple(filter(None, (str(error), error.hint)))


class _Whom:
    """Whom to write to, who says so, and what else that one said."""

    def __init__(self, recipient: Recipient | None = None, whence: str = "", notes: Sequence[str] = ()) -> None:
        self.recipient, self.whence, self.notes = recipient, whence, tuple(notes)


def _of(answer: registry.Answer, address: Address) -> _Whom:
    found = contacts.contact(answer.document, address)
    kept = ", which was kept since" if answer.kept else ""
    return _Whom(found.recipient, f"{answer.whence} of {answer.time:%Y-%m-%d}{kept}", found.passed_over)


def _looked_up(address: Address, store: str, case: cases.Case, hand: Hand) -> registry.Answer:
    """What a registry says; what was asked of whom is in the journal, whatever came of it."""
    who = registry.Registries()
    answer: registry.Answer | None = None
    try:
        answer = registry.asked(address, store, hand.time, who)
        return answer
    finally:
        if who.asked:
            text = (
                f"asked registries in whose network {address} is, and not that address: {'answered' if answer else 'no answer'}"
            )
            said = Said(Kind.LOOKUP, text, {"address": str(address), "asked": list(who.asked)})
            document = json.dumps(answer.document if answer else None, indent=1).encode()
            evidence.written(case, hand, f"rdap-{str(address).replace(':', '-')}.json", [document], said)


# --- what is written


def _files(made: Letter) -> Iterator[tuple[str, bytes]]:
    yield letters.LETTER, plain.letter(made).encode("utf-8")
    if not xarf.missing(made):
        yield letters.XARF, xarf.xarf(made).encode("utf-8")
    if not mail.missing(made):
        yield letters.MAIL, mail.mail(made)
    yield letters.LINES, made.evidence.encode("utf-8")


def _missing(made: Letter) -> Iterator[tuple[str, str]]:
    for name, why in ((letters.XARF, xarf.missing(made)), (letters.MAIL, mail.missing(made))):
        if why:
            yield name, why


def _said(made: Letter, whom: "_Whom", directory: str) -> Said:
    """What the case notes: that there is a letter, and not that it was sent."""
    to = made.recipient
    data: dict[str, object] = {
        "address": made.complaint.address,
        "id": made.id,
        "to": to.mail if to else None,
        "guess": bool(to and to.guess),
        "whence": whom.whence,
        "attempts": made.complaint.attempts,
        "directory": os.path.abspath(directory),
    }
    return Said(Kind.LETTER, f"a letter{f' to {to.mail}' if to else ''} about {made.complaint.address}; not sent", data)


def _write(directory: str, files: Mapping[str, bytes]) -> None:
    """Write all of them, none over another.

    Raises:
        AuditkitError: the disk does not take it.
    """
    for name, data in files.items():
        path = os.path.join(directory, name)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
                file.write(data)
        except OSError as error:
            raise AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", ELSEWHERE) from error
