"""Two runs held against each other: the later one told as if the other one had been the run before it."""

from collections.abc import Mapping
from typing import Any

from auditkit import lifetimes
from auditkit.commands import answering, looking, options, past
from auditkit.errors import UsageError
from auditkit.history import Host, listing
from auditkit.lifetimes import INTEGRITY, Look, Row
from auditkit.model import Severity
from auditkit.printable import printable
from auditkit.report import document, lasting, since

Document = dict[str, Any]
Hosts = Mapping[Host, tuple[Document, Look]]


def told(a: str, b: str, run: options.Setting) -> int:
    """Tell what is new in run B beside run A, and what is gone; give the exit status.

    Raises:
        UsageError: there is no such run, or B is not the later one.
    """

    with past.opened(run) as connection:
        first, second = (past.found(connection, word) for word in (a, b))
        if first.number >= second.number:
            raise UsageError(f"{printable(b)} is not later than {printable(a)}", "name the earlier run first")
        before, after = (past.document(connection, one) for one in (first, second))
        looks = [listing.looked(connection, one.number) for one in (first, second)]
    old, new = (_hosts(made, known) for made, known in zip((before, after), looks, strict=True))
    hosts = [_held(host, new[host], old.get(host), first) for host in new]
    hosts += [_missed(host, old[host][0], second) for host in old if host not in new]
    made: Document = {**after, "command": "diff", "hosts": hosts, "status": document.worst(one["status"] for one in hosts)}
    if run.form == "text":
        head = f"from {_named(first)} to {_named(second)}"
        answering.write(run.output, (f"{line}\n" for line in (head, *lasting.difference(hosts))))
    else:
        answering.rendered(run, made)
    return _exit(hosts, run.fail_on)


def _hosts(made: Document, known: Mapping[Host, Look]) -> dict[Host, tuple[Document, Look]]:
    """The hosts of a run with how far it looked; both stand in the order in which they were kept."""
    return {host: (told, look) for (host, look), told in zip(known.items(), made["hosts"], strict=False)}


def _named(listed: listing.Listed) -> str:
    return f"{printable(listed.run.id)} ({printable(listed.run.command)}, {lasting.minute(listed.run.started)})"


def _held(host: Host, after: tuple[Document, Look], before: tuple[Document, Look] | None, first: listing.Listed) -> Document:
    """A host of the later run, held against the earlier one; where that did not ask it, against none."""
    told, look = after
    rows: dict[str, Row] = {}
    if before and not lifetimes.is_another(look, before[1]):
        old, then = before
        number, time = then.number, first.run.started
        things = since.things(old, _parts(then))
        rows = {
            thing.key: Row(thing, str(of.get("first_seen", time)), time, number, open=True, news="", news_run=number)
            for thing, of in things
        }
    night = lifetimes.Night(
        look=look,
        time=str(told.get("since", {}).get("finished") or first.run.finished),
        gaps=looking.gaps(told),
        rows=rows,
        looks={before[1].number: before[1]} if before else {},
        has=looking.has,
        since=first.number if before else None,
    )
    pairs = list(since.things(told, _parts(look)))
    judged = lifetimes.judged(night, [thing for thing, _of in pairs])
    return since.told(told, pairs, judged, (first.run.id, first.run.finished) if before else None)


def _parts(look: Look) -> since.Parts:
    compared = next((part for part in look.parts if part.startswith(INTEGRITY)), "")
    return since.Parts(compared, looking.part_of, looking.is_based)


def _missed(host: Host, told: Document, second: listing.Listed) -> Document:
    """A host that only the earlier run asked: nothing is known of what became of it."""
    gap = {"subject": told["host"], "reason": f"it was not asked by run {second.run.id}"}
    made: Document = {
        **told, "counts": {}, "explained": [], "changes": [], "findings": [], "accepted": [], "logins": None, "facts": {},
        "untrusted": None, "baseline": None, "gaps": [gap], "notes": [], "state": "ok",
    }  # fmt: skip
    made.pop("since", None)
    made["status"] = document.status(made)
    made["state"] = document.state(made)
    return made


def _exit(hosts: list[Document], fail_on: Severity | None) -> int:
    """4 where one of them is not believed; 1 with news from that severity on; 3 where something is not known; else 0."""
    if any(host["untrusted"] is not None for host in hosts):
        return 4
    news = [item for host in hosts for item in lasting.news(host)]
    if fail_on is not None and any(item.severity >= fail_on for item in news):
        return 1
    return 3 if any(host["gaps"] or host.get("since", {}).get("unknown") for host in hosts) else 0
