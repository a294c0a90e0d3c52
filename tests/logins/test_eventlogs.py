"""Event logs of Windows: the same events as .evtx and as XML in each way it is exported; hostile and damaged ones."""

import subprocess
import sys

import pytest
from eventlogs_given import SCHEMA, Element, event, evtx, logon, sshd, user_event, xml
from hypothesis import given
from hypothesis import strategies as st
from journals_given import read

from auditkit.logins.nouns import PAM, Condition, Event, What
from auditkit.logins.windows.records import record, stamp

NINE = 1_795_510_800_525_926_000
"""24 November 2026, 9:00:00.525926 UTC."""
EVENTLOG = "Microsoft-Windows-Eventlog"
REMOTE = "Microsoft-Windows-TerminalServices-RemoteConnectionManager"
SESSIONS = "Microsoft-Windows-TerminalServices-LocalSessionManager"


def by_sshd(kind: str, user: str, number: int = 4624, **data: str) -> Element:
    """What Windows writes of a user while sshd.exe checks him."""
    program = r"C:\Windows\System32\OpenSSH\sshd.exe"
    return logon(kind, user, number, LogonProcessName="sshd", ProcessName=program, **data)


def told(element: Element) -> Event:
    """The one event that a record tells."""
    events, reading = read(xml(element).encode(), "log.xml")
    assert reading.format
    (only,) = events
    return only


def says(event: Event) -> tuple[What, str | None, str | None, int | None, str, str]:
    return event.what, event.user, event.address, event.port, event.method, event.detail


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (
            logon("10", "anna", IpAddress="192.0.2.7", IpPort="50123"),
            (What.ACCEPTED, "anna", "192.0.2.7", 50123, "remote-desktop", "OFFICE"),
        ),
        (logon("3", "anna", IpAddress="::ffff:192.0.2.7"), (What.ACCEPTED, "anna", "192.0.2.7", None, "network", "OFFICE")),
        (logon("2", "anna", IpAddress="127.0.0.1"), (What.OPENED, "anna", None, None, "console", "OFFICE")),
        # what Windows writes while sshd still checks is no login
        (by_sshd("3", "anna"), (What.NOISE, "anna", None, None, "network", "")),
        (by_sshd("8", "anna"), (What.NOISE, "anna", None, None, "network-cleartext", "")),
        (logon("5", "sshd_5848", TargetDomainName="VIRTUAL USERS"), (What.NOISE, "sshd_5848", None, None, "service", "")),
        (logon("3", "PC-07$", IpAddress="-"), (What.NOISE, "PC-07$", None, None, "network", "")),
        (logon("3", "PC-08$", IpAddress="192.0.2.8"), (What.ACCEPTED, "PC-08$", "192.0.2.8", None, "network", "OFFICE")),
        (
            logon("3", "root", 4625, IpAddress="192.0.2.9", Status="0xc000006d", SubStatus="0xc0000064"),
            (What.FAILED, "root", "192.0.2.9", None, "network", "no such user"),
        ),
        (
            logon("10", "anna", 4625, IpAddress="192.0.2.9", SubStatus="0xC000006A"),
            (What.FAILED, "anna", "192.0.2.9", None, "remote-desktop", "wrong password"),
        ),
        (
            logon("10", "anna", 4625, IpAddress="2001:db8::9", SubStatus="0xc0000234"),
            (What.FAILED, "anna", "2001:db8::9", None, "remote-desktop", "account locked"),
        ),
        (
            logon("10", "anna", 4625, Status="0xc0000224", SubStatus="0x0"),
            (What.CREDENTIAL_HELD, "anna", None, None, "remote-desktop", "password must be changed first"),
        ),
        (
            logon("3", "guest", 4625, SubStatus="0xc0000072"),
            (What.FAILED, "guest", None, None, "network", "account disabled"),
        ),
        (logon("3", "x", 4625, SubStatus="0xc0009999"), (What.FAILED, "x", None, None, "network", "0xc0009999")),
        # sshd writes the guess down itself, and from where: this is the same one, seen a second time
        (
            by_sshd("8", "NOUSER", 4625, SubStatus="0xc0000064"),
            (What.FAILED, None, None, None, PAM, "no such user"),
        ),
        (
            event("Security", 4771, {"TargetUserName": "anna", "IpAddress": "::ffff:192.0.2.9", "Status": "0x18"}),
            (What.FAILED, "anna", "192.0.2.9", None, "kerberos", "wrong password"),
        ),
        (
            event("Security", 4768, {"TargetUserName": "anna", "IpAddress": "::1", "IpPort": "0", "Status": "0x0"}),
            (What.ACCEPTED, "anna", "::1", None, "kerberos", "a ticket of the domain"),
        ),
        (
            event("Security", 4776, {"TargetUserName": "anna", "Workstation": "KALI", "Status": "0xc000006a"}),
            (What.FAILED, "anna", None, None, PAM, "wrong password, asked by KALI"),
        ),
        (
            event("Security", 4776, {"TargetUserName": "anna", "Workstation": "PC-03", "Status": "0x0"}),
            (What.OPENED, "anna", None, None, "ntlm", "asked by PC-03"),
        ),
        (
            user_event(f"{REMOTE}/Operational", 1149, {"Param1": "anna", "Param2": "OFFICE", "Param3": "192.0.2.7"}, REMOTE),
            (What.ACCEPTED, "anna", "192.0.2.7", None, "remote-desktop", "OFFICE"),
        ),
        (
            user_event(f"{REMOTE}/Operational", 1149, {"Param1": "", "Param2": "", "Param3": "192.0.2.7"}, REMOTE),
            (What.CONNECTED, None, "192.0.2.7", None, "remote-desktop", ""),
        ),
        (
            user_event(f"{SESSIONS}/Operational", 21, {"User": r"OFFICE\anna", "SessionID": "2", "Address": "LOCAL"}, SESSIONS),
            (What.OPENED, "anna", None, None, "remote-desktop", ""),
        ),
        (
            sshd("Accepted password for anna from 192.0.2.7 port 50123 ssh2"),
            (What.ACCEPTED, "anna", "192.0.2.7", 50123, "password", ""),
        ),
        (sshd("error: something that nobody knows"), (What.UNKNOWN, None, None, None, "", "")),
    ],
)  # fmt: skip
def test_what_an_event_tells(element: Element, expected: tuple[object, ...]) -> None:
    found = told(element)
    assert says(found) == expected
    assert (found.time, found.host) == (NINE, "PC-07")


