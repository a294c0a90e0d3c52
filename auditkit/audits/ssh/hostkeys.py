"""H. The keys by which a host proves who it is: who may read them, how good they are, and how old."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditkit import answers
from auditkit.access import seen
from auditkit.access.nouns import Server
from auditkit.answers import Step
from auditkit.audits.ssh.settings import OPENSSH, setting
from auditkit.keys import authorized, private
from auditkit.keys.authorized import Line
from auditkit.keys.public import Public, Strength
from auditkit.keys.published import PUBLISHED
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import counted, printable

FILES = "/etc/ssh/ssh_host_*_key"
PUBLIC = Need(Means.FILE, f"{FILES}.pub", "by which keys this host is known")
PRIVATE = Need(Means.FILE, FILES, "by which keys this host is known, as facts only", secret=True)
WAY = Need(Means.STATUS, FILES, "who may read the host keys")
MACHINE = "/etc/machine-id"
_USUAL = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("rsa", "ecdsa", "ed25519"))
AGE = Need(
    Means.COMMAND, " ".join(("/usr/bin/stat -c %Y,%n", MACHINE, *_USUAL)), "whether the host keys are older than the machine"
)
NEEDS = (PUBLIC, PRIVATE, WAY, AGE)

_NEW = (
    "mv FILE FILE.old; mv FILE.pub FILE.pub.old; ssh-keygen -A; systemctl restart ssh (undo: mv them back, and restart). Who"
    " connects is warned that the key has changed: tell them the new fingerprint, ssh-keygen -lf FILE.pub."
)
HOST_KEY_OPEN = Rule(
    "ssh-host-key-open",
    "A host key is not for root alone",
    Severity.HIGH,
    "Somebody else can pose as this machine. Whoever reads the private host key can answer in its place, and read and change"
    " what goes over connections to it; whoever may replace it too.",
    "chown root:root FILE; chmod 600 FILE (undo: chmod back). If others than root work on this host, the key is lost, so make a"
    f" new one: {_NEW}",
    ("sshd(8) FILES", "CIS Debian 12 5.1.2"),
)
HOST_KEY_WEAK = Rule(
    "ssh-host-key-weak",
    "A host key can be broken, or soon can",
    Severity.HIGH,
    "DSA has 1024 bits, and RSA below 2048 bits is within reach of who has the means: then he can pose as this host. RSA below"
    " 3072 bits is not good for years to come.",
    f"Make a new one: {_NEW}",
    ("NIST SP 800-57 part 1",),
)
HOST_KEY_PUBLISHED = Rule(
    "ssh-host-key-published",
    "Everybody has the private half of a host key",
    Severity.CRITICAL,
    "Anybody in the world can pose as this machine. The private half came with a device or an image and can be downloaded, so"
    " that whoever sits between answers with the right key.",
    f"Make a new one: {_NEW}",
    ("https://github.com/rapid7/ssh-badkeys",),
)
HOST_KEY_OLDER = Rule(
    "ssh-host-key-older",
    "A host key is older than the machine",
    Severity.MEDIUM,
    "The machine got its identity, /etc/machine-id, when it was made from an image; its host keys came with the image. Then all"
    " machines from it have the same keys, and whoever has one of them can pose as any other.",
    f"Compare the fingerprints of machines made from the same image. If they are the same: {_NEW}",
    ("machine-id(5)",),
)
HOST_KEY_DIFFERS = Rule(
    "ssh-host-key-differs",
    "The host key on the network is none of those on the disk",
    Severity.CRITICAL,
    "Another server may be answering for this one, and taking what people type. What was seen on the network lies in none of"
    " the files that the configuration names: another sshd runs, somebody sits between, or the files were changed and sshd was"
    " not restarted.",
    "See which server listens: ss -ltnp; when it started: systemctl status ssh; and when the files changed: ls -l"
    " /etc/ssh/ssh_host_*. Compare fingerprints at the console before you type a password.",
    ("sshd_config(5) HostKey",),
)
RULES = (HOST_KEY_DIFFERS, HOST_KEY_OPEN, HOST_KEY_WEAK, HOST_KEY_PUBLISHED, HOST_KEY_OLDER)
DAY = 24 * 3600
_STATED = re.compile(rb"([0-9]{1,12}),(/[^\n]*)\n")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host key, and the file it lies in."""

    key: Public
    file: str


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the host keys of a host."""
    servers = seen.seen(evidence).servers
    named = configured(servers)
    for one in host_keys(evidence):
        if named is None or one.file in named:
            yield from _weak(one)
    for server in servers:
        yield from _differs(evidence, server)
    for need in of(evidence, Means.STATUS):
        for item in evidence.of(need):
            steps = answers.way(item)
            yield from (steps,) if isinstance(steps, Gap) else _open(steps)
    for item in evidence.of(AGE):
        ran = answers.ran(item)
        yield from (ran,) if isinstance(ran, Gap) else _older(ran.out)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The host keys that lie in unusual places."""
    files = sorted(configured(seen.seen(evidence).servers) or ())
    return tuple(need for file in files if not _USUALLY.fullmatch(file) for need in elsewhere(file))


def elsewhere(file: str) -> tuple[Need, Need]:
    """What is wanted of a host key that the globs do not find."""
    public = Need(Means.FILE, f"{file}.pub", PUBLIC.why)
    return public, Need(Means.STATUS, file, WAY.why)


_USUALLY = re.compile(r"/etc/ssh/ssh_host_[^/]*_key")


