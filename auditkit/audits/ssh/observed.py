"""O. Whether the server that answers is the one that is configured and installed."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from auditkit import answers
from auditkit.access import configuring, seen, telling, views
from auditkit.access.nouns import Server
from auditkit.answers import Shown
from auditkit.audits.ssh.settings import OPENSSH
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.packages.versions import deb_part
from auditkit.printable import printable
from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import METHODS, Effective

DPKG = Need(
    Means.COMMAND,
    r"/usr/bin/dpkg-query -W -f=${db:Status-Status},${Version}\n openssh-server",
    "which version of the server is installed",
)
RPM = Need(
    Means.COMMAND, r"/usr/bin/rpm -q --qf=installed,%{VERSION}\n openssh-server", "which version of the server is installed"
)
NEEDS = (DPKG, RPM)

NOT_AS_CONFIGURED = Rule(
    "ssh-not-as-configured",
    "The server that answers does not do what its configuration says",
    Severity.CRITICAL,
    "Whatever the files say, this is what an intruder meets. Most likely the files were changed and sshd was not reloaded"
    " since; or another server answers: a second one with a file of its own, or another machine behind a forwarded port.",
    "See whether it was reloaded: systemctl status ssh shows since when it runs and the last reload, ls -l /etc/ssh/sshd_config"
    " /etc/ssh/sshd_config.d the times of the files. Then: sshd -t && systemctl reload ssh, keeping this session open, and"
    " audit again. If it is still so: ss -ltnp shows which process listens.",
    ("sshd(8)",),
)
OFFERS_LESS = Rule(
    "ssh-offers-less",
    "The server offers less than its configuration says",
    Severity.INFO,
    "The files were changed and sshd was not reloaded since, or something between answers for it. Until the next restart nobody"
    " can use what is missing; after it everybody can.",
    "sshd -t && systemctl reload ssh, keeping this session open, and audit again.",
    ("sshd(8)",),
)
NOT_THE_INSTALLED = Rule(
    "ssh-not-the-installed",
    "The server that answers is not the version that is installed",
    Severity.MEDIUM,
    "Where the package is newer, it was updated and not restarted, and what the update mends is still open. Where it is older,"
    " the program that answers did not come with it.",
    "systemctl restart ssh, keeping this session open, and audit again. If the answer stays newer than the package, see what"
    " listens, ss -ltnp, and compare the program with the package's: dpkg -V openssh-server.",
    ("https://www.debian.org/doc/debian-policy/ch-controlfields.html#version",),
)
NOT_RELOADED = Rule(
    "ssh-not-reloaded",
    "The configuration was changed after the server last read it",
    Severity.MEDIUM,
    "Until it is reloaded the server does what its files said before: what was closed in them since may still be open. Also"
    " touching a file counts as a change here, for what was in it before cannot be seen.",
    "sshd -t && systemctl reload ssh, keeping this session open, and audit again.",
    ("sshd(8) SIGHUP",),
)
RULES = (NOT_AS_CONFIGURED, NOT_RELOADED, OFFERS_LESS, NOT_THE_INSTALLED)

WITH_A_PASSWORD = ("password", "keyboard-interactive")
_LISTS: Mapping[str, str] = {"kex": "kexalgorithms", "ciphers": "ciphers", "macs": "macs"}
_ANNOUNCED = re.compile(r"kex-strict-.*|ext-info-.*|gss-.*")
"""What stands among the key exchanges of a KEXINIT and is none, or has a keyword of its own."""
_BANNER = re.compile(r"SSH-2\.0-OpenSSH_([0-9]{1,3})\.([0-9]{1,3})\S*(?: [A-Za-z]+-(\S+))?.*")
_PACKAGE = re.compile(r"(?:[0-9]+:)?([0-9]{1,3})\.([0-9]{1,3})[^-\s]*(?:-(\S+))?")
MOST = 100
"""Characters of a version."""


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield where what a server shows is not what its files and its package say."""
    installed = installed_version(evidence)[:MOST]
    for server in seen.seen(evidence).servers:
        if server.process is not None and not server.shown:
            yield Gap(
                server.name, "what it shows on the network was not seen, so whether it does what its files say is not known"
            )
        older = tuple(_not_the_installed(server, installed))
        yield from older
        beyond = tuple(_not_as_configured(evidence, server, updated=bool(older)))
        yield from beyond or _not_reloaded(evidence, server)
        yield from _less(server)


# --- what is configured


def _not_as_configured(evidence: Evidence, server: Server, *, updated: bool) -> Iterator[Finding]:
    """Yield one finding for all in which a server goes beyond its files; algorithms of an old version are its own finding."""
    told = list(_differences(server))
    if told and not (updated and not any(_beyond(server))):
        message = f"{'; '.join(told)}. {_likely(evidence, server)}"
        yield Finding(NOT_AS_CONFIGURED, server.name, message, NOT_AS_CONFIGURED.severity)


def _not_reloaded(evidence: Evidence, server: Server) -> Iterator[Finding]:
    """Yield that a server goes by what its files said before."""
    if server.unread:
        when = _changed(evidence, server, server.unread)[server.unread[0]]
        message = f"{views.shown(server.unread)} changed after it last read its configuration, the latest {_time(when)}"
        remedy = f"{telling.tested(server).removeprefix(' && ')}. {telling.KEEP} {telling.again(evidence)}"
        yield Finding(NOT_RELOADED, server.name, message, NOT_RELOADED.severity, remedy=remedy)


def _differences(server: Server) -> Iterator[str]:
    yield from _beyond(server)
    yield from _other_algorithms(server)


