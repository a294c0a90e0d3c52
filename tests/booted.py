"""A systemd of its own: the one of this machine, booted over its files, with processes, mounts and a network apart.

What it writes is gone with it: its files lie in memory, over those of this machine.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SYSTEMD = "/lib/systemd/systemd"
CGROUPS = Path("/sys/fs/cgroup")
PATIENCE = 60
MASKED = (
    "systemd-binfmt.service", "systemd-modules-load.service", "systemd-sysctl.service", "systemd-remount-fs.service",
    "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount", "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "systemd-udevd.service",
    "systemd-udev-trigger.service", "systemd-tmpfiles-setup.service", "systemd-tmpfiles-setup-dev.service",
    "systemd-random-seed.service", "systemd-update-utmp.service", "systemd-pstore.service", "systemd-firstboot.service",
    "systemd-hwdb-update.service", "systemd-machine-id-commit.service", "systemd-journal-flush.service", "ldconfig.service",
    "network-online.target",
)  # fmt: skip
"""What would touch the kernel that all share, or takes time."""
HIDDEN = (
    "/home",
    "/mnt",
    "/opt",
    "/root",
    "/srv",
    "/usr/share",
    "/usr/src",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/tmp",
    "/work",
)
"""What is large on a machine where software is made, and none of the system."""
BOOT = r"""
set -eu
place=$1 seen=$2
mount -t tmpfs own "$place"
mkdir "$place/up" "$place/work" "$place/root"
mount -t overlay own -o "lowerdir=/,upperdir=$place/up,workdir=$place/work" "$place/root"
cd "$place/root"
mount -t proc own proc
mount -t tmpfs -o mode=755 own run
mount -t tmpfs own tmp
mount -t tmpfs -o mode=755 own dev
for each in null zero full random urandom tty; do touch "dev/$each"; mount --bind "/dev/$each" "dev/$each"; done
mkdir dev/shm dev/pts
mount -t tmpfs own dev/shm
mount -t devpts -o newinstance,ptmxmode=666 own dev/pts
ln -s pts/ptmx dev/ptmx
mount -t sysfs -o ro own sys
if [ -e /sys/fs/cgroup/cgroup.procs ]; then
  mount -t cgroup2 own sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 own sys/fs/cgroup
  for each in systemd memory pids cpu cpuacct devices freezer blkio; do
    [ -d "/sys/fs/cgroup/$each" ] || continue
    mkdir "sys/fs/cgroup/$each"
    case $each in systemd) with=none,name=systemd;; *) with=$each;; esac
    mount -t cgroup -o "$with" own "sys/fs/cgroup/$each"
  done
fi
for each in $HIDDEN; do [ ! -d ".$each" ] || mount -t tmpfs own ".$each"; done
for each in $seen; do mkdir -p ".${each#*=}"; mount --rbind "${each%%=*}" ".${each#*=}"; done
mkdir -p etc/systemd/system var/old
for each in $MASKED; do ln -sf /dev/null "etc/systemd/system/$each"; done
printf '[Unit]\nDefaultDependencies=no\n' > etc/systemd/system/try.target
ip link set lo up
pivot_root . var/old
umount -l /var/old
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --unit=try.target --log-target=null --show-status=no
"""


def can_be_booted() -> str:
    """Why no systemd can be booted here; empty where it can."""
    if os.geteuid() != 0:
        return "takes root"
    missing = [name for name in ("unshare", "nsenter", "systemctl", "ip", "pivot_root") if not shutil.which(name)]
    if missing or not Path(SYSTEMD).exists():
        return f"needs {[*missing, 'systemd'][0]}"
    return "" if CGROUPS.is_dir() else "needs control groups"


@dataclass(frozen=True)
class Booted:
    """The machine that it runs."""

    pid: int

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """What a command comes to there."""
        entered = ("nsenter", f"--target={self.pid}", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net", "--")
        return subprocess.run([*entered, *words], capture_output=True, text=True, timeout=PATIENCE, check=check)

    def show(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        told = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names)).stdout
        return dict(line.split("=", 1) for line in told.splitlines())

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """A file there."""
        script = 'mkdir -p "${1%/*}"; printf %s "$2" > "$1"; chmod "$3" "$1"'
        self.run("sh", "-euc", script, "sh", path, text, mode)

    def read(self, path: str) -> str:
        """The text of a file there."""
        return self.run("cat", path).stdout


@contextmanager
def booted(place: Path, seen: Mapping[str, str]) -> Iterator[Booted]:
    """A systemd that runs; of what is hidden it sees these directories, at these places.

    Raises:
        OSError: it does not come up.
    """
    groups = _groups(f"auditkit-test-{os.getpid()}")
    spaces = ("--mount", "--pid", "--uts", "--ipc", "--cgroup", "--net", "--propagation=private", "--fork", "--kill-child")
    joined = "".join(f'echo $$ > "{group}/cgroup.procs"; ' for group in groups)
    script = f'{joined} exec unshare {" ".join(spaces)} sh -c "$BOOT" sh "$0" "$1"'
    surroundings = {**os.environ, "BOOT": BOOT, "MASKED": " ".join(MASKED), "HIDDEN": " ".join(HIDDEN)}
    words = ["sh", "-euc", script, str(place), " ".join(f"{path}={there}" for path, there in seen.items())]
    with subprocess.Popen(words, env=surroundings, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield _up(process)
        finally:
            process.kill()
            process.wait()
            _gone(groups)


def _groups(name: str) -> list[Path]:
    """Control groups of its own, one in each hierarchy."""
    v2 = (CGROUPS / "cgroup.procs").exists()
    above = [CGROUPS] if v2 else [path for path in sorted(CGROUPS.iterdir()) if path.name != "cpuset"]
    groups = [path / name for path in above if (path / "cgroup.procs").exists()]
    for group in groups:
        group.mkdir(exist_ok=True)
    return groups


def _up(process: "subprocess.Popen[str]") -> Booted:
    """The machine once its systemd answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError, ValueError, subprocess.SubprocessError):
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if Path(f"/proc/{child}/comm").read_text() == "systemd\n":
                made = Booted(int(child))
                if made.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"):
                    return made
        time.sleep(0.05)
    process.kill()
    raise OSError(f"systemd does not come up: {process.stderr.read() if process.stderr else ''}")


def _gone(groups: Sequence[Path]) -> None:
    """Remove the groups, once nothing is in them."""
    for group in groups:
        for _try in range(100):
            for path in sorted(group.rglob("*"), reverse=True):
                if path.is_dir():
                    with suppress(OSError):
                        path.rmdir()
            with suppress(OSError):
                group.rmdir()
                break
            for pid in (group / "cgroup.procs").read_text().split():
                with suppress(OSError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.05)
