"""What a letter says, and in which forms: of logs as machines write them, and of users who choose their names well."""

import json
import re
from base64 import b64decode
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import xarf as library
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from letters_given import ANNA, ID, NOW, SUSPECT, guesses, judge, letter, of_journal, of_lines, report

from auditkit.errors import UsageError
from auditkit.logins.evidence import event_of
from auditkit.logins.formats import syslog
from auditkit.logins.nouns import Setting
from auditkit.report.letter import mail, plain, screen, xarf
from auditkit.response.complaint import Complaint, Destination, Recipient, Reporter

LOGIN = f"2026-11-24T04:00:00Z srv-01 sshd[99]: Accepted password for anna from {SUSPECT} port 5 ssh2"
ELSEWHERE = "2026-11-24T04:00:00Z srv-01 sshd[99]: Accepted publickey for anna from 192.168.1.5 port 5 ssh2: ED25519 SHA256:x"
YEARLESS = "The stamps of these lines have no year and no zone: they are of 2026, in the local time of our machine"
ALSO = "Our logs also have 1 login from this address"
THEY = Recipient("abuse@provider.example", network="45.148.10.0 to 45.148.10.255")


def opened(said: Complaint, **given: Any) -> EmailMessage:
    """The mail as a mail program reads it."""
    found = BytesParser(policy=policy.default).parsebytes(mail.mail(letter(said, **given)))
    assert isinstance(found, EmailMessage)
    return found


def parts(message: EmailMessage) -> list[str]:
    made = []
    for part in message.iter_parts():
        assert isinstance(part, EmailMessage)
        made.append(str(part.get_content()).replace("\r\n", "\n"))
    return made


def test_the_plain_letter_says_what_was_seen_and_asks_and_accuses_nobody() -> None:
    lines = guesses(20, ["anna", "mallory"], stamp="2026-11-24T03:%M:%S+01:00", known=["anna"])
    told = plain.letter(letter(judge(of_lines(lines, accounts=["anna", "root"]), destination=Destination("8.8.4.4", 22))))
    assert (
        told
        == """\
Subject: Login attempts from 45.148.10.7 at our SSH service (2026-11-24), case 2026-001

Dear abuse team,

On one of our machines we saw 20 attempts to log in, from an address of your
network:

  Source:      45.148.10.7, ports 40000, 40001, 40002, 40017, 40018, 40019 and others
  Destination: 8.8.4.4, port 22/tcp (SSH)
  First:       2026-11-24 02:00:00 UTC (2026-11-24 03:00:00 +01:00, our local time)
  Last:        2026-11-24 02:19:19 UTC (2026-11-24 03:19:19 +01:00, our local time)

No login from this address succeeded as far as our logs show.

Here are 6 lines of our log. The stamps of these lines say their offset from
UTC. Names of our accounts and machines are written as user-A, host-A and so
on; nothing else in them was changed.

  2026-11-24T03:00:00+01:00 host-A sshd[900]: Failed password for user-A from 45.148.10.7 port 40000 ssh2
  2026-11-24T03:01:01+01:00 host-A sshd[901]: Failed password for invalid user mallory from 45.148.10.7 port 40001 ssh2
  2026-11-24T03:02:02+01:00 host-A sshd[902]: Failed password for user-A from 45.148.10.7 port 40002 ssh2
  2026-11-24T03:17:17+01:00 host-A sshd[917]: Failed password for invalid user mallory from 45.148.10.7 port 40017 ssh2
  2026-11-24T03:18:18+01:00 host-A sshd[918]: Failed password for user-A from 45.148.10.7 port 40018 ssh2
  2026-11-24T03:19:19+01:00 host-A sshd[919]: Failed password for invalid user mallory from 45.148.10.7 port 40019 ssh2

The machine behind this address may be used without its owner's knowledge.

Could you have a look at it, please, and pass this on to whoever looks after
the machine? If you can tell us what you found, we would be glad to know. If
you need more lines, or the same in another form, we send them.

Kind regards
Anna Admin
Office
it@office.example.org

Our case: 2026-001
"""
    )


