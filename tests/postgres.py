"""A PostgreSQL of a test's own: Debian's server in a directory of its own, with no port, reached by a socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PLACES = "/usr/lib/postgresql"
"""Where Debian has it, by version."""


def _programs() -> Path:
    """The programs of the newest server that is installed; a test that needs one is skipped where there is none."""
    found = sorted(Path(PLACES).glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        pytest.skip("no PostgreSQL is installed")
    return found[-1]


@contextmanager
def started() -> Iterator[Path]:
    """The directory with the socket of a server that takes anybody for `auditkit`; it ends with the block."""
    programs = _programs()
    home = Path(tempfile.mkdtemp(prefix="auditkit-pg-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:  # it refuses to be run by root
        user = pwd.getpwnam("postgres")
        os.chown(home, user.pw_uid, user.pw_gid)
        as_owner = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    data = home / "data"
    settings = f"-c listen_addresses='' -c unix_socket_directories={home} -c fsync=off -c shared_buffers=16MB"
    try:
        made = [f"{programs}/initdb", "-A", "trust", "-U", "auditkit", "-N", "--locale=C.UTF-8", "-D", f"{data}"]
        subprocess.run([*as_owner, *made], check=True, capture_output=True, cwd=home)
        ctl = [*as_owner, f"{programs}/pg_ctl", "-D", f"{data}", "-w"]
        subprocess.run([*ctl, "-l", f"{data}/log", "-o", settings, "start"], check=True, capture_output=True, cwd=home)
        try:
            yield home
        finally:
            subprocess.run([*ctl, "-m", "immediate", "stop"], check=False, capture_output=True, cwd=home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
