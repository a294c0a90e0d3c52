"""What a baseline knows of what listens, and what is said of what differs: from the command line, in a network of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import surroundings
from hypothesis import given
from hypothesis import strategies as st
from listening import Words
from loaded import Asked, Run, without_packages
from test_accounts import parts

from auditkit import baseline
from auditkit.audits import listeners
from auditkit.audits.listeners import since
from auditkit.audits.listeners.seen import seen
from auditkit.commands import checking
from auditkit.model import BaselineFacts, Finding, Gap

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="takes root and unshare")
POLICY = (
    "schema: auditkit/policy/1\nname: site\nwatch:\n  - {path: /etc/hostname, level: exists}\n  - {path: /etc, level: ignore}\n"
)
SYSTEM = POLICY.replace("/etc, level: ignore", "/etc, level: exists")
SERVER = """
import socket, sys
listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
print(flush=True)
while True:
    with listener.accept()[0] as link:
        link.sendall(sys.argv[1].encode())
"""
CASE = """x
-- listens --
7 33 /usr/sbin/nginx @0.0.0.0:80
-- says --
http tcp 80 = nginx
-- packages --
/usr/sbin/nginx nginx 1
"""


class Machine:
    """This machine in a network of its own, and a store."""

    def __init__(self, home: Path, namespace: int) -> None:
        self.home, self.space = home, f"/proc/{namespace}/ns/net"
        self.inside = ["nsenter", f"--net={self.space}", "--"]

    def run(self, *words: str) -> str:
        """What auditkit writes."""
        with Run(self._asked(*words, "-q")) as run:
            out, err = run.communicate(timeout=120)
        assert run.returncode in (0, 1, 3), err
        return out.decode()

    def refused(self, *words: str) -> str:
        """Why auditkit does not do that."""
        with Run(self._asked(*words)) as run:
            _out, err = run.communicate(timeout=120)
        assert run.returncode == 2
        return err.decode()

    def _asked(self, *words: str) -> Asked:
        surround = surroundings(self.home)
        return Asked((*words, "--store", "store"), str(self.home), surround, spaces=(self.space,), empty=without_packages())

    def news(self) -> list[tuple[str, str]]:
        """What an audit finds that is new since the baseline, and what it was."""
        told = json.loads(self.run("audit", "local", "--only", "listeners", "--format", "json"))["hosts"][0]["findings"]
        new = [one for one in told if one["rule"] in {rule.id for rule in since.RULES}]
        return [(one["rule"], re.split(r"; in the baseline of \S+ ", one["message"])[1]) for one in new]

    @contextmanager
    def server(self, says: str, port: int = 9999) -> Iterator[None]:
        """A service that says something."""
        words = [*self.inside, sys.executable, "-c", SERVER, says, str(port)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as one:
            assert one.stdout is not None
            assert one.stdout.readline() == b"\n"
            try:
                yield
            finally:
                one.kill()


@pytest.fixture(scope="module")
def namespace() -> Iterator[int]:
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo; exec sleep 3600"], stdout=-1) as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == b"\n"
        yield sleeper.pid
        sleeper.kill()


@pytest.fixture
def machine(namespace: int, tmp_path: Path) -> Machine:
    (tmp_path / "system.yaml").write_text(SYSTEM)
    (tmp_path / "tree.yaml").write_text(POLICY)
    return Machine(tmp_path, namespace)


@AS_ROOT
def test_what_listens_since_the_baseline_is_found_until_it_is_accepted(machine: Machine) -> None:
    machine.run("baseline", "local", "--policy", "system.yaml")
    assert machine.news() == []
    with machine.server("220 one 1.5\r\n"):
        assert machine.news() == [("listener-new", "nothing did")]
        machine.run("accept", "local", "--all")
        assert machine.news() == []
    with machine.server("220 one 1.4\r\n"):
        assert machine.news() == [("banner-changed", "it said 220 one 1.5")]


@AS_ROOT
def test_one_port_is_accepted_and_every_other_one_is_told_again(machine: Machine) -> None:
    machine.run("baseline", "local", "--policy", "system.yaml")
    with machine.server("220 one 1.5\r\n"), machine.server("220 two 1.5\r\n", 9998):
        proposed = json.loads(machine.run("audit", "local", "--only", "listeners", "--format", "json"))["next"]
        assert "auditkit accept local --port 9998/tcp --port 9999/tcp --reason TEXT" in proposed
        told = machine.run("accept", "local", "--port", "9999/tcp", "--reason", "the new service")
        assert "accepted port 9999/tcp" in told
        assert machine.news() == [("listener-new", "nothing did")]
        assert "as in the baseline" in machine.refused("accept", "local", "--port", "9998/tcp", "--port", "9999/tcp")
    told = machine.run("accept", "local", "--port", "9999/tcp")
    assert "accepted port 9999/tcp: nothing listens there any more" in told
    assert "there was none" in machine.refused("accept", "local", "--port", "9999/tcp")


@AS_ROOT
def test_a_baseline_of_one_tree_knows_nothing_of_what_listens_and_one_that_is_not_believed_is_a_gap(machine: Machine) -> None:
    machine.run("baseline", "local", "--policy", "tree.yaml")
    place = machine.home / "store/baselines/local/000001.baseline.zst"
    with closing(baseline.read(str(place))) as base:
        assert base.header.listeners is None
    assert "no port can be accepted" in machine.refused("accept", "local", "--port", "9999/tcp")
    place.write_bytes(place.read_bytes()[:-4])
    told = json.loads(machine.run("audit", "local", "--only", "listeners", "--format", "json"))["hosts"][0]
    assert any(gap["subject"] == "baseline" and "not known" in gap["reason"] for gap in told["gaps"])


def news(lines: tuple[dict[str, object], ...] | None) -> list[str]:
    """What is said of a web server by a baseline with these lines."""
    base = BaselineFacts("/b", datetime(2026, 11, 20, tzinfo=UTC), 3, None, 9, "linux", lines)
    told = listeners.judge(replace(Words(parts(CASE)).evidence(), before=base))
    return [
        one.reason if isinstance(one, Gap) else one.rule.id for one in told if isinstance(one, Gap) or one.rule in since.RULES
    ]


def test_what_is_proposed_to_be_accepted_is_of_these_rules() -> None:
    assert {rule.id for rule in since.RULES} == set(checking.SINCE)


def test_a_baseline_from_before_such_were_kept_says_nothing() -> None:
    assert news(None) == []
    assert news(()) == ["listener-new"]


LINE = {"protocol": "tcp", "address": "0.0.0.0", "port": 80, "program": None, "package": None, "banner": None}


@pytest.mark.parametrize(
    "odd", [{"port": "80"}, {"port": 0}, {"protocol": None}, {"address": "x"}, {"program": 7}, {"banner": []}]
)
def test_lines_that_nobody_has_written_are_a_gap(odd: dict[str, object]) -> None:
    assert news(({**LINE, **odd},)) == ["what listened when the baseline was made makes no sense"]
    assert news((LINE,)) == []


def banner_says(now: str, then: str) -> list[str]:
    """How severe it is that a service says one thing and said another."""
    case = CASE.replace("http tcp 80 = nginx\n", "").replace("/usr/sbin/nginx @", "/usr/sbin/sshd @").replace(":80", ":22")
    evidence = Words({**parts(case), "ssh": "22"}).evidence()
    base = BaselineFacts("/b", evidence.taken, 3, None, 9, "linux", ({**LINE, "port": 22, "banner": then},))
    items = tuple(replace(item, data=item.data.replace(b"SSH-2.0-x", now.encode())) for item in evidence.items)
    told = listeners.judge(replace(evidence, items=items, before=base))
    return [one.severity.word for one in told if isinstance(one, Finding) and one.rule is since.BANNER_CHANGED]


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u9", ["info"]),
        ("SSH-2.0-OpenSSH_10.0p2 Debian-7", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u9", ["info"]),
        ("SSH-2.0-OpenSSH_10.0p2", "SSH-2.0-OpenSSH_9.2p1", ["info"]),
        ("SSH-2.0-OpenSSH_8.4p1", "SSH-2.0-OpenSSH_9.2p1", ["medium"]),
        ("SSH-2.0-dropbear_2022.83", "SSH-2.0-OpenSSH_9.2p1", ["medium"]),
        ("+OK ready <1896.697170952@h>", "+OK ready <31.69@h>", []),
        ("220 h ESMTP; Tue, 1 Dec 2026 02:08:51 GMT", "220 h ESMTP; Mon, 30 Nov 2026 12:58:50 +0100", []),
        ("220-You are user number 3 of 50 allowed.", "220-You are user number 1 of 50 allowed.", []),
        ("Linux 6.1.0 (h) (pts/3) h login:", "Linux 6.1.0 (h) (pts/0) h login:", []),
        ("220 ProFTPD (h) [::ffff:10.9.0.1]", "220 ProFTPD (h) [::ffff:127.0.0.1]", []),
        ("220 h FTP 2024.1", "220 h FTP 2023.1", ["info"]),
    ],
)
def test_a_greeting_is_another_one_but_for_times_and_counts(now: str, then: str, said: list[str]) -> None:
    assert banner_says(now, then) == said


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_two_services_say_is_compared(now: str, then: str) -> None:
    known = since.Before(True, (), (), then)
    assert all(isinstance(one, Finding) for one in since._banner(replace(PORT, greeting=now), known, "the baseline"))


PORT = seen(Words(parts(CASE.replace("http tcp 80 = nginx\n", ""))).evidence()).ports[0]
