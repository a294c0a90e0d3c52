"""What events of Windows mean: MEANINGS has one line per event that tells of logins.

A login through sshd.exe is only what OpenSSH/Operational calls accepted: Windows writes 4624 for the user while sshd still
checks whether he may come in, and 4625 without an address for each guess, which sshd writes down with one.
"""

from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from auditkit.logins.grammar import said
from auditkit.logins.nouns import PAM, Event, Said, What
from auditkit.logins.windows.records import Record
from auditkit.logins.windows.statuses import KERBEROS, code, refused

SECURITY, EVENTLOG = "Microsoft-Windows-Security-Auditing", "Microsoft-Windows-Eventlog"
REMOTE = "Microsoft-Windows-TerminalServices-RemoteConnectionManager"
SESSIONS = "Microsoft-Windows-TerminalServices-LocalSessionManager"
KERNEL = "Microsoft-Windows-Kernel-General"
OPENSSH = "OpenSSH"
METHODS = {
    "2": "console", "3": "network", "4": "batch", "5": "service", "7": "unlock", "8": "network-cleartext",
    "9": "other-credentials", "10": "remote-desktop", "11": "console-cached", "12": "remote-desktop-cached",
}  # fmt: skip
"""LogonType to how somebody came in."""
FROM_AFAR = frozenset(("3", "8", "10", "12"))
AT_THE_MACHINE = frozenset(("2", "7", "11"))
OWN_DOMAINS = frozenset(
    ("nt authority", "nt service", "virtual users", "window manager", "font driver host", "iis apppool", "nt-autorität")
)
"""Where services have their accounts; nobody logs in with these."""
NOWHERE = frozenset(("", "-", "LOCAL", "0.0.0.0", "::"))  # noqa: S104  what events write for no address
NOBODY = frozenset(("", "-", "NOUSER"))
SHOWN = 400
Meaning = Callable[[Record], Said]


def told(record: Record) -> Event | None:
    """The event of a record, its line and offset still 0; None if it tells nothing of logins."""
    meaning = MEANINGS.get((record.channel, record.provider, record.event))
    if meaning is None:
        return None
    what = meaning(record)
    return Event(
        what.what, record.time, record.computer, _program(record), record.process if record.provider == OPENSSH else None,
        what.user, what.address, what.port, what.method, what.key, what.times, what.detail[:SHOWN], actor=what.actor,
    )  # fmt: skip


def _program(record: Record) -> str:
    """What wrote it, in the words of text logs; sshd, for what Windows writes about it."""
    if record.provider == OPENSSH:
        return record.data.get("process", "sshd")
    return "sshd" if _of_sshd(record) else "windows"


def _openssh(record: Record) -> Said:
    return said(record.data.get("process", "sshd"), record.data.get("payload", "")) or Said(What.UNKNOWN)


def _logon(record: Record) -> Said:
    data = record.data
    kind, user = data.get("LogonType", ""), _user(data)
    by = METHODS.get(kind, kind)
    if _of_sshd(record) or _own(data) or user is None:
        return Said(What.NOISE, user, method=by)
    if kind in FROM_AFAR:
        address = _address(data.get("IpAddress", ""))
        if user.endswith("$") and (address is None or ip_address(address).is_loopback):
            return Said(What.NOISE, user, method=by)
        return Said(What.ACCEPTED, user, address, _port(data), by, detail=_domain(data))
    return Said(What.OPENED if kind in AT_THE_MACHINE else What.NOISE, user, method=by, detail=_domain(data))


def _refused_logon(record: Record) -> Said:
    data = record.data
    what, why = refused(code(data.get("SubStatus", "")), code(data.get("Status", "")))
    # sshd writes the same guess down itself, with where it came from: as PAM's lines, this one counts where it does not
    by = PAM if _of_sshd(record) else METHODS.get(data.get("LogonType", ""), data.get("LogonType", ""))
    return Said(what, _user(data), _address(data.get("IpAddress", "")), _port(data), by, detail=why)


def _explicit(record: Record) -> Said:
    """Somebody used the credentials of another account: runas, or a share on another machine."""
    data = record.data
    actor, user = data.get("SubjectUserName", ""), _user(data)
    if actor.endswith("$") or actor in NOBODY or _own(data) or user is None:
        return Said(What.NOISE, user)
    where = data.get("TargetServerName", "")
    return Said(What.BECAME, user, method="other-credentials", detail=f"at {where}" if where else "", actor=actor)


def _kerberos(record: Record) -> Said:
    data, status = record.data, code(record.data.get("Status", ""))
    user, address = _user(data), _address(data.get("IpAddress", ""))
    if status:
        what, why = KERBEROS.get(status, (What.FAILED, f"{status:#x}"))
        return Said(what, user, address, _port(data), "kerberos", detail=why)
    if user is None or user.endswith("$"):
        return Said(What.NOISE, user)
    return Said(What.ACCEPTED, user, address, _port(data), "kerberos", detail="a ticket of the domain")


