"""The root file systems of the fleet: built once by debootstrap from this machine's own mirror, and kept in a cache.

Every machine mounts its image read-only below an overlay of its own, so that an image serves any number of them.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = "AUDITKIT_FLEET_CACHE"
USUAL_CACHE = "/var/tmp/auditkit-fleet"
TOOLS = ("debootstrap", "unshare", "nsenter", "setpriv", "pivot_root", "ip", "apt-get", "apt-config")
PACKAGES = ("openssh-server", "sudo", "opendoas", "procps", "python3", "tcsh", "zsh", "fish", "dropbear-bin", "busybox-static")
OTHER_SUITES = ("bullseye", "bookworm", "trixie", "sid")
"""Kinds of machines that are a release of Debian, whatever this machine's own is."""
NOT_YET = {"bullseye": ("opendoas",)}
"""What a release does not have by this name."""
SPACES = ("--net", "--mount", "--pid", "--fork")
PATIENCE = 600
"""Seconds after which a mirror counts as hanging."""


class NoFleetError(Exception):
    """This machine cannot have a fleet, and why."""


def layers(kind: str) -> tuple[Path, ...]:
    """The directories whose overlay is the root file system of a kind of machine, the topmost first; built if need be.

    Raises:
        NoFleetError: this machine cannot build it.
    """
    suite = kind if kind in OTHER_SUITES else _own_suite()
    with _locked(_cache()) as cache:
        base = _built(cache / f"{suite}-{_recipe()}", suite, "base")
        match kind:
            case "py" | "pw" | "bullseye" | "bookworm" | "trixie" | "sid":
                return (base,)
            case "nopy":
                return (_built(base.parent, suite, "nopy"), base)
            case "bb":
                return (_built(base.parent, suite, "bb"),)
    raise ValueError(kind)


def missing() -> str:
    """Why there can be no fleet here; nothing if there can."""
    if os.geteuid() != 0:
        return "a fleet of namespaces needs root"
    lacking = [tool for tool in TOOLS if not shutil.which(tool)]
    if lacking:
        return f"a fleet needs {', '.join(lacking)}"
    tried = subprocess.run(["unshare", *SPACES, "true"], check=False, capture_output=True, text=True, errors="replace")
    return f"a fleet needs namespaces: {tried.stderr.strip()}" if tried.returncode else ""


def _built(folder: Path, suite: str, name: str) -> Path:
    """An image of the cache; made beside its place and moved there whole."""
    place = folder / name
    if not place.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder) as made:
            root = Path(made, "root")
            if name == "base":
                _bootstrap(suite, root)
            _script(name, root, folder / "base")
            root.rename(place)
    return place


def _bootstrap(suite: str, root: Path) -> None:
    packages = ",".join(name for name in PACKAGES if name not in NOT_YET.get(suite, ()))
    wanted = ["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(root), mirror()]
    _run(wanted, {**os.environ, **dict(proxies())})


def _script(name: str, root: Path, base: Path) -> None:
    """Do what image.sh does for this image, in a mount namespace that ends with it."""
    alone = ["unshare", "--mount", "--propagation", "private", "sh", str(HERE / "image.sh")]
    _run([*alone, name, str(root), str(base)], os.environ)


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", timeout=PATIENCE, env=environment
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-3:]
        raise NoFleetError(f"{command[0]} {command[-2]} fails: {' / '.join(said)}")


def _own_suite() -> str:
    """The Debian release of this machine."""
    found = dict(line.partition("=")[::2] for line in Path("/etc/os-release").read_text().splitlines())
    if found.get("ID", "").strip('"') != "debian":
        raise NoFleetError("the fleet is built of Debian, and this machine is none")
    return found["VERSION_CODENAME"].strip('"')


def mirror() -> str:
    """The mirror that this machine has its own Debian from, whatever the form of its apt sources."""
    asked = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)", "Identifier: Packages"]
    told = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
    for origin, codename, place in (line.split(" ", 2) for line in told.splitlines()):
        if (origin, codename) == ("Debian", _own_suite()):
            return place.rstrip("/")
    raise NoFleetError("apt of this machine knows no Debian mirror (has `apt-get update` run?)")


def proxies() -> Iterator[tuple[str, str]]:
    """What apt of this machine is told about proxies, as the environment has it."""
    for scheme in ("http", "https"):
        asked = ["apt-config", "dump", "--format", "%v", f"Acquire::{scheme}::Proxy"]
        told = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
        if told and told != "DIRECT":
            yield f"{scheme}_proxy", told


def _recipe() -> str:
    """What changes whenever an image would be built otherwise."""
    return hashlib.sha256(repr(PACKAGES).encode() + (HERE / "image.sh").read_bytes()).hexdigest()[:8]


def _cache() -> Path:
    return Path(os.environ.get(CACHE) or USUAL_CACHE)


@contextmanager
def _locked(cache: Path) -> Iterator[Path]:
    """The cache, for one builder at a time; another run waits until the image is there."""
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise NoFleetError(f"no cache for images: {error}") from error
    if cache.stat().st_uid != os.geteuid():
        raise NoFleetError(f"{cache} belongs to somebody else")
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache
