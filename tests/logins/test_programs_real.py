"""What real programs wrote on a machine of their own, and what is understood of it: it is what was done there.

`stage.py` says what is done: each step of it has a test here.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from auditkit.logins.grammar import said
from auditkit.logins.nouns import PAM, Said, What

TOOLS = ("unshare", "setpriv", "ip", "sudo", "doas", "su", "useradd", "vsftpd", "dropbear", "dropbearkey")
MISSING = [tool for tool in TOOLS if not shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")]
pytestmark = pytest.mark.skipif(os.getuid() != 0 or bool(MISSING), reason=f"runs real programs as root; missing: {MISSING}")
HOSTILE = "x' from 198.51.100.9:22"
PRIVATE = ("unshare", "--mount", "--net", "--propagation", "private")
Told = Mapping[str, Sequence[Said]]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stage")


@pytest.fixture(scope="module")
def told(place: Path) -> Told:
    """What each step says, without noise: by the step, or by the program for logs of their own."""
    if subprocess.run([*PRIVATE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs namespaces of its own")
    stage = [*PRIVATE, sys.executable, str(Path(__file__).parent / "stage.py"), str(place)]
    done = subprocess.run(stage, capture_output=True, text=True, errors="surrogateescape", check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, list[Said]] = {}
    for line in done.stdout.splitlines():
        step, program, message = line.split("\t", 2)
        if program == "vsftpd" and step == "file":
            message = re.sub(r"^.{24} ", "", message)
        answer = said(program, message)
        assert answer, line
        assert answer.what is not What.UNKNOWN, line
        if answer.what is not What.NOISE:
            found.setdefault(program if step == "file" else step, []).append(answer)
    return found


def without_pam(answers: Sequence[Said]) -> list[Said]:
    return [answer for answer in answers if answer.method != PAM]


def kinds(answers: Sequence[Said]) -> list[tuple[What, str | None]]:
    return [(answer.what, answer.user) for answer in answers]


def test_accounts_that_are_made_and_changed(told: Told) -> None:
    assert {answer.what for answer in told["accounts"]} == {What.ACCOUNT}
    assert {"anna", "bob", "mallory"} == {answer.user for answer in told["accounts"] if answer.user}
    assert sum(answer.detail == "password changed" for answer in told["accounts"]) == 2


def test_a_command_through_sudo(told: Told) -> None:
    assert without_pam(told["sudo"]) == [Said(What.RAN, "root", detail="/usr/bin/id", actor="anna")]
    assert [answer.what for answer in told["sudo"] if answer.method == PAM] == [What.OPENED, What.ENDED]


def test_a_shell_through_sudo(told: Told) -> None:
    assert without_pam(told["sudo_shell"]) == [Said(What.BECAME, "root", detail="/usr/bin/sh", actor="anna")]


def test_guesses_at_sudo_are_three(told: Told) -> None:
    guesses = Said(What.FAILED, "anna", method="password", times=3, detail="/usr/bin/id", actor="anna")
    assert without_pam(told["sudo_guesses"]) == [guesses]


def test_what_sudo_refuses(told: Told) -> None:
    assert without_pam(told["sudo_denied"]) == [
        Said(What.DENIED, "root", detail="user NOT in sudoers: /usr/bin/id", actor="mallory"),
        Said(What.DENIED, "root", detail="a password is required: /usr/bin/id", actor="anna"),
    ]


def test_a_directory_that_imitates_a_command_hides_nothing(told: Told) -> None:
    (ran,) = without_pam(told["sudo_hostile"])
    assert (ran.what, ran.user, ran.actor) == (What.RAN, None, "anna")
    assert ran.detail.endswith("USER=root ; COMMAND=/usr/bin/id")


def test_su_to_an_account_and_a_guess_at_another(told: Told) -> None:
    assert without_pam(told["becoming"]) == [
        Said(What.BECAME, "anna", actor="root"),
        Said(What.FAILED, "root", method="password", actor="anna"),
    ]
    assert Said(What.FAILED, "root", method=PAM, actor="anna") in told["becoming"]


def test_what_doas_allows_and_refuses_is_read(told: Told) -> None:
    assert without_pam(told["doas"]) == [
        Said(What.RAN, "root", detail="id", actor="anna"),
        Said(What.DENIED, detail="id", actor="mallory"),
    ]


def test_guesses_and_logins_at_ftp(told: Told) -> None:
    at = "127.0.0.1"
    assert [answer for answer in told["vsftpd"] if answer.what is not What.CONNECTED] == [
        Said(What.FAILED, "anna", at, method="password"),
        Said(What.FAILED, HOSTILE, at, method="password"),
        Said(What.FAILED, 'x] OK LOGIN: Client "198.51.100.9"', at, method="password"),
        Said(What.ACCEPTED, "anna", at, method="password"),
        Said(What.ACCEPTED, "anna", at, method="anonymous"),
    ]
    assert Said(What.FAILED, "anna", at, method=PAM) in told["ftp"]
    assert {answer.address for answer in told["ftp"]} == {at}


def test_guesses_and_logins_at_ssh(told: Told, place: Path) -> None:
    answers = told["dropbear"]
    accepted = [(answer.user, answer.method, answer.key) for answer in answers if answer.what is What.ACCEPTED]
    key = (place / "fingerprint").read_text()
    assert accepted == [("anna", "password", ""), ("anna", "publickey", key)]
    assert kinds([answer for answer in answers if answer.what is What.FAILED and answer.user]) == [(What.FAILED, "anna")] * 2
    assert sum(answer.detail == "no such account" for answer in answers) == 1
    assert {answer.address for answer in answers} <= {"127.0.0.1", None}
