"""What `access` wants of a host, and how it is found again in the evidence, whoever asked for it."""

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from auditkit.model import Evidence, Gap, Item, Means, Need
from auditkit.sshd.effective import MAIN, VENDOR
from auditkit.sshd.reading import DIRECTORY

Noun = TypeVar("Noun")
SSHD = "/usr/sbin/sshd"
DISK = "root:"
"""What the word for a mounted disk begins with."""
PLAIN = re.compile(r"/[A-Za-z0-9._/@+-]{1,200}")
"""A path that may stand in a command, for a host or for somebody who pastes it."""
PAM_PLACES = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
"""Where PAM looks for a service, in this order: pam.d(5)."""


def _files(why: str, *names: str, secret: bool = False) -> tuple[Need, ...]:
    return tuple(Need(Means.FILE, name, why, secret=secret) for name in names)


def _status(why: str, *names: str) -> tuple[Need, ...]:
    return tuple(Need(Means.STATUS, name, why) for name in names)


PASSWD = Need(Means.FILE, "/etc/passwd", "accounts, their uids and shells", secret=True, optional=False)
SHADOW = Need(Means.FILE, "/etc/shadow", "which accounts have a password", secret=True)
GROUP = Need(Means.FILE, "/etc/group", "which groups an account is in, as sshd_config names some", secret=True)
NSSWITCH = Need(Means.FILE, "/etc/nsswitch.conf", "whether accounts come from elsewhere")
CONFIG = Need(Means.FILE, MAIN, "who may log in over SSH, and how")
VENDORED = Need(Means.FILE, VENDOR, CONFIG.why)
DROP_INS = Need(
    Means.FILE, f"{DIRECTORY}/sshd_config.d/*", "who may log in over SSH, and which of these files sshd does not read"
)
KEYS = _files("which accounts a key opens", "~/.ssh/authorized_keys", "~/.ssh/authorized_keys2")
PAM = _files(
    "what PAM asks of who logs in over SSH",
    *("/etc/pam.d/sshd", "/etc/pam.d/other", "/etc/pam.d/common-*", "/etc/pam.d/base-*"),
    *("/etc/pam.d/system-*", "/etc/pam.d/password-auth*", "/etc/pam.d/postlogin*"),
)
PAM_FACTS = _files("whether PAM shuts everybody out, and which shells it takes", "/etc/nologin", "/run/nologin", "/etc/shells")
SECURITY = _files("from where PAM lets accounts in", "/etc/security/access.conf", "/etc/security/access.d/*.conf")
DEFAULTS = _files("how the SSH server is started", "/etc/default/ssh", "/etc/sysconfig/sshd", "/etc/conf.d/sshd")
DROPBEAR = _files(DEFAULTS[0].why, "/etc/default/dropbear", "/etc/conf.d/dropbear", "/etc/config/dropbear")
UNIT_PLACES = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")
"""Where units of systemd lie that no package has brought."""
UNITS = _files(
    "which SSH servers units start, and with which options",
    *(f"{place}/{name}" for place in UNIT_PLACES for name in ("*.service", "ssh*.d/*.conf", "dropbear*.d/*.conf")),
)
INETD = _files(
    "which SSH servers inetd or xinetd start, and with which options",
    *("/etc/inetd.conf", "/etc/inetd.d/*", "/etc/xinetd.conf", "/etc/xinetd.d/*"),
)
LISTENERS = Need(Means.LISTENERS, "all", "which SSH servers run, and with which configuration")
DUMP = Need(Means.COMMAND, f"{SSHD} -T -ddd", "what sshd itself makes of its configuration")
VERSION = Need(Means.COMMAND, f"{SSHD} -V", "which version of OpenSSH that is")
BANNER = Need(Means.BANNER, "ssh", "what the server shows whoever connects")
STATUS = _status("who may write to the configuration of sshd", MAIN, f"{DIRECTORY}/sshd_config.d/*", f"{DIRECTORY}/moduli")
HOSTBASED = _status(
    "which hosts are trusted to say who logs in", "/etc/hosts.equiv", f"{DIRECTORY}/shosts.equiv", "~/.shosts", "~/.rhosts"
)
KEYTAB = _status("whether the host has joined a realm of Kerberos", "/etc/krb5.keytab")
USERDB = _status(
    "whether systemd knows more accounts",
    *("/etc/userdb/*.user", "/run/userdb/*.user", "/usr/lib/userdb/*.user", "/var/lib/systemd/home/*.identity"),
)
SSSD = _status("whether accounts come from sssd", "/etc/sssd/sssd.conf", "/etc/sssd/conf.d/*.conf")
BRAKES = _status(
    "whether anything shuts out who guesses passwords",
    *("/run/fail2ban/fail2ban.sock", "/run/sshguard.pid", "/run/crowdsec.pid"),
    *(f"/etc/systemd/system/multi-user.target.wants/{name}.service" for name in ("fail2ban", "sshguard", "crowdsec")),
    *(f"/etc/runlevels/default/{name}" for name in ("fail2ban", "sshguard", "crowdsec")),
)
DPKG = Need(Means.FILE, "/var/lib/dpkg/status", "which version of OpenSSH is installed")
APK = Need(Means.FILE, "/lib/apk/db/installed", "which version of OpenSSH is installed")

NEEDS = (
    *(PASSWD, SHADOW, GROUP, NSSWITCH, CONFIG, VENDORED, DROP_INS, *KEYS, *PAM, *PAM_FACTS, *SECURITY),
    *(*DEFAULTS, *DROPBEAR, *UNITS, *INETD),
    *(LISTENERS, DUMP, VERSION, BANNER),
    *(*STATUS, *HOSTBASED, *KEYTAB, *USERDB, *SSSD, *BRAKES),
)


def shell(path: str) -> Need:
    """Whether a shell is there: sshd lets nobody in without."""
    return Need(Means.STATUS, path, "whether a shell is there and runs, without which sshd lets nobody in")


def items(evidence: Evidence, need: Need) -> tuple[Item, ...]:
    """What was taken for a need, once for each source: others may have asked the same for another reason."""
    same = (item for item in evidence.items if item.need.means is need.means and item.need.what == need.what)
    return tuple({item.source: item for item in same}.values())


def text(evidence: Evidence, need: Need) -> str | None:
    """The text of a file; None where it was not taken."""
    found = items(evidence, need)
    return found[0].data.decode("utf-8", "surrogateescape") if found else None


def read(evidence: Evidence, need: Need, reader: Callable[[Item], Noun | Gap]) -> Iterator[Noun | Gap]:
    """Yield each answer to a need as its reader has it."""
    return map(reader, items(evidence, need))


def there(evidence: Evidence, *needs: Need) -> tuple[str, ...]:
    """The paths that are there, by their status."""
    return tuple(item.source for need in needs for item in items(evidence, need))


def looked_at(evidence: Evidence) -> bool:
    """Whether the host gave any status, so that a path without one is not there."""
    return any(item.need.means is Means.STATUS for item in evidence.items)


def unread(evidence: Evidence, path: str) -> Gap | None:
    """The gap that a path, or a directory above it, has left."""
    return next((gap for gap in evidence.gaps if gap.subject == path or path.startswith(f"{gap.subject.rstrip('/')}/")), None)