def _beyond(server: Server) -> Iterator[str]:
    """Yield each way in with a password that is offered though the configuration says no."""
    for shown in server.shown:
        told = expected(_effective(server, shown))
        extra = [method for method in shown.methods if told.get(method) is False]
        if extra:
            who = f"{printable(shown.user)} from {shown.source or 'there'}"
            yield f"it offers {', '.join(extra)} to {who}, where its configuration says no"


def _less(server: Server) -> Iterator[Finding]:
    for shown in server.shown:
        told = expected(_effective(server, shown))
        missing = [method for method in WITH_A_PASSWORD if told.get(method) is True and method not in shown.methods]
        if missing and shown.methods and shown.methods != ("none",):
            message = f"it does not offer {', '.join(missing)} to {printable(shown.user)}, where its configuration says yes"
            yield Finding(OFFERS_LESS, server.name, message, OFFERS_LESS.severity)


def expected(effective: Effective | None) -> Mapping[str, bool | None]:
    """Whether each way in with a password, or without any, is offered at first; None: nobody can tell."""
    if effective is None:
        return {}
    effects = effective.effects
    lists = effects["AuthenticationMethods"].value
    first = None if lists is None else {one.split(",")[0].partition(":")[0] for one in lists}
    told: dict[str, bool | None] = {}
    for method in WITH_A_PASSWORD:
        on = effects[METHODS[method][0]].on
        listed = None if first is None else first == {"any"} or method in first
        told[method] = False if False in (on, listed) else None if None in (on, listed) else True
    told["none"] = effects["PermitEmptyPasswords"].on
    return told


def _effective(server: Server, shown: Shown) -> Effective | None:
    """What holds for the login that was made; None where nobody can tell."""
    if not (shown.user and shown.source) or server.kind != OPENSSH:
        return None
    for one in server.treated:
        if any(login.name == shown.user and source.address == shown.source for login, source in one.who):
            return one.effective
    if server.configuration is None:
        return None
    groups = next((login.groups for one in server.treated for login, _source in one.who if login.name == shown.user), None)
    who = Connection(shown.user, shown.source, shown.source, shown.address, shown.port, groups=groups)
    return server.configuration.of(who)


def _other_algorithms(server: Server) -> Iterator[str]:
    """Yield each list of algorithms that is not what sshd itself says of its files."""
    dump = next(iter(server.dumps), None)
    for shown in server.shown if dump else ():
        for kind, keyword in _LISTS.items():
            there = {name for name in shown.kexinit.get(kind, ()) if not _ANNOUNCED.fullmatch(name)}
            said = {name for text in (dump.values.get(keyword, ()) if dump else ()) for name in text.split(",")}
            if there and said and there != said:
                yield f"its {keyword} {_apart(there - said, said - there)} what sshd -T says"


def _apart(more: set[str], fewer: set[str]) -> str:
    parts = ("more, ", more), ("less, ", fewer)
    shown = [f"{word}{printable(', '.join(sorted(names)[:5]))}," for word, names in parts if names]
    return f"have {' and '.join(shown)} than"


def _likely(evidence: Evidence, server: Server) -> str:
    """What helps to find the cause: when the process started, and when its files changed."""
    started = server.process.started if server.process else None
    changed = _changed(evidence, server, configuring.places(server.configuration))
    if started is None or not changed:
        return "Most likely it was not reloaded since its files were changed"
    since = f"It runs since {_time(started)}"
    file, when = max(changed.items(), key=lambda one: one[1])
    if server.unread or when > started:
        return f"{since}, and {printable(file)} was changed {_time(when)}: most likely it was not reloaded"
    return f"{since}, and its files did not change since: look for another server, or for what answers in its place"


def _changed(evidence: Evidence, server: Server, files: Collection[str]) -> dict[str, int]:
    """When each of these files was changed, as far as that was asked."""
    told = views.stated(evidence, server.process) if server.process else {}
    return {file: one.changed for file, one in told.items() if file in files}


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


# --- what is installed


def installed_version(evidence: Evidence) -> str:
    """The version of the package of the server; empty where it is not known."""
    for need in NEEDS:
        for item in evidence.of(need):
            ran = answers.ran(item)
            if not isinstance(ran, Gap) and ran.status == 0 and ran.out.startswith(b"installed,"):
                return ran.out.decode("utf-8", "replace").strip().removeprefix("installed,")
    return ""


def _not_the_installed(server: Server, installed: str) -> Iterator[Finding]:
    """Yield a finding if the banner names another version than the package has."""
    banner = next((shown.banner for shown in server.shown if shown.banner), server.banner)
    told = _BANNER.fullmatch(banner) if server.kind == OPENSSH else None
    package = _PACKAGE.fullmatch(installed)
    order = _order(told.groups(""), package.groups("")) if told and package else 0
    if order:
        severity = NOT_THE_INSTALLED.severity if order < 0 else Severity.HIGH
        what = "is older than" if order < 0 else "is newer than"
        message = f"{printable(banner[:100])} {what} the package, {printable(installed[:60])}"
        yield Finding(NOT_THE_INSTALLED, server.name, message, severity)


def _order(one: Sequence[str], other: Sequence[str]) -> int:
    """-1, 0 or 1: major, minor, and the revision of the vendor where both have one."""
    numbers = [(int(each[0]), int(each[1])) for each in (one, other)]
    if numbers[0] != numbers[1]:
        return -1 if numbers[0] < numbers[1] else 1
    return deb_part(one[2], other[2]) if one[2] and other[2] else 0
