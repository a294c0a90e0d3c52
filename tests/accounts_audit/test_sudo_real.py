"""Who may run what, against the real sudo: `sudo -l -U` asked on random rules, in a mount namespace with files of its own."""

import os
import shutil
import subprocess
from random import Random

import pytest
from host import Host

from auditkit.audits.accounts.people import people
from auditkit.audits.accounts.privileges import OWN, decisions, privileges
from auditkit.sudoers.nouns import Kind

PASSWD = "root:x:0:0:root:/root:/bin/bash\n" + "".join(
    f"{name}:x:{uid}:{gid}::/home/{name}:/bin/bash\n"
    for name, uid, gid in (("anna", 2001, 2001), ("bernd", 2002, 2002), ("cora", 2003, 950))
)
SHADOW = "".join(f"{name}:*:20000:0:99999:7:::\n" for name in ("root", "anna", "bernd", "cora"))
GROUP = "root:x:0:\nadmins:x:950:\nops:x:951:anna,bernd\nanna:x:2001:\nbernd:x:2002:\n"
USERS = ("anna", "bernd", "cora", "%ops", "%admins", "#2001", "%#951", "ALL", "NAMES", "Anna", "nobody", "%none", "LIKE")
HOSTS = ("ALL", "ALL", "ALL", "HERE", "THERE", "elsewhere")
COMMANDS = ("ALL", "/usr/bin/true", "/usr/bin/true", "/usr/bin/id", "TOOLS", "/usr/bin/false")
RUNAS = ("", "", "(root) ", "(ALL) ", "(ALL:ALL) ", "(anna) ", "(ALL, !root) ", "(#0) ", "(ROOTS) ", "(:ops) ", "(!ALL) ")
ALIASES = """\
User_Alias NAMES = anna, !bernd
User_Alias LIKE = %ops, !anna
Host_Alias HERE = ALL
Host_Alias THERE = !ALL
Runas_Alias ROOTS = root, anna
Cmnd_Alias TOOLS = /usr/bin/id, !/usr/bin/true
"""
DEFAULTS = (
    "Defaults !authenticate",
    "Defaults:anna !authenticate",
    "Defaults:%ops authenticate",
    "Defaults exempt_group=ops",
    "",
    "",
    "",
)


def rules(at: Random) -> str:
    """A sudoers file of a few rules."""
    lines = [ALIASES, at.choice(DEFAULTS)]
    for _ in range(at.randint(1, 5)):
        users = ", ".join(at.choice(("", "", "", "!")) + at.choice(USERS) for _ in range(at.randint(1, 3)))
        told = ", ".join(
            at.choice(RUNAS) + at.choice(("", "", "NOPASSWD: ", "PASSWD: ")) + at.choice(("", "", "!")) + at.choice(COMMANDS)
            for _ in range(at.randint(1, 3))
        )
        lines.append(f"{users} {at.choice(HOSTS)} = {told}")
    return "\n".join(lines) + "\n"


ASK = r"""
set -e
mount --bind "$1/passwd" /etc/passwd; mount --bind "$1/shadow" /etc/shadow; mount --bind "$1/group" /etc/group
[ ! -e /etc/nsswitch.conf ] || mount --bind "$1/nsswitch" /etc/nsswitch.conf
for file in "$1"/*.sudoers; do
  mount --bind "$file" /etc/sudoers
  for user in anna bernd cora; do
    said=no
    if sudo -n -l -U $user /usr/bin/true >/dev/null 2>&1; then said=yes; fi
    echo "$(basename "$file" .sudoers) $user $said"
  done
  umount /etc/sudoers
done
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], bool]:
    """What sudo says to each account of each file, by its number."""
    place = tmp_path_factory.mktemp("sudo")
    for name, text in (("passwd", PASSWD), ("shadow", SHADOW), ("group", GROUP), ("nsswitch", "passwd: files\ngroup: files\n")):
        (place / name).write_text(text)
    for seed in range(40):
        path = place / f"{seed}.sudoers"
        path.write_text(rules(Random(seed)))
        path.chmod(0o440)
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", ASK, "ask", str(place)], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        pytest.skip(f"no mount namespace of its own: {done.stderr[:200]}")
    rows = (line.split() for line in done.stdout.splitlines())
    return {(int(seed), user): said == "yes" for seed, user, said in rows}


def lets(seed: int, user: str) -> bool:
    """Whether an account may run `true` as root by what we make of the same file."""
    files = {"/etc/passwd": PASSWD, "/etc/shadow": SHADOW, "/etc/group": GROUP, "/etc/sudoers": rules(Random(seed))}
    taken = Host(files).evidence()
    everybody, told = people(taken), privileges(taken)
    person = everybody.persons[user]
    deciding = (command for _rule, command, _sure in decisions(told.policy, told.judge, person))
    first = next((each for each in deciding if each.kind is Kind.ALL or each.text == "/usr/bin/true"), None)
    return first is not None and not first.negated


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("sudo"), reason="asks sudo itself, as root")
def test_who_may_run_a_command_as_root_is_who_sudo_says(asked: dict[tuple[int, str], bool]) -> None:
    assert len(asked) == 120
    wrong = [(seed, user, said, rules(Random(seed))) for (seed, user), said in asked.items() if lets(seed, user) != said]
    assert not wrong, wrong[0]
    assert 15 < sum(asked.values()) < 105


def test_exempt_groups_and_authenticate_decide_what_is_asked_for() -> None:
    text = "Defaults:bernd !authenticate\nDefaults exempt_group=admins\nALL ALL = ALL\nanna ALL = PASSWD: /usr/bin/id\n"
    taken = Host({"/etc/passwd": PASSWD, "/etc/shadow": SHADOW, "/etc/group": GROUP, "/etc/sudoers": text}).evidence()
    found = {(each.login.name, each.command.written): each.asked for each in privileges(taken).grants}
    assert found == {
        ("anna", "/usr/bin/id"): OWN,
        ("anna", "ALL"): OWN,
        ("bernd", "ALL"): "nothing",
        ("cora", "ALL"): "nothing",
    }
