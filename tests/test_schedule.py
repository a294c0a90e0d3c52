"""`auditkit schedule`: units and cron lines as printed, what systemd itself says of them, and nights under a real systemd."""

import json
import os
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_string
from pathlib import Path
from typing import Any

import pytest
from booted import Booted, booted, can_be_booted
from conftest import SOURCE, Cli
from hypothesis import given, settings
from hypothesis import strategies as st
from mailserver import PASSWORD, USER, certificate

from auditkit import units
from auditkit.errors import UsageError
from auditkit.schedules import Plan, cron, systemd
from auditkit.schedules.systemd import quoted

PLAN = Plan(("/usr/bin/auditkit",), ("local",), ("--config", "/etc/auditkit/auditkit.yaml", "--store", "/srv/ak"), "/srv/ak")
NEEDS_SYSTEMD = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")


def settings_of(text: str) -> dict[str, list[str]]:
    """The settings of a unit."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def service(name: str = "auditkit-nightly", **more: Any) -> dict[str, list[str]]:
    return settings_of(systemd.made(replace(PLAN, **more), None, "again").files[f"/etc/systemd/system/{name}.service"])


# what is printed


def schedule(cli: Cli, *words: str) -> str:
    told = cli.run("schedule", *words, "--store", "/srv/ak", "-q")
    assert told.code == 0, told.err
    return told.out


def test_units_and_what_a_person_does_with_them(cli: Cli) -> None:
    out = schedule(cli, "--at", "02:30", "--delay", "1h")
    assert "OnCalendar=*-*-* 02:30:00\nRandomizedDelaySec=3600\n" in out
    assert "Persistent=true\n" in out
    assert "--store /srv/ak\n" in out
    assert out.split("Install:\n")[1].split("\n\n")[0].splitlines() == [
        "  auditkit schedule --at 02:30 --delay 1h --store /srv/ak -o units",
        "  sudo install -d -m 700 /srv/ak",
        "  sudo install -m 644 -t /etc/systemd/system units/auditkit-nightly.timer units/auditkit-nightly.service",
        "  sudo systemctl daemon-reload",
        "  sudo systemctl enable --now auditkit-nightly.timer",
    ]
    assert out.split("Undo:\n")[1].split("\n\n")[0].splitlines() == [
        "  sudo systemctl disable --now auditkit-nightly.timer",
        "  sudo rm /etc/systemd/system/auditkit-nightly.timer /etc/systemd/system/auditkit-nightly.service",
        "  sudo systemctl daemon-reload",
    ]
    assert "nobody is told: add `notify:`" in out


def test_files_are_written_where_a_person_says_and_nowhere_else(cli: Cli) -> None:
    out = schedule(cli, "-o", "my units")
    written = sorted((cli.home / "my units").iterdir())
    assert [path.name for path in written] == ["auditkit-nightly.service", "auditkit-nightly.timer"]
    assert f"-t /etc/systemd/system '{cli.home}/my units/auditkit-nightly.timer'" in out
    assert "[Unit]" not in out
    assert not Path("/etc/systemd/system/auditkit-nightly.timer").exists()


def test_what_is_asked_for_is_what_is_run(cli: Cli) -> None:
    (cli.home / "auditkit.yaml").write_text("hosts: {srv-01: {address: 10.0.0.1}}\nnotify: {apprise_file: x}\n")
    out = schedule(cli, "srv-01", "--what", "check", "--parallel", "7", "--jobs", "2", "--fail-on", "high", "--user", "audit")
    words = re.findall(r"^ExecStart=(.*)$", out, re.MULTILINE)
    where = f"--config {cli.home}/auditkit.yaml --store /srv/ak"
    told = "nightly srv-01 --what check --parallel 7 --fail-on high --jobs 2"
    assert words[0].endswith(f" {told} {where} --queue")
    assert words[1].endswith(f" nightly --send {where}")
    assert "install -d -m 700 -o audit /srv/ak" in out
    assert "User=audit\n" in out


MISTAKES = {
    "a time": (("--at", "25:00"), "25:00 is no time of day"),
    "a delay": (("--delay", "1d"), "1d is no delay"),
    "a long delay": (("--delay", "13h"), "13h is no delay"),
    "a user": (("--user", "a b\nExecStart=x"), "is no name of a user"),
    "a host": (("nobody",), "nobody"),
    "evidence": (("evidence:/x.zst",), "evidence is the same every night"),
    "a place": (("-o", "/proc/x"), "/proc/x cannot be made"),
}


@pytest.mark.parametrize(("words", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_refused_and_named(cli: Cli, words: tuple[str, ...], message: str) -> None:
    told = cli.run("schedule", *words)
    assert told.code == 2
    assert message in told.err


def test_nobody_but_root_may_say_what_root_does_every_night(cli: Cli) -> None:
    (cli.home / "auditkit.yaml").write_text("networks: [10.0.0.0/8]\n")
    assert "others than root may change" not in schedule(cli)
    (cli.home / "auditkit.yaml").chmod(0o666)
    assert f"others than root may change {cli.home}/auditkit.yaml, by which root would be told" in schedule(cli)
    assert "others than root may change" not in schedule(cli, "--user", "audit")


def test_the_store_is_that_of_the_system_whoever_prints_this(by_nobody: Cli) -> None:
    out = by_nobody.run("schedule", "-q").out
    assert "StateDirectory=auditkit\n" in out
    assert "--store /var/lib/auditkit\n" in out


# how tight it is


def test_this_machine_is_seen_as_it_is() -> None:
    """Each of these would hide something of it from an audit that looks for just that."""
    found = service()
    hiding = {
        "PrivateTmp",
        "PrivateDevices",
        "PrivateNetwork",
        "PrivateUsers",
        "ProtectProc",
        "ProcSubset",
        "ProtectKernelModules",
    }
    hiding |= {"ProtectKernelTunables", "ProtectKernelLogs", "InaccessiblePaths", "TemporaryFileSystem", "PrivateMounts"}
    assert not hiding & set(found)
    assert found["ProtectHome"] == ["read-only"]


def test_it_may_write_to_the_store_alone_and_reach_nobody_outside() -> None:
    found = service(networks=("192.168.10.0/24",))
    assert found["ProtectSystem"] == ["strict"]
    assert found["ReadWritePaths"] == ["/srv/ak", "/tmp /var/tmp"]
    assert (found["IPAddressDeny"], found["IPAddressAllow"]) == (["any"], ["localhost 192.168.10.0/24"])
    assert not {"CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN", "CAP_SETUID"} & set(found["CapabilityBoundingSet"][0].split())
    assert service(store="/var/lib/auditkit")["StateDirectory"] == ["auditkit"]


def test_who_looks_at_other_machines_only_has_no_rights_here() -> None:
    found = service(here=False, away=True)
    assert found["CapabilityBoundingSet"] == [""]
    assert found["PrivateTmp"] == ["yes"]
    assert "IPAddressDeny" not in found, "names of hosts may be asked for elsewhere"
    assert service(user="audit")["CapabilityBoundingSet"] == [""]


def test_findings_and_gaps_are_no_failure_and_mistakes_are() -> None:
    assert service()["SuccessExitStatus"] == ["1 3"]
    found = service(notified=True)
    assert (found["OnSuccess"], found["OnFailure"]) == (["auditkit-notify.service"], ["auditkit-notify.service"])
    sends = service("auditkit-notify", notified=True, credential="smtp")
    assert sends["LoadCredential"] == ["smtp:/etc/credstore/smtp"]
    assert sends["CapabilityBoundingSet"] == [""]
    assert "NoNewPrivileges" not in service("auditkit-notify", notified=True, sendmail=True), "sendmail may be setgid"


PLANS: dict[str, dict[str, Any]] = {
    "here": {"notified": True, "sendmail": True, "networks": ("10.0.0.0/8",)},
    "away": {"here": False, "away": True, "notified": True},
    "both": {"away": True, "store": "/var/lib/auditkit", "user": "daemon"},
}
MOST = {"here": (38, 60), "away": (20, 20), "both": (38, 0)}
"""Exposure of the service that looks and of the one that sends, times ten."""


@NEEDS_SYSTEMD
@pytest.mark.parametrize("name", PLANS)
def test_systemd_takes_the_units_and_tells_how_exposed_they_are(name: str) -> None:
    plan = replace(PLAN, program=(sys.executable,), **PLANS[name])
    made = systemd.made(plan, None, "again")
    lines = list(units.told({os.path.basename(path): text for path, text in made.files.items()}))
    found = [re.fullmatch(r"auditkit-(nightly|notify)\.service: exposure (\d\.\d) (OK|MEDIUM) .*", line) for line in lines]
    assert all(found), lines
    assert [int(float(each[2]) * 10) <= most for each, most in zip(found, MOST[name], strict=False) if each] == [True] * len(
        lines
    )


@NEEDS_SYSTEMD
def test_a_unit_with_a_mistake_is_told() -> None:
    lines = list(units.told({"auditkit-nightly.service": "[Service]\nExecStart=/usr/bin/true\nProtectSytem=strict\n"}))
    assert any(
        re.match(r"systemd-analyze verify: auditkit-nightly.service:3: Unknown key .*'ProtectSytem'", line) for line in lines
    )


def test_without_systemd_it_is_said_that_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert list(units.told({"x.service": ""})) == ["exposure: not known, for systemd-analyze is not installed here"]


# words of every kind

WORD = st.text(min_size=1, max_size=12).filter(
    lambda text: "\0" not in text and text.encode("utf-8", "ignore").decode() == text
)


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("/srv/ak", "/srv/ak"),
        ("/srv/a b", '"/srv/a b"'),
        ("100%n", '"100%%n"'),
        ("$HOME", '"$$HOME"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("a\nExecStart=/evil", '"a\\x0aExecStart=/evil"'),
        ("", '""'),
        (";", '";"'),
    ],
)
def test_a_word_as_systemd_reads_it(word: str, line: str) -> None:
    assert quoted(word) == line


@given(st.lists(WORD, max_size=4))
@settings(max_examples=60)
def test_no_word_makes_a_line_of_its_own(words: list[str]) -> None:
    plan = Plan(("/usr/bin/auditkit",), words, ("--store", "/x"), "/x")
    text = systemd.made(plan, None, "again").files["/etc/systemd/system/auditkit-nightly.service"]
    plain = systemd.made(PLAN, None, "again").files["/etc/systemd/system/auditkit-nightly.service"]
    assert text.isprintable() or set(text) - {"\n"} == {char for char in text if char.isprintable()}
    assert len(text.splitlines()) == len(plain.splitlines())


# cron


def test_a_line_for_cron(cli: Cli) -> None:
    out = schedule(cli, "--cron", "--at", "23:50", "--delay", "0")
    assert re.search(r"^50 23 \* \* \* root \S+ .*nightly --quiet --store /srv/ak$", out, re.MULTILINE)
    assert "MAILTO=root\n" in out
    assert "sudo install -m 644 units/auditkit /etc/cron.d/auditkit" in out
    assert "  sudo rm /etc/cron.d/auditkit\n" in out
    assert "cron does not make up for a night when the machine was off" in out


def test_cron_does_not_mail_what_is_told_otherwise() -> None:
    (text,) = cron.made(Plan(("/a",), (), (), "/x", notified=True), None, "again").files.values()
    assert text.endswith("root /a nightly --quiet >/dev/null\n")


@pytest.mark.parametrize(("spread", "minute"), [(0, "0 1"), (1799, "29 1"), (1800, "0 1"), (2**32 - 1, "28 1")])
def test_machines_do_not_start_at_once(spread: int, minute: str) -> None:
    (text,) = cron.made(Plan(("/a",), (), (), "/x", spread=spread), None, "again").files.values()
    assert f"\n{minute} * * * " in text


def test_a_delay_may_go_beyond_midnight() -> None:
    (text,) = cron.made(Plan(("/a",), (), (), "/x", hour=23, minute=59, spread=120), None, "again").files.values()
    assert "\n1 0 * * * " in text


@given(st.lists(WORD, max_size=4))
@settings(max_examples=60)
def test_cron_hands_over_the_words_that_were_given(words: list[str]) -> None:
    plan = Plan(("/usr/bin/auditkit",), words, (), "/x")
    if not all(word.isprintable() for word in words):
        with pytest.raises(UsageError, match="a line of cron cannot have"):
            cron.made(plan, None, "again")
        return
    (text,) = cron.made(plan, None, "again").files.values()
    line = text.splitlines()[-1].split(" ", 6)[6]
    assert re.sub(r"\\%", "", line).count("%") == 0, "cron takes it for a line break"
    assert shlex.split(line.replace("\\%", "%")) == ["/usr/bin/auditkit", "nightly", "--quiet", *words]


# a night under a real systemd

POLICY = {"schema": "auditkit/policy/1", "name": "test", "digests": ["blake3"]}
WATCHED = ("/etc/ssh", "/home", "/root", "/var/lib", "/tmp/mine", "/var/tmp", "/dev/shm")
STORE = "/srv/ak"
SENDMAIL = "#!/bin/sh\ncat > /var/mail/got.$$\n"
BLOCKED = re.compile(r"[Pp]ermission denied|not permitted|[Rr]ead-only")
PROGRAM = """#!{python}
import sys; sys.path.insert(0, "{source}")
from auditkit.commands import main; sys.exit(main())
"""
HERE = "/usr/local/lib/under-test"
"""Where a machine has what is tried out: not below /tmp, which a service may have for itself."""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """A machine with auditkit, a baseline, units as they are printed, and something that listens."""
    if reason := can_be_booted():
        pytest.skip(reason)
    seen = {SOURCE: f"{HERE}/source", sys.prefix: f"{HERE}/venv", sys.base_prefix: sys.base_prefix}
    python = f"{HERE}/venv/bin/python3"
    with booted(tmp_path_factory.mktemp("machine"), seen) as made:
        made.write("/usr/local/bin/auditkit", PROGRAM.format(python=python, source=f"{HERE}/source"), "755")
        made.write("/usr/local/bin/sendmail", SENDMAIL, "755")
        made.write("/etc/auditkit/auditkit.yaml", "notify: {mail: {to: [root], from: root, via: /usr/local/bin/sendmail}}\n")
        made.write(
            "/etc/auditkit/policy.yaml",
            json.dumps({**POLICY, "watch": [{"path": each, "level": "content"} for each in WATCHED]}),
        )
        made.write("/home/anna/secret", "hers alone\n", "600")
        made.write("/tmp/mine/file", "x")
        made.run("install", "-d", "-m", "700", STORE)
        made.run("chown", "-R", "12345", "/home/anna")
        made.run("auditkit", "schedule", "local", "--store", STORE, "-q", "-o", "/etc/systemd/system")
        made.run("systemctl", "daemon-reload")
        kept = made.run(
            "auditkit", "baseline", "local", "--store", STORE, "--policy", "/etc/auditkit/policy.yaml", "-q", check=False
        )
        assert kept.returncode in (0, 3), kept.stderr
        made.run("systemd-run", "--unit=listens", "--uid=daemon", python, "-m", "http.server", "--bind", "127.0.0.1", "8080")
        made.run("sh", "-c", "until grep -q :1F90 /proc/net/tcp; do sleep 0.05; done")  # 8080
        yield made


def night(machine: Booted) -> int:
    """Start the service, wait for its end and that of the other one, and give the exit status of `systemctl start`."""
    code = machine.run("systemctl", "start", "auditkit-nightly.service", check=False).returncode
    machine.run("systemctl", "start", "auditkit-notify.service")  # waits for one that is under way
    return code


def letters(machine: Booted) -> list[str]:
    told = machine.run("sh", "-c", "for each in $(ls -tr /var/mail/got.*); do cat $each; echo ==; done", check=False).stdout
    return [str(message_from_string(text)["Subject"]) for text in told.split("==\n") if text.strip()]


@pytest.mark.slow
def test_a_night_in_the_service_sees_what_root_sees_and_writes_nothing_but_the_store(machine: Booted) -> None:
    assert night(machine) == 0, "findings are no failure"
    (report,) = json.loads(machine.run("sh", "-c", f"cat {STORE}/reports/*.json").stdout)["hosts"]
    assert [gap for gap in report["gaps"] if BLOCKED.search(gap["reason"])] == []
    assert report["changes"] == []
    rules = {finding["rule"] for finding in report["findings"]}
    assert not rules & {"mount-covers-watched-path", "log-tampered", "mount-gone"}
    (port,) = [one for one in report["facts"]["listeners"] if one["port"] == 8080]
    assert "python" in port["process"], "what others run is seen"
    assert letters(machine) == [next(iter(letters(machine)))]
    assert "new on local" in letters(machine)[0]
    modes = machine.run("sh", "-c", f"find {STORE} -perm /077 -printf '%p '").stdout.split()
    assert [path for path in modes if "/baselines" not in path] == []


@pytest.mark.slow
def test_the_service_may_not_do_what_a_scan_never_does(machine: Booted) -> None:
    """The rights of the unit, tried out by a shell in its place."""
    tries = {
        "write": "echo x > /etc/x",
        "home": "echo x > /root/x",
        "own": "chown 1 /srv/ak",
        "mode": "chmod 4755 /srv/ak",
        "mount": "mount -t tmpfs x /srv/ak",
        "raw": f"{sys.executable} -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'",
        "user": f"{sys.executable} -c 'import os; os.setuid(1)'",
        "out": f'{sys.executable} -c \'import socket; socket.socket(2, 2).sendto(b"x", ("192.0.2.1", 9))\'',
    }
    script = "".join(f"({what}) 2>/dev/null && echo {name}; " for name, what in tries.items())
    machine.write(
        "/etc/systemd/system/auditkit-nightly.service.d/try.conf",
        f"[Service]\nExecStart=\nExecStart=sh -c {quoted(script + 'echo end')}\n",
    )
    machine.write(
        "/etc/systemd/system/auditkit-nightly.service.d/out.conf",
        "[Service]\nStandardOutput=file:/run/tried\n[Unit]\nOnSuccess=\nOnFailure=\n",
    )
    machine.run("ip", "route", "add", "192.0.2.0/24", "dev", "lo")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "auditkit-nightly.service", check=False)
    tried = machine.read("/run/tried").split()
    machine.run("rm", "-r", "/etc/systemd/system/auditkit-nightly.service.d")
    machine.run("systemctl", "daemon-reload")
    assert tried == ["end"]


@pytest.mark.slow
def test_a_run_that_was_killed_is_told_of_the_same_night(machine: Booted) -> None:
    machine.run("truncate", "-s", "1T", "/home/anna/endless")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--no-block", "auditkit-nightly.service")
    machine.run("sh", "-c", f"until grep -q '\"finished\": null' {STORE}/nightly/night.json; do sleep 0.05; done")
    machine.run("systemctl", "kill", "-s", "KILL", "auditkit-nightly.service")
    machine.run("sh", "-c", "until ls -tr /var/mail/got.* | tail -1 | xargs grep -q 'cut short'; do sleep 0.05; done")
    machine.run("rm", "/home/anna/endless")
    assert letters(machine)[-1] == "auditkit: a run was cut short"
    assert machine.show("auditkit-nightly.service", "Result")["Result"] == "signal", "systemctl --failed shows it"


MAILS = """
import sys, threading; sys.path.insert(0, "{source}/tests")
from pathlib import Path
from mailserver import Mails, serving
with serving(Mails(certificate=Path("/run/mails/server.pem"), login=True)) as mails:
    Path("/run/mails/port").write_text(str(mails.port))
    while not mails.taken: threading.Event().wait(0.05)
    Path("/run/mails/said").write_text("\\n".join(mails.said))
    Path("/run/mails/taken").write_bytes(mails.taken[0])
