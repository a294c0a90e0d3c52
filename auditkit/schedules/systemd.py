"""systemd units (systemd.unit(5), systemd.timer(5), systemd.exec(5)): two services and a timer, as tight as their work allows.

What looks does not send, and what sends does not look: the first reads everything and is let out to nobody but hosts, the
second hands over what lies in the outbox. The second is started whatever became of the first, so that a run that was killed
is told of too.

This machine has to be seen as it is: whatever shows a service other files, processes, devices or networks than there are
would hide an intruder from it. So PrivateTmp=, PrivateDevices=, PrivateNetwork=, ProtectProc=, ProtectKernelModules= and the
like are left out where `local` is looked at. ProtectSystem=strict shows the same files and lets none of them be written to.
"""

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from auditkit.schedules import STATE, Made, Plan

FOLDER = "/etc/systemd/system"
RUN, SEND = "auditkit-nightly", "auditkit-notify"
CREDENTIALS = "/etc/credstore"
MEMORY = "1G"
HOURS = 12
"""After so many, results of a run count no more when it is continued: so it is ended."""
READS = ("CAP_DAC_READ_SEARCH", "CAP_SYS_PTRACE", "CAP_FOWNER", "CAP_NET_ADMIN")
"""To read all files; to see what each process runs, holds open and has loaded; to leave times of access alone (O_NOATIME); to
list the rules of the firewall."""
_PLAIN = re.compile(r"[A-Za-z0-9_./:@+,=-]+")

_TIMER = """\
[Unit]
Description=auditkit: what is new on our machines, every night

[Timer]
OnCalendar=*-*-* {hour:02}:{minute:02}:00
RandomizedDelaySec={delay}
# a night when the machine was off is made up for after it has started
Persistent=true

[Install]
WantedBy=timers.target
"""


def made(plan: Plan, folder: str | None, again: str) -> Made:
    """The units; `folder` is where a person finds them, `again` the command that writes them to one if they are nowhere yet."""
    units = {
        f"{RUN}.timer": _TIMER.format(hour=plan.hour, minute=plan.minute, delay=plan.delay),
        f"{RUN}.service": _text(_run(plan)),
    }
    if plan.notified:
        units[f"{SEND}.service"] = _text(_send(plan))
    return Made(
        files={posixpath.join(FOLDER, name): text for name, text in units.items()},
        install=tuple(_install(plan, tuple(units), folder, again)),
        undo=tuple(_undo(tuple(units))),
        see=(
            f"sudo systemctl start {RUN}.service",
            f"systemctl list-timers {RUN}.timer",
            f"journalctl -u {RUN}.service{f' -u {SEND}.service' if plan.notified else ''}",
        ),
    )


def _install(plan: Plan, names: Sequence[str], folder: str | None, again: str) -> Iterator[str]:
    place = "units" if folder is None else folder
    if folder is None:
        yield again
    if plan.store != STATE:
        owner = "" if plan.user == "root" else f"-o {shlex.quote(plan.user)} "
        yield f"sudo install -d -m 700 {owner}{shlex.quote(plan.store)}"
    if posixpath.normpath(place) != FOLDER:
        yield f"sudo install -m 644 -t {FOLDER} {' '.join(shlex.quote(posixpath.join(place, name)) for name in names)}"
    yield "sudo systemctl daemon-reload"
    yield f"sudo systemctl enable --now {RUN}.timer"


def _undo(names: Sequence[str]) -> Iterator[str]:
    yield f"sudo systemctl disable --now {RUN}.timer"
    yield f"sudo rm {' '.join(posixpath.join(FOLDER, name) for name in names)}"
    yield "sudo systemctl daemon-reload"


def _text(sections: dict[str, list[str]]) -> str:
    return "\n".join("\n".join((f"[{name}]", *lines, "")) for name, lines in sections.items())


