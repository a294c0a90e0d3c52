"""The plain letter: polite, exact, and no accusation in it."""

from collections.abc import Iterator
from datetime import datetime
from textwrap import fill

from auditkit.printable import counted
from auditkit.report.letter import Letter
from auditkit.response.complaint import Complaint
from auditkit.response.zones import zone

WIDTH = 76
"""Columns of a sentence; lines of a log are left as they are."""
PORTS = 10


def letter(one: Letter) -> str:
    """The letter with its subject on top; what the writer did not say stands in brackets."""
    return f"Subject: {one.subject}\n\n{text(one)}"


def text(one: Letter) -> str:
    """The words of the letter."""
    return "\n\n".join((*_parts(one), _signed(one))) + "\n"


def _parts(one: Letter) -> Iterator[str]:
    said = one.complaint
    yield "Dear abuse team,"
    where = "one of our machines" if said.machines == 1 else f"{said.machines} of our machines"
    yield _filled(f"On {where} we saw {counted(said.attempts, 'attempt')} to log in, from an address of your network:")
    yield "\n".join(f"  {name + ':':<13}{value}" for name, value in _facts(said))
    if said.outcome:
        yield _filled(said.outcome)
    yield _filled(f"Here are {counted(len(said.lines), 'line')} of our log. {said.stamps}{_changed(said)}")
    yield "\n".join(f"  {line.text}" for line in said.lines)
    yield _filled("The machine behind this address may be used without its owner's knowledge.")
    yield _filled(
        "Could you have a look at it, please, and pass this on to whoever looks after the machine? If you can tell us what you"
        " found, we would be glad to know. If you need more lines, or the same in another form, we send them."
    )


def _facts(said: Complaint) -> Iterator[tuple[str, str]]:
    """Yield what was seen, by its name."""
    yield "Source", f"{said.address}{_ports(said)}"
    yield "Destination", _destination(said)
    yield "First", _moment(said.first, said.offsets)
    yield "Last", _moment(said.last, said.offsets)


def _ports(said: Complaint) -> str:
    """`, ports 40000, 40001 and others`: those of the lines, which are not all."""
    ports = [str(port) for port in said.ports[:PORTS]]
    if not ports:
        return ""
    others = " and others" if said.attempts > len(ports) else ""
    return f", {'ports' if len(ports) > 1 or others else 'port'} {', '.join(ports)}{others}"


def _destination(said: Complaint) -> str:
    there, port = said.destination.address, said.destination.port
    service = f"port {port}/tcp ({said.service})" if port else f"{said.service} (tcp)"
    return f"{there}, {service}" if there else service


def _moment(time: datetime, offsets: tuple[str, ...]) -> str:
    """A time in UTC, and in our own where that is one and another."""
    utc = f"{time:%Y-%m-%d %H:%M:%S} UTC"
    if len(offsets) != 1:
        return utc
    local = time.astimezone(zone(offsets[0]))
    return f"{utc} ({local:%Y-%m-%d %H:%M:%S} {offsets[0]}, our local time)"


def _changed(said: Complaint) -> str:
    if not said.redacted:
        return " Nothing in them was changed."
    return " Names of our accounts and machines are written as user-A, host-A and so on; nothing else in them was changed."


def _signed(one: Letter) -> str:
    who = one.reporter
    signed = (who.name or "[your name]", who.organisation or "[your organisation]", who.contact or "[your e-mail address]")
    return "\n".join(("Kind regards", *signed, "", f"Our case: {one.case}"))


def _filled(sentence: str) -> str:
    return fill(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)
