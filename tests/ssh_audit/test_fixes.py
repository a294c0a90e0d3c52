"""What a finding says to do closes what it found: the commands are run, on files that lie elsewhere, and judged again."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from machine import Machine
from test_accounts import parts
from test_cases import CASES, GROUPS, machine

from auditkit.model import Finding

COMMANDS = re.compile(r"(?:\{ echo|echo|sudo cp -p) .*?(?= && sudo sshd -t|\. Keep this)")
CHANGED = {"access", "restrictions", "configuration"}
FIXED = sorted(
    {path for path in CASES if " ssh-" in (text := parts(path.read_text())["findings"]) and re.search("sed -i|tee -a", text)}
)


def found(one: Machine) -> list[Finding]:
    """The findings of a machine."""
    taken = one.evidence()
    return [each for group in GROUPS for each in group.judge(taken) if isinstance(each, Finding)]


def mended(one: Machine, remedy: str, folder: Path) -> Machine:
    """The machine after somebody has pasted the commands."""
    files = {name: text for name, text in one.files.items() if name.startswith("/etc/ssh/")}
    for name, text in files.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(text))
    (folder / "etc/ssh/sshd_config.d").mkdir(parents=True, exist_ok=True)
    said = COMMANDS.search(remedy)
    assert said, remedy
    command = said[0].replace("sudo ", "").replace("/etc/ssh/", f"{folder}/etc/ssh/")
    subprocess.run(["sh", "-ec", command], check=True, capture_output=True)
    now = {f"/{path.relative_to(folder)}": path.read_text() for path in folder.rglob("*") if path.is_file()}
    kept = {name: text for name, text in one.files.items() if name not in files}
    return replace(one, files={**kept, **{name: text for name, text in now.items() if not name.endswith(".before")}})


@pytest.mark.parametrize("path", FIXED, ids=lambda path: path.stem)
def test_what_is_said_to_do_ends_what_was_found(path: Path, tmp_path: Path) -> None:
    """One after the other, for what comes later may lean on what came before."""
    one = machine({name: text for name, text in parts(path.read_text()).items() if name not in ("findings", "sshd")})
    left = [each for each in found(one) if COMMANDS.search(each.remedy)]
    assert left
    for number, finding in enumerate(left):
        one = mended(one, finding.remedy, tmp_path / str(number))
        assert (finding.rule, finding.message) not in [(each.rule, each.message) for each in found(one)], finding.remedy


def test_a_line_of_ours_goes_where_nothing_is_read_before_it() -> None:
    """Into the drop-in only where that is the first of its keyword that sshd reads."""
    included = "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n"
    for files, place in (
        ({"/etc/ssh/sshd_config": included}, "tee -a /etc/ssh/sshd_config.d/00-auditkit.conf"),
        ({"/etc/ssh/sshd_config": f"UsePAM yes\n{included}"}, "1i PasswordAuthentication no"),
        ({"/etc/ssh/sshd_config": included, "/etc/ssh/sshd_config.d/00-a.conf": "PasswordAuthentication yes\n"}, "1i Pass"),
        ({"/etc/ssh/sshd_config": included, "/etc/ssh/sshd_config.d/00-a.conf": "MATCH all\n"}, "1i PasswordAuthentication no"),
        ({"/etc/ssh/sshd_config": included, "/etc/ssh/sshd_config.d/50-a.conf": "passwordauthentication yes\n"}, "tee -a"),
    ):
        (finding,) = (each for each in found(Machine(files)) if each.rule.id == "ssh-password-from-outside")
        assert place in finding.remedy
