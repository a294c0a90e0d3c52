"""What of a machine's evidence logins are judged by: its accounts, the keys that open them, and how much sshd logs."""

import re
from collections.abc import Iterable, Mapping

from auditkit import answers
from auditkit.access.passwd import lines_of
from auditkit.logins.journals.verified import verified as of_journalctl
from auditkit.logins.places import VERIFY
from auditkit.logins.seen import Account, KeyLine, Verified
from auditkit.model import Gap, Item, Means

_LEVEL = re.compile(rb"^loglevel[ \t=]+([A-Za-z0-9]+)", re.MULTILINE | re.IGNORECASE)
DEFAULT = "INFO"
"""sshd_config(5)."""
_OF_KEYS = ("authorized_keys", "/.ssh", "/etc/passwd")


def accounts(passwd: str) -> Mapping[str, Account]:
    """The accounts of /etc/passwd by name; the first line of a name counts, as getpwnam(3) has it."""
    found: dict[str, Account] = {}
    for line in lines_of("/etc/passwd", passwd)[0]:
        uid = line.glibc if line.glibc is not None else line.musl
        if uid is not None and not (line.comment or line.nis):
            found.setdefault(line.fields[0], Account(uid))
    return found


def keys(facts: Mapping[str, object], gaps: Iterable[Gap]) -> Mapping[str, tuple[KeyLine, ...]] | None:
    """The lines that each key stands on, from what the SSH audit tells of a host; None where not all could be read."""
    ssh = facts.get("ssh")
    told = ssh.get("keys") if isinstance(ssh, Mapping) else None
    if not isinstance(told, list | tuple) or any(word in gap.subject for gap in gaps for word in _OF_KEYS):
        return None
    found: dict[str, tuple[KeyLine, ...]] = {}
    for key in told:
        line = KeyLine(str(key["account"]), f"{key['file']}:{key['line']}")
        found[str(key["fingerprint"])] = (*found.get(str(key["fingerprint"]), ()), line)
    return found


def verified(items: Iterable[Item]) -> tuple[Verified, ...]:
    """What journalctl says of the files of the journal, where it came to an end."""
    for item in items:
        if item.need == VERIFY:
            told = answers.ran(item)
            if not isinstance(told, Gap) and told.status is not None:
                said = (told.out + b"\n" + told.complaints).decode("utf-8", "replace")
                return tuple(Verified(one.name, one.passed, one.reason) for one in of_journalctl(said))
    return ()


def log_level(items: Iterable[Item]) -> str | None:
    """LogLevel of sshd: as the server says it, else as the first line of its files does that names one; None: not known."""
    written = ""
    for item in items:
        found = _LEVEL.search(item.data)
        level = found[1].decode("ascii").upper() if found else ""
        if item.need.means is Means.COMMAND and item.need.what.split(" ")[0].endswith("/sshd") and level:
            return level
        if item.need.means is Means.FILE and "/sshd_config" in item.source:
            written = written if written not in ("", DEFAULT) else level or DEFAULT
    return written or None