def test_what_the_writer_did_not_say_stands_in_brackets_and_the_forms_that_need_it_are_not_there() -> None:
    made = letter(judge(of_lines(guesses())), reporter=Reporter())
    assert plain.letter(made).endswith(
        "Kind regards\n[your name]\n[your organisation]\n[your e-mail address]\n\nOur case: 2026-001\n"
    )
    assert xarf.missing(made) == "it must name who complains: --contact MAIL and --organisation ORG"
    assert mail.missing(made) == "it must say who reports: --contact MAIL"


@pytest.mark.parametrize(
    ("stamp", "zone", "stamps", "first"),
    [
        (
            "Nov 24 03:%M:%S",
            "Europe/Berlin",
            f"{YEARLESS}, UTC+01:00.",
            "2026-11-24 02:00:00 UTC (2026-11-24 03:00:00 +01:00, our local time)",
        ),
        (
            "Nov 24 03:%M:%S",
            "UTC",
            f"{YEARLESS}, UTC.",
            "2026-11-24 03:00:00 UTC",
        ),
        (
            "2026-11-24T03:%M:%S",
            "America/St_Johns",
            "The stamps of these lines have no zone: they are in the local time of our machine, UTC-03:30.",
            "2026-11-24 06:30:00 UTC (2026-11-24 03:00:00 -03:30, our local time)",
        ),
        (
            "2026-11-24T03:%M:%S-05:00",
            "UTC",
            "The stamps of these lines say their offset from UTC.",
            "2026-11-24 08:00:00 UTC (2026-11-24 03:00:00 -05:00, our local time)",
        ),
    ],
)
def test_the_letter_says_what_stamps_mean_that_do_not_say_it_themselves(stamp: str, zone: str, stamps: str, first: str) -> None:
    setting = Setting(NOW, ZoneInfo(zone), zone_known=True)
    said = judge(of_lines(guesses(stamp=stamp), setting=setting))
    assert said.stamps == stamps
    assert f"First:       {first}\n" in plain.letter(letter(said))


def test_entries_of_a_journal_are_quoted_as_journalctl_shows_them() -> None:
    entries = [f"Failed password for root from {SUSPECT} port {4000 + at} ssh2" for at in range(20)]
    said = judge(of_journal(entries, accounts=["root"]))
    assert said.lines[0].text == (
        f"2026-11-24T00:00:00.000000+00:00 host-A sshd[4711]: Failed password for user-A from {SUSPECT} port 4000 ssh2"
    )
    assert (len(said.lines), said.attempts, said.checks) == (10, 20, ())


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ([], "No login from this address succeeded as far as our logs show."),
        ([ELSEWHERE], "No login from this address succeeded as far as our logs show."),
        ([LOGIN], f"{ALSO}, the first at 2026-11-24 04:00:00 UTC; whose that was we are finding out."),
        (["2026-11-24T04:00:00Z srv-01 sshd[99]: Accepted password for anna from"], ""),
    ],
)
def test_of_success_the_letter_says_what_the_verdict_carries(more: list[str], outcome: str) -> None:
    said = judge(of_lines([*guesses(), *more]))
    assert said.outcome == outcome
    assert (outcome in " ".join(plain.letter(letter(said)).split())) is True
    asked_first = any("find out who that was" in check for check in said.checks)
    assert asked_first is (LOGIN in more)


def test_a_login_from_there_at_another_time_or_to_mail_is_hidden_by_no_window() -> None:
    """The report is of some hours; before them somebody came in from there."""
    since = NOW - 10 * 3600 * 10**9
    early = LOGIN.replace("T04:", "T01:")
    said = judge(of_lines([early, *guesses()], since=since))
    assert said.outcome == ""
    assert said.checks[0] == ("1 login from there at another time, or to mail or files: find out whose, before you write")
    assert judge(of_lines(guesses(), since=since)).outcome != ""
    mail_login = (
        f"2026-11-24T04:00:00Z srv-01 dovecot: imap-login: Login: user=<anna>, method=PLAIN, rip={SUSPECT}, lip=192.0.2.1"
    )
    assert judge(of_lines([*guesses(), mail_login])).outcome == ""