def test_who_did_it() -> None:
    runas = event(
        "Security",
        4648,
        {"SubjectUserName": "anna", "TargetUserName": "admin", "TargetDomainName": "PC", "TargetServerName": "SRV"},
    )
    assert (told(runas).what, told(runas).user, told(runas).actor, told(runas).detail) == (
        What.BECAME,
        "admin",
        "anna",
        "at SRV",
    )
    own = event("Security", 4648, {"SubjectUserName": "PC-07$", "TargetUserName": "anna", "TargetDomainName": "OFFICE"})
    assert told(own).what is What.NOISE
    new = event("Security", 4720, {"TargetUserName": "helper", "SubjectUserName": "anna"})
    assert (told(new).what, told(new).user, told(new).actor, told(new).detail) == (
        What.ACCOUNT, "helper", "anna", "new user: helper",
    )  # fmt: skip
    member = event("Security", 4732, {"MemberName": "-", "MemberSid": "S-1-5-21-1", "TargetUserName": "Administrators"})
    assert told(member).detail == "member of a group: Administrators, S-1-5-21-1"


def test_logs_that_were_cleared() -> None:
    one = user_event("Security", 1102, {"SubjectUserName": "anna"}, EVENTLOG, "LogFileCleared")
    other = user_event("System", 104, {"SubjectUserName": "anna", "Channel": "OpenSSH/Operational"}, EVENTLOG, "LogFileCleared")
    assert [(found.what, found.actor, found.detail) for found in map(told, (one, other))] == [
        (What.LOG_CLEARED, "anna", "Security"),
        (What.LOG_CLEARED, "anna", "OpenSSH/Operational"),
    ]


