"""The verdict against what really happened: a real sshd, attackers of 127.0.0.0/8, and the log that it wrote."""

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import lab
import pytest
from held import Held
from lab import PASSWORD, Lab
from machines_in_words import nanoseconds

from auditkit.logins import reading
from auditkit.logins.nouns import Log, Setting
from auditkit.logins.seen import Account, KeyLine, Past, Seen, Verdict
from auditkit.logins.verdict import judged
from auditkit.model import Office

WRONG = ["123456", "password", "letmein", "qwerty", "hunter2", "admin"]
NAMES = ("root", "anna", "admin", "oracle", "test", "git", "pi", "ubuntu", "guest")
NETWORKS = Office(networks=("192.168.10.0/24",))


@dataclass(frozen=True, slots=True)
class Site:
    """The lab, with the keys that its clients hold."""

    lab: Lab
    keys: Mapping[str, Path]
    fingerprints: Mapping[str, str]

    def judged(self, log: str | Mapping[str, str], past: Past | None = None) -> Verdict:
        """The verdict on a log of it, or on several by their names."""
        texts = {"/var/log/auth.log": log} if isinstance(log, str) else log
        setting = Setting(nanoseconds((datetime.now(UTC) + timedelta(seconds=1)).isoformat()))
        readings = [
            reading.read(Log(name), Held(text.encode("utf-8", "surrogateescape")), setting) for name, text in texts.items()
        ]
        accounts = {name: Account(None) for name in ("root", "sshd", "nobody", *lab.PEOPLE)}
        lines = {self.fingerprints["anna"]: (KeyLine("anna", "/keys/anna:1", "anna@laptop"),)}
        return judged(Seen("lab", tuple(readings), setting, accounts=accounts, keys=lines, office=NETWORKS, past=past))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One sshd for all of these tests: each judges the lines that its own visitors left."""
    folder = tmp_path_factory.mktemp("lab")
    keys = {name: folder / f"key_{name}" for name in ("anna", "limited")}
    fingerprints = {}
    for name, path in keys.items():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)], check=True)
        shown = subprocess.run(["ssh-keygen", "-lf", str(path)], check=True, capture_output=True, text=True).stdout
        fingerprints[name] = shown.split()[1]
    public = {name: path.with_suffix(".pub").read_text() for name, path in keys.items()}
    lines = {"anna": public["anna"], "bert": f'from="10.9.8.7" {public["limited"]}'}
    with lab.running(folder / "sshd", lines) as running:
        yield Site(running, keys, fingerprints)


def rules(verdict: Verdict) -> dict[str, str]:
    """The rules that speak, each with its worst severity."""
    worst = sorted(verdict.findings, key=lambda finding: finding.severity)
    return {finding.rule.id: finding.severity.word for finding in worst}


def test_fifty_guesses(site: Site) -> None:
    """52 guesses at 9 names, as in the question that all of this began with."""
    since = len(site.lab.lines)
    visits = [{"from": "127.0.0.7", "user": name, "passwords": each} for name in NAMES for each in (WRONG[:3], WRONG[3:])]
    visits[-1]["passwords"] = WRONG[:1]  # of the last name four in all
    assert sum(map(len, site.lab.come(visits))) == 52
    log = site.lab.written(since)
    verdict = site.judged(log)
    assert (verdict.logins["access"], verdict.logins["coverage"]) == ("none-seen", "complete")
    assert verdict.logins["attempts"] == 52
    assert str(verdict.logins["verdict"]).startswith("52 guesses from 127.0.0.7 in ")
    assert " at 9 names, 2 of which exist; no success seen in auth.log" in str(verdict.logins["verdict"])
    assert not set(rules(verdict)) - {"guessing-focused"}
    halves = log.splitlines(keepends=True)
    rotated = {
        "/var/log/auth.log.1": "".join(halves[: len(halves) // 2]),
        "/var/log/auth.log": "".join(halves[len(halves) // 2 :]),
    }
    assert site.judged(rotated).logins["attempts"] == 52


def test_guess_then_hit(site: Site) -> None:
    """Twelve wrong, the thirteenth right; PAM lets try three times on one connection."""
    since = len(site.lab.lines)
    site.lab.come([{"from": "127.0.0.8", "user": "anna", "passwords": WRONG[:3]}] * 4)
    assert site.lab.come([{"from": "127.0.0.8", "user": "anna", "passwords": [PASSWORD]}]) == [[True]]
    log = site.lab.written(since)
    verdict = site.judged(log)
    assert (verdict.logins["access"], verdict.logins["pattern"]) == ("seen", "credential-known")
    assert rules(verdict)["success-after-guessing"] == "critical"
    (login,) = logins(verdict)
    assert (login["user"], login["address"], login["method"], login["state"]) == ("anna", "127.0.0.8", "password", "supported")
    assert {"session", "connection", "end"} <= set(login["support"])  # type: ignore[call-overload]
    cut = "".join(line for line in log.splitlines(keepends=True) if "Accepted password" not in line)
    without = site.judged(cut)
    assert without.logins["access"] == "seen"
    assert "session-without-login" in rules(without)


def logins(verdict: Verdict) -> list[Mapping[str, object]]:
    """Who got in."""
    found = verdict.logins["successes"]
    assert isinstance(found, list)
    return found


def test_spray_of_forty_addresses(site: Site) -> None:
    """One guess each, at names of people: nobody counts to two."""
    since = len(site.lab.lines)
    visits = [
        {"from": f"127.0.1.{number}", "user": ("anna", "bert")[number % 2], "passwords": WRONG[:1]} for number in range(1, 41)
    ]
    assert site.lab.come(visits) == [[False]] * 40
    verdict = site.judged(site.lab.written(since))
    assert (verdict.logins["access"], verdict.logins["pattern"]) == ("none-seen", "spray")
    assert verdict.logins["attempts"] == 40
    assert rules(verdict) == {"guessing-spread": "medium"}


def test_stolen_key(site: Site) -> None:
    """The right key from an address that was never seen, and nothing before it."""
    since = len(site.lab.lines)
    assert site.lab.come([{"from": "127.0.0.99", "user": "anna", "key": str(site.keys["anna"])}]) == [[True]]
    log = site.lab.written(since)
    known = Past(logins={("anna", "127.0.0.20", site.fingerprints["anna"]): None}, last=1)
    verdict = site.judged(log, known)
    assert verdict.logins["access"] == "seen"
    assert rules(verdict) == {"first-seen-source": "medium"}
    (login,) = logins(verdict)
    assert login["fingerprint"] == site.fingerprints["anna"]
    assert login["key_lines"] == [{"account": "anna", "where": "/keys/anna:1", "comment": "anna@laptop"}]
    again = site.judged(log, Past(logins=verdict.logged_in, last=1))
    assert rules(again) == {"first-seen-source": "medium"}, "that a run has seen it is no answer to what it asked"
    ((key, time),) = verdict.logged_in.items()
    assert rules(site.judged(log, Past(logins={key: (time or 0) - 2 * 86400 * 10**9}, last=1))) == {}


def test_key_from_a_forbidden_host(site: Site) -> None:
    """The key is right, and the address is not."""
    since = len(site.lab.lines)
    assert site.lab.come([{"from": "127.0.0.66", "user": "bert", "key": str(site.keys["limited"])}]) == [[False]]
    verdict = site.judged(site.lab.written(since))
    assert (verdict.logins["access"], verdict.logins["pattern"]) == ("none-seen", "credential-known")
    assert rules(verdict) == {"key-held-elsewhere": "critical"}


def test_right_password_of_a_closed_account(site: Site) -> None:
    """Carl left, and somebody knows his password."""
    since = len(site.lab.lines)
    assert site.lab.come([{"from": "127.0.0.67", "user": "carl", "passwords": [PASSWORD]}]) == [[False]]
    verdict = site.judged(site.lab.written(since))
    assert (verdict.logins["access"], verdict.logins["pattern"]) == ("none-seen", "credential-known")
    assert rules(verdict) == {"closed-account-credential": "high"}


def test_forged_line(site: Site) -> None:
    """Nobody writes a line that looks like a login of root."""
    since = len(site.lab.lines)
    site.lab.come([{"from": "127.0.0.20", "user": "anna", "key": str(site.keys["anna"])}] * 3)
    site.lab.say("sshd[4242]", "Accepted password for root from 198.51.100.9 port 22 ssh2")
    verdict = site.judged(site.lab.written(since))
    assert rules(verdict)["success-unsupported"] == "high"
    assert [login["state"] for login in logins(verdict) if login["user"] == "root"] == ["unsupported"]
    assert str(verdict.logins["verdict"]).startswith("a login of root from 198.51.100.9 at ")


def test_mistyped_twice(site: Site) -> None:
    """An own user who mistypes is no alarm."""
    since = len(site.lab.lines)
    visit = {"from": "127.0.0.20", "user": "anna", "passwords": [*WRONG[:2], PASSWORD]}
    assert site.lab.come([visit]) == [[False, False, True]]
    verdict = site.judged(site.lab.written(since), Past(logins={("anna", "127.0.0.20", ""): None}, last=1))
    assert verdict.logins["access"] == "seen"
    assert rules(verdict) == {}


def test_zeros_over_the_middle_of_a_log(site: Site) -> None:
    """Whoever writes zeros over his lines leaves the zeros."""
    log = site.lab.written(0)
    third = len(log) // 3
    verdict = site.judged(log[:third] + "\0" * third + log[2 * third :])
    assert verdict.logins["coverage"] == "tamper"
    assert "log-tampered" in rules(verdict)
    assert "of tampering in auth.log" in str(verdict.logins["verdict"])


def test_a_name_that_looks_like_a_success_is_none(site: Site) -> None:
    """What a client chooses to call itself makes no login, and moves no blame to another address."""
    since = len(site.lab.lines)
    names = (
        "root from 10.9.9.9 port 1 ssh2\nAccepted password for root from 10.9.9.8 port 2 ssh2",
        "x\nSep 1 00:00:00 lab sshd[1]: Accepted password for root from 10.9.9.7 port 2 ssh2",
    )
    site.lab.come([{"from": "127.0.0.30", "user": name, "passwords": WRONG[:2]} for name in names])
    verdict = site.judged(site.lab.written(since))
    assert verdict.logins["access"] == "none-seen"
    sources = verdict.logins["sources"]
    assert isinstance(sources, list)
    assert [(source["address"], source["attempts"]) for source in sources] == [("127.0.0.30", 4)]
