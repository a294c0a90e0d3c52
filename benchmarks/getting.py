"""Gets the peers: from the machine's own mirror, and newer ones into a small system of a newer suite beside it."""

import lzma
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

PACKAGES = ("aide", "b3sum", "hashdeep", "mtree-netbsd", "tripwire", "debootstrap")


def setup(work: Path) -> tuple[str, ...]:
    """Installs what can be had from the machine's own mirror and says what could not be, and why."""
    if os.geteuid() != 0:
        return ("nothing installed: apt-get and debootstrap need root",)
    if not shutil.which("apt-get"):
        return ("nothing installed: this is not Debian",)
    wanted = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "-q", "update"], wanted):
        subprocess.run(argv, check=True, env=quiet, stdout=subprocess.DEVNULL)
    source = mirror()
    if not source:
        return ("AIDE 0.19 and later: no Debian mirror in the apt sources of this machine",)
    skipped = [bootstrap(work, source, "trixie")]
    version = version_at(source, "sid")
    newer = tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= (0, 20)
    skipped.append(bootstrap(work, source, "sid") if newer else f"AIDE with BLAKE3 (0.20): Debian sid has {version}")
    return tuple(reason for reason in skipped if reason)


def mirror() -> str:
    """The first Debian mirror that the machine's own apt sources name."""
    for path in [*sorted(Path("/etc/apt/sources.list.d").glob("*")), Path("/etc/apt/sources.list")]:
        if path.suffix in {".list", ".sources"} and path.is_file():
            found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?)\s+(\S+/debian/?)(?:\s|$)", path.read_text(), re.MULTILINE)
            if found:
                return found[1].rstrip("/")
    return ""


def version_at(source: str, suite: str) -> str:
    """Which AIDE a suite of the mirror has."""
    with urllib.request.urlopen(f"{source}/dists/{suite}/main/binary-amd64/Packages.xz", timeout=120) as answer:
        packages = lzma.decompress(answer.read()).decode()
    found = re.search(r"^Package: aide\n(?:.+\n)*?Version: (\S+)", packages, re.MULTILINE)
    return found[1] if found else "none"


def bootstrap(work: Path, source: str, suite: str) -> str:
    """Makes a small system of another suite that has AIDE in it; why not, if it cannot."""
    root = work / "peers" / suite
    if (root / "usr/bin/aide").exists():
        return ""
    root.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(root, ignore_errors=True)
    argv = ["debootstrap", "--variant=minbase", "--include=aide", suite, str(root), source]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    return f"AIDE of {suite}: {done.stdout.splitlines()[-1]}" if done.returncode else ""


def borrowed(root: Path) -> tuple[str, ...]:
    """How to run the AIDE of another system: with that system's loader and libraries, without chroot."""
    loaders = sorted(root.glob("usr/lib/*-linux-*/ld-linux*.so.*"))
    if not loaders or not (root / "usr/bin/aide").exists():
        return ()
    return (str(loaders[0]), "--library-path", str(loaders[0].parent), str(root / "usr/bin/aide"))


def aides(work: Path, own: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Every AIDE at hand with its version, the machine's own first; `own` is one somebody built himself."""
    here = shutil.which("aide")
    commands = (
        (here,) if here else (),
        *(borrowed(work / "peers" / suite) for suite in ("trixie", "sid")),
        (own,) if own else (),
    )
    return tuple((aide_version(command), command) for command in commands if command)


def aide_version(command: tuple[str, ...]) -> str:
    """The version an AIDE says it has."""
    said = subprocess.run([*command, "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"[Aa][Ii][Dd][Ee] (\d\S*)", said.stdout + said.stderr)
    return found[1] if found else "unknown"