"""


@pytest.mark.slow
def test_a_password_of_systemd_opens_the_mail_server_to_the_service_that_sends(machine: Booted, tmp_path: Path) -> None:
    """LoadCredential= as it is printed, a server with STARTTLS and AUTH, the password nowhere else."""
    authority, server = certificate(tmp_path, "localhost")
    machine.write("/run/mails/server.pem", server.read_text(), "600")
    machine.write("/run/mails/serve.py", MAILS.format(source=f"{HERE}/source"))
    machine.write("/etc/auditkit/authority.pem", authority.read_text())
    machine.run("systemd-run", "--unit=mails", f"{HERE}/venv/bin/python3", "/run/mails/serve.py")
    machine.run("sh", "-c", "until [ -s /run/mails/port ]; do sleep 0.05; done")
    mail = {
        "to": ["anna@example.org"],
        "from": "auditkit@example.org",
        "via": f"smtp://localhost:{machine.read('/run/mails/port')}",
        "user": USER,
        "password_credential": "auditkit-smtp",
        "ca_file": "/etc/auditkit/authority.pem",
    }
    machine.write("/etc/auditkit/auditkit.yaml", json.dumps({"notify": {"mail": mail}}))
    machine.write("/etc/credstore/auditkit-smtp", f"{PASSWORD}\n", "600")
    machine.run("sh", "-c", "rm /etc/systemd/system/auditkit-*")
    machine.run("auditkit", "schedule", "local", "--store", STORE, "-q", "-o", "/etc/systemd/system")
    machine.run("systemctl", "daemon-reload")
    machine.run("rm", "-f", f"{STORE}/nightly/told.json")
    night(machine)
    machine.run("sh", "-c", "until [ -s /run/mails/taken ]; do sleep 0.05; done")
    assert "new on local" in message_from_string(machine.read("/run/mails/taken"))["Subject"]
    assert not re.search("AUTH|only for tests", machine.read("/run/mails/said")), "in the clear it says no more than STARTTLS"
    assert machine.show("auditkit-notify.service", "Result")["Result"] == "success"
    kept = machine.run("grep", "-rl", PASSWORD, STORE, "/run/systemd", "/etc/systemd", check=False)
    assert kept.stdout == "", "the password lies nowhere else"


def test_units_are_for_everybody_to_read(cli: Cli) -> None:
    schedule(cli, "-o", "units")
    assert {stat.S_IMODE(path.stat().st_mode) & 0o444 for path in (cli.home / "units").iterdir()} == {0o444}