def _run(plan: Plan) -> dict[str, list[str]]:
    """The service that looks."""
    words = [*plan.program, "nightly", *plan.options, *plan.settings, *(["--queue"] if plan.notified else [])]
    after = [f"OnSuccess={SEND}.service", f"OnFailure={SEND}.service"] if plan.notified else []
    online = ["Wants=network-online.target", "After=network-online.target"] if plan.away else []
    service = [
        "Type=oneshot",
        f"ExecStart={' '.join(map(quoted, words))}",
        "# findings (1) and gaps (3) are an answer; 2 (a mistake) and 4 (an untrusted baseline) are a failure",
        "SuccessExitStatus=1 3",
        f"TimeoutStartSec={HOURS}h",
        *_common(plan),
        *_seeing(plan),
    ]
    return {"Unit": ["Description=auditkit: what is new on our machines", *online, *after], "Service": service}


def _common(plan: Plan) -> list[str]:
    """Whose service it is, what it may write to, and how much it may use."""
    place = (
        ["StateDirectory=auditkit", "StateDirectoryMode=0700"]
        if plan.store == STATE
        else [f"ReadWritePaths={quoted(plan.store)}"]
    )
    return [
        f"User={plan.user}",
        "UMask=0077",
        "Environment=LANG=C.UTF-8",
        "Nice=10",
        "IOSchedulingPriority=7",
        f"MemoryMax={MEMORY}",
        f"TasksMax={plan.parallel + 256}",
        *place,
    ]


HARD = (
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectClock=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
    "KeyringMode=private",
    "DevicePolicy=closed",
)
"""What hides nothing of a machine from who looks at it."""
BLIND = (
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "PrivateIPC=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
)
"""What would: for a service that does not look at this machine."""


def _seeing(plan: Plan) -> list[str]:
    """How tight the service is that looks."""
    if not plan.here:
        return [*HARD, *BLIND, "CapabilityBoundingSet=", "SystemCallFilter=~@privileged @resources", _families(plan)]
    mine = [
        "# this machine is to be seen as it is: nothing of its /tmp, /dev, /proc, kernel and network is hidden here",
        "# `journalctl --verify` writes temporary files",
        "ReadWritePaths=/tmp /var/tmp",
    ]
    caps = f"CapabilityBoundingSet={' '.join(READS)}" if plan.user == "root" else "CapabilityBoundingSet="
    return [*mine, *HARD, caps, _families(plan), *_addresses(plan)]


def _families(plan: Plan) -> str:
    """Which sockets it may have: netlink tells of addresses and firewalls, packets in the raw are nobody's business."""
    netlink = " AF_NETLINK" if plan.here or plan.away else ""
    return f"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6{netlink}"


def _addresses(plan: Plan) -> list[str]:
    """Whom it may reach: nobody but this machine and own networks, unless names of hosts have to be asked for elsewhere."""
    if plan.away:
        return []
    return ["IPAddressDeny=any", f"IPAddressAllow=localhost {' '.join(plan.networks)}".rstrip()]


def _send(plan: Plan) -> dict[str, list[str]]:
    """The service that sends; sendmail is a program that gains rights and writes to a queue, and has to be let."""
    words = [*plan.program, "nightly", "--send", *plan.settings]
    service = [
        "Type=oneshot",
        f"ExecStart={' '.join(map(quoted, words))}",
        "TimeoutStartSec=1h",
        *([f"LoadCredential={plan.credential}:{CREDENTIALS}/{plan.credential}"] if plan.credential else []),
        *_common(plan),
        *(_mailing(plan) if plan.sendmail else _posting(plan)),
    ]
    unit = ["Description=auditkit: tell what is new", "Wants=network-online.target", "After=network-online.target"]
    return {"Unit": unit, "Service": service}


def _posting(plan: Plan) -> list[str]:
    caps = "CapabilityBoundingSet="
    return [*HARD, *BLIND, caps, "SystemCallFilter=~@privileged @resources", _families(plan)]


def _mailing(_plan: Plan) -> list[str]:
    return [
        "# sendmail may be setgid and has its queue below /var: what would stop it is left out",
        "ProtectSystem=yes",
        "ProtectHome=read-only",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "LockPersonality=yes",
        "RestrictRealtime=yes",
        "RestrictNamespaces=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "SystemCallArchitectures=native",
    ]


def quoted(word: str) -> str:
    """A word of a command line as systemd reads it (systemd.service(5), COMMAND LINES; systemd.syntax(7))."""
    plain = word.replace("%", "%%").replace("$", "$$")
    if _PLAIN.fullmatch(word):
        return plain
    marks = plain.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escaped(char) for char in marks) + '"'


def _escaped(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
