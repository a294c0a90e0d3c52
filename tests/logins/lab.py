"""A real sshd in namespaces of its own, which many addresses of 127.0.0.0/8 come to, and the log that it writes.

sshd writes to a socket at /dev/log, as everywhere; who listens there gives each line a stamp, as syslogd does. Nothing leaves
the namespaces: not even the loopback of the machine of the tests is in them.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PORT = 2200
HASH = "$6$rounds=1000$auditkit$RbaO/K6yvFSUzWXnkm4LGk0Hhn3un5tO6FAW4yY6jcR/82p8flL5CTZlldTENXQSKZA0IbPtY/RyCXezJ4mGv."
PASSWORD = "correct horse"
PEOPLE = {"anna": "", "bert": "", "carl": "1"}
"""Who has an account, and when it ended, in days since 1970."""
PATIENCE = 60.0
SET_UP = """
set -eu
mount -t tmpfs -o mode=755 lab /dev
for node in "null 3" "zero 5" "random 8" "urandom 9"; do mknod -m 666 /dev/${node% *} c 1 ${node#* }; done
mount -t tmpfs -o mode=755 lab /run
mkdir /run/sshd /run/lab # the folder of a test is not open to all
mount --bind "$1" /run/lab
ln -s /run/lab/log.socket /dev/log
for file in passwd shadow group pam.d/sshd; do mount --bind "/run/lab/etc/$file" "/etc/$file"; done
ip link set lo up
ip addr add 192.88.99.0/24 dev lo # of the internet, and nobody's: a relay that was given up (RFC 7526)
exec /usr/sbin/sshd -D -f /run/lab/sshd_config
"""
CONFIGURATION = f"""
Port {PORT}
ListenAddress 127.0.0.1
HostKey /run/lab/host_key
AuthorizedKeysFile /run/lab/keys/%u
StrictModes no
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
LogLevel VERBOSE
MaxStartups 200
UseDNS no
"""
PAM = "auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_unix.so\n"


@dataclass(slots=True)
class Lab:
    """An sshd that is up."""

    folder: Path
    pid: int
    lines: list[str]
    """What it has written."""
    marks: "Marks"

    def come(self, attempts: Sequence[Mapping[str, object]]) -> list[list[bool]]:
        """Have clients try to log in; whether each try of each of them was let in. See visitors.py for what they are told."""
        client = ["nsenter", f"--target={self.pid}", "--net", "--", sys.executable, str(HERE / "visitors.py"), str(PORT)]
        done = subprocess.run(client, input=json.dumps(attempts), capture_output=True, check=True, text=True, timeout=PATIENCE)
        result: list[list[bool]] = json.loads(done.stdout)
        return result

    def say(self, tag: str, text: str) -> None:
        """Have nobody write a line by logger(1)."""
        words = ["logger", "-p", "auth.info", "-t", tag, "--socket-errors=on", text]
        inside = ["nsenter", f"--target={self.pid}", "--net", "--mount", "--", "setpriv", "--reuid=65534", "--clear-groups"]
        subprocess.run([*inside, *words], check=True)

    def written(self, since: int) -> str:
        """The log from a line on, once every connection has ended."""
        until(lambda: not Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split(), "all have gone")
        self.marks.pass_()
        return "".join(self.lines[since:])


class Marks:
    """Waits until all that was sent to the socket is in the log: by a mark that is sent behind it."""

    def __init__(self, path: Path) -> None:
        self._path, self._seen, self._sent = path, threading.Event(), 0

    def pass_(self) -> None:
        """Come back when the mark was read."""
        self._sent += 1
        self._seen.clear()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"mark", str(self._path))
        assert self._seen.wait(PATIENCE)

    def read(self) -> None:
        """The mark is through."""
        self._seen.set()


def until(done: object, what: str) -> None:
    """Wait for something that takes a moment."""
    assert callable(done)
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.01)


@contextmanager
def running(folder: Path, keys: Mapping[str, str]) -> Iterator[Lab]:
    """An sshd, until the block ends; `keys` are lines of authorized_keys by account."""
    _write(folder, keys)
    lines: list[str] = []
    path = folder / "log.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        os.chmod(path, 0o666)
        marks = Marks(path)
        threading.Thread(target=_listen, args=(listener, lines, marks), daemon=True).start()
        space = ["unshare", "--net", "--mount", "--propagation", "private", "--kill-child", "--fork"]
        process = subprocess.Popen([*space, "sh", "-c", SET_UP, "sh", str(folder)])
        try:
            until(lambda: any("Server listening" in line for line in lines) or process.poll() is not None, "sshd listens")
            assert process.poll() is None
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            yield Lab(folder, int(children[0]), lines, marks)
        finally:
            process.kill()
            process.wait(PATIENCE)


def _listen(listener: socket.socket, lines: list[str], marks: Marks) -> None:
    """Write what comes as syslogd does: the priority and the stamp of the sender give way to an own stamp and the host."""
    while True:
        try:
            message = listener.recv(65536)
        except OSError:
            return
        if message == b"mark":
            marks.read()
            continue
        text = message.partition(b">")[2][16:].decode("utf-8", "surrogateescape").rstrip("\n\0")
        lines.append(f"{datetime.now(UTC).isoformat()} lab {text}\n")


def _write(folder: Path, keys: Mapping[str, str]) -> None:
    """Write what sshd reads."""
    etc = folder / "etc"
    (etc / "pam.d").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "keys").mkdir()
    system = (
        "root:x:0:0::/root:/bin/sh",
        "sshd:x:110:65534::/run/sshd:/usr/sbin/nologin",
        "nobody:x:65534:65534::/:/bin/false",
    )
    people = [f"{name}:x:{2000 + number}:2000::/:/bin/sh" for number, name in enumerate(PEOPLE)]
    (etc / "passwd").write_text("\n".join((*system, *people, "")))
    system_hashes = [f"{name}:*:20000::::::" for name in ("root", "sshd", "nobody")]
    hashes = [f"{name}:{HASH}:20000:::::{end}:" for name, end in PEOPLE.items()]
    (etc / "shadow").write_text("\n".join((*system_hashes, *hashes, "")))
    (etc / "group").write_text("root:x:0:\nnogroup:x:65534:\npeople:x:2000:\n")
    (etc / "pam.d/sshd").write_text(PAM)
    for name, line in keys.items():
        (folder / "keys" / name).write_text(line)
    (folder / "sshd_config").write_text(CONFIGURATION)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host_key")], check=True)
