"""A real Debian, upgraded by its own apt while somebody else is at work: what packages brought is explained, and no more."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from fleet.images import NoFleetError, layers, missing, proxies

NO_SERVICES = "#!/bin/sh\nexit 101\n"
KEPT = ("-o", "APT::Keep-Downloaded-Packages=true", "-y", "-qq")
LEAST = 500
"""Changed paths of the smallest upgrade that proves anything."""


def suites() -> Iterator[str]:
    """The suites of this machine's own Debian, as lines of sources.list(5)."""
    asked = [
        "apt-get",
        "indextargets",
        "--format",
        "$(ORIGIN) $(COMPONENT) $(REPO_URI) $(SUITE) $(CODENAME)",
        "Identifier: Packages",
    ]
    told = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
    for origin, component, uri, *_suite, codename in (line.split(" ") for line in told.splitlines()):
        if (origin, component) == ("Debian", "main"):
            yield f"deb {uri} {codename} main"


def apt(root: Path, *words: str) -> None:
    """Have apt of that system do something, with /proc, in a mount namespace that ends with it."""
    proxy = [word for name, value in proxies() for word in ("-o", f"Acquire::{name.partition('_')[0]}::Proxy={value}")]
    inner = 'mount -t proc proc "$1/proc"; exec chroot "$@"'
    argv = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", inner, "sh", str(root), "apt-get", *KEPT, *proxy, *words]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(
        argv,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A Debian of the first packages that its release had, which can be upgraded."""
    if reason := missing():
        pytest.skip(reason)
    lines = sorted(set(suites()))
    if not any("security" in line for line in lines):
        pytest.skip("apt of this machine knows no suite that a Debian could be upgraded from")
    try:
        base = layers("py")[0]
    except NoFleetError as reason:
        pytest.skip(str(reason))
    root = tmp_path / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", str(base), str(root)], check=True)
    (root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    (root / "usr/sbin/policy-rc.d").write_text(NO_SERVICES)
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    yield root
    shutil.rmtree(root)


def programs(root: Path, *, upgraded: bool) -> list[Path]:
    """Programs of packages that were upgraded, or were not."""
    log = (root / "var/log/dpkg.log").read_text() if (root / "var/log/dpkg.log").exists() else ""
    names = {line.split()[3] for line in log.splitlines() if len(line.split()) > 4 and line.split()[2] == "upgrade"}
    info = root / "var/lib/dpkg/info"
    lists = [path for path in sorted(info.glob("*.list")) if (path.stem in names or f"{path.stem}:amd64" in names) is upgraded]
    places = [
        root / line[1:] for path in lists for line in path.read_text().splitlines() if "/bin/" in line or "/sbin/" in line
    ]
    return [
        place for place in dict.fromkeys(places) if place.is_file() and not place.is_symlink() and place.stat().st_nlink == 1
    ]


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\n")


def test_after_an_upgrade_just_what_was_planted_is_left(root: Path, cli: Cli) -> None:
    host, store = f"root:{root}", ("--store", str(cli.store))
    (root / "var/log/dpkg.log").write_text("")
    apt(root, "update")
    cli.run("baseline", host, *store, "-q")
    apt(root, "upgrade")
    new, old = programs(root, upgraded=True), programs(root, upgraded=False)
    new[0].chmod(0o4755)
    append(new[1])
    append(old[0])
    (root / "etc/cron.d/upd").write_text("* * * * * root /tmp/x\n")
    script = next((root / "var/lib/dpkg/info").glob("*.postinst"))
    append(script)
    planted = {f"/{path.relative_to(root)}" for path in (new[0], new[1], old[0], root / "etc/cron.d/upd", script)}
    told = cli.run("check", host, *store, "--format", "json", "--all").host
    assert (told["gaps"], told["counts"]["explained"] > LEAST) == ([], True)
    left = {change["path"]: change for change in told["changes"] if change["explanation"] is None}
    assert planted <= left.keys()
    rest = [change for path, change in left.items() if path not in planted]
    assert {change["severity"] for change in rest} <= {"low"}
    assert [one["path"] for one in rest if one["rule"] != "times-changed" and not one["path"].startswith("/var/log/")] == []
    assert by_proof(told)["signed"] > by_proof(told)["local"] * 10


def by_proof(told: dict[str, Any]) -> dict[str, int]:
    """How many changes are explained on whose word."""
    proofs = [change["explanation"]["proof"] for change in told["changes"] if change["explanation"]]
    return {proof: proofs.count(proof) for proof in ("signed", "local")}
