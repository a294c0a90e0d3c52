"""Whether the program that an entry names wrote it: by the fields that journald sets itself, and nobody else can.

journald takes the process, its user, its name, its executable and its unit from the kernel (systemd.journal-fields(7)). A
name can still be chosen: by who starts a program of his own called `sshd`. So a name counts only together with root or
with the unit of the service.
"""

from collections.abc import Mapping

from auditkit.logins.nouns import What

Fields = Mapping[bytes, bytes]
"""Fields of an entry by name; of a name that is there twice, see `entries.single`."""

SSHD = frozenset((b"sshd", b"sshd-session", b"sshd-auth"))
NAMES: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys(SSHD, SSHD),
    b"internal-sftp": SSHD,
    b"CRON": frozenset((b"cron", b"crond")),
    b"crond": frozenset((b"cron", b"crond")),
    b"systemd": frozenset((b"systemd", b"(systemd)", b"(sd-pam)", b"systemd-executo")),
    b"systemd-journald": frozenset((b"systemd-journal",)),
    b"dovecot": frozenset((b"dovecot", b"log", b"auth")),
    b"gdm-password]": frozenset((b"gdm-session-wor",)),
    b"gdm-autologin]": frozenset((b"gdm-session-wor",)),
}
"""Identifier to the names that its processes have, where that is not the identifier itself."""
UNITS: dict[bytes, frozenset[bytes]] = {
    b"polkitd": frozenset((b"polkit",)),
    b"exim": frozenset((b"exim4", b"exim")),
}
"""Identifier to the units that it runs in, where they are not called like it."""
BY_ANYBODY = frozenset(
    (b"sudo", b"su", b"doas", b"passwd", b"chsh", b"chfn", b"chage", b"gpasswd", b"newgrp", b"crontab", b"pkexec",
     b"unix_chkpwd", b"at", b"expiry", b"sg", b"run0")
)  # fmt: skip
"""Programs that are root by their mode: the kernel gives the user who called them."""
CHILD = frozenset((What.ENDED, What.CLOSED, What.CONNECTED, What.NOISE, What.UNKNOWN, What.SCANNED))
"""What the process of sshd that has become the user may write; the one that decides stays root."""
SYSTEM = (b"/usr/", b"/bin/", b"/sbin/", b"/lib/", b"/opt/", b"/nix/", b"/gnu/")
"""Where executables lie that users cannot replace."""
PEOPLE = 3
"""Digits of the number of an account that is no person's: those begin with 1000."""
LONGEST = 15
"""Bytes of the name of a process."""


def forged(program: str, what: What, fields: Fields) -> bool | None:
    """Whether another program wrote what an entry says; None where its fields cannot tell.

    False takes root, or an account of the system in the unit of the service: what a mail server delivers to runs in its
    unit, too, but as a person, and so do sessions of sshd where no logind moves them. A user can run sudo without its
    powers and make it write anything, so of the programs that anybody calls it stays open.
    """
    claimed = program.encode("utf-8", "surrogateescape").partition(b"(")[0]
    comm, uid = fields.get(b"_COMM"), fields.get(b"_UID")
    if fields.get(b"_TRANSPORT") == b"kernel" and claimed != b"kernel":
        return True
    if comm is not None and not _fits(claimed, comm):
        return True
    if uid == b"0" or (_of_system(uid) and _of_service(claimed, fields.get(b"_SYSTEMD_UNIT", b""))):
        return False if comm is not None else None
    if uid is None:
        return None
    return _by_user(claimed, what, fields)


def _by_user(claimed: bytes, what: What, fields: Fields) -> bool | None:
    """Whether what a process writes that is not root, and in no unit of the service, is forged."""
    executable, unit = fields.get(b"_EXE"), fields.get(b"_SYSTEMD_UNIT", b"")
    if executable is not None and not executable.startswith(SYSTEM):
        return True
    if claimed in SSHD:
        return None if what in CHILD else True
    if claimed in BY_ANYBODY:
        return None
    return True if unit.startswith((b"session-", b"user@")) else None


def _fits(claimed: bytes, comm: bytes) -> bool:
    own = claimed.rpartition(b"/")[2]
    return comm in NAMES.get(claimed, ()) or comm == own[:LONGEST]


def _of_system(uid: bytes | None) -> bool:
    return uid is not None and uid.isdigit() and len(uid) <= PEOPLE


def _of_service(claimed: bytes, unit: bytes) -> bool:
    if claimed in SSHD or not unit.endswith(b".service"):
        return False  # all of sshd that decides is root
    stem = unit.removesuffix(b".service").partition(b"@")[0]
    return stem in UNITS.get(claimed, ()) or stem == claimed.partition(b"/")[0]