def test_what_anybody_may_write_claims_nothing() -> None:
    forged = event("Application", 4624, {"TargetUserName": "root", "LogonType": "10", "IpAddress": "192.0.2.1"})
    other = event("Application", 4, {"process": "sshd", "payload": "Accepted password for root from 192.0.2.1 port 1 ssh2"})
    assert read((xml(forged) + xml(other)).encode(), "log.xml")[0] == []


LOG = [
    sshd("Failed password for root from 192.0.2.1 port 22 ssh2", 1, 1),
    sshd("Invalid user <b>&\x07\u202e</Event> from 192.0.2.1 port 22", 2, 2),
    logon("10", "anna", IpAddress="192.0.2.7"),
    sshd("Accepted publickey for \u00e4nna from 192.0.2.7 port 5 ssh2: ED25519 SHA256:abc", 4, 3),
]
FILE = evtx(LOG)
PLAIN = "\r\n".join(map(xml, LOG)).replace("\x07", "&#x7;")


def placeless(events: list[Event]) -> list[Event]:
    return [one._replace(offset=0) for one in events]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        ("\ufeff" + PLAIN).encode("utf-16-le"),
        ("\ufeff" + PLAIN).encode("utf-16-be"),
        f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\r\n<Events>{PLAIN}</Events>'.encode(),
        PLAIN.replace("&#x7;", "\x07").encode(),
        FILE,
    ],
    ids=["wevtutil", "with a mark", "of PowerShell", "big-endian", "of the Event Viewer", "with what no XML may hold", "evtx"],
)
@pytest.mark.parametrize("size", [77, 1 << 16])
def test_each_way_of_exporting_tells_the_same(data: bytes, size: int) -> None:
    events, reading = read(data, "log", size)
    assert [(found.what, found.user, found.address, found.line) for found in events] == [
        (What.FAILED, "root", "192.0.2.1", 1),
        (What.INVALID_USER, "<b>&\ufffd\u202e</Event>", "192.0.2.1", 2),
        (What.ACCEPTED, "anna", "192.0.2.7", 3),
        (What.ACCEPTED, "\u00e4nna", "192.0.2.7", 4),
    ]
    assert (reading.notes.lines, reading.notes.malformed, reading.notes.broken, reading.notes.host) == (4, 0, "", "PC-07")
    assert reading.log.condition is Condition.READ


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_offsets_lead_to_the_events(encoding: str) -> None:
    data = ("\ufeff" + PLAIN).encode(encoding)
    for found in read(data, "log.xml", 500)[0]:
        assert data[found.offset :].decode(encoding).startswith("<Event xmlns=")


def test_records_that_are_missing_are_told() -> None:
    records = [sshd("Failed password for root from 192.0.2.1 port 22 ssh2", number) for number in (5, 6, 9, 10)]
    _, reading = read("".join(map(xml, records)).encode(), "log.xml")
    assert reading.notes.remarks == [
        "2 sequence numbers are missing (7 to 8): these records were left out when the log was saved, or taken out"
    ]


def test_a_log_that_began_again_at_its_beginning_is_whole() -> None:
    records = [sshd("Failed password for root from 192.0.2.1 port 22 ssh2", number, number) for number in (8, 9, 5, 6, 7)]
    _, reading = read("".join(map(xml, records)).encode(), "log.xml")
    assert (reading.notes.remarks, reading.notes.backward) == ([], [])


def test_an_event_that_is_broken_costs_no_other() -> None:
    text = "".join(map(xml, LOG[:1])) + f"<Event xmlns='{SCHEMA}'><System><a></System></Event>" + xml(LOG[3])
    events, reading = read(text.encode(), "log.xml")
    assert [found.what for found in events] == [What.FAILED, What.ACCEPTED]
    assert reading.notes.malformed == 1


