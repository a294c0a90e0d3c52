"""The questions to an sshd about its own configuration, as words of a command, and its answers found again.

Only programs of a fixed list are run, only for a server that root started, and only with words that are plain: what a host
says of itself is never a command.
"""

import re
from collections.abc import Iterator

from auditkit import answers
from auditkit.access import dump, needs
from auditkit.access.dump import Answer
from auditkit.access.finding import Found
from auditkit.access.needs import SSHD
from auditkit.answers import DELETED
from auditkit.model import Evidence, Gap, Means, Need
from auditkit.sshd.criteria import Connection

PROGRAMS = (SSHD, "/usr/bin/sshd", "/usr/local/sbin/sshd")
"""The programs that may be asked; Arch has the second one."""
WHY = "what sshd itself makes of its configuration for this account from there"
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}")
_ADDRESS = re.compile(r"[0-9a-fA-F:.]{2,45}")
_SPEC = re.compile(r"user=([^,]*),host=([^,]*),addr=([^,]*),laddr=([^,]*),lport=([0-9]{1,5})(,rdomain=)?")
SECRET = re.compile(r"(^|/)(g?shadow|[^/]*_key|id_[^/]*|[^/]*\.(?:key|pem|p12|pfx))[^/]*$|^/(proc|sys|dev(?!/shm/))/")
"""Files that no configuration of sshd stands in, whatever it says; /dev/shm holds plain files, and is a place to hide some."""
SECRETS = (
    *(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "dsa", "ecdsa", "ed25519", "mldsa44_ed25519")),
    *(f"/root/.ssh/id_{kind}" for kind in ("rsa", "dsa", "ecdsa", "ed25519")),
)
"""Of such files those that a glob might be meant to catch."""


def plain(name: str) -> bool:
    """Whether a name of an account is fit for a command."""
    return _ACCOUNT.fullmatch(name) is not None


def base(found: Found) -> str | None:
    """The question to a server without a connection; None where it is not to be asked."""
    program = (found.program or SSHD).removesuffix(DELETED)
    mine = found.process is None or found.process.uid == 0
    again = found.started.again
    file = found.started.main
    if program not in PROGRAMS or found.contained or not mine or again is None or not found.started.whole:
        return None
    if file and not readable(file) and not found.bare:
        return None
    return " ".join((program, "-T", "-ddd", *again))


def readable(file: str) -> bool:
    """Whether a file that a host names as one of sshd's configuration may be asked for: no secret, and a plain path."""
    return bool(needs.PLAIN.fullmatch(file)) and not SECRET.search(file) and "/../" not in file


def about(command: str, who: Connection) -> Need | None:
    """The question about a connection, all fields given: sshd takes a missing one for no match, and says nothing."""
    parts = (who.user or "", who.host or "", who.address or "", who.local_address or "")
    if not _ACCOUNT.fullmatch(parts[0]) or not all(map(_ADDRESS.fullmatch, parts[1:])) or not who.local_port:
        return None
    user, host, address, local = parts
    domain = "" if who.domain is None else ",rdomain="  # the one that most have: none
    spec = f"user={user},host={host},addr={address},laddr={local},lport={who.local_port}{domain}"
    return Need(Means.COMMAND, f"{command} -C {spec}", WHY)


def first(evidence: Evidence, found: Found) -> Answer | None:
    """What a server said without a connection; None where it was not asked, or is not there."""
    command = base(found)
    return None if command is None else _answer(evidence, command, found.main, Connection())


def dumps(evidence: Evidence, found: Found) -> Iterator[Answer]:
    """Yield what a server said of each connection that it was asked about."""
    command = base(found)
    if command is None:
        return
    for what in dict.fromkeys(item.need.what for item in evidence.items if item.need.means is Means.COMMAND):
        head, sign, spec = what.partition(" -C ")
        told = _SPEC.fullmatch(spec) if sign and head == command else None
        if told:
            who = Connection(told[1], told[2], told[3], told[4], int(told[5]), "" if told[6] else None)
            given = _answer(evidence, what, found.main, who)
            if given is not None:
                yield given


def _answer(evidence: Evidence, command: str, main: str, who: Connection) -> Answer | None:
    told = next(needs.read(evidence, Need(Means.COMMAND, command), answers.ran), None)
    if isinstance(told, Gap):
        return Answer(None, None, (), told.reason)
    return None if told is None else dump.answer(told, main, who)
