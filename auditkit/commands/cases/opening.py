"""`auditkit incident open TITLE`: a new case, and what to do first."""

import ipaddress
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from auditkit.commands import answering, cases, options
from auditkit.errors import UsageError
from auditkit.printable import printable
from auditkit.response.nouns import Entry, Journal, Kind, Said
from auditkit.response.steps import Triage

if TYPE_CHECKING:
    from auditkit.incident.cases import Case


@click.command("open")
@click.argument("words", nargs=-1, required=True, metavar="TITLE")
@click.option("--seems", metavar="TEXT", help="who it looks like: a name, a company")
@click.option("--address", metavar="ADDRESS", help="from which address; nothing is ever sent there")
@click.option("--neighbour/--no-neighbour", default=None, help="whether they are somebody whom you can phone")
@click.option("--inside/--not-inside", default=None, help="whether anybody got in, as far as you know")
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="which machine it is about (default: this one)")
@cases.form
@cases.writer
def command(words: tuple[str, ...], by: str | None, **given: Any) -> int:
    """Open a case, and tell what to do next.

    A case is a journal that is only added to, and a place for what shows what happened. Its id is printed first.

    On a terminal it asks what you know, and tells what to do next, in its order. The case is open before the first question:
    Ctrl-C ends the questions, and loses nothing.
    """
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    run = options.setting(**given)
    title = cases.text_of(words)
    if not title:
        raise UsageError("a case needs a title", 'say in a few words what was seen: auditkit incident open "failed logins"')
    known = {name: given[name] for name in ("seems", "neighbour", "inside", "hosts")} | {"address": _address(given["address"])}
    case, entry = disk.begun(run.store, title, cases.hand(by), {})
    if run.form == "text":
        click.echo(case.id)
        sys.stdout.flush()
        if not run.quiet and sys.stdin.isatty() and sys.stderr.isatty():
            known = _asked(case.id, known)
    last = _noted(case, by, Triage(**{name: value for name, value in known.items() if value not in (None, "")})) or entry
    _tell(case, last, run, cases.repeated(given))
    return 0


def _noted(case: "Case", by: str | None, triage: Triage) -> Entry | None:
    """The entry on what is known; None where nothing is."""
    if not triage.sentence():
        return None
    return case.add(cases.hand(by), Said(Kind.OBSERVATION, triage.sentence(), {"triage": triage.document()}))


def _tell(case: "Case", last: Entry, run: options.Setting, more: tuple[str, ...]) -> None:
    """Say which case it is, its head, and what to do next."""
    from auditkit.report import record  # noqa: PLC0415 - not for --help
    from auditkit.response import steps  # noqa: PLC0415

    journal: Journal = case.read()
    todo = steps.steps(case.id, journal, more, signed=bool(run.signers))
    if run.form == "json":
        told: dict[str, object] = {"case": case.id, "path": case.path, "entry": last.seq, "head": last.hash}
        click.echo(
            cases.document({**told, "steps": [{"step": one.name, "why": one.why, "command": one.command} for one in todo]})
        )
        return
    cases.say_head(last)
    if not run.quiet:
        for line in ("", *record.to_do(todo, "what to do next", answering.width())):
            click.echo(line)


def _address(text: str | None) -> str:
    """An address as it is written shortest; empty for none.

    Raises:
        UsageError: it is none.
    """
    if not text:
        return ""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError as error:
        raise UsageError(
            f"{printable(text)} is no address", "write it like 198.51.100.7 or 2001:db8::7, or leave it out"
        ) from error


# --- asking


def _asked(case: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody at the terminal knows besides; he may end the questions when he likes."""
    told = dict(known)
    answering.talk(f"Case {case} is open. What do you know? Enter: not known. Ctrl-C: no more questions.")
    try:
        for name, answer in _questions(known):
            told[name] = answer()
    except (click.Abort, KeyboardInterrupt):
        answering.talk("\nNo more questions; note what you learn later: auditkit incident note ...")
    return told


def _questions(known: Mapping[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield what is not known yet, and what asks for it."""
    asking: dict[str, Callable[[], Any]] = {
        "seems": lambda: _line("Who does it look like? (a name, a company)"),
        "address": _from,
        "neighbour": lambda: _choice("Somebody whom you can phone, as a neighbour or a partner?"),
        "inside": lambda: _choice("Did anybody get in, as far as you know?"),
        "hosts": lambda: tuple(_line("Which machines is it about? (this one)").split()),
    }
    yield from ((name, ask) for name, ask in asking.items() if known[name] in (None, "", ()))


def _line(question: str) -> str:
    return str(click.prompt(question, default="", show_default=False, prompt_suffix=" ", err=True)).strip()


def _from() -> str:
    """The address; asked for again as long as it is none."""
    while True:
        try:
            return _address(_line("From which address?"))
        except UsageError as error:
            answering.talk(f"{error}; {error.hint}")


def _choice(question: str) -> bool | None:
    """Yes, no, or nothing known; asked again for anything else."""
    while True:
        answer = _line(f"{question} (y/n)").lower()
        if answer in ("", "y", "yes", "n", "no"):
            return answer.startswith("y") if answer else None
