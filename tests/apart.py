"""Two machines in networks of their own, a cable between them: one is tried out, the other is everybody else.

Nothing leaves them: no other network is there.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

SERVER4, SERVER6 = "203.0.113.2", "2001:db8:5::2"
"""The addresses of the machine that is tried out."""
GATEWAY4, GATEWAY6 = "203.0.113.1", "2001:db8:5::1"
"""The other end of its cable, to which all goes that is not for itself."""
PATIENCE = 120
_OWN = "set -eu; mount -t tmpfs -o mode=755 own /run; {more} ip link set lo up; echo ready; exec cat"
_CABLE = f"""
set -eu
ip link add out type veth peer name in netns {{others}}
ip addr add {SERVER4}/24 dev out
ip -6 addr add {SERVER6}/64 dev out nodad
ip link set out up
nsenter --target={{others}} --net -- sh -euc '
  ip addr add {GATEWAY4}/24 dev in
  ip -6 addr add {GATEWAY6}/64 dev in nodad
  for each in {{addresses}}; do case $each in *:*) ip -6 addr add $each dev in nodad;; *) ip addr add $each dev in;; esac; done
  ip link set in up'
ip route add default via {GATEWAY4}
ip -6 route add default via {GATEWAY6}
"""
_LISTEN = """
import socket, sys
held = []
for address, port in (place.rsplit("/", 1) for place in sys.argv[1:]):
    one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    one.bind((address, int(port)))
    one.listen()
    held.append(one)
print("ready", flush=True)
sys.stdin.read()
"""
_COME = """
import json, socket, sys
seconds, *tries = sys.argv[1:]
told = []
for source, address, port in (each.split("/") for each in tries):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        one.bind((source, 0))
        one.settimeout(float(seconds))
        try:
            one.connect((address, int(port)))
            told.append("in")
        except TimeoutError:
            told.append("dropped")
        except OSError as error:
            told.append(error.strerror)
print(json.dumps(told))
"""


@cache
def can_be_made() -> bool:
    """Whether this machine makes networks of its own, and knows IPv6."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "nsenter", "ip", "mount"))):
        return False
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "test", "-e", "/proc/net/if_inet6"], check=False, capture_output=True
    )
    return tried.returncode == 0


@dataclass(frozen=True)
class Apart:
    """Both machines."""

    server: int
    """A process on the machine that is tried out."""
    others: int
    """A process on the other."""

    def there(self, *words: str, mounts: bool = True) -> tuple[str, ...]:
        """What runs these words on the machine that is tried out."""
        return ("nsenter", f"--target={self.server}", "--net", *(["--mount"] if mounts else []), "--", *words)

    def sh(self, script: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """A script that a shell has read there."""
        return subprocess.run(
            self.there("sh", "-eu"),
            input=script,
            env=None if environment is None else dict(environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def come(self, sources: Sequence[str], port: int = 22, seconds: float = 20) -> dict[str, str]:
        """What becomes of connections from each source: `in`, `dropped`, or what else."""
        tries = [f"{source}/{SERVER6 if ':' in source else SERVER4}/{port}" for source in sources]
        outside = ("nsenter", f"--target={self.others}", "--net", "--", sys.executable, "-c", _COME, str(seconds), *tries)
        told = subprocess.run(outside, capture_output=True, text=True, check=True, timeout=PATIENCE)
        return dict(zip(sources, json.loads(told.stdout), strict=True))

    @contextmanager
    def listening(self, *ports: int) -> Iterator[None]:
        """Somebody listens there on these ports."""
        places = [f"{address}/{port}" for port in ports for address in (SERVER4, SERVER6)]
        with _until_ready(*self.there(sys.executable, "-c", _LISTEN, *places)):
            yield


@contextmanager
def apart(addresses: Sequence[str] = (), more: str = "") -> Iterator[Apart]:
    """Both machines; the other has these addresses, too, and a script prepares the first, which has its own mounts."""
    own = ("unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", _OWN.format(more=more))
    with (
        _until_ready(*own) as server,
        _until_ready("unshare", "--net", "sh", "-c", "ip link set lo up; echo ready; exec cat") as others,
    ):
        made = Apart(server, others)
        done = made.sh(
            _CABLE.format(others=others, addresses=" ".join(f"{each}/{128 if ':' in each else 32}" for each in addresses))
        )
        assert done.returncode == 0, done.stderr
        yield made


@contextmanager
def _until_ready(*words: str) -> Iterator[int]:
    """A process that has said that it is ready, and ends once its stdin does."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "ready\n"
            yield process.pid
        finally:
            process.kill()
