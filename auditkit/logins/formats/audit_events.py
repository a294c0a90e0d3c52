"""What the records of audit mean, one after the other: which are guesses, keys, logins, and which tell of them again.

Measured with OpenSSH 9.2 of Debian: with PAM each wrong password is one USER_AUTH, and one USER_LOGIN besides; a connection
to an unknown name has two more of these, a key that is refused has one. USER_LOGIN tells a success only where a terminal was
asked for: it is USER_ACCT that stands for every success, and USER_START for its session,
which is told where nobody was let in before.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from auditkit.logins.formats.audit_record import UNSET, Record
from auditkit.logins.formats.indexed import owner
from auditkit.logins.formats.records import REMEMBERED, SECOND, spelled
from auditkit.logins.nouns import PAM, Event, Setting, What

BECOMING = frozenset(("su", "su-l", "sudo", "sudo-rs", "doas", "pkexec", "runuser", "runuser-l"))
"""Programs that let somebody who is in become somebody else."""
QUIET = frozenset(("cron", "crond", "atd", "anacron", "systemd", "systemd-executor", "(systemd)", "polkit-agent-helper-1"))
"""Programs that open sessions for nobody who came in."""
UNKNOWN_NAMES = frozenset(("(unknown user)", "(invalid user)", "(unknown)", "(invalid)"))
"""What sshd writes in place of a name that does not exist."""
PASSWORDS = ("password", "keyboard-interactive", "challenge-response")
KEYS = ("pubkey", "publickey", "key", "hostbased", "gssapi")
GROUPS = frozenset(("ADD_GROUP", "DEL_GROUP", "GRP_MGMT", "GRP_CHAUTHTOK", "CHGRP_ID"))
USERS = frozenset(("ADD_USER", "DEL_USER", "USER_MGMT", "USER_CHAUTHTOK", "CHUSER_ID", "ACCT_LOCK", "ACCT_UNLOCK"))
LOCKS = frozenset(("RESP_ACCT_LOCK", "RESP_ACCT_LOCK_TIMED", "RESP_ACCT_UNLOCK_TIMED"))
SPOKEN = ("USER_", "ANOM_", "ACCT_", "DAEMON_", "RESP_")
BORING = re.compile(
    r"DAEMON_|USER_(AVC|ROLE_CHANGE|SELINUX_ERR|(UN)?LABELED_EXPORT|TTY|DEVICE|MAC_\w+)$"
    r"|ANOM_(ABEND|PROMISCUOUS|LINK|CREAT|EXEC|MK_EXEC)$"
)
HELD = 1024
"""Processes, and failures of one, that are held back."""
THE_SAME = 60 * SECOND
"""Within which several records tell of one login."""
A_LOGIN = 600 * SECOND
"""By then a connection has ended that nobody was let in by."""


@dataclass(slots=True)
class Process:
    """What a process that lets people in has said so far."""

    refused: int = 0
    """Failures of PAM that the service has not repeated yet."""
    nameless: int = 0
    """Records of a connection to a name that does not exist."""
    method: str = ""
    key: str = ""
    entered: int | None = None
    """When somebody was let in; the number of a process is used again later."""


class Session(NamedTuple):
    """Who is in, and since when."""

    user: str | None
    address: str | None
    time: int


class Told:
    """What the records say, one after the other; processes and sessions that are under way are kept in mind."""

    def __init__(self, setting: Setting) -> None:
        self.here = 0, 0
        """Number and offset of the record that is told."""
        self.undecided = 0
        """Failures of which none says whether a password or a key was refused."""
        self.rules = 0
        """Rules that were taken out."""
        self._name = owner(setting)
        self._processes: OrderedDict[int, Process] = OrderedDict()
        self._sessions: OrderedDict[int, Session] = OrderedDict()
        self._held: OrderedDict[int, list[Event]] = OrderedDict()
        """Failures by process, until it is known whether PAM is asked by it."""

    def events(self, read: Record) -> Iterator[Event]:
        """Yield what one record says, and what was held back until it came."""
        if read.op.startswith("PAM"):  # then PAM has a record of each password, and the others were of keys
            yield from (event._replace(method="publickey") for event in self._held.pop(read.pid or 0, ()))
        event = self._event(read)
        if event:
            yield event
        while self._held and self._due(read.time):
            yield from self._guesses()

    def rest(self) -> Iterator[Event]:
        """Yield what is still held back when all was read."""
        while self._held:
            yield from self._guesses()

    def _due(self, now: int) -> bool:
        first = next(iter(self._held.values()))
        return len(self._held) > HELD or len(first) > HELD or now - (first[0].time or 0) > A_LOGIN

    def _guesses(self) -> list[Event]:
        _pid, events = self._held.popitem(last=False)
        self.undecided += len(events)
        return events

    def _event(self, read: Record) -> Event | None:
        tell = KINDS.get(read.kind)
        if tell:
            return tell(self, read)
        if read.kind in GROUPS or read.kind in USERS or read.kind in LOCKS:
            return self.changed(read)
        boring = BORING.match(read.kind) or not read.kind.startswith(SPOKEN)
        return self.said(What.NOISE if boring else What.UNKNOWN, read)

    def said(self, what: What, read: Record, **more: Any) -> Event:
        """An event with what every record has."""
        user = read.account if read.account is not None or read.number is None else self._name(read.number)
        address = spelled(read.address) if read.address else read.host or None
        # the kernel takes such records only of those who may write them, and says itself who that was
        forged = False if read.uid == 0 else None
        event = Event(
            what, read.time, read.node, read.program, read.pid, user, address, read.port, detail=read.terminal, forged=forged
        )
        return event._replace(line=self.here[0], offset=self.here[1], **more)

    def authenticated(self, read: Record) -> Event:
        """USER_AUTH: a credential was looked at, by PAM or by the service itself."""
        if read.result == "success":
            return self._right(read)
        if read.op.startswith("PAM"):
            self._process(read).refused += 1
            return self.said(What.FAILED, read, method=PAM, actor=self._actor(read) if read.program in BECOMING else None)
        if read.op.startswith(KEYS):
            return self.said(What.FAILED, read, method="publickey", key=read.key)
        return self.said(What.FAILED, read, method=read.op if read.op.startswith(PASSWORDS) else PAM)

    def _right(self, read: Record) -> Event:
        if read.program in BECOMING or read.program in QUIET:
            return self.said(What.NOISE, read)
        process = self._process(read)
        if read.op == "success":
            return self._entered(read, process)
        if read.op.startswith(KEYS):
            process.method, process.key = "publickey", read.key or process.key
        else:
            process.method = read.op if read.op.startswith(PASSWORDS) else "password"
        return self.said(What.PARTIAL, read, method=process.method, key=process.key)

    def accounted(self, read: Record) -> Event:
        """USER_ACCT: behind a right credential, whether the account may be entered."""
        if read.program in QUIET:
            return self.said(What.NOISE, read)
        becoming = read.program in BECOMING
        if read.result != "success":
            if becoming:
                return self.said(What.DENIED, read, actor=self._actor(read))
            return self.said(What.CREDENTIAL_HELD, read)
        return self.said(What.NOISE, read) if becoming else self._entered(read, self._process(read))

    def _entered(self, read: Record, process: Process) -> Event:
        if process.entered is not None and 0 <= read.time - process.entered < THE_SAME:
            return self.said(What.NOISE, read)
        process.entered = read.time
        return self.said(What.ACCEPTED, read, method=process.method, key=process.key)

    def began(self, read: Record) -> Event:
        """USER_START: a session."""
        if read.result != "success" or read.program in QUIET:
            return self.said(What.NOISE, read)
        if read.program in BECOMING:
            return self.said(What.BECAME, read, actor=self._actor(read))
        if not read.op.startswith("PAM") and self._known(read):
            return self.said(What.NOISE, read)
        process = self._processes.get(read.pid or 0)
        told = process is not None and process.entered is not None and 0 <= read.time - process.entered < THE_SAME
        event = self.said(What.NOISE if told else What.OPENED, read)  # USER_ACCT has told that somebody was let in
        if read.session not in (None, UNSET):
            self._sessions[read.session or 0] = Session(event.user, event.address, read.time)
            if len(self._sessions) > REMEMBERED:
                self._sessions.popitem(last=False)
        return event

    def ended(self, read: Record) -> Event:
        """USER_END, USER_LOGOUT: it is over."""
        if read.program in QUIET or read.program in BECOMING:
            return self.said(What.NOISE, read)
        self._sessions.pop(read.session or 0, None)
        self._processes.pop(read.pid or 0, None)
        return self.said(What.ENDED, read)

    def login(self, read: Record) -> Event | None:
        """USER_LOGIN: what the service itself says."""
        if read.result == "success":
            return self.said(What.NOISE, read) if self._known(read) else self.said(What.ACCEPTED, read)
        process = self._process(read)
        if process.refused:
            process.refused -= 1  # PAM has told it
            return self.said(What.NOISE, read)
        if read.account in UNKNOWN_NAMES:
            process.nameless += 1
            if process.nameless <= 2:
                return self.said(What.INVALID_USER if process.nameless == 1 else What.NOISE, read, user=None)
            read = read._replace(account=None)
        self._held.setdefault(read.pid or 0, []).append(self.said(What.FAILED, read))
        return None

    def _known(self, read: Record) -> bool:
        """Whether PAM has just told of the same session; one number of a session may stand for several of them."""
        known, event = self._sessions.get(read.session or 0), self.said(What.NOISE, read)
        if known is None or event.address != known.address or not 0 <= read.time - known.time < THE_SAME:
            return False
        return event.user in (None, known.user) or (read.account is None and event.user == f"uid:{read.number}")

    def booted(self, read: Record) -> Event:
        """SYSTEM_BOOT: numbers of processes and sessions begin anew."""
        self._processes.clear()
        self._sessions.clear()
        return self.said(What.BOOTED, read)

    def changed(self, read: Record) -> Event:
        """An account, a group or a password was made or changed."""
        if not read.op and not read.account:
            return self.said(What.NOISE, read)  # the last of several records of the same change
        user, whom = read.account, read.account or read.group
        if user is None and read.number is not None and read.kind not in GROUPS:
            user = whom = self._name(read.number)
        if not whom and read.number is not None:
            whom = f"gid {read.number}"
        failed = "" if read.result == "success" else ", failed"
        return self.said(
            What.ACCOUNT, read, user=user, detail=f"{read.op or read.kind} {whom}{failed}", actor=self._actor(read)
        )

    def ran(self, read: Record) -> Event:
        """USER_CMD: a command through sudo, or one that was denied."""
        what = What.RAN if read.result == "success" else What.DENIED
        return self.said(what, read, detail=read.command, actor=self._actor(read))

    def connected(self, read: Record) -> Event:
        """CRYPTO_SESSION: a connection, told once for each direction."""
        return self.said(What.CONNECTED if read.direction == "from-client" else What.NOISE, read)

    def configured(self, read: Record) -> Event:
        """CONFIG_CHANGE: auditing itself was changed."""
        found = CHANGE.search(read.body)
        self.rules += "op=remove_rule" in read.body
        if not found:
            return self.said(What.NOISE, read)
        name, now, before = found[1], int(found[2]), int(found[3])
        actor = self._actor(read)
        if name == "lost":
            return self.said(
                What.UNLOGGED if before else What.NOISE, read, times=max(1, before), detail="the backlog was full", actor=actor
            )
        if bool(now) == bool(before):
            return self.said(What.NOISE, read)
        what = What.LOG_BEGAN if now else What.LOG_ENDED
        return self.said(what, read, detail=f"auditing was switched {'on' if now else 'off'}", actor=actor)

    def _actor(self, read: Record) -> str | None:
        """Who did it: who once logged in, or else whose process it was."""
        if read.auid not in (None, UNSET):
            return read.login_name or self._name(read.auid or 0)
        return None if read.uid is None else self._name(read.uid)

    def _process(self, read: Record) -> Process:
        pid = read.pid or 0
        process = self._processes.setdefault(pid, Process())
        self._processes.move_to_end(pid)
        if len(self._processes) > REMEMBERED:
            self._processes.popitem(last=False)
        return process


def plainly(what: What, detail: str = "") -> Callable[[Told, Record], Event]:
    """What tells a record that always means the same."""
    return lambda told, read: told.said(what, read, detail=detail)


CHANGE = re.compile(r"\b(audit_enabled|lost)=(\d{1,10}) old=(\d{1,10})\b")
Tell = Callable[[Told, Record], Event | None]
KINDS: dict[str, Tell] = {
    "USER_AUTH": Told.authenticated,
    "USER_ACCT": Told.accounted,
    "USER_START": Told.began,
    "USER_END": Told.ended,
    "USER_LOGOUT": Told.ended,
    "USER_LOGIN": Told.login,
    "USER_CMD": Told.ran,
    "USER_ERR": plainly(What.NOISE),
    "CRYPTO_SESSION": Told.connected,
    "CONFIG_CHANGE": Told.configured,
    "DAEMON_START": plainly(What.LOG_BEGAN, "auditd began"),
    "DAEMON_END": plainly(What.LOG_ENDED, "auditd ended"),
    "DAEMON_ABORT": plainly(What.LOG_ENDED, "auditd ended after an error"),
    "SYSTEM_BOOT": Told.booted,
    "SYSTEM_SHUTDOWN": plainly(What.STOPPED),
    "ANOM_LOGIN_FAILURES": plainly(What.EXCEEDED),
    "ANOM_LOGIN_TIME": plainly(What.DENIED, "at this time"),
    "ANOM_LOGIN_SESSIONS": plainly(What.DENIED, "too many sessions"),
    "ANOM_LOGIN_LOCATION": plainly(What.DENIED, "from there"),
    "ANOM_LOGIN_ACCT": plainly(What.DENIED),
}