def test_a_log_with_gaps_is_said_to_have_them() -> None:
    document = of_lines(guesses())
    document["hosts"][0]["logins"]["coverage"] = "gap"
    assert judge(document).outcome == "No login from this address succeeded as far as our logs show, which have gaps."


def test_where_they_came_to_is_said_as_far_as_it_is_known() -> None:
    at = "2026-11-24T02:59:00Z srv-01 sshd[899]: "
    public, inside = "8.8.4.4 port 2222", "10.0.0.5 port 22"
    came = [f'{at}Connection from {SUSPECT} port 39999 on {{}} rdomain ""']
    assert judge(of_lines([came[0].format(public), *guesses()])).destination == Destination("8.8.4.4", 2222)
    assert judge(of_lines([came[0].format(inside), *guesses()])).destination == Destination()
    assert judge(of_lines(guesses()), destination=Destination("8.8.4.4")).destination == Destination("8.8.4.4")
    facts = of_lines(guesses())
    facts["hosts"][0]["facts"]["listeners"] = [{"address": "0.0.0.0", "port": 22, "protocol": "tcp", "process": "sshd"}]
    assert judge(facts).destination == Destination(None, 22)
    assert "Destination: port 22/tcp (SSH)" in plain.letter(letter(judge(facts)))


def test_several_machines_are_one_incident_and_names_of_all_are_taken_out() -> None:
    one, other = of_lines(guesses(12, ["anna"], known=["anna"])), of_lines(
        guesses(15, ["bert"], known=["bert"], host="db.office.lan"), host="db"
    )  # fmt: skip
    said = judge(one, other)
    assert (said.attempts, said.machines) == (27, 2)
    assert "On 2 of our machines we saw 27 attempts" in plain.letter(letter(said))
    assert {line.text.split()[1] for line in said.lines} == {"host-A", "host-B"}


def test_the_report_for_programs_is_as_the_library_of_xarf_wants_it() -> None:
    said = judge(of_lines(guesses(stamp="2026-11-24T03:%M:%S+01:00")), destination=Destination("8.8.4.4", 22))
    told = json.loads(xarf.xarf(letter(said)))
    found = library.parse(told)
    assert (found.errors, found.warnings) == ([], [])
    assert (told["category"], told["type"], told["source_identifier"]) == ("connection", "login_attack", SUSPECT)
    assert (told["source_port"], told["timestamp"]) == (40_019, "2026-11-24T02:19:19Z")
    assert (told["first_seen"], told["last_seen"]) == ("2026-11-24T02:00:00Z", "2026-11-24T02:19:19Z")
    assert UUID(told["report_id"]).version == 4
    assert "_internal" not in told
    (lines,) = told["evidence"]
    payload = b64decode(lines["payload"], validate=True)
    assert payload.decode() == "".join(f"{line.text}\n" for line in said.lines)
    assert lines["hash"] == f"sha256:{sha256(payload).hexdigest()}"
    without = {name: value for name, value in told.items() if name != "source_port"}
    assert library.parse(without).errors != []


def test_without_a_source_port_there_is_no_report_for_programs_and_it_is_said_why() -> None:
    """Lines that PAM writes have no port."""
    said = f"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={SUSPECT}  user=root"
    document = of_lines(f"2026-11-24T03:{at:02}:00Z srv-01 sshd[9]: {said}" for at in range(20))
    made = letter(judge(document))
    assert xarf.missing(made) == "it must have a source port, and no line of the log has one"
    assert "Source:      45.148.10.7\n" in plain.letter(made)