def of(evidence: Evidence, means: Means) -> tuple[Need, ...]:
    """The needs of this kind by which host keys were taken."""
    whys = {need.why for need in NEEDS}
    return tuple(dict.fromkeys(item.need for item in evidence.items if item.need.means is means and item.need.why in whys))


def configured(servers: tuple[Server, ...]) -> frozenset[str] | None:
    """The files that HostKey names; None where that is not known."""
    told = [setting(server, "HostKey").value for server in servers]
    return frozenset(file for files in told for file in files or ()) if told and None not in told else None


def host_keys(evidence: Evidence) -> Iterator[HostKey]:
    """Yield the host keys that lie in files: by the private one where it shows the key, else by the public one beside it."""
    facts = ((item.source, private.facts(item.data)) for item in evidence.of(PRIVATE))
    shown = {file: fact.key for file, fact in facts if fact and fact.key}
    yield from (HostKey(key, file) for file, key in shown.items())
    for need in of(evidence, Means.FILE):
        for item in evidence.of(need) if need.what.endswith(".pub") else ():
            lines = (one for one in authorized.parse(item.data, item.source) if isinstance(one, Line))
            file = item.source.removesuffix(".pub")
            yield from (HostKey(one.key, file) for one in lines if file not in shown)


def facts(evidence: Evidence) -> Mapping[str, object]:
    """Every host key, in a file or on the network: `facts.ssh.host_keys`."""
    over = {shown.host_key: shown.host_key_type for server in seen.seen(evidence).servers for shown in server.shown}
    over.pop("", None)
    lying = list(host_keys(evidence))
    told = [
        _fact(one.key.plain_type, one.key.fingerprint, one.key.bits, one.file, shown=one.key.fingerprint in over)
        for one in lying
    ]
    only = [print_ for print_ in over if print_ not in {one.key.fingerprint for one in lying}]
    return {"ssh": {"host_keys": [*told, *(_fact(over[print_], print_, None, None, shown=True) for print_ in only)]}}


def _fact(kind: str, fingerprint: str, bits: int | None, file: str | None, *, shown: bool) -> Mapping[str, object]:
    return {"type": kind, "fingerprint": fingerprint, "bits": bits, "file": file, "shown": shown}


def _differs(evidence: Evidence, server: Server) -> Iterator[Finding | Gap]:
    """Yield a finding if a server shows a key that lies in none of its files; a gap where one of them is not known."""
    files = setting(server, "HostKey").value
    lying = {one.file: one.key.fingerprint for one in host_keys(evidence)}
    there = {item.source for need in of(evidence, Means.STATUS) for item in evidence.of(need)}
    absent = {file for file in files or () if there and _USUALLY.fullmatch(file) and file not in there}
    unknown = [file for file in files or () if file not in lying and file not in absent]
    for shown in server.shown if server.kind == OPENSSH else ():
        if not shown.host_key or shown.host_key in {lying[file] for file in files or lying if file in lying}:
            continue
        if files is None or unknown or not lying:
            yield Gap(server.name, "whether the host key on the network is one of those on the disk is not known")
        else:
            message = f"{shown.address} port {shown.port} shows {printable(f'{shown.host_key_type} {shown.host_key}')}"
            yield Finding(HOST_KEY_DIFFERS, server.name, message, HOST_KEY_DIFFERS.severity)


def _weak(one: HostKey) -> Iterator[Finding]:
    key, where = one.key, f"host key {one.file}"
    if key.fingerprint in PUBLISHED:
        message = f"{key.fingerprint} is that of {PUBLISHED[key.fingerprint]}, and can be downloaded"
        yield Finding(HOST_KEY_PUBLISHED, where, message, HOST_KEY_PUBLISHED.severity)
    if key.strength is not Strength.GOOD:
        severity = HOST_KEY_WEAK.severity if key.strength is Strength.WEAK else Severity.LOW
        yield Finding(HOST_KEY_WEAK, where, f"{key.plain_type} of {key.bits} bits", severity)


def _open(steps: tuple[Step, ...]) -> Iterator[Finding]:
    """Yield a finding if others than root may read or replace a host key: one, for the worst that is true."""
    file = steps[0]
    writable = (step for step in steps if step.for_everybody or step.for_a_group)
    told = [
        *((Severity.HIGH, f"{printable(s.path)} belongs to uid {s.uid}") for s in steps if s.uid),
        *((Severity.HIGH, f"others than root may write to {printable(step.path)}") for step in writable),
        *([(Severity.HIGH, "everybody may read it")] if file.mode & 0o004 else []),
        *([(Severity.LOW, f"group {file.gid} may read it")] if file.mode & 0o040 and file.gid else []),
    ]
    for severity, why in told[:1]:
        yield Finding(HOST_KEY_OPEN, f"host key {file.path}", f"{why} (mode {file.permissions:04o})", severity)


def _older(out: bytes) -> Iterator[Finding]:
    times = {os_path.decode("utf-8", "surrogateescape"): int(seconds) for seconds, os_path in _STATED.findall(out)}
    born = times.pop(MACHINE, None)
    old = [file for file, changed in times.items() if file in _USUAL and born is not None and changed < born - DAY]
    if old and born is not None:
        days = (born - min(times[file] for file in old)) // DAY
        message = f"{', '.join(old)}: last changed {counted(days, 'day')} before {MACHINE}"
        yield Finding(HOST_KEY_OLDER, "host keys", message, HOST_KEY_OLDER.severity)
