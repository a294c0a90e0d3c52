"""Reports of logins as `auditkit logins --format json` makes them, of logs that are written here; and letters about them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from auditkit.commands.attempts import told
from auditkit.logins.nouns import Log, Setting
from auditkit.logins.reading import Reading, read
from auditkit.logins.seen import Account, Seen
from auditkit.logins.verdict import judged
from auditkit.logs import quoting
from auditkit.logs.files import Source
from auditkit.model import HostReport
from auditkit.report import document
from auditkit.report.letter import Letter
from auditkit.response.complaint import Asked, Complaint, Recipient, Reporter
from auditkit.response.complaint.written import complaint

SUSPECT = "45.148.10.7"
"""Of a network that anybody could have; nothing here ever goes there."""
AUTH = "/var/log/auth.log"
NOW = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 10**9
WRITTEN = datetime(2026, 11, 30, 19, tzinfo=UTC)
ID = str(UUID(int=0x0123456789AB4DEF8123456789ABCDEF))
ANNA = Reporter("Anna Admin", "it@office.example.org", "Office")
Document = dict[str, Any]


class Bytes:
    """The bytes of a log, held."""

    def __init__(self, data: bytes) -> None:
        self.data, self.broke, self.grew, self.given = data, "", 0, len(data)

    def chunks(self) -> Iterator[bytes]:
        """Yield them."""
        yield self.data

    def whole(self) -> bytes:
        """All of them."""
        return self.data

    def picked(self, offsets: Sequence[int], most: int) -> Iterator[tuple[int, bytes]]:
        """Yield some from each place on."""
        yield from ((at, self.data[at : at + most]) for at in offsets)


def guesses(
    number: int = 20,
    users: Iterable[str] = ("admin",),
    *,
    address: str = SUSPECT,
    stamp: str = "2026-11-24T03:%M:%SZ",
    known: Iterable[str] = (),
    host: str = "srv-01",
) -> list[str]:
    """Lines of guesses, one a minute and a second, each with what sshd says of a name that it does not know."""
    made, names = [], [*users]
    for at in range(number):
        user = names[at % len(names)]
        begin = stamp.replace("%M", f"{at % 60:02}").replace("%S", f"{at % 60:02}") + f" {host} sshd[{900 + at}]: "
        end = f"from {address} port {40_000 + at}"
        if user in set(known):
            made.append(f"{begin}Failed password for {user} {end} ssh2")
        else:
            made += [f"{begin}Invalid user {user} {end}", f"{begin}Failed password for invalid user {user} {end} ssh2"]
    return made


def report(
    *logs: tuple[str, bytes],
    setting: Setting | None = None,
    accounts: Iterable[str] | None = None,
    host: str = "srv-01",
    mtime: int | None = NOW,
    since: int | None = None,
) -> Document:
    """The report of a machine that has these logs: names and bytes."""
    setting = setting or Setting(NOW, UTC, zone_known=True)
    there: list[tuple[Source, Reading]] = []
    for name, data in logs:
        log = Log(name, size=len(data), mtime=mtime)
        there.append((Source(log, Bytes(data)), read(log, Bytes(data), setting)))
    known = None if accounts is None else {name: Account(1000) for name in accounts}
    verdict = judged(Seen(host, tuple(reading for _source, reading in there), setting, accounts=known, since=since))
    words = quoting.words(there, (one for lines in verdict.evidence for one in lines))
    verdict = quoting.told(there, verdict, words, setting)
    one = document.of_host(told(HostReport(host), verdict, (), len(there)))
    made = document.Report("logins", "auditkit", WRITTEN, WRITTEN, ())
    plain: Document = json.loads(json.dumps(document.assembled(made, [one])))
    return plain


def of_lines(lines: Iterable[str], **given: Any) -> Document:
    """The report of a machine that has an auth.log of these lines."""
    data = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    return report((AUTH, data), **given)


def of_journal(messages: Iterable[str], log: tuple[str, bytes] | None = None, **given: Any) -> Document:
    """The report of a machine whose journal has these messages of sshd, one a second."""
    fields = "_HOSTNAME=srv-01\n_UID=0\n_PID=4711\n_COMM=sshd\n_EXE=/usr/sbin/sshd\nSYSLOG_IDENTIFIER=sshd\nSYSLOG_FACILITY=4\n"
    begin = 1_795_478_400 * 10**6  # 2026-11-24, midnight
    entries = (f"__REALTIME_TIMESTAMP={begin + at * 10**6}\n{fields}MESSAGE={text}\n\n" for at, text in enumerate(messages))
    return report(("journal", "".join(entries).encode()), *([log] if log else ()), **given)


def judge(*reports: Document, address: str = SUSPECT, **asked: Any) -> Complaint:
    """What may be said of an address."""
    return complaint(Asked(address, **asked), reports)


def letter(said: Complaint, reporter: Reporter = ANNA, recipient: Recipient | None = None) -> Letter:
    """It as a letter."""
    return Letter(said, "2026-001", reporter, recipient, ID, WRITTEN, "auditkit 0.1.0")
