"""What tests of briefs are made of: logs in a few words, journals of notes, and the brief as text on lines of any length."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from auditkit.response import chain
from auditkit.response.brief import brief
from auditkit.response.brief.nouns import Brief, Material, Report
from auditkit.response.nouns import SCHEMA, Hand, Journal, Kind, Said

VIENNA = ZoneInfo("Europe/Vienna")
MADE = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
TITLE = "Guesses at passwords in the night"
NIGHT = datetime(2026, 11, 24, 3, 35, tzinfo=UTC)


def local(moment: datetime) -> datetime:
    """A moment by the clocks of Vienna."""
    return moment.astimezone(VIENNA)


def guesses(number: int = 52, address: str = "198.51.100.7", user: str = "root", start: datetime = NIGHT) -> list[str]:
    """Lines of failed passwords, 22 seconds apart."""
    stamps = (start + turn * timedelta(seconds=22) for turn in range(number))
    tail = "from {} port {} ssh2"
    return [
        f"{stamp.isoformat()} srv-01 sshd[{9000 + turn}]: Failed password for {user} {tail.format(address, 40000 + turn)}"
        for turn, stamp in enumerate(stamps)
    ]


def login(user: str, address: str, at: datetime, pid: int = 8000) -> list[str]:
    """Lines of a login with a password, from its beginning to its end."""
    stamp, end = at.isoformat(), (at + timedelta(minutes=9)).isoformat()
    return [
        f"{stamp} srv-01 sshd[{pid}]: Accepted password for {user} from {address} port 50000 ssh2",
        f"{stamp} srv-01 sshd[{pid}]: pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)",
        f"{end} srv-01 sshd[{pid}]: pam_unix(sshd:session): session closed for user {user}",
    ]


def pulse(start: datetime, end: datetime, *without: int) -> Iterator[str]:
    """A line of cron each hour, but for those after so many hours."""
    hours = int((end - start).total_seconds()) // 3600
    for hour in range(hours + 1):
        if hour not in without:
            stamp = (start + timedelta(hours=hour)).isoformat()
            tail = "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"
            yield f"{stamp} srv-01 CRON[{500 + hour}]: {tail}"


def log(*lines: Iterable[str]) -> str:
    """A log in the order of its stamps."""
    every = [line for some in lines for line in some]
    return "".join(f"{line}\n" for line in sorted(every, key=lambda line: line[:25]))


def journal(*said: Said, title: str = TITLE, by: str = "anna") -> Journal:
    """A journal that opens with a title, with an entry every minute."""
    made = Journal()
    for number, one in enumerate((Said(Kind.OPENED, title, {"schema": SCHEMA, "case": "2026-001"}), *said)):
        hand = Hand(by, "desk", "auditkit 0.1.0", local(MADE - timedelta(minutes=60 - number)))
        made = replace(made, entries=(*made.entries, chain.following(made, hand, one)))
    return made


def of(*reports: Mapping[str, Any], notes: tuple[Said, ...] = (), **given: Any) -> Brief:
    """The brief of a case with these reports, from entry 2 on, and then these notes."""
    commands = tuple(_kept(number, document) for number, document in enumerate(reports, 2))
    kept = tuple(Report(number, "desk", document) for number, document in enumerate(reports, 2))
    title = given.pop("title", TITLE)
    known = {"author": "anna", "made": MADE, "local": local, **given}
    return brief(Material("2026-001", journal(*commands, *notes, title=title), kept, **known))


def _kept(number: int, document: Mapping[str, Any]) -> Said:
    file = f"evidence/{number:04}-{document['command']}.json"
    known = {"command": document["command"], "exit": 1, "status": document.get("status", "findings")}
    return Said(Kind.COMMAND, f"auditkit {document['command']}", {"file": file, "sha256": f"{number:064x}", "size": 1, **known})


def section(made: Brief, number: int) -> str:
    """What stands in a section, a sentence in each line."""
    part = made.sections[number - 1]
    assert part.title.startswith(f"{number}. ")
    lines = [f"{one.text} {list(one.entries) or ''}".rstrip() for one in part.statements]
    return "\n".join((*lines, *(f"{one.name} | {one.effort} | {one.risk} | {one.undo}" for one in part.options)))


def whole(made: Brief) -> str:
    """All that a brief says."""
    return "\n".join((made.title, made.head, *(section(made, number) for number in range(1, 9))))
