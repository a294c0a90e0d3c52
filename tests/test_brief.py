"""The brief: what it says of a case and what it must not, each of logs and machines that auditkit itself has looked at."""

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from briefed import NIGHT, guesses, log, login, of, pulse, section, whole
from conftest import Cli, build

from auditkit.response.brief import language
from auditkit.response.brief.nouns import Brief
from auditkit.response.nouns import Kind, Said

Document = Mapping[str, Any]
LONG = (NIGHT - timedelta(days=9)).replace(hour=0, minute=17), NIGHT + timedelta(hours=6)
USUAL = [line for day in range(1, 9) for line in guesses(34, f"203.0.113.{day}", "admin", NIGHT - timedelta(days=day))]
CALMING = ("no success was seen", "no success seen", "no change that is not explained", "nothing in the logs speaks against")
"""What may only stand where reports carry it."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """auditkit with a small tree of its own, for all the briefs here."""
    return build(tmp_path_factory.mktemp("brief"))


def told(cli: Cli, *words: str) -> dict[str, Any]:
    """The report of a run, as it would be kept in a case."""
    outcome = cli.run(*words, "--store", str(cli.store), "--format", "json")
    document: dict[str, Any] = json.loads(outcome.out)
    return document


def logins(cli: Cli, text: str, *words: str, name: str = "auth.log") -> dict[str, Any]:
    """What `auditkit logins` says of a log."""
    path = cli.home / name
    path.write_text(text)
    return told(cli, "logins", str(path), *words)


def named(document: Document, name: str, **changed: object) -> dict[str, Any]:
    """The same report of a machine with another name, as of many machines of one office."""
    one = {**deepcopy(document["hosts"][0]), "host": name, **changed}
    return {**document, "hosts": [one]}


def together(*documents: Document) -> dict[str, Any]:
    """One report of several machines."""
    return {**documents[0], "hosts": [host for one in documents for host in one["hosts"]]}


@pytest.fixture(scope="module")
def noise(machine: Cli) -> dict[str, Any]:
    """Fifty-two guesses in a night, and a usual day has 34."""
    text = log(pulse(*LONG), USUAL, guesses(user="admin"))
    return logins(machine, text, "--since", "2026-11-24T00:00:00Z", name="noise.log")


@pytest.fixture(scope="module")
def hit(machine: Cli) -> dict[str, Any]:
    """Guesses at anna, and then a login as anna from the same address."""
    text = log(pulse(*LONG), guesses(user="anna"), login("anna", "198.51.100.7", NIGHT + timedelta(minutes=20)))
    return logins(machine, text, name="hit.log")


@pytest.fixture(scope="module")
def silent(machine: Cli) -> dict[str, Any]:
    """A disk with no log on it."""
    return told(machine, "logins", machine.host)


@pytest.fixture(scope="module")
def away(machine: Cli) -> dict[str, Any]:
    """A machine that does not answer."""
    return told(machine, "logins", "ssh://127.0.0.1:1", "--timeout", "0.5")


def saying(made: Brief, number: int, *phrases: str) -> str:
    """A section, once it says all of this, and nothing of the whole brief accuses, dramatizes or calms."""
    text = section(made, number)
    assert language.objections(whole(made)) == ()
    assert [phrase for phrase in phrases if phrase not in text] == [], text
    return text


def options(made: Brief) -> list[str]:
    return [one.name for one in made.sections[4].options]


def test_no_success_seen_is_said_with_what_the_logs_cover_and_what_they_do_not(noise: Document) -> None:
    made = of(noise)
    saying(
        made,
        1,
        "52 guesses at passwords came from 198.51.100.7 to noise.log (24 Nov 2026 04:35 to 04:53) [2]",
        "No success was seen on noise.log in the logs that were read; section 3 says what is not known [2]",
        "Decision wanted: which of the options in section 5 is taken",
    )
    saying(
        made,
        2,
        "52 guesses in 19 minutes (24 Nov 2026 04:35 to 04:53) at noise.log, from 198.51.100.7, at 1 name",
        "a usual day here has 34, the busiest of 8 days had 34 [2]",
        "No success seen on noise.log in noise.log, which covers 24 Nov 2026 01:00 to 10:17 without a gap [2]",
    )
    saying(
        made,
        3,
        "What happened before 24 Nov 2026 01:00 and since 24 Nov 2026 10:17",
        "Whether files changed on noise.log: nothing was compared. auditkit check HOST --case 2026-001",
        "shows the truth: who has all rights on a running machine can change what it shows",
        "Who is behind an address",
        "Whether other machines are concerned",
    )
    saying(made, 4, "there is no audit in this case. auditkit audit HOST --case 2026-001 does it")
    saying(made, 7, "Run with auditkit for this case: logins [2]")
    assert "off the network" not in section(made, 5)
    assert options(made)[0] == "Do nothing more; look again tomorrow"
    assert "not compromised" not in whole(made)


def test_a_login_after_guesses_is_the_first_thing_that_is_said(hit: Document) -> None:
    made = of(hit, decide="whether hit.log goes off the network today")
    text = saying(
        made,
        1,
        'A login that something speaks against was seen on hit.log, first "anna" from 198.51.100.7 at 24 Nov 2026 04:55',
        "unless its owner confirms it, somebody else may have had access",
        "Decision wanted: whether hit.log goes off the network today",
    )
    assert len(text.splitlines()) == 3
    first = section(made, 2).splitlines()[0]
    assert first.startswith('Login on hit.log: "anna" from 198.51.100.7 at 24 Nov 2026 04:55:00 by password, after 52 guesses')
    saying(
        made, 3, "Whether the login was its owner's: he or she has to be asked [2]", "Which data were read or copied on hit.log"
    )
    saying(made, 5, "Ask by telephone", "Take hit.log off the network; rebuild if it was somebody else", "they stay in")
    assert not any(calm in whole(made).lower() for calm in CALMING)


def test_a_login_that_nothing_speaks_against_has_still_to_be_confirmed(machine: Cli) -> None:
    often = [line for day in range(9) for line in login("bernd", "192.168.10.5", NIGHT - timedelta(days=day), 100 + day)]
    document = logins(machine, log(pulse(*LONG), often), name="calm.log")
    assert [one["ask"] for one in document["hosts"][0]["logins"]["successes"]] == [None] * 9
    made = of(document)
    saying(made, 1, "Logins were seen on calm.log, and whoever made them has to confirm them")
    saying(made, 2, '9 logins on calm.log (of "bernd") that nothing in the logs speaks against [2]')
    saying(made, 3, "Whether the 9 logins were their owners': each has to be asked [2]", "Which data were read or copied")
    saying(made, 5, "Ask by telephone whether each of the 9 logins was theirs", "rebuild if it was somebody else")
    assert "no success" not in whole(made).lower()


def test_a_claim_that_nothing_supports_is_no_login_and_no_good_news(machine: Cli) -> None:
    claim = [
        f"{(NIGHT + timedelta(hours=1)).isoformat()} srv-01 sshd[7]: Accepted password for root from 192.0.2.66 port 1 ssh2"
    ]
    others = [line for day in range(1, 6) for line in login("bernd", "192.0.2.10", NIGHT - timedelta(days=day), 100 + day)]
    document = logins(machine, log(pulse(*LONG), others, claim), "--since", "2026-11-24T00:00:00Z", name="claim.log")
    assert document["hosts"][0]["logins"]["access"] == "unsupported"
    made = of(document)
    saying(made, 1, "A login is claimed on claim.log and nothing else supports it, so whether somebody had access is not known")
    saying(made, 2, 'A login on claim.log is claimed, of "root" from 192.0.2.66', "no other trace supports it [2]")
    saying(made, 3, "Whether the logins that are claimed on claim.log took place")
    saying(made, 5, "Look further at claim.log", "Take claim.log off the network")
    assert not any(calm in whole(made).lower() for calm in CALMING)


def test_where_no_log_tells_nothing_is_told(silent: Document) -> None:
    made = of(named(silent, "srv-01"))
    saying(made, 1, "What was tried on srv-01 cannot be told", "Whether anybody got in on srv-01 cannot be told")
    saying(made, 3, "Whether anybody got in on srv-01: no source tells of logins")
    saying(made, 5, "Look further at", "off the network", "they stay in")
    assert not any(calm in whole(made).lower() for calm in CALMING)


def test_a_gap_stands_in_the_answer_and_with_its_hours(machine: Cli) -> None:
    document = logins(machine, log(pulse(*LONG, 100, 101, 102, 103, 104, 105), guesses()), name="gap.log")
    made = of(document)
    saying(made, 1, "No success was seen on gap.log in logs that have gaps; section 3 says what is not known")
    saying(made, 2, "to 24 Nov 2026 10:17 with gaps [2]")
    saying(made, 3, "What happened on gap.log from 19 Nov 2026 04:17 to 11:17: no log tells [2]")
    saying(made, 5, "Look further at gap.log")
    assert "without a gap" not in whole(made)


def test_signs_of_tampering_are_said_where_it_is_said_that_nothing_was_seen(machine: Cli) -> None:
    text = log(pulse(*LONG), guesses()).encode()
    (machine.home / "holes.log").write_bytes(text[:3000] + bytes(400) + text[3000:])
    document = told(machine, "logins", str(machine.home / "holes.log"))
    assert document["hosts"][0]["logins"]["coverage"] == "tamper"
    made = of(document)
    saying(made, 1, "No success was seen on holes.log in logs that show signs of having been changed")
    saying(made, 3, "What the logs of holes.log said before: 1 sign of a change (holes.log) [2]")
    saying(made, 5, "Look further at holes.log")
    assert "without a gap" not in whole(made)


def test_of_several_machines_each_answer_is_told_and_those_that_gave_none(
    noise: Document, hit: Document, away: Document
) -> None:
    office = together(
        named(noise, "ws-01"), named(noise, "ws-02"), named(noise, "ws-03"), named(hit, "srv-01"), named(away, "ws-04")
    )
    made = of(office, inventory=("ws-01", "ws-02", "ws-03", "srv-01", "ws-04", "ws-05"))
    saying(
        made,
        1,
        "208 guesses at passwords came from 198.51.100.7 to 4 machines",
        "was seen on srv-01",
        "whether anybody got in on ws-04 cannot be told",
        "whether anybody got in on ws-05 was not looked at",
    )
    saying(
        made,
        2,
        "No success seen on 3 machines (ws-01, ws-02 and ws-03), in logs that cover the time asked for without a gap [2]",
    )
    saying(made, 3, "Anything about ws-04, which did not answer: ", "Whether anybody got in on ws-05: nobody asked")
    saying(made, 5, "Take 2 machines off the network")
    assert "Whether other machines are concerned" not in section(made, 3)


def test_logs_that_were_named_as_files_may_be_of_one_machine(noise: Document, hit: Document) -> None:
    made = of(noise, hit)
    saying(
        made,
        1,
        "104 guesses (some may be counted twice) at passwords came from 198.51.100.7 to 2 machines (noise.log and hit.log)",
    )
    saying(made, 3, "Whether noise.log and hit.log are different machines")
    saying(made, 3, "What happened before 24 Nov 2026 01:00 and since 24 Nov 2026 10:17 (not every machine was looked at")
    office = of(named(noise, "ws-01"), named(hit, "ws-02"), inventory=("ws-01", "ws-02"))
    assert "counted twice" not in whole(office)
    assert "different machines" not in whole(office)


def test_a_machine_that_answers_later_has_an_answer(noise: Document, away: Document) -> None:
    made = of(named(away, "ws-01"), named(noise, "ws-01"))
    assert "cannot be told" not in section(made, 1)
    saying(made, 1, "No success was seen on ws-01 in the logs that were read; section 3 says what is not known [3]")


def test_what_was_seen_is_not_undone_by_a_later_report(noise: Document, hit: Document) -> None:
    made = of(named(hit, "srv-01"), named(noise, "srv-01"))
    saying(made, 1, "A login that something speaks against was seen on srv-01")
    saying(made, 3, "Which report of srv-01 is right: they say different things of logins [2, 3]")
    assert "no success" not in section(made, 1).lower()


def test_no_answer_to_a_later_question_undoes_nothing_either(hit: Document, away: Document) -> None:
    made = of(named(hit, "srv-01"), named(away, "srv-01"))
    saying(made, 1, "was seen on srv-01")


def test_a_later_report_of_less_time_hides_no_gap(machine: Cli, noise: Document) -> None:
    wide = logins(machine, log(pulse(*LONG, 100, 101, 102, 103, 104, 105), guesses()), name="wide.log")
    made = of(named(wide, "srv-01"), named(noise, "srv-01"))
    saying(made, 1, "in logs that have gaps")
    saying(made, 3, "What happened on srv-01 from 19 Nov 2026 04:17 to 11:17: no log tells [2]")


def test_a_login_of_who_guessed_is_told_though_only_other_hours_were_asked_for(machine: Cli) -> None:
    text = log(pulse(*LONG), guesses(user="anna"), login("anna", "198.51.100.7", NIGHT + timedelta(hours=4)))
    text += log(login("bernd", "192.168.10.5", NIGHT - timedelta(days=2), 77))
    document = logins(machine, text, "--since", "2026-11-24T03:00:00Z", "--until", "2026-11-24T05:00:00Z", name="hours.log")
    assert document["hosts"][0]["logins"]["access"] == "none-seen"
    made = of(document)
    saying(made, 1, 'was seen on hours.log, first "anna" from 198.51.100.7 at 24 Nov 2026 08:35')
    saying(made, 2, "Not judged: 1 login on hours.log outside of the time that was asked for [2]")
    saying(made, 3, "What happened before 24 Nov 2026 04:00 and since 24 Nov 2026 06:00")
    saying(made, 5, "Ask by telephone whether the login was his or hers")
    assert "no success" not in whole(made).lower()


def test_logins_that_open_no_shell_are_no_good_news_either(noise: Document) -> None:
    mail = named(noise, "srv-01")
    mail["hosts"][0]["logins"]["elsewhere"] = [{"service": "dovecot", "user": "anna", "logins": 12}]
    saying(of(mail), 3, "Whose hand was behind 12 logins to mail or files, or at the machine itself, on srv-01")


def test_what_could_not_be_trusted_stands_in_the_bottom_line(noise: Document) -> None:
    made = of(named(noise, "srv-01"), named(noise, "srv-01", untrusted="the seal of baseline 3 is not good", logins=None))
    saying(
        made,
        1,
        "Whether files changed on srv-01 is not known, for what they would be compared with is not trusted; no success was",
    )
    saying(made, 5, "if files changed on srv-01, nobody looked why", "Look further at srv-01")
    saying(made, 3, "What srv-01 was before: the seal of baseline 3 is not good [3]", "Whether files changed on srv-01")


def test_without_a_report_on_logins_it_is_said_that_nobody_looked(machine: Cli) -> None:
    made = of(told(machine, "audit", machine.host, "--only", "preload"))
    saying(made, 1, "The case is known from its title and from reports that do not ask about logins", "was not looked at")
    saying(made, 3, "Whether anybody got in: it was not looked at. auditkit logins HOST --case 2026-001 does it")
    assert not any(calm in whole(made).lower() for calm in CALMING)


def test_a_case_with_notes_only_says_so() -> None:
    notes = (
        Said(Kind.OBSERVATION, "The log of the server shows failed logins"),
        Said(Kind.CONTACT, "Nobody answers at their office", {"with": "Example GmbH"}),
        Said(Kind.DECISION, "We look again in the morning"),
    )
    made = of(notes=notes)
    saying(made, 1, "The case is known from 3 notes of people [2, 3, 4]", "Whether anybody got in was not looked at")
    saying(made, 2, "The log of the server shows failed logins (anna, 24 Nov 2026 10:31) [2]")
    saying(made, 3, "Whether anybody got in: it was not looked at", "Whether files changed: nothing was compared")
    saying(made, 7, "anna, contact with Example GmbH: Nobody answers at their office [3]", "decision: We look again")
    assert options(made)[0] == "Do nothing more"
    saying(made, 5, "nobody knows yet whether anybody got in")


def test_a_case_that_was_closed_does_not_say_how_in_words_that_nobody_looked_at() -> None:
    made = of(notes=(Said(Kind.CLOSED, "nobody got in"),))
    saying(made, 7, "24 Nov 2026 10:31, anna: closed the case [2]")


def test_a_case_with_nothing_in_it_is_a_brief_too() -> None:
    made = of()
    saying(made, 2, "No report and no observation is in the case")
    saying(made, 7, "Nothing is written in the journal but that the case was opened")
    assert all(part.statements or part.options for part in made.sections)


def test_changes_that_nothing_explains_stand_in_the_bottom_line(machine: Cli, noise: Document) -> None:
    tree = machine.tree / "usr/bin"
    tree.mkdir(parents=True)
    (tree / "ls").write_text("as shipped\n")
    machine.baseline()
    good = told(machine, "check", machine.host)
    (tree / "ls").write_text("as never shipped\n")
    bad = told(machine, "check", machine.host)
    calm = of(noise, named(good, "srv-01"))
    saying(calm, 2, "On srv-01 since the baseline of", "no change that is not explained, of")
    saying(calm, 3, "Whether the baseline of srv-01 is as it was made: it has no verified signature [3]")
    changed = of(noise, named(bad, "srv-01"))
    saying(changed, 1, "Files changed on srv-01 and no report explains it")
    saying(changed, 5, "if files changed on srv-01, nobody looked why")
    saying(changed, 2, "1 change that nothing explains (1 medium), first /usr/bin/ls [3]")
    accepted = of(named(bad, "srv-01"), named(good, "srv-01"))
    saying(accepted, 1, "Files changed on srv-01 and no report explains it")
    saying(accepted, 2, "On srv-01 an earlier report shows 1 change that nothing explains")


def test_what_was_accepted_before_is_told_with_why(machine: Cli, noise: Document) -> None:
    risk = {
        "rule": "ssh-root-password", "severity": "critical", "subject": "account root",
        "message": "root can log in with a password", "reason": "the vendor's wish", "until": "2027-03-01",
    }  # fmt: skip
    audit = told(machine, "audit", machine.host, "--only", "accounts")
    made = of(noise, named(audit, "srv-01", accepted=[risk]))
    saying(
        made,
        2,
        "On srv-01 auditkit.yaml accepts 1 risk (1 critical), first account root",
        "until 2027-03-01: the vendor's wish",
    )


def test_what_is_open_is_told_as_the_audit_found_it(machine: Cli, noise: Document) -> None:
    audit = told(machine, "audit", machine.host, "--only", "preload")
    host = audit["hosts"][0]
    door = {"account": "anna", "from": "anywhere", "method": "password", "set_by": "/etc/ssh/sshd_config:12"}
    host["facts"] = {
        "ssh": {"password_doors": [door], "password_unknown": []},
        "patching": {"pending": 12, "security": 5, "lists_of": "2026-11-23T00:00:00Z"},
        "listeners": [
            {"address": "0.0.0.0", "port": 22, "protocol": "tcp", "process": "sshd", "exposed": True, "service": "ssh"}
        ],
        "protections": [_brake(installed=True, enabled=True)],
    }
    made = of(named(noise, "srv-01"), named(audit, "srv-01"))
    saying(
        made,
        4,
        'srv-01 takes passwords over SSH for 1 account ("anna") from anywhere; set by /etc/ssh/sshd_config:12 [3]',
        "12 updates pending on srv-01, 5 of them for security by its lists of 23 Nov 2026 01:00 [3]",
        "1 port of srv-01 can be reached from other machines: ssh 22/tcp [3]",
    )
    saying(
        made,
        5,
        "OpenSSH's own penalties slow it on srv-01",
        "Close the password door on srv-01: keys only",
        "Install 5 security updates on srv-01",
    )
    host["facts"]["protections"] = [_brake(installed=False, enabled=None)]
    host["facts"]["ssh"]["password_doors"] = []
    shut = of(named(noise, "srv-01"), {**named(audit, "srv-01"), "access": {"passwords": {"checked": ["srv-01"]}}})
    saying(
        shut, 4, "Nothing on srv-01 slows down who guesses", "srv-01 takes no password over SSH, as far as the audit shows [3]"
    )
    saying(shut, 5, "nothing slows it on srv-01")
    assert "password door" not in section(shut, 5)
    unsure = of(named(noise, "srv-01"), named(audit, "srv-01"))
    saying(unsure, 4, "Whether srv-01 takes passwords over SSH could not be told [3]")
    saying(unsure, 5, "Close the password door where there is one")
    host["facts"].pop("listeners")
    part = of(named(noise, "srv-01"), named(audit, "srv-01"))
    saying(part, 4, "The audit of srv-01 says nothing of what listens [3]")


def _brake(installed: bool, enabled: bool | None) -> dict[str, object]:
    row = {"kind": "brute-force brake", "name": "sshd PerSourcePenalties", "running": None}
    return {**row, "installed": installed, "enabled": enabled, "data_age_days": None, "detail": ""}


def test_an_address_of_our_own_is_a_machine_of_ours(machine: Cli) -> None:
    made = of(logins(machine, log(pulse(*LONG), guesses(address="192.168.10.23")), name="inside.log"))
    saying(made, 5, "Look at our own machine at 192.168.10.23")
    assert "Block" not in section(made, 5)
    assert "Call or write" not in section(made, 5)


def first_minute(sentence: str, **told: object) -> Said:
    """What `incident open` writes down of what somebody knows who opens a case."""
    return Said(Kind.OBSERVATION, sentence, {"triage": told})


def test_what_was_guessed_in_the_first_minute_is_no_fact(noise: Document) -> None:
    note = first_minute("it looks like Example GmbH; nobody got in, as far as known", seems="Example GmbH", inside=False)
    made = of(noise, notes=(note,))
    assert "Example" not in whole(made)
    assert "nobody got in" not in whole(made)


def test_that_somebody_got_in_is_told_though_no_report_shows_it(noise: Document) -> None:
    note = first_minute("somebody got in, as far as known", inside=True, neighbour=True, hosts=["srv-07"])
    made = of(noise, notes=(note,))
    saying(
        made, 1, "Who opened the case noted that somebody got in, which no report shows", "got in on srv-07 was not looked at"
    )
    saying(made, 2, "When the case was opened it was noted that somebody got in, as far as was known then [3]")
    saying(made, 5, "if somebody got in, as was noted, they stay in", "Call who runs the address, a neighbour")


def test_a_correction_stands_in_the_place_of_what_it_corrects() -> None:
    notes = (
        Said(Kind.ACTION, "Took srv-01 off the network"),
        Said(Kind.CORRECTION, "Took srv-02 off the network", {"corrects": 2, "kind": "action"}),
        Said(Kind.CORRECTION, "Guesses at srv-02", {"corrects": 1, "kind": "open"}),
    )
    made = of(notes=notes, title="Guesses at srv-01")
    assert made.title == "Guesses at srv-02"
    saying(made, 7, "action: Took srv-02 off the network [2, 3]")
    assert "srv-01" not in whole(made)


def test_a_recommendation_is_marked_as_an_opinion(noise: Document) -> None:
    assert section(of(noise), 6) == "None is given."
    made = of(noise, recommend="Close the password door\non Friday", author="bernd")
    assert section(made, 6) == "Opinion of bernd, not a finding: Close the password door on Friday"


def test_the_annex_has_the_head_of_the_journal_and_the_digests(noise: Document) -> None:
    lines = section(of(noise), 8).splitlines()
    assert len(lines[0].removeprefix("journal at entry 2: sha256 ")) == 64
    assert lines[1] == f"0002-logins.json: sha256 {2:064x} [2]"


def test_times_are_of_the_place_and_another_offset_is_named(machine: Cli) -> None:
    """In October the clocks of Vienna show another offset than on the day of the brief."""
    october = NIGHT - timedelta(days=40)
    document = logins(machine, log(pulse(october, october + timedelta(days=3)), guesses(start=october)), name="summer.log")
    made = of(document)
    assert "Times are local (UTC+01:00)" in made.head
    saying(made, 1, "(15 Oct 2026 05:35 to 05:53 (UTC+02:00))")


def test_what_people_saw_is_not_crowded_out_by_what_machines_say(noise: Document) -> None:
    office = together(*(named(noise, f"ws-{number:02}") for number in range(9)))
    made = of(office, notes=(Said(Kind.OBSERVATION, "Anna says that she was asleep at that time"),))
    first, second = section(made, 2).splitlines()[:2]
    assert first == "Anna says that she was asleep at that time (anna, 24 Nov 2026 10:32) [3]"
    assert second.startswith("52 guesses in 19 minutes")
    saying(made, 2, "416 guesses more at 8 machines (ws-01, ws-02, ws-03 and 5 more) [2]")


def test_a_command_that_came_to_nothing_is_not_known(noise: Document) -> None:
    failed = Said(
        Kind.COMMAND, "auditkit check, exit status 2", {"command": "check", "exit": 2, "error": "there is no baseline"}
    )
    made = of(noise, notes=(failed,))
    saying(made, 3, "What auditkit check would have told: there is no baseline [3]")


@pytest.mark.parametrize("parts", [("sources",), ("successes",), ("names", "usual", "files", "read", "gaps", "tamper")])
def test_a_document_of_an_older_auditkit_is_read(noise: Document, hit: Document, parts: Sequence[str]) -> None:
    """Optional fields may be absent: then nothing is said of them, and nothing good."""
    for document in (noise, hit):
        old = named(document, "srv-01")
        for part in parts:
            old["hosts"][0]["logins"].pop(part, None)
        assert whole(of(old))


def test_what_a_log_brought_stays_on_one_line(machine: Cli, tmp_path: Path) -> None:
    nasty = "x]\x1b[2J\u202e<script>`|"
    made = of(logins(machine, log(pulse(*LONG), guesses(user=nasty)), name="nasty.log"))
    assert whole(made).isprintable() or all(line.isprintable() for line in whole(made).splitlines())
