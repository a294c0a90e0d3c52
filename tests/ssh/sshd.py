"""Real SSH servers on the loopback, with keys of their own, that run as whoever runs the tests; and an agent."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditkit.ssh import Hop

PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
PASSWORD = "correct horse"
PATIENCE = 120
"""Seconds after which what takes a tenth of one counts as hanging."""
_CRYPTED = "$6$auditkit$TfjBJYJB78.YILrOqpLmQU1pQSfb2JcETGLO9UfJ3IHKXFsoF.suCcyR/Pfu3JwoN6iVy13vHioS2Qrt1d3.T/"
_OWN_FILES = 'cd "$1" && shift && for name in shadow passwd; do mount --bind $name /etc/$name || exit 99; done; exec "$@"'


@dataclass
class Sshd:
    """One server under way."""

    folder: Path
    place: socket.socket
    """Holds the port, see `free_place`."""
    process: subprocess.Popen[bytes]
    user: str

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        return int(self.place.getsockname()[1])

    @property
    def key(self) -> Path:
        """A private key that it lets in."""
        return self.folder / "id"

    @property
    def known(self) -> str:
        """Its line for known_hosts."""
        return f"[127.0.0.1]:{self.port} {public(self.folder / 'host_key')}\n"

    def allow(self, key: Path) -> None:
        """Let a further key in."""
        with (self.folder / "authorized_keys").open("a") as file:
            file.write(public(key) + "\n")

    def end(self) -> None:
        """Stop it, and what it has started."""
        self.place.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


def program(name: str) -> str:
    """Where a program of the system is; without it the test is skipped."""
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def user() -> str:
    """Who runs the tests."""
    return pwd.getpwuid(os.getuid()).pw_name


def keygen(path: Path, *options: str, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair."""
    subprocess.run([program("ssh-keygen"), "-q", "-t", kind, "-N", passphrase, "-f", path, *options], check=True)
    return path


def public(key: Path) -> str:
    """Type and base64 of its public half."""
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


def free_place() -> socket.socket:
    """A port of the loopback that nobody listens on, and that nobody but a server told its number gets while this is open.

    Both set SO_REUSEADDR, so that the server may listen there all the same (socket(7)).
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    return place


def start(
    folder: Path, *lines: str, first: tuple[str, ...] = (), host_key: str = "ed25519", wrap: tuple[str, ...] = ()
) -> Sshd:
    """An sshd with further lines of sshd_config, and some before ours, which win; it is ready when this returns."""
    sshd = program("sshd")
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd(8): its own empty directory
    keygen(folder / "host_key", kind=host_key)
    keygen(folder / "id")
    place = free_place()
    port = place.getsockname()[1]
    pam = "yes" if os.geteuid() else "no"  # who cannot read /etc/shadow counts as locked out, unless PAM asks for them
    told = (
        *first,
        *(f"ListenAddress 127.0.0.1:{port}", f"HostKey {folder}/host_key", f"UsePAM {pam}", "StrictModes no"),
        *(f"AuthorizedKeysFile {folder}/authorized_keys", "PidFile none", *lines),
    )
    (folder / "sshd_config").write_text("\n".join(told) + "\n")
    words = [*wrap, sshd, "-D", "-e", "-f", str(folder / "sshd_config")]
    made = Sshd(folder, place, _ready(words, b"listening", place), user())
    made.allow(folder / "id")
    return made


def start_with_passwords(folder: Path, *lines: str) -> Sshd:
    """An sshd in which the user of the tests has PASSWORD."""
    return start(folder, "PermitRootLogin yes", "PasswordAuthentication yes", *lines, wrap=own_accounts(folder))


def start_dropbear(folder: Path, *options: str) -> Sshd:
    """A dropbear, to which the folder is the home of the user of the tests."""
    wrap = own_accounts(folder)
    dropbear, make = program("dropbear"), program("dropbearkey")
    told = subprocess.run([make, "-t", "ed25519", "-f", folder / "host_key"], capture_output=True, check=True, text=True)
    (folder / "host_key.pub").write_text(next(line for line in told.stdout.splitlines() if line.startswith("ssh-")))
    (folder / ".ssh").mkdir(mode=0o700)
    (folder / "authorized_keys").symlink_to(".ssh/authorized_keys")
    keygen(folder / "id")
    place = free_place()
    port = f"127.0.0.1:{place.getsockname()[1]}"
    words = [*wrap, dropbear, "-F", "-E", "-r", str(folder / "host_key"), "-p", port, *options]
    made = Sshd(folder, place, _ready(words, b"Not backgrounding", place), user())
    made.allow(folder / "id")
    return made


def own_accounts(folder: Path) -> tuple[str, ...]:
    """What runs a server so that the user of the tests has PASSWORD there, and the folder as home; without root, a skip."""
    if os.geteuid() != 0:
        pytest.skip("a password file of its own needs root")
    folder.mkdir(parents=True, exist_ok=True)
    own = pwd.getpwuid(os.getuid())
    (folder / "shadow").write_text(f"{own.pw_name}:{_CRYPTED}:19000:0:99999:7:::\n")
    lines = [f"{own.pw_name}:x:{own.pw_uid}:{own.pw_gid}::{folder}:/bin/sh"]
    lines += [f"{each.pw_name}:x:{each.pw_uid}:{each.pw_gid}::/:/bin/false" for each in pwd.getpwall() if each.pw_uid]
    (folder / "passwd").write_text("\n".join(lines) + "\n")
    wrap = (program("unshare"), "--mount", "--propagation", "private", "sh", "-c", _OWN_FILES, "-", str(folder))
    if subprocess.run([*wrap, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    return wrap


def _ready(words: list[str], sign: bytes, place: socket.socket) -> subprocess.Popen[bytes]:
    """A server that has said that it listens; where it does not, nothing of it is left."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr
    said: list[bytes] = []
    with process.stderr as told:
        for line in iter(told.readline, b""):
            if sign in line:
                return process
            said.append(line)
    place.close()
    process.wait(PATIENCE)
    pytest.fail(f"it does not start: {b''.join(said).decode(errors='replace')}")


@contextmanager
def agent(folder: Path, *keys: Path) -> Iterator[str]:
    """The socket of an agent that holds these keys, in this order."""
    place = folder / "agent"
    process = subprocess.Popen([program("ssh-agent"), "-D", "-a", place], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        with process.stdout as told:
            told.readline()  # it says where it listens, and so it does
        environment = {**os.environ, "SSH_AUTH_SOCK": str(place)}
        for key in keys:
            subprocess.run([program("ssh-add"), "-q", key], env=environment, check=True)
        yield str(place)
    finally:
        process.terminate()
        process.wait(PATIENCE)


def hop(server: Sshd, folder: Path, **other: object) -> Hop:
    """The way to a server, its key on file unless something else is there already."""
    known = folder / "known_hosts"
    if not known.exists():
        known.write_text(server.known)
    given = {"identities": (str(server.key),), "known_hosts": (str(known),), **other}
    return Hop("there", "127.0.0.1", server.port, server.user, **given)  # type: ignore[arg-type]