def test_the_mail_opens_as_a_draft_to_the_desk_and_to_nobody_else() -> None:
    message = opened(judge(of_lines(guesses())), recipient=THEY)
    assert (message["From"], message["To"]) == ("Anna Admin <it@office.example.org>", "abuse@provider.example")
    assert (message["Cc"], message["Bcc"], message["X-Unsent"]) == (None, None, "1")
    assert (message["Auto-Submitted"], message["X-ARF"], message["X-XARF"]) == ("auto-generated", "YES", "PLAIN")
    assert message.get_content_type() == "multipart/mixed"
    words, facts, lines = parts(message)
    assert words == plain.text(letter(judge(of_lines(guesses()))))
    assert lines == letter(judge(of_lines(guesses()))).evidence
    assert yaml.safe_load(facts) == {
        "Reported-From": "it@office.example.org",
        "Category": "abuse",
        "Report-ID": f"{ID}@office.example.org",
        "Report-Type": "login-attack",
        "Service": "ssh",
        "Version": "0.2",
        "User-Agent": "auditkit 0.1.0",
        "Date": "Tue, 24 Nov 2026 03:19:19 +0000",
        "Source-Type": "ip-address",
        "Source": SUSPECT,
        "Schema-URL": mail.SCHEMA,
        "Attachment": "text/plain",
        "Occurances": 20,
        "TLP": "green",
    }


def test_the_screen_says_to_whom_it_may_go_what_to_look_at_and_what_to_write_down() -> None:
    made = letter(judge(of_lines([*guesses(), LOGIN])), recipient=THEY)
    told = screen.told(screen.Told(made, "out", ["letter.txt", "evidence.log"], (), whence="rdap.example.net"))
    assert (
        told
        == """\
Nothing was sent. letter.txt and evidence.log are in out, and in the case.

It may go to: abuse@provider.example, the contact for abuse of 45.148.10.0 to 45.148.10.255, as rdap.example.net says

Before you send it:
  - read letter.txt: whether each word is true, and whether you may tell them what the lines show
  - the address that they came to is not known here, and a desk asks for it: --destination IP[:PORT]
  - ask whoever decides such things in your house
  - somebody logged in from there, or is said to have: find out who that was, before you tell anybody outside
  - it stands in text logs only (srv-01), into which any user there can write (logger): be sure of it

Once you have sent it, write that down:
  auditkit incident note 2026-001 'wrote to abuse@provider.example about 45.148.10.7' --kind contact
"""
    )


# --- names that somebody chose well

WORDS_OF_SSHD = ["port", "ssh2", "from", "for", "invalid", "user", "password", "sshd", "Failed", "preauth", "40000", "22"]
ACCOUNTS = st.from_regex(r"[a-z][a-z0-9_-]{0,15}", fullmatch=True)
HOSTILE = st.one_of(
    st.sampled_from([
        "x\nBcc: all@example.org", "\r\n.\r\nQUIT", "a: b", "--=_01234567-89ab-4def-8123-456789abcdef--", "{{7*7}}", "<b>",
        f"x from {SUSPECT} port 1 ssh2", "!!python/object:os.system", "'; rm -rf /", "\u202eabc", "\x1b[31m", "- y", "user-A",
        *WORDS_OF_SSHD,
    ]),
    st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), min_size=1, max_size=40),
)  # fmt: skip


def as_sshd(name: str) -> str:
    """A name as sshd writes it into a line: control characters by their numbers, and no colon ever."""
    return "".join(f"\\{ord(char):03o}" if ord(char) < 32 or ord(char) == 127 else char for char in name.partition(":")[0])


