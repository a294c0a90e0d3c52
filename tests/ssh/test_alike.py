"""ssh is asked once for all hosts that it treats the same, and again for each that it may not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditkit import config
from auditkit.ssh import Route, route

pytestmark = pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh client here")
NAMES = ("a", "b", "web-1", "web-2", "db", "UP", "10.9.8.7")
YAML = """hosts:
  {a: {address: 10.1.1.1}, b: {address: 10.1.1.2}, web-1: {user: w}, web-2: {user: w}, db: {port: 99}, UP: {}, 10.9.8.7: {}}
"""
RULES = {
    "nothing": ("", 5),
    "what holds for all": ("Host *\n  Port 2222\n  IdentityFile ~/.ssh/own\n  ControlPath ~/.ssh/%h\n", 5),
    "patterns": ("Host web-* !web-2\n  User x\n  Port 22022\nHost b db\n  IdentityFile ~/.ssh/b\nhost=*\nUser y\n", 7),
    "jumps": ("Host web-*\n  ProxyJump a\n", 5),
    "a name behind a name": ("Host web-*\n  HostName srv.lan\n", 7),
    "a name made of a name": ("HostName %h.lan\n", 7),
    "tokens": ("IdentityFile ~/.ssh/%h\n", 7),
    "Match": ("Match host web-1\n  Port 1\n", 7),
    "a quoted pattern": ('Host "web-1"\n  Port 1\n', 7),
    "included": ("Include more\n", 5),
    "a byte that is a blank to some": ("Host voil\u00e0* web-1\n  Port 9\n", 7),
}
"""Rules, and how often ssh has to be asked for them."""


@pytest.fixture
def ways(tmp_path: Path) -> Callable[[str, bool], tuple[list[Route], int]]:
    """The ways to all hosts, in one run or in a run for each, and how often ssh was asked."""
    (tmp_path / "bin").mkdir()
    (tmp_path / ".ssh").mkdir()
    ssh, log = tmp_path / "bin/ssh", tmp_path / "log"
    ssh.write_text(f'#!/bin/sh\necho >>{log}\nexec {shutil.which("ssh")} "$@"\n')
    ssh.chmod(0o755)
    environment = {"PATH": f"{ssh.parent}:{os.environ.get('PATH', os.defpath)}"}

    def found(rules: str, together: bool) -> tuple[list[Route], int]:
        (tmp_path / ".ssh/config").write_text(rules.replace("Include more", f"Include {tmp_path}/more"))
        (tmp_path / "more").write_text("Host db\n  Port 4\n  User z\n")
        log.write_text("")
        whole = config.read(YAML, "auditkit.yaml")
        each = (whole if together else config.read(YAML, "auditkit.yaml") for _name in NAMES)
        return [route.route(name, one, environment, str(tmp_path)) for name, one in zip(NAMES, each, strict=True)], len(
            log.read_text()
        )

    return found


@pytest.mark.parametrize(("rules", "times"), RULES.values(), ids=RULES)
def test_a_host_is_reached_as_if_ssh_had_been_asked_for_it(
    rules: str, times: int, ways: Callable[[str, bool], tuple[list[Route], int]]
) -> None:
    together, asked = ways(rules, True)
    alone, each = ways(rules, False)
    assert together == alone
    assert asked <= each
    assert asked == times
