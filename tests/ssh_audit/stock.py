"""Debian as it is installed: machines whose sshd runs, answers, and has said what it makes of its files."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Protocol

from machine import DEBIAN, Machine, sshd

from auditkit.answers import Shown
from auditkit.keys import public
from auditkit.keys.wire import string
from auditkit.model import Evidence, Finding, Gap

DUMPS = Path(__file__).parent.parent / "sshd" / "data"
COMMON = "curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521"
GROUPS = "diffie-hellman-group-exchange-sha256 diffie-hellman-group16-sha512 diffie-hellman-group18-sha512"
KEX = {
    "12": f"sntrup761x25519-sha512 sntrup761x25519-sha512@openssh.com {COMMON} {GROUPS} diffie-hellman-group14-sha256",
    "13": f"mlkem768x25519-sha256 sntrup761x25519-sha512 sntrup761x25519-sha512@openssh.com {COMMON}",
}
"""As `sshd -T` has them, and as the wire has, but for what is announced there besides."""
BANNERS = {"12": "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", "13": "SSH-2.0-OpenSSH_10.0p2 Debian-7+deb13u4"}
PACKAGES = {"12": "1:9.2p1-2+deb12u10", "13": "1:10.0p1-7+deb13u4"}
FILES = {"12": "T_bookworm.txt", "13": "T_trixie.txt"}
VERSIONS = {"12": (9, 2), "13": (10, 0)}
KINDS = ("rsa", "ecdsa", "ed25519")
PAM_SSHD = """\
@include common-auth
account    required     pam_nologin.so
@include common-account
session [success=ok ignore=ignore module_unknown=ignore default=bad]        pam_selinux.so close
session    required     pam_loginuid.so
session    optional     pam_keyinit.so force revoke
@include common-session
session    optional     pam_motd.so  motd=/run/motd.dynamic
session    optional     pam_mail.so standard noenv # [1]
session    required     pam_limits.so
session    required     pam_env.so # [1]
session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale
@include common-password
"""
SESSION = """\
session [default=1] pam_permit.so
session requisite pam_deny.so
session required pam_permit.so
session required pam_unix.so
session optional pam_systemd.so
"""
PASSWORD = "password [success=1 default=ignore] pam_unix.so obscure yescrypt\npassword requisite pam_deny.so\n"
UNIT = """\
[Service]
EnvironmentFile=-/etc/default/ssh
ExecStartPre=/usr/sbin/sshd -t
ExecStart=/usr/sbin/sshd -D $SSHD_OPTS
ExecReload=/usr/sbin/sshd -t
ExecReload=/bin/kill -HUP $MAINPID
"""
SSH_CONFIG = (
    "Include /etc/ssh/ssh_config.d/*.conf\nHost *\n#   ForwardAgent no\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n"
)


def host_key(kind: str) -> str:
    """The public half of a host key that nobody has."""
    fields = {
        "rsa": ("ssh-rsa", string(b"\1\0\1") + string(b"\0" + b"\xc5" * 384)),
        "rsa1024": ("ssh-rsa", string(b"\1\0\1") + string(b"\0" + b"\xc5" * 128)),
        "ecdsa": ("ecdsa-sha2-nistp256", string(b"nistp256") + string(b"\4" + b"\5" * 64)),
        "ed25519": ("ssh-ed25519", string(b"h" * 32)),
        "other": ("ssh-ed25519", string(b"o" * 32)),
        "user": ("ssh-ed25519", string(b"k" * 32)),
    }
    name, rest = fields[kind]
    return f"{name} {b64encode(string(name.encode()) + rest).decode()} root@srv-01\n"


KEY = host_key("user").rpartition(" ")[0]
"""The key of somebody, for files of keys."""


def fingerprint(kind: str) -> str:
    """`SHA256:...` of it."""
    return public.parse(b64decode(host_key(kind).split()[1])).fingerprint


def dump(release: str) -> str:
    """What `sshd -T` writes there."""
    return (DUMPS / FILES[release]).read_text()


def values(release: str, keyword: str) -> tuple[str, ...]:
    """A list of algorithms as it has it."""
    line = next(line for line in dump(release).splitlines() if line.startswith(f"{keyword} "))
    return tuple(line.partition(" ")[2].split(","))


def shown(release: str, **other: object) -> Shown:
    """What its sshd shows anna, who comes from the station."""
    lists = {
        "kex": (*values(release, "kexalgorithms"), "kex-strict-s-v00@openssh.com"),
        "host_keys": ("rsa-sha2-512", "rsa-sha2-256", "ecdsa-sha2-nistp256", "ssh-ed25519"),
        "ciphers": values(release, "ciphers"),
        "macs": values(release, "macs"),
        "compression": ("none", "zlib@openssh.com"),
    }
    told = Shown(
        "192.168.10.2", 22, BANNERS[release], lists, fingerprint("ed25519"), "ssh-ed25519", "anna",
        ("publickey", "password"), "192.168.10.9",
    )  # fmt: skip
    return replace(told, **other)  # type: ignore[arg-type]


def answers_of(
    release: str, commands: Mapping[str, bytes] | None = None, dumped: str | None = None
) -> Callable[[str], bytes | None]:
    """What commands come to there: those of a test first."""

    def runs(command: str) -> bytes | None:
        for start, data in (commands or {}).items():
            if command.startswith(start):
                return data
        if command.startswith("/usr/sbin/sshd -T"):
            return f"0\n{dump(release) if dumped is None else dumped}\0debug1: sshd version {BANNERS[release][8:]}".encode()
        if command.startswith("/usr/bin/dpkg-query -W"):
            return f"0\ninstalled,{PACKAGES[release]}\n\0".encode()
        if command.startswith("/usr/bin/awk"):
            return b"0\n60,423\0"
        return None

    return runs


def debian(release: str = "12", files: Mapping[str, str] | None = None, **more: object) -> Machine:
    """A machine with Debian; what a test says goes before."""
    plain: dict[str, str | bytes] = {
        "/etc/ssh/sshd_config": DEBIAN,
        "/etc/ssh/ssh_config": SSH_CONFIG,
        "/etc/pam.d/sshd": PAM_SSHD,
        "/etc/pam.d/common-session": SESSION,
        "/etc/pam.d/common-password": PASSWORD,
        "/etc/default/ssh": "# Options to pass to sshd\nSSHD_OPTS=\n",
        "/etc/systemd/system/sshd.service": UNIT,
        **{f"/etc/ssh/ssh_host_{kind}_key.pub": host_key(kind) for kind in KINDS},
        **(files or {}),
    }
    modes = {f"/etc/ssh/ssh_host_{kind}_key": (0o600, 0) for kind in KINDS}
    given = {
        "version": VERSIONS[release],
        "processes": (sshd(),),
        "shown": (shown(release),),
        "status": modes,
        "runs": answers_of(release),
        **more,
    }
    given["status"] = {path: (*told, 0)[:3] for path, told in given["status"].items()}  # type: ignore[attr-defined]
    return Machine(plain, **given)  # type: ignore[arg-type]


class Group(Protocol):
    """A group of rules."""

    def judge(self, evidence: Evidence) -> Iterator[Finding | Gap]:
        """What it says."""


def said(group: Group | ModuleType, machine: Machine, *, known_keys: tuple[tuple[str, str], ...] = ()) -> list[str]:
    """What a group says of a machine: `SEVERITY RULE SUBJECT: MESSAGE`, `gap SUBJECT: REASON`."""
    taken = machine.evidence()
    return [_told(one) for one in group.judge(replace(taken, office=replace(taken.office, known_keys=known_keys)))]


def _told(one: Finding | Gap) -> str:
    if isinstance(one, Gap):
        return f"gap {one.subject}: {one.reason}"
    return f"{one.severity.word} {one.rule.id} {one.subject}: {one.message}"
