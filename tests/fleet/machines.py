"""One machine of the fleet: the files that make it itself, how it is started, and what can be seen of it from outside."""

import os
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from glob import iglob
from pathlib import Path

from fleet import keys

HERE = Path(__file__).resolve().parent
KINDS = ("py", "nopy", "bb", "pw", "trixie")
"""Debian with Python; without; busybox and dropbear alone; Debian that asks for a password; Debian 13."""
PORT = 22
PASSWORD = "fleet-pw"  # of audit, everywhere; only `pw` lets it in
USERS = {"root": 0, "audit": 1000, "plain": 1001, "noisy": 1002, "tcsh": 1003, "zsh": 1004, "fish": 1005, "nologin": 1006}
"""Who is on a Debian machine: all but plain and nologin may become root by sudo, audit by doas too; fish needs Python."""
SSHD = ("/usr/sbin/sshd", "-D", "-e", "-h", "/etc/ssh/ssh_host_ed25519_key")
DROPBEAR = ("/usr/sbin/dropbear", "-F", "-E", "-r", "/etc/dropbear/host_key", "-p", str(PORT))
KEYS_ONLY = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
NO_KEYS = "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\nPubkeyAuthentication no\nX11Forwarding yes\n"
PATIENCE = 120.0
"""Seconds after which what takes a tenth of one counts as hanging."""
NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc", "--propagation", "private", "--fork", "--kill-child")
NOT_FILES = ("proc", "sys", "dev/pts")


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine that is up."""

    name: str
    kind: str
    address: str
    port: int
    user: str
    """Who may read all of it: audit with sudo, or root where there is none."""
    key: Path
    """The private key that its users let in, `pw` excepted."""
    host_key: str
    """Type and base64, as known_hosts has them."""
    pid: int
    """Its first process, as the tests see it: the SSH server."""

    @property
    def root(self) -> Path:
        """Its root directory as the tests see it: what is written here is there."""
        return Path(f"/proc/{self.pid}/root")

    @property
    def word(self) -> str:
        """What it is called without an auditkit.yaml."""
        return f"ssh://{self.user}@{self.address}:{self.port}"

    @property
    def inside(self) -> tuple[str, ...]:
        """The words before a command that shall run on it, as root and not over SSH."""
        return ("nsenter", f"--target={self.pid}", "--net", "--mount", "--pid", "--uts", "--ipc", "--")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a machine before it is up."""

    name: str
    kind: str
    address: str
    layers: str
    """The directories below its own files, as overlayfs wants them."""
    host_key: keys.Key
    client: str
    """The public key that its users let in."""

    @property
    def server(self) -> tuple[str, ...]:
        """Its first process."""
        return DROPBEAR if self.kind == "bb" else SSHD


def start(plan: Plan, controller: int, folder: Path, shared: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    """Start a machine below the controller; its first line of output is the number of its first process."""
    files, place = folder / "files", folder / "place"
    place.mkdir(parents=True)
    _equip(plan, files)
    below = ["nsenter", f"--target={controller}", "--net", "--mount", "--pid", "--"]
    told = [str(controller), plan.name, plan.address, plan.layers, str(files), str(place), "\n".join(shared)]
    script = ["sh", str(HERE / "host.sh"), *told, *plan.server]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*below, "unshare", *NAMESPACES, *script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C at a terminal is for the tests, which then take the fleet down in order
        )


def met(plan: Plan, process: "subprocess.Popen[bytes]", key: Path) -> Machine:
    """The machine once it lets clients in."""
    pid = first_number(process)
    user = "root" if plan.kind == "bb" else "audit"
    until(lambda: listens(pid), f"{plan.name} lets clients in")
    return Machine(plan.name, plan.kind, plan.address, PORT, user, key, plan.host_key.public, pid)


def first_number(process: "subprocess.Popen[bytes]") -> int:
    """The number in the first line that a process says; it says no more."""
    assert process.stdout is not None
    with process.stdout as told:
        line = told.readline()
    assert line, f"{process.args!r} ends with {process.wait(PATIENCE)}"
    return int(line)


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for what another process brings about, and tells nobody."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"not within {PATIENCE:g} seconds: {what}"
        time.sleep(0.005)


def listens(pid: int) -> bool:
    """Whether somebody listens on the SSH port of the network namespace of a process (proc(5), /proc/net/tcp)."""
    tables = (Path(f"/proc/{pid}/net/{name}") for name in ("tcp", "tcp6"))
    rows = (row.split() for table in tables if table.exists() for row in table.read_text().splitlines()[1:])
    return any(row[1].endswith(f":{PORT:04X}") and row[3] == "0A" for row in rows)


# --- the files that make it itself


def _equip(plan: Plan, files: Path) -> None:
    """Write what is laid over the image; folders have the owners and modes that they have there."""
    names = ("root", "audit") if plan.kind == "bb" else tuple(USERS)
    for user in names:
        home = files / ("root" if user == "root" else f"home/{user}")
        _file(home / ".ssh/authorized_keys", f"{plan.client} fleet\n", 0o600)
        for path in (home, home / ".ssh", home / ".ssh/authorized_keys"):
            os.chown(path, USERS[user], USERS[user])
        home.chmod(0o700)
    _file(files / "etc/hostname", f"{plan.name}\n")
    _file(files / "etc/hosts", f"127.0.0.1 localhost\n{plan.address} {plan.name}\n")
    if plan.kind == "bb":
        _file(files / "etc/dropbear/host_key", plan.host_key.dropbear, 0o600)
    else:
        _file(files / "etc/ssh/ssh_host_ed25519_key", plan.host_key.openssh, 0o600)
        _file(files / "etc/ssh/ssh_host_ed25519_key.pub", f"{plan.host_key.public}\n")
        _file(files / "etc/ssh/sshd_config.d/fleet.conf", NO_KEYS if plan.kind == "pw" else KEYS_ONLY)


def _file(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


# --- what can be seen of it


def processes(machine: Machine) -> list[str]:
    """What runs there beside the SSH server, one line each; a zombie too."""
    return [line for pid, line in _processes(machine.root / "proc") if pid != 1]


def _processes(proc: Path) -> Iterator[tuple[int, str]]:
    for pid in sorted(int(path.name) for path in proc.iterdir() if path.name.isdigit()):
        try:
            words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
            name = (proc / str(pid) / "comm").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield pid, b" ".join(words).decode(errors="replace").strip() or f"[{name.strip()}]"


def opened(machine: Machine) -> set[str]:
    """The paths of files that are open there, as the machine has them."""
    found = set()
    for descriptor in iglob(f"{machine.root}/proc/[0-9]*/fd/*"):  # Path.glob fails where a process ends meanwhile
        with suppress(FileNotFoundError, ProcessLookupError):
            found.add(os.readlink(descriptor))
    return found


def files(machine: Machine) -> dict[str, tuple[int, ...]]:
    """Every file there, with mode, owners, size and times; two of these are equal if nothing was made or changed."""
    skipped = {os.path.join(machine.root, name) for name in NOT_FILES}
    found: dict[str, tuple[int, ...]] = {}
    for folder, below, names in os.walk(machine.root):
        below[:] = [name for name in below if os.path.join(folder, name) not in skipped]
        for name in (*below, *names):
            path = os.path.join(folder, name)
            told = os.lstat(path)
            size = 0 if stat.S_ISDIR(told.st_mode) else told.st_size
            found[path.removeprefix(str(machine.root))] = (
                told.st_mode, told.st_uid, told.st_gid, size, told.st_mtime_ns, told.st_ctime_ns, told.st_nlink,
            )  # fmt: skip
    return found
