"""Builds real Debian systems from the machine's own mirror: a server, and one that is upgraded to the next release by apt."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from fleet.images import mirror, proxies

OLD, NEW = "bookworm", "trixie"
FEW = ("openssh-server", "cron", "logrotate", "ca-certificates")
"""With them a system has some hundred packages."""
MANY = (
    *("apache2", "nginx", "postgresql", "mariadb-server", "php", "php-cli", "php-mysql", "samba", "bind9", "dovecot-imapd"),
    *("postfix", "git", "build-essential", "python3-dev", "python3-venv", "rsync", "vim", "emacs-nox", "nodejs", "ruby"),
    *("cups", "openssh-server", "rsyslog", "logrotate", "fail2ban", "unattended-upgrades", "imagemagick", "ffmpeg", "gnupg"),
    *("curl", "wget", "lvm2", "mdadm", "nfs-kernel-server", "smartmontools", "htop", "tmux", "zsh", "ghostscript"),
    *("poppler-utils", "default-jre-headless", "squid", "haproxy", "debsums"),
)
"""Some six hundred packages with what they need."""
NO_SERVICES = "#!/bin/sh\nexit 101\n"


def done(root: Path) -> Path:
    """The file beside a system that says that it is whole."""
    return root.with_suffix(".done")


def server(work: Path) -> Path:
    """A server whose packages lie in its apt's cache."""
    return built(work / "systems" / "server", MANY)


def small(work: Path) -> Path:
    """A small system of the old release."""
    return built(work / "systems" / "small", FEW)


def with_more(root: Path, *wanted: str) -> Path:
    """A system with these packages besides."""
    if not all((root / f"var/lib/dpkg/info/{name}.list").exists() for name in wanted):
        _apt(root, "install", *wanted)
    return root


def inside(root: Path, shown: Iterable[Path] = ()) -> tuple[str, ...]:
    """The words before a command that has it run in a system, with its own /proc, the /dev and /sys of here, and an empty /tmp.

    The directories `shown` are seen there too, read-only, at the paths that they have here.
    """
    binds = "".join(f'mkdir -p "$1{path}"; mount --rbind -o ro {path} "$1{path}"; ' for path in shown)
    inner = (
        'mount -t proc proc "$1/proc"; mount -t tmpfs tmpfs "$1/tmp"; '
        'mount --rbind /dev "$1/dev"; mount --rbind -o ro /sys "$1/sys"; '
    )
    return (
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-ec",
        f'{inner}{binds}root=$1; shift; exec chroot "$root" "$@"',
        "sh",
        str(root),
    )


def upgrade(root: Path) -> None:
    """Turn a system into the new release, by apt and in place."""
    (root / "etc/apt/sources.list").write_text(f"deb {mirror()} {NEW} main\n")
    _apt(root, "update")
    _apt(root, "full-upgrade", "-o", "Dpkg::Options::=--force-confnew")


def packages(root: Path) -> int:
    """How many packages a system has."""
    told = subprocess.run(["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W"], check=True, capture_output=True, text=True)
    return len(told.stdout.splitlines())


def built(root: Path, wanted: tuple[str, ...]) -> Path:
    """A system of the old release with these packages, built once."""
    if not done(root).exists():
        _bootstrap(root)
        _apt(root, "install", *wanted)
        done(root).touch()
    return root


def _bootstrap(root: Path) -> None:
    print(f"building {root.name} ...", flush=True)
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **dict(proxies())}
    argv = ["debootstrap", "--variant=minbase", OLD, str(root), mirror()]
    subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)
    (root / "etc/apt/sources.list").write_text(f"deb {mirror()} {OLD} main\n")
    (root / "usr/sbin/policy-rc.d").write_text(NO_SERVICES)
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    _apt(root, "update")


def _apt(root: Path, verb: str, *words: str) -> None:
    """Have apt of that system do something, with /proc, in a mount namespace that ends with it."""
    proxy = [word for name, value in proxies() for word in ("-o", f"Acquire::{name.partition('_')[0]}::Proxy={value}")]
    keeping = ("-o", "APT::Keep-Downloaded-Packages=true", "--no-install-recommends", "-y", "-q")
    inner = 'mount -t proc proc "$1/proc"; root=$1; shift; exec chroot "$root" "$@"'
    argv = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "sh",
        "-c",
        inner,
        "sh",
        str(root),
        "apt-get",
        *keeping,
        *proxy,
        verb,
        *words,
    ]
    with (root.parent / f"{root.name}.log").open("ab") as log:
        environment = {
            **os.environ,
            "DEBIAN_FRONTEND": "noninteractive",
            "LC_ALL": "C",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        }
        subprocess.run(argv, check=True, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
