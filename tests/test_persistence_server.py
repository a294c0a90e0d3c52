"""Debian as it is installed, with a server's packages: nothing is said of it, and what is planted there stands out alone.

The disk is an image of the fleet with a server's packages from this machine's own mirror above it, kept in the fleet's cache.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fleet import images
from installed import said_of

from auditkit.model import Finding

PACKAGES = (
    *("at", "cron", "nginx-light", "openssh-server", "openvpn", "python3-pip", "sudo", "syslog-ng-core", "wget"),
    "wireguard-tools",
)
INSTALL = """
set -eu
export DEBIAN_FRONTEND=noninteractive
root=$1; shift
mkdir -p "$root/usr/sbin"
printf '#!/bin/sh\\nexit 101\\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp "$root/etc/resolv.conf" "$root/etc/resolv.conf.before" 2>/dev/null || true
cp /etc/resolv.conf "$root/etc/resolv.conf"
chroot "$root" apt-get -qq update
chroot "$root" apt-get -qq -y --no-install-recommends install "$@"
rm "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf"
mv "$root/etc/resolv.conf.before" "$root/etc/resolv.conf" 2>/dev/null || true
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
"""


@contextmanager
def overlaid(point: Path, upper: Path, *lower: Path) -> Iterator[None]:
    """Layers as one tree, the first on top; what is written goes into `upper`."""
    work = upper.with_name(f"{upper.name}.work")
    for folder in (point, upper, work):
        folder.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(point)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


@pytest.fixture(scope="module")
def layers() -> tuple[Path, ...]:
    """The layers of a server, made once and kept."""
    if reason := images.missing():
        pytest.skip(reason)
    try:
        (base,) = images.layers("py")
        place = base.parent / "server-2"  # another list of packages is another place
        if not place.is_dir():
            with tempfile.TemporaryDirectory(prefix="server-", dir=base.parent) as made:
                _installed(Path(made), base)
                if not place.is_dir():  # another run may have been faster
                    Path(made, "upper").rename(place)
    except images.NoFleetError as reason:
        pytest.skip(str(reason))
    return place, base


def _installed(made: Path, base: Path) -> None:
    environment = {**os.environ, **dict(images.proxies())}
    with overlaid(made / "all", made / "upper", base):
        words = ["sh", "-c", INSTALL, "sh", str(made / "all"), *PACKAGES]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=images.PATIENCE, env=environment)
    if done.returncode:
        raise images.NoFleetError(f"the server's packages cannot be installed: {done.stderr.strip().splitlines()[-1:]}")


@pytest.fixture
def server(layers: tuple[Path, ...]) -> Iterator[Path]:
    """A server's disk of its own."""
    home = Path(tempfile.mkdtemp(prefix="auditkit-server-"))
    with overlaid(home / "all", home / "upper", *layers):
        yield home / "all"
    shutil.rmtree(home)


def test_of_a_server_as_it_was_installed_nothing_is_said(server: Path) -> None:
    assert said_of(server) == []


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_of_a_debian_as_it_was_installed_nothing_is_said(release: str) -> None:
    if reason := images.missing():
        pytest.skip(reason)
    try:
        image = images.layers(release)[0]
    except images.NoFleetError as reason:
        pytest.skip(str(reason))
    assert said_of(image) == []


def test_what_is_planted_among_all_that_packages_brought_stands_out(server: Path) -> None:
    with (server / "etc/cron.d/e2scrub_all").open("a") as file:
        file.write("@reboot root /dev/shm/.x/agent\n")
    (server / "usr/sbin/nginx-debug").write_bytes(b"\x7fELF")
    (server / "usr/bin/find").chmod(0o4755)
    link = server / "etc/systemd/system/multi-user.target.wants/nginx-helper.service"
    link.symlink_to("/usr/share/nginx-helper.service")
    (server / "usr/share/nginx-helper.service").write_text("[Service]\nExecStart=/usr/sbin/nginx-debug\n")
    assert sorted(
        f"{one.severity.word} {one.rule.id} {one.subject}" for one in said_of(server) if isinstance(one, Finding)
    ) == [
        "critical privileged-shell /usr/bin/find",
        "high startup-suspicious /etc/cron.d/e2scrub_all",
        f"low unpackaged-systemd-unit {str(link).removeprefix(str(server))}",
        "medium unpackaged-bin /usr/sbin/nginx-debug",
    ]