@settings(max_examples=25)
@given(st.lists(HOSTILE, min_size=1, max_size=4), st.booleans(), st.binary(max_size=9))
def test_no_name_gets_into_headers_yaml_json_or_lines_of_its_own(names: list[str], exist: bool, junk: bytes) -> None:
    odd = bytes(byte for byte in junk if byte >= 0x80).decode("utf-8", "surrogateescape")
    users = [as_sshd(name) + odd for name in names]
    document = of_lines(guesses(20, users, known=users if exist else ()))
    sources = [one for one in document["hosts"][0]["logins"]["sources"] if one["address"] == SUSPECT and one["attempts"] >= 10]
    if not sources:
        return  # the name is such that no line of it counts as one of this address
    try:
        said = judge(document)
    except UsageError as error:
        assert "can be shown" in str(error)  # noqa: PT017 - most names can be
        return
    message = opened(said, recipient=THEY)
    assert {name.lower() for name in message} == {
        "from", "to", "subject", "date", "auto-submitted", "x-arf", "x-xarf", "x-unsent", "mime-version", "content-type",
    }  # fmt: skip
    words, facts, lines = parts(message)
    assert yaml.safe_load(facts) == mail.facts(letter(said))
    assert lines.splitlines() == [line.text for line in said.lines]
    assert words.count("Kind regards") >= 1
    assert library.parse(json.loads(xarf.xarf(letter(said)))).errors == []
    told = plain.letter(letter(said))
    assert all(line.isprintable() for line in told.split("\n"))


@settings(max_examples=25)
@given(
    st.lists(
        st.one_of(st.sampled_from(WORDS_OF_SSHD), st.from_regex(r"[a-z][a-z0-9_-]{0,15}", fullmatch=True)),
        min_size=1,
        max_size=4,
    )
)
def test_no_account_that_exists_is_named_and_the_lines_stay_what_they_were(names: list[str]) -> None:
    """Also one that is called as a word of sshd: read by the grammar, each line says what it said, of another user."""
    document = of_lines(guesses(20, names, known=names, host="geheim7.intern"), accounts=[*names, "root"], host="geheim7")
    said = judge(document)
    shown = [event_of(line.text, syslog.FORMAT, Setting(2 * NOW)) for line in said.lines]
    for event in shown:
        assert event is not None
        assert re.fullmatch("user-[A-D]", event.user or "")
        assert (event.address, event.host, event.method) == (SUSPECT, "host-A", "password")
    assert [event.port for event in shown if event] == [line.port for line in said.lines]
    outputs = (plain.letter(letter(said)), xarf.xarf(letter(said)), letter(said).evidence, mail.mail(letter(said)).decode())
    for output in outputs:
        assert "geheim7" not in output
        assert not [name for name in names if len(name) > 4 and re.search(rf"for {re.escape(name)} from", output)]


@pytest.mark.parametrize("name", ["anna-secret", "geheim7", "x-geheim7-y"])
def test_a_name_of_ours_is_found_wherever_it_stands(name: str) -> None:
    """In the words of a certificate, or in a name that does not exist and has one of a machine in it."""
    lines = [*guesses(12, ["admin"], host="geheim7"), *guesses(12, [name], host="geheim7", stamp="2026-11-24T04:%M:%SZ")]
    said = f"Failed password for invalid user bob from {SUSPECT} port 5 ssh2: ID anna-secret"
    early, late = ([f"2026-11-24T{hour}:00:{at:02}Z geheim7 sshd[9]: {said}" for at in range(3)] for hour in ("02", "05"))
    document = of_lines([*early, *lines, *late], host="geheim7", accounts=["anna-secret"])
    told = plain.letter(letter(judge(document)))
    assert "anna-secret" not in told
    assert "geheim7" not in told


def test_addresses_inside_are_not_told_and_theirs_is() -> None:
    """Four lines of twelve attempts: few enough that the line of the connection is shown, too."""
    lines = [f'2026-11-24T02:59:00Z srv-01 sshd[899]: Connection from {SUSPECT} port 39999 on 10.1.2.3 port 22 rdomain ""']
    for at in range(4):
        said = f"Failed password for root from {SUSPECT} port {4000 + at} ssh2"
        lines.append(f"2026-11-24T03:{at:02}:00Z srv-01 sshd[{900 + at}]: message repeated 3 times: [ {said}]")
    told = plain.letter(letter(judge(of_lines(lines))))
    assert "10.1.2.3" not in told
    assert f"Connection from {SUSPECT} port 39999 on our-address port 22" in told


