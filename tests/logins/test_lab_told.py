"""The lab's cases from end to end: a real sshd, attackers, then verdict, record, brief, letter, block, archive."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import lab
import pytest
from conftest import Cli, build
from incidents import incident
from incidents import key as key  # noqa: PLC0414 - a fixture
from lab import PASSWORD, Lab

WRONG = ["123456", "password", "letmein", "qwerty", "hunter2", "admin"]
NAMES = ("root", "anna", "admin", "oracle", "test", "git", "pi", "ubuntu", "guest")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab.running(tmp_path_factory.mktemp("lab") / "sshd", {}) as running:
        yield running


def begun(cli: Cli, sshd: Lab, since: int, title: str) -> str:
    """A case with the verdict on the log of this night; what was said of it."""
    log = cli.home / "auth.log"
    log.write_text(sshd.written(since), "utf-8")
    assert incident(cli, "open", title, "--by", "anna").code == 0
    return " ".join(cli.run("logins", str(log), "--case", "1", "--store", str(cli.store)).out.split())


def brief(cli: Cli) -> str:
    done = incident(cli, "brief", "1")
    assert done.code == 0, done.err
    return " ".join(done.out.split())


def archived(cli: Cli, key: Path) -> None:
    """Close, export, unpack with tar, check with sha256sum and with auditkit; then with a byte changed."""
    for words in (("close", "1", "over"), ("export", "1", "-o", str(cli.home / "case.tar"), "--key", str(key))):
        done = incident(cli, *words)
        assert done.code == 0, done.err
    subprocess.run(["tar", "-xf", str(cli.home / "case.tar"), "-C", str(cli.home)], check=True)
    (place,) = cli.home.glob("20*-001")
    check = ["sha256sum", "--quiet", "-c", "SHA256SUMS"]
    assert subprocess.run(check, cwd=place, check=False, capture_output=True).returncode == 0
    assert cli.run("incident", "verify", str(place)).code == 0
    (log,) = (place / "evidence").glob("*auth.log")
    log.chmod(0o600)
    log.write_bytes(log.read_bytes().replace(b"Failed", b"Foiled", 1))
    assert subprocess.run(check, cwd=place, check=False, capture_output=True).returncode == 1
    assert cli.run("incident", "verify", str(place)).code == 4


def test_fifty_guesses_are_written_down_and_told(sshd: Lab, tmp_path: Path, key: Path) -> None:
    """Nobody got in: who runs that network may be asked to look, and is told of no success."""
    cli, since, suspect = build(tmp_path), len(sshd.lines), "192.88.99.7"
    visits = [{"from": suspect, "user": name, "passwords": each} for name in NAMES for each in (WRONG[:3], WRONG[3:])]
    visits[-1]["passwords"] = WRONG[:1]
    assert sum(map(len, sshd.come(visits))) == 52
    assert f"52 guesses from {suspect} in " in begun(cli, sshd, since, "failed logins at lab")
    page = brief(cli)
    assert "No success seen" in page
    assert "Do nothing" in page
    assert "52 guesses" in page
    words = ("--reporter", "Anna", "--contact", "anna@example.org", "-o", str(cli.home / "letter"))
    done = incident(cli, "abuse", "1", suspect, *words)
    assert done.code == 0, done.err
    letter = (cli.home / "letter/letter.txt").read_text("utf-8")
    for part in (
        suspect,
        "52",
        "No login from this address succeeded as far as our logs show",
        "Failed password for",
        "without its owner's knowledge",
    ):
        assert part in " ".join(letter.split())
    assert "lab sshd" not in letter, "the name of a machine of ours"
    done = incident(cli, "block", "1", suspect, "--tool", "nft", "--allow", "192.0.2.10")
    assert done.code == 0, done.err
    assert f"elements = {{ {suspect} timeout 180s" in done.out
    archived(cli, key)


def test_guess_then_hit_is_no_case_of_nobody_got_in(sshd: Lab, tmp_path: Path, key: Path) -> None:
    cli, since, suspect = build(tmp_path), len(sshd.lines), "192.88.99.8"
    sshd.come([{"from": suspect, "user": "anna", "passwords": WRONG[:3]}] * 4)
    assert sshd.come([{"from": suspect, "user": "anna", "passwords": [PASSWORD]}]) == [[True]]
    assert f"anna from {suspect}" in begun(cli, sshd, since, "a login at lab")
    page = brief(cli)
    assert f'"anna" from {suspect}' in page
    assert "no success" not in page.lower()
    assert "off the network" in page, "an option, where somebody may be in"
    words = ("--reporter", "Anna", "--contact", "anna@example.org", "-o", str(cli.home / "letter"))
    done = incident(cli, "abuse", "1", suspect, *words)
    assert done.code == 0, done.err
    letter = (cli.home / "letter/letter.txt").read_text("utf-8")
    assert "succeeded as far as" not in letter
    assert "anna" not in letter.replace("anna@example.org", ""), "an account that exists is not named to strangers"
    archived(cli, key)


def test_forty_addresses_with_a_guess_each_are_no_letter(sshd: Lab, tmp_path: Path) -> None:
    cli, since = build(tmp_path), len(sshd.lines)
    visits = [
        {"from": f"192.88.99.{number}", "user": ("anna", "bert")[number % 2], "passwords": WRONG[:1]} for number in range(40)
    ]
    sshd.come([*visits[1:], {"from": "192.88.99.99", "user": "anna", "passwords": WRONG[:1]}])
    begun(cli, sshd, since, "guesses from many addresses at lab")
    assert "40 guesses" in brief(cli)
    done = incident(cli, "abuse", "1", "192.88.99.9", "-o", str(cli.home / "letter"))
    assert (done.code, (cli.home / "letter").exists()) == (2, False)
    assert "too few for a letter" in done.err


def test_a_line_that_nobody_can_vouch_for_accuses_nobody(sshd: Lab, tmp_path: Path) -> None:
    """Nobody of this machine writes that root came in from an address: no letter goes there, and no brief says that he did."""
    cli, since = build(tmp_path), len(sshd.lines)
    sshd.come([{"from": "192.88.99.20", "user": "anna", "passwords": [PASSWORD]}] * 3)
    sshd.say("sshd[4242]", "Accepted password for root from 192.88.99.66 port 22 ssh2")
    begun(cli, sshd, since, "a line in the log of lab")
    assert "nothing supports it" in brief(cli) or "claimed" in brief(cli)
    done = incident(cli, "abuse", "1", "192.88.99.66", "-o", str(cli.home / "letter"))
    assert (done.code, (cli.home / "letter").exists()) == (2, False)
