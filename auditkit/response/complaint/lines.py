"""Which lines are shown, and where they say that the attempts came to."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from auditkit.logins.nouns import PAM, Event, What
from auditkit.response.complaint import Destination, Evidence
from auditkit.response.complaint.redaction import Labels, redacted
from auditkit.response.complaint.seen import Host, Seen, listeners
from auditkit.response.complaint.stamps import moment
from auditkit.response.complaint.subject import DOCUMENTS, Address, address_of, special

LINES = 10
FEW = 5
"""Lines of guesses below which others of the address are shown, too."""
LONGEST = 600
"""Characters of a line that is shown: sshd writes no longer ones."""
BESIDES = (What.INVALID_USER, What.EXCEEDED, What.CLOSED, What.CONNECTED)
"""What is shown where there are few lines of guesses."""
CAME_TO = re.compile(r": Connection from (\S+) port [0-9]+ on (\S+) port ([0-9]{1,5})(?: rdomain \S*)?$")
"""What sshd writes at LogLevel VERBOSE; no word of it is of the client's choice."""


def lines(every: Iterable[Seen], address: Address, labels: Labels) -> tuple[Evidence, ...]:
    """The lines that are shown, in the order of their times: those of guesses first of all, from the beginning and the end."""
    told = [(event, line) for one in every for event, line in _of(one, address, labels)]
    guesses = [line for event, line in told if event.is_guess and event.port is not None]
    others = [line for event, line in told if event.what in BESIDES or (event.is_guess and event.port is None)]
    chosen = guesses if len(guesses) >= FEW else [*guesses, *others][:FEW]
    ordered = sorted(dict.fromkeys(chosen), key=lambda line: line.time)
    return tuple(ordered if len(ordered) <= LINES else (*ordered[: LINES // 2], *ordered[-LINES // 2 :]))


def _of(one: Seen, address: Address, labels: Labels) -> Iterator[tuple[Event, Evidence]]:
    forms = {file["name"]: file["format"] or "" for file in one.logins.get("files", ())}
    for line in one.source["lines"]:
        if not _fits(one, line):
            continue
        if (found := redacted(line, forms.get(line["source"], ""), address, labels)) is not None:
            text, event = found
            if (
                not event.detail or event.method == PAM
            ):  # words of a certificate, or of the client: nobody knows what is in them
                yield event, Evidence(text, moment(line["time"]), event.port)


def _fits(one: Seen, line: Mapping[str, Any]) -> bool:
    """Whether a line is of the time that the report has of the address: by itself, it may be taken for one of another year."""
    time, first, last = line.get("time"), one.source["first"], one.source["last"]
    return bool(time and first <= time <= last) and len(line.get("text") or "") <= LONGEST


def destination(said: Destination, every: Sequence[Seen], told: Sequence[Host], address: Address) -> Destination:
    """Where they came to: as the user says, as sshd wrote, or as far as it is known what listens."""
    places = {place for one in every for line in one.source["lines"] if (place := _came_to(line, address)) is not None}
    if said.address or len(places) != 1:
        port = said.port or (_listens(told, every[0].host) if len(every) == 1 else None)
        return Destination(said.address, port)
    ((there, port),) = places
    return Destination(str(there), said.port or port)


def _came_to(line: Mapping[str, Any], address: Address) -> tuple[Address, int] | None:
    """Address and port that a connection came to, where the other side knows that address too."""
    found = CAME_TO.search(line.get("text") or "")
    there = address_of(found[2]) if found else None
    if found is None or there in (None, address) or address_of(found[1]) != address or special(there) not in ("", DOCUMENTS):
        return None
    return there, int(found[3])


def _listens(told: Sequence[Host], host: str) -> int | None:
    """The port at which sshd listens, where there is one only."""
    ports = {one["port"] for one in listeners(told, [host]) if one.get("process") == "sshd" and one.get("port")}
    return ports.pop() if len(ports) == 1 else None
