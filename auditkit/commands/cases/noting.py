"""`auditkit incident note CASE TEXT`: what somebody saw, did, heard or decided."""

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from auditkit.commands import cases, moments, options
from auditkit.errors import UsageError
from auditkit.response.nouns import NOTES, Journal, Kind, Said
from auditkit.response.standing import CORRECTABLE

CLOCKS = timedelta(minutes=5)
"""By how much the clocks of two people may differ."""


@click.command("note")
@cases.case
@click.argument("words", nargs=-1, required=True, metavar="TEXT")
@click.option("--kind", type=click.Choice([kind.value for kind in NOTES]), help="what it is (default: observation)")
@click.option("--at", metavar="TIME", help="when it happened, if not now: 03:10, yesterday, 2026-11-24T03:10:00Z")
@click.option("--with", "person", metavar="PERSON", help="whom you spoke with; the kind is contact then")
@click.option("--corrects", type=click.IntRange(1), metavar="ENTRY", help="the entry that this one corrects, which stays")
@cases.form
@cases.writer
def command(case: str, words: tuple[str, ...], by: str | None, **given: Any) -> int:
    """Write down what was seen, done, said or decided. TEXT `-` is read from stdin; a correction is a new entry."""
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    run = options.setting(**{name: value for name, value in given.items() if name != "kind"})
    found, text, hand = disk.found(run.store, case), cases.text_of(words), cases.hand(by)
    if not text:
        raise UsageError("there is nothing to write down", "write what was seen, done, said or decided")
    data: dict[str, object] = {}
    if given["at"]:
        data["at"] = f"{_happened(given['at'], hand.time):%Y-%m-%dT%H:%M:%SZ}"
    if given["person"]:
        data["with"] = given["person"]
    kind = _kind(given["kind"], given["person"])
    if number := given["corrects"]:
        data |= {"corrects": number, **_corrected(found.read(), number, given["kind"], given["person"])}
        kind = Kind.CORRECTION
    entry = found.add(hand, Said(kind, text, data))
    cases.told(run.form, found.id, entry)
    return 0


def _kind(named: str | None, person: str | None) -> Kind:
    """What is noted.

    Raises:
        UsageError: somebody is named with whom one spoke, and it is no contact.
    """
    kind = Kind(named or (Kind.CONTACT if person else Kind.OBSERVATION))
    if person and kind is not Kind.CONTACT:
        raise UsageError("--with names whom you spoke with, which is a contact", "leave --kind out, or say --kind contact")
    return kind


def _corrected(journal: Journal, number: int, named: str | None, person: str | None) -> dict[str, object]:
    """What the correction of an entry is of: the same, if nothing else is said.

    Raises:
        UsageError: there is no such entry, or nobody has written it by hand.
    """
    if number > len(journal.entries):
        raise UsageError(f"there is no entry {number}", f"the last one is {len(journal.entries)}")
    old = journal.entries[number - 1].said
    if old.kind not in CORRECTABLE:
        raise UsageError(f"entry {number} was written by auditkit", "say in a note of its own what is wrong with it")
    kind = _kind(named, person).value if named or person else old.data.get("kind", old.kind.value)
    return {"kind": kind}


def _happened(text: str, now: datetime) -> datetime:
    """When something happened; a time of day alone is the last time that the clock here showed it.

    Raises:
        UsageError: it is no time, or it is still to come.
    """
    try:
        clock = datetime.strptime(text.strip(), "%H:%M").time()  # noqa: DTZ007 - it has no date
    except ValueError:
        moment = moments.time_of(text)
    else:
        today = now.replace(hour=clock.hour, minute=clock.minute, second=0, microsecond=0)
        moment = (today if today <= now + CLOCKS else today - timedelta(days=1)).astimezone(UTC)
    if moment > now + CLOCKS:
        raise UsageError("--at says when it happened, and that time is still to come", "leave it out for now")
    return moment
