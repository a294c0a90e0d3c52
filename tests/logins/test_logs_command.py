"""`auditkit logins` on files, directories and disks, as a stranger runs it: what counts as a file, and what it remembers."""

import gzip
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, without_past

GUESSES = b"".join(
    b"Nov 24 03:%02d:%02d srv sshd[%d]: Failed password for invalid user admin from 198.51.100.7 port %d ssh2\n"
    % (number // 60, number % 60, 1000 + number, 40_000 + number)
    for number in range(50)
)
LOGIN = b"Nov 24 09:00:00 srv sshd[2000]: Accepted password for anna from 192.0.2.9 port 5555 ssh2\n"
THEN = 1_795_600_000


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A directory with two logs, one of them packed, and a file that is none."""
    log = tmp_path / "disk/var/log"
    log.mkdir(parents=True)
    (log / "auth.log").write_bytes(GUESSES + LOGIN)
    (log / "auth.log.1.gz").write_bytes(gzip.compress(GUESSES.replace(b"Nov 24", b"Nov 17")))
    (log / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    for path in log.iterdir():
        os.utime(path, (THEN, THEN))
    return log


def logins(cli: Cli, *words: str) -> dict[str, Any]:
    return cli.run("logins", *words, "--store", str(cli.store), "--format", "json").host


def test_files_that_are_named_are_read_as_those_of_one_machine(cli: Cli, logs: Path) -> None:
    told = logins(cli, str(logs / "auth.log"), str(logs / "auth.log.1.gz"))
    assert told["host"] == f"{logs}/auth.log and 1 more"
    assert (told["logins"]["access"], told["logins"]["attempts"]) == ("seen", 100)


def test_a_copied_log_is_judged_up_to_its_own_last_line(cli: Cli, logs: Path) -> None:
    """Nobody asks it for today; a host is asked, for a log that fell silent says that something is wrong there."""
    log = str(logs / "auth.log")
    told = logins(cli, log)["logins"]
    assert (told["window"]["to"], told["gaps"]) == ("2026-11-24T09:00:00.000000000Z", [])
    assert logins(cli, log, "--until", "2026-11-26T12:00:00Z")["logins"]["gaps"] != []
    assert logins(cli, f"root:{logs.parents[1]}")["logins"]["gaps"] != []


def test_which_accounts_exist_decides_which_records_of_btmp_are_guesses(cli: Cli, tmp_path: Path) -> None:
    """sshd writes one record more of each connection to an account that does not exist; the recorded run had 90 guesses."""
    log = tmp_path / "copy/var/log"
    (tmp_path / "copy/etc").mkdir(parents=True)
    log.mkdir(parents=True)
    (log / "btmp").write_bytes((Path(__file__).parent / "data/btmp").read_bytes())
    passwd = "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for name, uid in (("root", 0), ("bin", 2), ("nobody", 65534)))
    (tmp_path / "copy/etc/passwd").write_text(passwd)
    assert logins(cli, f"root:{tmp_path / 'copy'}")["logins"]["attempts"] == 90
    assert logins(cli, str(tmp_path / "copy"))["logins"]["attempts"] == 90
    (alone,) = logins(cli, str(log))["logins"]["files"]
    assert "which exist is not known" in str(alone["remarks"])


def test_a_directory_stands_for_all_logs_below_it(cli: Cli, logs: Path) -> None:
    told = logins(cli, str(logs.parent))
    assert told["logins"]["attempts"] == 100
    assert f"{logs.parent}: 1 files in it are of no format that tells of logins" in told["notes"]


def test_a_disk_is_read_where_its_logs_are(cli: Cli, logs: Path) -> None:
    told = logins(cli, f"root:{logs.parents[1]}")
    assert told["logins"]["attempts"] == 100
    assert told["counts"]["logs"] == 2


def test_evidence_of_a_disk_says_what_the_disk_says(cli: Cli, logs: Path, tmp_path: Path) -> None:
    disk, path = f"root:{logs.parents[1]}", str(tmp_path / "one.evidence.zst")
    assert cli.run("collect", disk, "--no-files", "-o", path).code in {0, 3}
    there, then = without_past(logins(cli, disk)), without_past(logins(cli, f"evidence:{path}"))
    for name in ("access", "pattern", "attempts", "sources", "successes", "not_understood"):
        assert then["logins"][name] == there["logins"][name]


def test_a_login_after_guesses_is_named_last_and_what_to_do_is_to_open_a_case(cli: Cli, logs: Path) -> None:
    (logs / "auth.log").write_bytes(GUESSES + LOGIN.replace(b"192.0.2.9", b"198.51.100.7"))
    *_, verdict, _, following, command = cli.run("logins", str(logs)).out.splitlines()
    assert (verdict[-9:], following) == ("NOT CLEAN", "Next:")
    assert command == "  auditkit incident open 'login of anna from 198.51.100.7'"


def test_a_scan_of_a_disk_tells_of_logins(cli: Cli, logs: Path) -> None:
    told = cli.run("scan", f"root:{logs.parents[1]}", "--store", str(cli.store), "--format", "json").host
    assert told["logins"]["attempts"] == 100


def test_an_audit_does_not(cli: Cli, logs: Path) -> None:
    assert cli.run("audit", f"root:{logs.parents[1]}", "--only", "preload", "--format", "json").host["logins"] is None


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("./no-such.log",), "there is no file ./no-such.log"),
        (("./no-such.log", "local"), "is a file and local a host"),
        (("nobody",), "nobody is no host"),
    ],
)
def test_what_is_neither_host_nor_file_is_said(cli: Cli, words: tuple[str, ...], what: str) -> None:
    done = cli.run("logins", *words)
    assert (done.code, what in done.err) == (2, True), done.err


def test_no_log_at_all_is_never_a_pass(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "empty/etc").mkdir(parents=True)
    done = cli.run("logins", f"root:{tmp_path / 'empty'}", "--store", str(cli.store), "--format", "json")
    assert done.code == 3
    assert done.host["logins"]["access"] == "cannot-tell"


def test_names_of_files_may_be_of_any_bytes(cli: Cli, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"a[1]*\xff\n.log")
    odd.write_bytes(GUESSES)
    assert logins(cli, str(odd))["logins"]["attempts"] == 50


# --- what is remembered


def test_a_log_that_was_cut_since_the_last_run_is_found(cli: Cli, logs: Path) -> None:
    disk = f"root:{logs.parents[1]}"
    first = logins(cli, disk)
    assert "log-shrunk" not in str(first["findings"])
    (logs / "auth.log").write_bytes(LOGIN)
    os.utime(logs / "auth.log", (THEN + 1, THEN + 1))
    again = logins(cli, disk)
    assert again["logins"]["coverage"] == "tamper"


def test_what_a_run_has_seen_the_next_one_asks_again_and_says_that_it_is_not_the_first(cli: Cli, logs: Path) -> None:
    disk = f"root:{logs.parents[1]}"
    first, again = logins(cli, disk), logins(cli, disk)
    assert [len([note for note in one["notes"] if "no earlier run" in note]) for one in (first, again)] == [1, 0]
    assert [one["rule"] for one in again["findings"]] == [one["rule"] for one in first["findings"]]
    (logs / "auth.log").write_bytes(GUESSES + LOGIN + LOGIN.replace(b"192.0.2.9", b"203.0.113.9").replace(b"5555", b"6666"))
    assert "203.0.113.9" in str([one["subject"] for one in logins(cli, disk)["findings"]])


def test_where_signers_are_named_only_what_they_signed_is_remembered(cli: Cli, logs: Path, tmp_path: Path) -> None:
    key, signers, disk = tmp_path / "key", tmp_path / "signers", f"root:{logs.parents[1]}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers.write_text(f'anna@office namespaces="auditkit" {key.with_suffix(".pub").read_text()}')
    logins(cli, disk)
    (kept,) = cli.store.glob("baselines/*/logins.json")
    unsigned = logins(cli, disk, "--signers", str(signers))
    assert [gap for gap in unsigned["gaps"] if "what earlier runs kept is left aside" in gap["reason"]]
    kept.unlink()
    logins(cli, disk, "--signers", str(signers))
    assert not kept.exists(), "nobody would believe it"
    logins(cli, disk, "--signers", str(signers), "--key", str(key))
    kept.unlink()
    assert cli.run("scan", disk, "--store", str(cli.store), "--signers", str(signers), "--key", str(key)).code in {0, 1, 3}
    signed = logins(cli, disk, "--signers", str(signers), "--key", str(key))
    assert not [gap for gap in signed["gaps"] if "left aside" in gap["reason"]]
    kept.write_text(kept.read_text().replace("auth.log", "auth.lag"))
    changed = logins(cli, disk, "--signers", str(signers))
    assert [gap for gap in changed["gaps"] if "what earlier runs kept is left aside" in gap["reason"]]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"past": "{}"}', '{"past": 5, "signature": null}', '{"past": "[1]"}'])
def test_what_is_damaged_of_earlier_runs_is_a_gap(cli: Cli, logs: Path, text: str) -> None:
    disk = f"root:{logs.parents[1]}"
    logins(cli, disk)
    (kept,) = cli.store.glob("baselines/*/logins.json")
    kept.write_text(text)
    told = logins(cli, disk)
    assert bool(text) == bool([gap for gap in told["gaps"] if "what earlier runs kept is left aside" in gap["reason"]])
