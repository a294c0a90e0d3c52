"""What a finding says to do closes what it found: the commands are run, on files that lie elsewhere, and judged again."""

import re
import subprocess
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pytest
from machine import PASSWD, Machine
from test_accounts import parts
from test_cases import CASES, GROUPS, machine

from auditkit.answers import Shown
from auditkit.audits import ssh
from auditkit.model import Finding, Gap

COMMANDS = re.compile(r"(?:\{ echo|echo|sudo sed) .*?(?= && sudo sshd -t|\. Keep this)")
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


@pytest.mark.parametrize("path", FIXED, ids=lambda path: path.stem)
def test_each_is_undone_by_itself_though_all_were_done(path: Path, tmp_path: Path) -> None:
    """Somebody pastes all of them, and takes back one after the other, the first one first."""
    one = machine({name: text for name, text in parts(path.read_text()).items() if name not in ("findings", "sshd")})
    remedies = [each.remedy for each in found(one) if "sudo sed -i" in each.remedy]
    done = reduce(lambda now, each: mended(now, each, tmp_path / "done" / str(remedies.index(each))), remedies, one)
    undone = done
    for number, remedy in enumerate(remedies):
        said = re.search(r"\(undo: (sudo sed -i .*? /etc/ssh/\S+?)(?:, and take .*?)?(?:, then .*?)?\)", remedy)
        assert said, remedy
        undone = mended(undone, f"{said[1]}. Keep this", tmp_path / "undone" / str(number))
    ours = "/etc/ssh/sshd_config.d/00-auditkit.conf"  # its lines are taken out by hand
    assert {name: text for name, text in undone.files.items() if name != ours} == one.files


def test_what_stands_elsewhere_by_then_is_left_alone(tmp_path: Path) -> None:
    """A line that was named by its number is not there any more when lines were put before it."""
    one = Machine({"/etc/ssh/sshd_config": "UsePAM yes\nMaxSessions 100\nPort 22\nPasswordAuthentication no\n"})
    (remedy,) = (each.remedy for each in found(one) if each.rule.id == "ssh-generous-limits")
    moved = Machine({"/etc/ssh/sshd_config": "X11Forwarding no\nPasswordAuthentication no\nMaxSessions 100\n"})
    assert mended(moved, remedy, tmp_path).files == moved.files


@pytest.mark.parametrize("name", ["/etc/shadow", "/etc/ssh/users.txt", "/root/notes"])
def test_a_file_that_is_no_configuration_is_not_changed_but_no_longer_included(name: str, tmp_path: Path) -> None:
    """To comment out the lines of /etc/shadow would be the end of every password."""
    said = b'255\n\0OpenSSH_9.2\r\n%s line 1: no argument after keyword "<other>"\r\n' % name.encode()
    config = f"UsePAM yes\nInclude {name}\n"
    one = Machine({"/etc/ssh/sshd_config": config}, runs=lambda command: said if " -T -ddd" in command else None)
    (remedy,) = (each.remedy for each in found(one) if each.rule.id == "ssh-config-refused")
    assert f"{name} is read by the Include at /etc/ssh/sshd_config:2" in remedy
    assert f" {name} &&" not in remedy
    assert mended(one, remedy, tmp_path).files["/etc/ssh/sshd_config"] == f"UsePAM yes\n#auditkit#Include {name}\n"


def test_nobody_is_listed_where_it_is_not_known_who_has_a_key() -> None:
    """A list of those who were seen would lock out the others."""
    passwd = PASSWD + "".join(f"user{n}:x:{1100 + n}:1::/home/user{n}:/bin/bash\n" for n in range(6))
    files = {"/etc/passwd": passwd, "/etc/ssh/sshd_config": "UsePAM yes\n"}
    for machine_, line in (
        (Machine(files), "AllowUsers anna"),
        (
            Machine(files, gaps=(Gap("/root/.ssh/authorized_keys", "permission denied"),)),
            "AllowGroups ssh-users",
        ),
        (Machine(files, without=("/etc/shadow",)), "AllowGroups ssh-users"),
    ):
        (remedy,) = (each.remedy for each in found(machine_) if each.rule.id == "ssh-no-allow-list")
        assert f"1i {line}'" in remedy
        assert ("AllowUsers" in remedy) == (line == "AllowUsers anna")


def test_commands_are_those_of_the_host() -> None:
    """Who logs in as root has perhaps no sudo; and what was found on a disk is not mended where that is mounted."""
    told = Shown("192.168.10.2", 22, "SSH-2.0-OpenSSH_9.2p1", user="root", methods=("publickey",))
    one = Machine({"/etc/ssh/sshd_config": "UsePAM yes\n"}, shown=(told,)).evidence()
    remedies = [each.remedy or each.rule.remedy for each in ssh.judge(one) if isinstance(each, Finding)]
    assert any(each.startswith("sed -i -e '1i") for each in remedies)
    assert not any("sudo sed" in each or "sudo sshd" in each for each in remedies)
    disk = replace(Machine({"/etc/ssh/sshd_config": "UsePAM yes\n"}).evidence(), host="root:/mnt")
    for each in (each for each in ssh.judge(disk) if isinstance(each, Finding)):
        assert "sudo" not in each.remedy or each.remedy.startswith("Not here, but on the machine of that disk"), each
        assert "root:/mnt" not in each.remedy


def test_algorithms_that_a_line_has_left_out_do_not_come_back() -> None:
    one = Machine({"/etc/ssh/sshd_config": "MACs hmac-sha2-256-etm@openssh.com,hmac-sha1\n"})
    (remedy,) = (
        each.remedy for each in ssh.judge(one.evidence()) if isinstance(each, Finding) and "hmac-sha1 " in each.message
    )
    assert "'1i MACs hmac-sha2-256-etm@openssh.com'" in remedy


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


def test_one_paste_ends_what_blocks_of_other_files_would_turn_on_again(tmp_path: Path) -> None:
    """A line of a Match block counts before any global one, and each hides the next."""
    case = parts((CASES[0].parent / "off-in-one-round.txt").read_text())
    one = machine({name: text for name, text in case.items() if name != "findings"})
    for number, rule in enumerate(("ssh-root-password", "ssh-password-from-outside")):
        (finding,) = (each for each in found(one) if each.rule.id == rule)
        one = mended(one, finding.remedy, tmp_path / str(number))
    assert not [each.message for each in found(one) if "password" in each.rule.id]