def test_a_log_that_breaks_off_says_so() -> None:
    _, reading = read(PLAIN[:-50].encode(), "log.xml")
    assert (reading.log.condition, reading.log.reason) == (Condition.TRUNCATED, "it breaks off within an event")


def test_an_event_without_an_end_is_not_waited_for() -> None:
    endless = "<Event xmlns='" + "x" * (1 << 19)
    events, reading = read((endless + PLAIN).encode(), "log.xml", 1 << 14)
    assert What.ACCEPTED in {found.what for found in events}
    assert reading.notes.malformed >= 1


@pytest.mark.parametrize(
    "text",
    [
        f'<!DOCTYPE Event [<!ENTITY a "x">]><Event xmlns="{SCHEMA}"><System>&a;</System></Event>',
        f'<Event xmlns="{SCHEMA}"><System>&a;</System></Event>',
        "<Event>" * 40 + "</Event>" * 40,
        "<Other></Other>",
        "<Event>" + "x" * (1 << 18) + "</Event>",
        "",
        "\0",
    ],
)
def test_what_no_event_has_is_refused(text: str) -> None:
    assert record(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T09:00:00.5259260Z", NINE),
        ("2026-11-24T09:00:00.525926Z", NINE),
        ("2026-11-24 09:00:00.525926 UTC", NINE),
        ("2026-11-24T09:00:00.525926000000Z", NINE),
        ("1601-01-01T00:00:00Z", None),
        ("2026-13-24T09:00:00Z", None),
        ("", None),
    ],
)
def test_a_time_is_read_in_every_form_and_none_that_no_calendar_has(text: str, expected: int | None) -> None:
    assert stamp(text) == expected


def test_lists_of_a_chunk_that_go_round_in_circles_are_cut_off() -> None:
    data = bytearray(FILE)
    place = 4096 + 600
    data[place : place + 4] = (600).to_bytes(4, "little")
    for table in (128, 384):
        data[4096 + table : 4096 + table + 4] = (600).to_bytes(4, "little")
    assert read(bytes(data), "log.evtx")[1].notes.malformed == 1


def test_what_convertto_xml_leaves_out_is_said() -> None:
    text = b'<?xml version="1.0"?>\n<Objects>\n  <Object Type="System.Diagnostics.Eventing.Reader.EventLogRecord">'
    _, reading = read(text, "log.xml")
    assert reading.log.condition is Condition.UNREADABLE
    assert reading.log.reason == "ConvertTo-Xml leaves out who and from where; export it with: wevtutil qe LOG /f:xml"


WITHOUT = """
import sys
sys.modules["evtx"] = None
sys.path[:0] = sys.argv[1:]
from eventlogs_given import evtx, sshd
from journals_given import read
log = read(evtx([sshd("x")]), "Security.evtx")[1].log
print(log.condition, log.reason)
"""


def test_without_the_extra_it_says_which_one_it_takes() -> None:
    command = [sys.executable, "-c", WITHOUT, *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == (
        "unreadable reading it takes the extra `windows`: pip install 'auditkit[windows]'; "
        "or export it with: wevtutil qe LOG /f:xml\n"
    )


@given(st.lists(st.tuples(st.integers(0, 8000), st.binary(min_size=1, max_size=8)), max_size=20), st.integers(0, len(FILE)))
def test_no_damage_stops_reading_evtx(damage: list[tuple[int, bytes]], length: int) -> None:
    data = bytearray(FILE)
    for at, value in damage:
        data[at + 8 : at + 8 + len(value)] = value
    _, reading = read(bytes(data[: max(8, length)]), "log.evtx")
    assert reading.notes.lines + reading.notes.malformed <= 100


@given(st.text(max_size=200), st.integers(0, 3000), st.integers(1, 500))
def test_no_damage_stops_reading_xml(noise: str, at: int, size: int) -> None:
    text = PLAIN[: at + 7] + noise + PLAIN[at + 7 + len(noise) :]
    _, reading = read(text.encode("utf-8", "surrogatepass"), "log.xml", size)
    assert reading.notes.lines <= 4 + noise.count("</Event>")
