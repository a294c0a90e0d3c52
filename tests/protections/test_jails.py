"""The jails of fail2ban, against what fail2ban itself makes of the same files: `fail2ban-client -d`."""

import ast
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.audits.protections.jails import LARGEST, Jail, jails

CLIENT = shutil.which("fail2ban-client")
OWN = Path("/etc/fail2ban")
ORACLE = pytest.mark.skipif(not CLIENT or not OWN.is_dir(), reason="fail2ban is not installed")

SETTINGS: dict[str, dict[str, str]] = {
    "as installed": {},
    "backend in a .local that goes before": {
        "jail.d/a.local": "[sshd]\nbackend = systemd\nenabled = yes\n",
        "jail.d/z.conf": "[sshd]\nbackend = polling\nenabled = false\n",
    },
    "jail.local before jail.d/*.local": {
        "jail.local": "[sshd]\nmaxretry = 7\nfindtime = 1h\nenabled = true\nbackend = systemd\n",
        "jail.d/b.local": "[DEFAULT]\nbantime = 2h\n[sshd]\nmaxretry = 8\n",
    },
    "a default for all jails": {"jail.local": "[DEFAULT]\nbackend = systemd\nmaxretry = 3\n"},
    "known/ is what was before": {
        "jail.local": "[sshd]\nignoreip = 192.0.2.1\nbackend = systemd\n",
        "jail.d/c.local": "[sshd]\nignoreip = %(known/ignoreip)s 192.0.2.2\n",
    },
    "another section's value": {
        "jail.local": "[own]\nenabled = true\nfilter = sshd[mode=aggressive]\nbackend = systemd\nmaxretry = %(sshd/port)s\n"
        "[sshd]\nport = 22\nbackend = systemd\n",
    },
    "paths overridden": {"paths-overrides.local": "[DEFAULT]\nsshd_backend = systemd\n"},
    "a .local beside an included file": {"paths-common.local": "[DEFAULT]\ndefault_backend = systemd\n"},
    "comments and continued lines": {
        "jail.local": "[sshd]\nenabled = true ; yes\n# backend = polling\nbackend = systemd\nlogpath = /a\n  /b\n",
    },
    "turned off again": {"jail.d/z.local": "[sshd]\nenabled = 0\n"},
}  # fmt: skip


def set_up(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    """A copy of this machine's own configuration with some more files; gives the texts by the paths on a real host."""
    shutil.copytree(OWN, folder)
    for name, text in more.items():
        (folder / name).write_text(text)
    names = [*folder.glob("*.conf"), *folder.glob("*.local"), *folder.glob("jail.d/*.conf"), *folder.glob("jail.d/*.local")]
    return {f"/etc/fail2ban/{name.relative_to(folder)}": name.read_text() for name in names}


def said(folder: Path) -> dict[str, dict[str, str]]:
    """By jail what fail2ban would do: backend, maxretry, findtime, bantime, addignoreip."""
    done = subprocess.run([str(CLIENT), "-c", str(folder), "-d"], capture_output=True, text=True, check=False, timeout=60)
    found: dict[str, dict[str, str]] = {}
    for line in done.stdout.splitlines():
        match ast.literal_eval(line) if line.startswith("[") else None:
            case ["add", name, backend]:
                found[name] = {"backend": backend}
            case ["set", name, ("maxretry" | "findtime" | "bantime") as option, value] if name in found:
                found[name][option] = str(value)
            case ["set", name, "addignoreip", *addresses] if name in found:
                found[name]["ignoreip"] = " ".join(addresses)
    return found


def as_said(jail: Jail) -> dict[str, str]:
    """The same of a jail as we read it."""
    told = {"backend": jail.backend, "maxretry": jail.maxretry, "findtime": jail.findtime, "bantime": jail.bantime}
    return {**told, "ignoreip": " ".join(jail.ignored)} if jail.ignored else told


@ORACLE
@pytest.mark.parametrize("name", SETTINGS)
def test_a_jail_is_as_fail2ban_reads_it(name: str, tmp_path: Path) -> None:
    files = set_up(tmp_path / "fail2ban", SETTINGS[name])
    found, gaps = jails(files)
    assert gaps == ()
    assert {jail.name: as_said(jail) for jail in found} == said(tmp_path / "fail2ban")


def of(text: str, **more: str) -> tuple[tuple[Jail, ...], list[str]]:
    """The jails of a jail.conf with this text, and the gaps in words."""
    found, gaps = jails({"/etc/fail2ban/jail.conf": text, **{f"/etc/fail2ban/{name}": each for name, each in more.items()}})
    return found, [f"{gap.subject}: {gap.reason}" for gap in gaps]


def test_logs_and_actions_are_taken_in() -> None:
    text = (
        "[DEFAULT]\nlog = /var/log/auth.log\naction = %(banaction)s[port=%(port)s]\nfilter = %(__name__)s\n"
        "[sshd]\nenabled = true\nbanaction = nftables\nport = 22,2222\nlogpath = %(log)s head\n /var/log/%(__name__)s.log\n"
    )
    (jail,), gaps = of(text)
    assert gaps == []
    assert (jail.filter, jail.action, jail.port) == ("sshd", "nftables[port=22,2222]", "22,2222")
    assert jail.logs == ("/var/log/auth.log", "/var/log/sshd.log")
    assert not jail.reads_journal


def test_two_that_include_each_other_come_to_an_end() -> None:
    loop = "[INCLUDES]\nbefore = a.conf\n[DEFAULT]\nx = 1\n"
    found, gaps = of(
        loop + "[sshd]\nenabled = true\n", **{"a.conf": "[INCLUDES]\nbefore = jail.conf a.conf\nafter = jail.conf\n"}
    )
    assert ([jail.name for jail in found], gaps) == (["sshd"], [])


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("[sshd]\nenabled = %(x)s\nx = %(enabled)s\n", "jail sshd: its configuration cannot be read"),
        ("[sshd]\nenabled = true\nbackend = %(nowhere)s\n", "jail sshd: its configuration cannot be read"),
        ("[sshd]\nenabled = true\nbackend = %(a)s\na = " + "%(b)s" * 700 + "\nb = " + "x" * 4000, "jail sshd: "),
        ("[sshd]\nenabled = true\n[sshd]\n", "/etc/fail2ban/jail.conf: fail2ban cannot read it"),
        ("nothing\n", "/etc/fail2ban/jail.conf: fail2ban cannot read it"),
        ("#" * (LARGEST + 1), "/etc/fail2ban/jail.conf: longer than"),
        ("[sshd]\nx = " + " " * 5000 + "y\n", "/etc/fail2ban/jail.conf: longer than"),
    ],
)
def test_what_cannot_be_read_is_a_gap(text: str, gap: str) -> None:
    found, gaps = of(text)
    assert found == ()
    assert len(gaps) == 1
    assert gaps[0].startswith(gap)


PIECES = (
    *("[sshd]\n", "[DEFAULT]\n", "[INCLUDES]\n", "before = a.conf\n", "enabled = true\n", "x = %(x)s\n"),
    *("enabled = %(known/x)s\n", "backend = %(a/b)s\n", " more\n", "=\n", "%%", "%", ";", "\0", "\udcff", "[", "]", "x", "\n"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join), st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_any_text_gives_jails_or_gaps(text: str, other: str) -> None:
    found, gaps = of(text, **{"a.conf": other, "jail.d/x.local": other})
    assert all(jail.name for jail in found)
    assert all(gap for gap in gaps)