def _ntlm(record: Record) -> Said:
    """A password that was checked for somebody else; the guess itself is 4625 where it was made."""
    data, status = record.data, code(record.data.get("Status", ""))
    user, asked = _user(data), f"asked by {data.get('Workstation', '') or 'a machine without a name'}"
    if status:
        what, why = refused(status)
        return Said(what, user, method=PAM, detail=f"{why}, {asked}")
    return Said(What.NOISE if user is None or user.endswith("$") else What.OPENED, user, method="ntlm", detail=asked)


def _desktop(record: Record) -> Said:
    """1149: with network level authentication, which is the default, the credential was right; without, only a name."""
    data = record.data
    user, address = data.get("Param1", ""), _address(data.get("Param3", ""))
    if user in NOBODY:
        return Said(What.CONNECTED, address=address, method="remote-desktop")
    return Said(What.ACCEPTED, user, address, method="remote-desktop", detail=data.get("Param2", ""))


def _session(record: Record) -> Said:
    data = record.data
    user = data.get("User", "").rpartition("\\")[2]
    return Said(What.OPENED, user or None, _address(data.get("Address", "")), method="remote-desktop")


def _cleared(record: Record) -> Said:
    data = record.data
    return Said(What.LOG_CLEARED, detail=data.get("Channel", record.channel), actor=data.get("SubjectUserName") or None)


def _clock(record: Record) -> Said:
    data = record.data
    return Said(What.CLOCK, detail=f"from {data.get('PreviousTime', '?')} to {data.get('NewTime', '?')}")


def _account(how: str) -> Meaning:
    def meaning(record: Record) -> Said:
        data = record.data
        member = data.get("MemberName", "-")
        name = data.get("TargetUserName", "")
        text = f"{how}: {name}" + (f", {member if member != '-' else data.get('MemberSid', '')}" if "MemberSid" in data else "")
        return Said(What.ACCOUNT, name or None, detail=text, actor=data.get("SubjectUserName") or None)

    return meaning


def _task(record: Record) -> Said:
    return Said(What.SCHEDULED, detail=record.data.get("TaskName", ""), actor=record.data.get("SubjectUserName") or None)


def _just(what: What) -> Meaning:
    return lambda _: Said(what)


MEANINGS: dict[tuple[str, str, int], Meaning] = {
    ("OpenSSH/Operational", OPENSSH, 4): _openssh,
    ("Security", SECURITY, 4624): _logon,
    ("Security", SECURITY, 4625): _refused_logon,
    ("Security", SECURITY, 4648): _explicit,
    ("Security", SECURITY, 4768): _kerberos,
    ("Security", SECURITY, 4771): _kerberos,
    ("Security", SECURITY, 4776): _ntlm,
    ("Security", SECURITY, 4608): _just(What.BOOTED),
    ("Security", SECURITY, 4616): _clock,
    ("Security", SECURITY, 4698): _task,
    ("Security", SECURITY, 4720): _account("new user"),
    ("Security", SECURITY, 4722): _account("enabled"),
    ("Security", SECURITY, 4724): _account("new password"),
    ("Security", SECURITY, 4728): _account("member of a group of the domain"),
    ("Security", SECURITY, 4732): _account("member of a group"),
    ("Security", EVENTLOG, 1100): _just(What.LOG_ENDED),
    ("Security", EVENTLOG, 1102): _cleared,
    ("System", EVENTLOG, 104): _cleared,
    ("System", "EventLog", 6005): _just(What.LOG_BEGAN),
    ("System", "EventLog", 6006): _just(What.LOG_ENDED),
    ("System", KERNEL, 12): _just(What.BOOTED),
    ("System", KERNEL, 13): _just(What.STOPPED),
    (f"{REMOTE}/Operational", REMOTE, 1149): _desktop,
    (f"{SESSIONS}/Operational", SESSIONS, 21): _session,
    (f"{SESSIONS}/Operational", SESSIONS, 25): _session,
}
"""Channel, provider and number of an event to what it says; only who may write to a channel can claim its events."""


def _of_sshd(record: Record) -> bool:
    data = record.data
    return data.get("LogonProcessName", "").strip() == "sshd" or data.get("ProcessName", "").lower().endswith("\\sshd.exe")


def _own(data: dict[str, str]) -> bool:
    return data.get("TargetDomainName", "").lower() in OWN_DOMAINS


def _user(data: dict[str, str]) -> str | None:
    name = data.get("TargetUserName", "")
    return None if name in NOBODY else name


def _domain(data: dict[str, str]) -> str:
    return data.get("TargetDomainName", "").strip("-")


def _address(text: str) -> str | None:
    """An address as text logs write it: Windows maps IPv4 into IPv6, and writes - for none."""
    if text in NOWHERE:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _port(data: dict[str, str]) -> int | None:
    text = data.get("IpPort", "")
    return int(text) if text.isascii() and text.isdecimal() and 0 < len(text) < 6 and text != "0" else None