@pytest.mark.parametrize(
    ("name", "line", "shown"),
    [
        (
            "/var/log/auth.log",
            "Nov 24 03:{at:02}:00 router dropbear[77]: Bad password attempt for 'anna' from {suspect}:{port}",
            "Nov 24 03:00:00 host-A dropbear[77]: Bad password attempt for 'user-A' from 45.148.10.7:4000",
        ),
        (
            "/var/log/auth.log",
            "2026-11-24T03:{at:02}:00Z srv sshd-session[7]: Failed password for anna from {suspect} port {port} ssh2",
            "2026-11-24T03:00:00Z host-A sshd-session[7]: Failed password for user-A from 45.148.10.7 port 4000 ssh2",
        ),
        (
            "/var/log/container",
            "2026-11-24T03:{at:02}:00.000000000Z stderr F Failed password for anna from {suspect} port {port} ssh2",
            "2026-11-24T03:00:00.000000000Z stderr F Failed password for user-A from 45.148.10.7 port 4000 ssh2",
        ),
        (
            "C:/ProgramData/ssh/logs/sshd.log",
            "1234 2026-11-24 03:{at:02}:00.123 Failed password for anna from {suspect} port {port} ssh2",
            "1234 2026-11-24 03:00:00.123 Failed password for user-A from 45.148.10.7 port 4000 ssh2",
        ),
    ],
)
def test_names_are_taken_out_of_the_lines_of_any_server(name: str, line: str, shown: str) -> None:
    lines = (line.format(at=at, suspect=SUSPECT, port=4000 + at) for at in range(20))
    said = judge(report((name, "".join(f"{each}\n" for each in lines).encode()), accounts=["anna"]))
    assert (said.lines[0].text, said.attempts, len(said.lines)) == (shown, 20, 10)


def test_a_stamp_that_does_not_begin_its_line_is_in_local_time_all_the_same() -> None:
    line = f"1234 2026-11-24 03:{{:02}}:00.123 Failed password for anna from {SUSPECT} port 4000 ssh2\n"
    log = ("C:/ProgramData/ssh/logs/sshd.log", "".join(line.format(at) for at in range(20)).encode())
    said = judge(report(log, setting=Setting(NOW, ZoneInfo("Europe/Berlin"), zone_known=True)))
    assert said.stamps == "The stamps of these lines have no zone: they are in the local time of our machine, UTC+01:00."
    with pytest.raises(UsageError, match="the zone of the stamps in the log of srv-01 is not known"):
        judge(report(log, setting=Setting(NOW)))


DISTINCT = st.from_regex(r"zq[a-z0-9]{2,6}[a-z0-9_.-]{0,6}x", fullmatch=True)


@settings(max_examples=30)
@given(st.lists(DISTINCT, min_size=1, max_size=4, unique=True), DISTINCT, st.booleans())
def test_no_account_and_no_machine_of_ours_is_named_in_any_file(accounts: list[str], machine: str, known: bool) -> None:
    """Whether the accounts are known, or only the log says which of the names it does not know."""
    users = ["admin", *accounts]
    lines = guesses(20, users, known=accounts, host=f"{machine}.intern")
    said = judge(of_lines(lines, accounts=accounts if known else None, host=machine))
    made = letter(said, recipient=THEY)
    message = opened(said)
    report = json.loads(xarf.xarf(made))
    texts = [plain.letter(made), made.evidence, *parts(message), str(message["Subject"]), report["description"]]
    texts.append(b64decode(report["evidence"][0]["payload"]).decode())
    for name in (*accounts, machine):
        assert not [text for text in texts if name in text]


def test_names_stay_where_that_is_asked_for_and_the_screen_says_so() -> None:
    said = judge(of_lines(guesses(20, ["anna"], known=["anna"]), accounts=["anna"]), keep_names=True)
    assert "Failed password for anna from" in plain.letter(letter(said, reporter=ANNA))
    assert "names of your accounts and machines stand in the lines, as you asked for" in said.checks
