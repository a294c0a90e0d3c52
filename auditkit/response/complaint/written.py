"""A complaint put together: from what the machines saw, if that supports one."""

from collections.abc import Iterator, Sequence

from auditkit.errors import UsageError
from auditkit.logins.sentence import COMPLETE
from auditkit.logins.streams import JOURNAL, is_ssh
from auditkit.logins.wording import listed, plural
from auditkit.response.complaint import Asked, Complaint, Document, stamps
from auditkit.response.complaint.lines import destination, lines
from auditkit.response.complaint.outcome import outcome
from auditkit.response.complaint.redaction import Labels
from auditkit.response.complaint.seen import Host, Seen, hosts, listeners, names, seen
from auditkit.response.complaint.subject import DOCUMENTS, Address, address_of, neighbours, same, special, subject
from auditkit.response.complaint.support import supported


def complaint(asked: Asked, reports: Sequence[Document]) -> Complaint:
    """What a letter about an address may say, by these reports.

    Raises:
        UsageError: none may be written: the reason, and what would help.
    """
    told = hosts(reports)
    address = subject(asked, (str(one.get("address", "")) for one in listeners(told)))
    every = supported(seen(told, address))
    there = destination(asked.destination, every, told, address)
    labels = Labels(names(told), frozenset(filter(None, (there.address,))), asked.keep_names)
    shown = lines(every, address, labels)
    if not shown:
        raise UsageError(
            f"the reports have no line of {address} that can be shown: one that has its address, and no name of yours",
            "make a new report (auditkit logins HOST --case N), or allow names with --keep-names",
        )
    return Complaint(
        address=str(address),
        service=_service(every),
        attempts=sum(one.source["attempts"] for one in every),
        first=stamps.moment(min(map(_first, every))),
        last=stamps.moment(max(one.source["last"] for one in every)),
        offsets=tuple(dict.fromkeys(filter(None, map(stamps.offset, shown)))),
        ports=tuple(dict.fromkeys(line.port for line in shown if line.port)),
        lines=shown,
        stamps=stamps.meaning(shown),
        redacted=labels.used,
        destination=there,
        machines=len(every),
        outcome=outcome(every, told, address),
        checks=tuple(_checks(every, told, address, asked)),
    )


def _service(every: Sequence[Seen]) -> str:
    services = sorted({service for one in every for service in one.source.get("services", ())})
    return listed(sorted({"SSH" if is_ssh(service) else service for service in services})) or "SSH"


def _first(one: Seen) -> str:
    """When it began, or when the time began that was asked about: attempts before are not counted."""
    first, since = str(one.source["first"]), one.logins["window"]["from"]
    return str(since) if since and first < since < one.source["last"] else first


def _checks(every: Sequence[Seen], told: Sequence[Host], address: Address, asked: Asked) -> Iterator[str]:
    """Yield what a person is to look at before he sends it."""
    if special(address) == DOCUMENTS:
        yield f"{address} is {DOCUMENTS}, which is nobody's: this is a rehearsal, and not to be sent"
    logins = [host["logins"] for host in told if host["logins"] is not None]
    if any(same(one["address"], address) for each in logins for one in each["successes"]):
        yield "somebody logged in from there, or is said to have: find out who that was, before you tell anybody outside"
    if others := sum(one.source.get("other_logins") or 0 for one in every):
        yield f"{plural(others, 'login')} from there at another time, or to mail or files: find out whose, before you write"
    for one in every:
        kinds = {each["kind"] for each in one.source.get("told_by", ()) if each["guesses"]}
        if JOURNAL not in kinds:
            yield f"it stands in text logs only ({one.host}), into which any user there can write (logger): be sure of it"
        if one.logins["coverage"] != COMPLETE:
            yield f"the logs of {one.host} do not cover all of the time: there may have been more"
    if network := neighbours(address):
        near = {one["address"] for each in logins for one in each["sources"] if _is_near(one["address"], address, network)}
        others = f"{plural(len(near), 'other address')} of it guessed, too" if near else "no other one is in the reports"
        yield f"a machine may use any IPv6 address of {network}: {others}; a letter is about one address"
    if asked.keep_names:
        yield "names of your accounts and machines stand in the lines, as you asked for"


def _is_near(text: str, address: Address, network: str) -> bool:
    other = address_of(text)
    return other is not None and other != address and neighbours(other) == network
