"""Real daemons of Debian in a network of their own: what they show as they come, and that the line of the fix hides it.

All are started twice, as they come and with the line, and looked at by `audit local` from the command line. What is not
installed is skipped; .ci/run installs them all.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, surroundings

from auditkit.audits.listeners.fixes import FIXES

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="takes root and unshare")

ADDRESS = "10.9.0.1"
PATIENCE = 20.0
"""Seconds for all daemons to listen."""


@dataclass(frozen=True)
class Daemon:
    """A daemon: its port, what it is started with, and its configuration without and with the line that helps."""

    name: str
    port: int
    command: tuple[str, ...]
    """`{dir}`, `{port}` and `{line}` are filled in, the last with nothing at first."""
    text: str
    line: str
    rule: str = "banner-shows-version"

    @property
    def program(self) -> str | None:
        """Where it is installed."""
        return shutil.which(self.command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")


DAEMONS = (
    Daemon(
        "nginx", 8080, ("nginx", "-p", "{dir}", "-c", "{dir}/conf", "-g", "daemon off;"),
        "user root;\npid {dir}/pid;\nerror_log {dir}/log;\nevents {{}}\n"
        "http {{\n access_log off;\n {line}\n server {{ listen {port}; return 204; }}\n}}\n",
        "server_tokens off;",
    ),
    Daemon(
        "lighttpd", 8081, ("lighttpd", "-D", "-f", "{dir}/conf"),
        'server.document-root = "{dir}"\nserver.port = {port}\n{line}\n', 'server.tag = ""',
    ),
    Daemon(
        "vsftpd", 2121, ("vsftpd", "{dir}/conf"),
        "listen=YES\nlisten_ipv6=NO\nbackground=NO\nlisten_port={port}\nsecure_chroot_dir={dir}\n{line}\n",
        "ftpd_banner=Welcome",
    ),
    Daemon(
        "apache", 8082, ("apache2", "-d", "{dir}", "-f", "{dir}/conf", "-D", "FOREGROUND"),
        "ServerName labhost\nDefaultRuntimeDir {dir}\nPidFile {dir}/pid\nErrorLog {dir}/log\nListen {port}\nUser www-data\n"
        "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n"
        "LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n{line}\n",
        "ServerTokens Prod",
    ),
    Daemon(
        "bind", 5300, ("named", "-f", "-c", "{dir}/conf"),
        'options {{ directory "{dir}"; listen-on port {port} {{ any; }}; listen-on-v6 {{ none; }}; pid-file none;\n'
        ' session-keyfile "{dir}/key"; recursion no; {line} }};\ncontrols {{ }};\n',
        "version none; hostname none; server-id none;",
    ),
    Daemon(
        "squid", 3128, ("squid", "-N", "-f", "{dir}/conf"),
        "http_port 0.0.0.0:{port}\nvisible_hostname labhost\npid_filename none\naccess_log none\ncache_log /dev/null\n"
        "shutdown_lifetime 0 seconds\n{line}\n",
        "httpd_suppress_version_string on",
    ),
    Daemon(
        "proftpd", 2122, ("proftpd", "-n", "-c", "{dir}/conf"),
        "ServerName labhost\nServerType standalone\nDefaultAddress 127.0.0.1\nSocketBindTight off\nPort {port}\nUseIPv6 off\n"
        "User root\nGroup root\nPidFile {dir}/pid\nScoreboardFile {dir}/board\n{line}\n",
        'ServerIdent on "FTP ready"', "banner-shows-product",
    ),
    Daemon(
        "redis", 6379, ("redis-server", "{dir}/conf"),
        'bind 0.0.0.0\nprotected-mode no\nport {port}\ndir {dir}\nsave ""\n{line}\n', "requirepass not-a-secret",
        "data-store-without-authentication",
    ),
    Daemon(
        "memcached", 11211, ("memcached", "-u", "nobody", "-p", "{port}", "-U", "0", "-l", "{line}"),
        "", "127.0.0.1", "data-store-without-authentication",
    ),
)  # fmt: skip
NOTHING = {"memcached": "0.0.0.0"}
"""What stands there without the line, if that is not nothing."""


def started(daemon: Daemon, folder: Path, line: str) -> list[str]:
    """The command that starts it, its configuration written."""
    place = folder / daemon.name
    place.mkdir(exist_ok=True)
    filled = {"dir": str(place), "port": daemon.port, "line": line}
    (place / "conf").write_text(daemon.text.format(**filled))
    return [str(daemon.program), *(word.format(**filled) for word in daemon.command[1:])]


@pytest.fixture(scope="module")
def network() -> Iterator[list[str]]:
    """What runs a command in a network of its own."""
    script = f"ip link set lo up; ip addr add {ADDRESS}/24 dev lo; echo up; exec sleep 600"
    with subprocess.Popen(["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE) as sleeper:
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == b"up\n"
        yield ["nsenter", f"--target={sleeper.pid}", "--net", "--"]
        sleeper.kill()


Findings = list[dict[str, Any]]


@pytest.fixture(scope="module")
def looks(network: list[str], tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Findings]:
    """What is found of all daemons `before` and `after` the line is there."""
    folder = tmp_path_factory.mktemp("daemons")
    folder.chmod(0o755)
    there = [daemon for daemon in DAEMONS if daemon.program]
    return {
        "before": look(network, folder, {daemon: NOTHING.get(daemon.name, "") for daemon in there}),
        "after": look(network, folder, {daemon: daemon.line for daemon in there}),
    }


def look(network: list[str], folder: Path, lines: Mapping[Daemon, str]) -> Findings:
    """What is found of daemons with these lines."""
    running = [
        subprocess.Popen([*network, *started(daemon, folder, line)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for daemon, line in lines.items()
    ]
    try:
        wait(network, [daemon.port for daemon in lines])
        command = [*network, sys.executable, "-m", "auditkit", "audit", "local", "--only", "listeners", "--active"]
        told = subprocess.run(
            [*command, "--format", "json"], env=surroundings(folder), capture_output=True, check=False, timeout=60
        )
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait(10)
    document = json.loads(told.stdout)
    SCHEMA.validate(document)
    found: Findings = document["hosts"][0]["findings"]
    return found


def wait(network: list[str], ports: list[int]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        table = subprocess.run([*network, "cat", "/proc/net/tcp"], capture_output=True, check=True, text=True).stdout
        if all(f":{port:04X} 00000000:0000 0A" in table for port in ports):
            return
        time.sleep(0.05)
    pytest.fail(f"of {ports} not all listen")


def of(daemon: Daemon, found: Findings) -> list[str]:
    """The rules of what is found of a daemon."""
    return [one["rule"] for one in found if any(str(quote["source"]).endswith(f":{daemon.port}") for quote in one["quotes"])]


@pytest.mark.parametrize("daemon", DAEMONS, ids=lambda daemon: daemon.name)
def test_a_daemon_is_found_as_it_comes_and_is_fine_with_the_line_that_is_proposed(
    daemon: Daemon, request: pytest.FixtureRequest
) -> None:
    if not daemon.program:
        pytest.skip(f"{daemon.name} is not installed")
    looks = request.getfixturevalue("looks")
    assert daemon.rule in of(daemon, looks["before"])
    assert daemon.rule not in of(daemon, looks["after"])


def test_the_lines_are_those_of_the_table() -> None:
    for daemon in DAEMONS:
        assert daemon.line.split(" not-a-secret")[0].rstrip(";") in f"{FIXES[daemon.name].line} {FIXES[daemon.name].how}"
