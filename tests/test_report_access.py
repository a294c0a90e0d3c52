"""Who can log in where, as a reader sees it: one host, several, many; from a run, from a run that was resumed, from a file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, Cli
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from ways import DOOR, DROPBEAR, UNSURE, host, host_key, key, private, run, ssh

from auditkit import across, report
from auditkit.commands import answering
from auditkit.commands.saved import parsed
from auditkit.errors import FormatError
from auditkit.model import Finding, Gap, HostReport, Rule, Severity, State
from auditkit.report import document
from auditkit.report.access import fallen

NIGHT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
HOSTILE = "\x1b[31m\u202eevil\n\udcff"
FOUND = Finding(Rule("a-rule", "t", Severity.LOW, "w", ""), "it", "is so", Severity.LOW)


def made(*hosts: dict[str, Any], **known: str) -> document.Document:
    """The document of an audit of these hosts; `known`: whose keys are known."""
    view = across.view(run(*hosts), {f"SHA256:{name}": whose for name, whose in known.items()})
    ended = document.Report("audit", "auditkit 0.1", NIGHT, NIGHT, ())
    return document.assembled(ended, list(hosts), None if view is None else view.document)


def lines(told: document.Document, **more: Any) -> list[str]:
    """The text of a report, line by line."""
    return "".join(report.render(told, "text", report.Options(**more))).splitlines()


def test_one_host_has_its_sentence_and_doors_just_above_the_verdict() -> None:
    told = host("web1", ssh(password_doors=[DOOR], password_unknown=[UNSURE], keys=[key("root", "x"), key("bob", "bob")]))
    text = lines(made(document.with_more(told, HostReport("", findings=(FOUND,))), bob="bob"))
    assert text == [
        "web1",
        "  ! it: is so  low  a-rule",
        "  passwords  A password opens web1; it could be checked only in part: ldap-users from anywhere: PAM asks a directory",
        "    ACCOUNT  FROM      METHOD    SET BY",
        "    anna     anywhere  password  /etc/ssh/sshd_config.d/50-cloud-init.conf:1",
        "    ? ldap-users from anywhere: PAM asks a directory",
        "  keys  2 keys open accounts, 1 of them root; known_keys names 1 of them",
        "web1: 1 finding (1 low): NOT CLEAN",
        "",
    ]


def test_those_of_whom_it_cannot_be_told_for_one_reason_are_told_together() -> None:
    unsure = [{**UNSURE, "account": f"u{n}"} for n in range(30)]
    text = lines(made(host("web1", ssh(password_unknown=unsure))))
    assert [line for line in text if "?" in line] == [
        "    ? u0, u1, u2, u3, u4 and 25 more from anywhere: PAM asks a directory"
    ]


def test_of_one_host_too_is_said_how_much_was_left_out() -> None:
    keys = [key(f"u{n}", f"k{n}") for n in range(5_002)]
    assert "  left out, for there are too many: 2 lines (facts.ssh of each host has them)" in lines(
        made(host("web1", ssh(keys=keys)))
    )


OFFICE = (
    host(
        "srv-01",
        ssh(
            password_doors=[{**DOOR, "account": "root"}],
            keys=[
                key("root", "b", comment="backup@ws-03"),
                key("root", "anna", 'from="10.0.0.0/8"'),
                key("git", "dead", effective=False),
            ],
            host_keys=[host_key("h")],
        ),
    ),
    host(
        "srv-02",
        ssh(
            keys=[
                key("root", "b", effective=None),
                key("bob", "b", 'command="x"', "cert-authority"),
                key("bob", "anna"),
            ],
            host_keys=[host_key("h")],
        ),
    ),
    host("ws-03", ssh(private_keys=[private("backup", "b"), private("bob", "anna", encrypted=True)])),
    host("ws-04", None, Gap("ws-04", "no answer"), state=State.UNREACHABLE),
    host("nas", ssh(servers=[DROPBEAR])),
)
SENTENCE = (
    "  passwords  A password opens 1 of the 3 hosts we could check: srv-01; 2 could not be checked: ws-04 (unreachable),"
    " nas (dropbear, cannot tell)"
)
PARTS = f"""\
{SENTENCE}
    HOST    ACCOUNT  FROM      METHOD    SET BY
    srv-01  root     anywhere  password  /etc/ssh/sshd_config.d/50-cloud-init.conf:1
  keys  2 keys open accounts, all of them root; known_keys names 1 of them; 1 key without effect
    SHA256:b (not in known_keys, its comment says "backup@ws-03") can log in as root on 2 hosts: srv-01, srv-02\
 (effect not known), as bob on srv-02 (command=, by certificate)
    SHA256:dead (not in known_keys) has no effect
    SHA256:anna (anna's laptop) can log in as root on srv-01 (from=), as bob on srv-02
  host keys  1 key of more than one machine
    ssh-ed25519 SHA256:h: srv-01, srv-02
  if one falls  1 host with private keys that open others
    if ws-03 falls, the intruder has root on srv-01 via key SHA256:b of backup@ws-03 (no passphrase)
      perhaps root on srv-02
  not all keys are known of 1 host: ws-04 (unreachable: keys, private keys, host keys)"""


def test_several_hosts_have_four_parts_below_the_table_and_the_sentence_again_at_the_end() -> None:
    text = lines(made(*OFFICE, anna="anna's laptop"))
    assert text[0].split()[0] == "HOST"
    assert text[6 : text.index("")] == PARTS.splitlines()
    assert text[-3:] == [SENTENCE, "5 hosts: 1 unreachable, 4 ok: INCOMPLETE", ""]


def test_good_news_is_told_as_such() -> None:
    text = lines(made(host("a", ssh()), host("b", ssh())), color=True)
    assert "\x1b[32m  passwords  Nobody can log in with a password on any of the 2 hosts we could check\x1b[0m" in text
    assert "  if one falls  no private key that was found opens an account of another host" in text


def test_a_long_way_names_what_lies_on_it() -> None:
    told = (
        host("a", ssh(private_keys=[private("bob", "1")])),
        host("b", ssh(keys=[key("bob", "1")], private_keys=[private("bob", "2", encrypted=True)])),
        host("c", ssh(keys=[key("root", "2")])),
    )
    assert lines(made(*told))[-8:-4] == [
        "  if one falls  2 hosts with private keys that open others",
        "    if a falls, the intruder has bob on b via key SHA256:1 of bob@a (no passphrase)",
        "      perhaps root on c",
        "    if b falls, the intruder may have root on c via key SHA256:2 of bob@b (with a passphrase)",
    ]
    (only,) = [one for one in made(*told)["access"]["reach"][0]["hosts"] if one["host"] == "c"]
    assert fallen({"from": "a", "hosts": [only]}) == (
        "if a falls, the intruder may have root on c via key SHA256:2 of bob@b (with a passphrase), by way of b"
    )


def test_fifty_hosts_with_everything_wrong_are_told_on_a_screen_and_a_half() -> None:
    hosts = [
        host(
            f"h{number}",
            ssh(
                password_doors=[{**DOOR, "account": f"u{each}"} for each in range(20)],
                keys=[key("root", f"k{each}") for each in range(30)],
                private_keys=[private("root", f"k{number % 30}"), private("root", None)],
                host_keys=[host_key(f"h{each}") for each in range(20)],
            ),
        )
        for number in range(50)
    ]
    text = lines(made(*hosts))
    start = next(number for number, line in enumerate(text) if line.startswith("  passwords"))
    part = text[start : text.index("")]
    assert len(part) < 75
    assert [line for line in part if line.startswith("    ... and")] == [
        "    ... and 985 more doors (--format json has all)",
        "    ... and 18 more keys (--format json has all)",
        "    ... and 10 more keys (--format json has all)",
        "    ... and 42 more hosts (--format json has all)",
    ]
    assert part[0].count("h") < 80
    assert "h9 and 40 more" in part[0].replace(", and", " and")
    assert max(map(len, part)) < 400


def test_hostile_names_are_shown_and_never_obeyed() -> None:
    evil = {**DOOR, "account": HOSTILE, "from": HOSTILE, "method": "password", "set_by": HOSTILE}
    told = made(
        host(
            "a",
            ssh(
                password_doors=[evil],
                password_unknown=[{"account": HOSTILE, "from": HOSTILE, "why": HOSTILE}],
                keys=[key(HOSTILE, HOSTILE, comment=HOSTILE)],
                private_keys=[private(HOSTILE, "p" + HOSTILE)],
                host_keys=[host_key(HOSTILE)],
                servers=[{**DROPBEAR, "kind": HOSTILE, "why": HOSTILE}],
            ),
            Gap(HOSTILE, HOSTILE),
        ),
        host(HOSTILE, ssh(keys=[key("root", "p" + HOSTILE)], host_keys=[host_key(HOSTILE)])),
        **{HOSTILE: HOSTILE},
    )
    for text in ("\n".join(lines(told)), "\n".join(lines(made(host("a", ssh(password_doors=[evil])))))):
        assert not set(text) & {"\x1b", "\u202e", "\udcff"}
        assert "\\x1b[31m" in text
        assert "\\\\x1b" not in text
    again = document.check(parsed("".join(report.render(told, "json", report.Options())).encode(), "f"), answering.schema())
    assert lines(again) == lines(told)


def test_a_report_from_before_there_was_any_of_it_is_read() -> None:
    told = made(host("a"), host("b"))
    assert "access" not in told
    assert not any(line.startswith("  passwords") for line in lines(document.check(told, answering.schema())))


SHAPES: st.SearchStrategy[Any] = st.sampled_from((None, 0, "x", [], {}, [None], [0], ["x"], [{}], True))


@settings(max_examples=200)
@given(st.data())
def test_an_edited_report_is_refused_or_told(data: st.DataObject) -> None:
    """Any one value of what is said of all hosts, replaced by anything."""
    told = json.loads(json.dumps(made(*OFFICE)))
    place, name = told, "access"
    while data.draw(st.booleans()) and place[name]:
        inner = place[name]
        if not isinstance(inner, dict | list):
            break
        place, name = inner, data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
    place[name] = data.draw(SHAPES)
    try:
        document.check(told, answering.schema())
    except FormatError:
        return
    assert lines(told)


# from disks


def filled(place: Path, line: str = "", secret: bytes = b"") -> str:
    """A disk on which root has a line in authorized_keys, or a private key; the word for it."""
    (place / "etc").mkdir(parents=True)
    (place / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (place / "root/.ssh").mkdir(parents=True)
    if line:
        (place / "root/.ssh/authorized_keys").write_text(line)
    if secret:
        (place / "root/.ssh/id_ed25519").write_bytes(secret)
    return f"root:{place}"


@pytest.fixture(scope="module")
def pair() -> tuple[str, bytes]:
    """A line of authorized_keys, and the file of its private key."""
    secret = Ed25519PrivateKey.generate()
    line = secret.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
    form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    return f"{line} job\n", secret.private_bytes(*form)


def test_a_run_that_is_resumed_takes_all_its_hosts_together(cli: Cli, pair: tuple[str, bytes]) -> None:
    """The second disk is not there at first; what was said of the first one is not asked again, and counts."""
    from_there = filled(cli.home / "a", secret=pair[1])
    where = f"root:{cli.home / 'b'}"
    given_ = ("--store", str(cli.store), "--format", "json", "-q")
    first = json.loads(cli.run("audit", from_there, where, *given_).out)
    assert first["access"]["reach"] == []
    filled(cli.home / "b", line=pair[0])
    told = json.loads(cli.run("audit", "--resume", "last", *given_).out)
    SCHEMA.validate(told)
    assert [(one["from"], [other["host"] for other in one["hosts"]]) for one in told["access"]["reach"]] == [
        (from_there, [where])
    ]
    assert "by the run that was continued" in told["hosts"][0]["notes"][0]


def test_what_only_all_hosts_show_can_be_accepted_and_is_rendered_again(cli: Cli, pair: tuple[str, bytes]) -> None:
    disks = [filled(cli.home / name, secret=pair[1]) for name in "ab"]
    saved = cli.home / "saved.json"
    given_ = ("--store", str(cli.store), "-q", "--fail-on", "medium")
    cli.run("audit", *disks, *given_, "--format", "json", "-o", str(saved))
    found = json.loads(saved.read_text())
    copied = [[one["rule"] for one in each["findings"] if one["rule"] == "private-key-copied"] for each in found["hosts"]]
    assert copied == [["private-key-copied"]] * 2
    again, directly = (cli.run(*words).out for words in (("report", str(saved)), ("audit", *disks, *given_)))
    of_all = [text[text.index("  passwords  ") :].split("\n\n")[0] for text in (again, directly)]
    assert of_all[0] == of_all[1]
    assert again.count("  passwords  ") == 2
    soon = datetime.now(UTC).date() + timedelta(days=365)
    (cli.home / "auditkit.yaml").write_text(
        f"exceptions:\n- {{rule: private-key-copied, host: '@all', reason: a pair, until: {soon}}}\n"
    )
    told = json.loads(cli.run("audit", *disks, *given_, "--config", "auditkit.yaml", "--format", "json").out)
    assert [[one["rule"] for one in each["accepted"]] for each in told["hosts"]] == [["private-key-copied"]] * 2
