"""Whether the logs support a letter about an address.

What a letter claims, a stranger acts upon: so nothing is claimed that one of our own users could have written with logger(1),
that rests on a year or a zone that was assumed, or on logs that somebody may have been at.
"""

from collections.abc import Iterable

from auditkit.errors import UsageError
from auditkit.logins.nouns import YearBy
from auditkit.logins.sentence import TAMPER
from auditkit.logins.streams import JOURNAL
from auditkit.logins.wording import plural
from auditkit.response.complaint.seen import Seen
from auditkit.response.complaint.stamps import zoneless

LEAST = 10
"""Attempts that are worth the time of a stranger: fewer are what somebody makes who mistypes, or has an old password."""
THERE = "make the report on the machine itself, or on its disk (root:DIR); for a zone, say it: auditkit logins FILE --zone"


def supported(every: Iterable[Seen]) -> list[Seen]:
    """What our machines saw, once their logs support it.

    Raises:
        UsageError: they do not: the reason, and what would help.
    """
    found = [_supported(one) for one in every]
    attempts = sum(one.source["attempts"] for one in found)
    if attempts < LEAST:
        few = f"{plural(attempts, 'attempt')} from {found[0].source['address']}: too few for a letter, which takes {LEAST}"
        raise UsageError(f"{few}: it may be somebody who mistypes", "wait whether it comes back")
    return found


def _supported(one: Seen) -> Seen:
    source, address = one.source, one.source["address"]
    if TAMPER in (one.logins["coverage"], one.latest["coverage"]):
        raise UsageError(
            f"the logs of {one.host} show signs of tampering: what they say is no ground for a letter",
            "clear that up first; a log server or a firewall may tell the same on better ground",
        )
    if any(line.get("forged") for line in source["lines"]):
        raise UsageError(
            f"lines that tell of {address} were written by another program than the server, as any user can with logger(1)",
            "find out who wrote them: `forged` in the report says which lines",
        )
    if _contradicted(one):
        raise UsageError(
            f"only a text log of {one.host} tells of {address}, and its journal of the same time does not: any user can write"
            " such lines with logger(1)",
            "find out who wrote them, before you tell anybody",
        )
    if why := _undated(one):
        raise UsageError(why, THERE)
    return one


def _contradicted(one: Seen) -> bool:
    """Whether a journal covers all of the time, and has nothing of the address."""
    if any(each["kind"] == JOURNAL and each["guesses"] for each in one.source.get("told_by", ())):
        return False
    first, last = one.source["first"], one.source["last"]
    journals = [read for read in one.logins.get("read", ()) if read["kind"] == JOURNAL and read["first"] and read["last"]]
    return any(first and last and read["first"] <= first and read["last"] >= last for read in journals)


def _undated(one: Seen) -> str:
    """Why the times of an address are not known well enough; empty if they are."""
    if one.source["first"] is None or one.source["last"] is None:
        return f"the lines that tell of {one.source['address']} have no times"
    years = {file["name"]: file.get("year_by") for file in one.logins.get("files", ())}
    if any(years.get(line["source"]) == YearBy.ASSUMED for line in one.source["lines"]):
        return f"the year of the log of {one.host} is only assumed: its stamps have none, and nothing else tells it"
    texts = [line["text"] for line in one.source["lines"] if isinstance(line.get("text"), str)]
    if one.logins.get("zone") is None and any(map(zoneless, texts)):
        return f"the zone of the stamps in the log of {one.host} is not known, and a desk needs exact times"
    return ""
