"""A real sshd on the loopback, with keys of its own, that runs as whoever runs the tests."""

import getpass
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")


@dataclass
class Sshd:
    """One server under way."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    user: str

    @property
    def key(self) -> Path:
        """A private key that it lets in."""
        return self.folder / "id"

    @property
    def known(self) -> str:
        """Its line for known_hosts."""
        kind, key = (self.folder / "host_key.pub").read_text().split()[:2]
        return f"[127.0.0.1]:{self.port} {kind} {key}\n"

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(10)


def keygen(path: Path, *options: str) -> None:
    """Make a key without a passphrase, or as the options say."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, *options], check=True)


def start(folder: Path, *lines: str) -> Sshd:
    """A server with further lines of sshd_config; it is ready when this returns."""
    if not PROGRAM:
        pytest.skip("no sshd here")
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    keygen(folder / "host_key")
    keygen(folder / "id")
    (folder / "authorized_keys").write_bytes((folder / "id.pub").read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = [
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {folder}/host_key", "UsePAM no", "StrictModes no",
        f"AuthorizedKeysFile {folder}/authorized_keys", f"PidFile {folder}/pid", *lines,
    ]  # fmt: skip
    (folder / "sshd_config").write_text("\n".join(told) + "\n")
    process = subprocess.Popen([PROGRAM, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.PIPE)
    assert process.stderr
    for line in process.stderr:
        if b"listening" in line:
            break
    process.stderr.close()
    return Sshd(folder, port, process, getpass.getuser())
