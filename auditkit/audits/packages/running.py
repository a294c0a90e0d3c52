"""What still runs old code though the new is installed: the kernel, and processes with libraries that are gone."""

import re
from collections.abc import Iterator

from auditkit import answers
from auditkit.audits.packages.seen import MOST_QUOTES, Host, days, files_of
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.packages import Package
from auditkit.packages.candidates import order
from auditkit.printable import counted, few, printable

KERNEL = Need(Means.FILE, "/proc/version", "which kernel runs, in which build")
SIGNATURE = Need(Means.FILE, "/proc/version_signature", "which build of Ubuntu's kernel runs")
REQUIRED = Need(Means.FILE, "/run/reboot-required.pkgs", "which packages ask for a restart of the machine")
LIBRARIES = Need(Means.LIBRARIES, "all", "which processes run libraries that were replaced")
NEEDS = (KERNEL, SIGNATURE, REQUIRED, LIBRARIES)

REBOOT = Rule(
    "reboot-pending",
    "An older kernel runs than is installed",
    Severity.LOW,
    "What the newer kernel mends is still open on this machine until it is restarted. The running kernel is the one it was"
    " started with; local users and what comes over the network meet that one.",
    "Restart the machine when it suits: systemctl reboot. needrestart -k says the same of the kernel.",
    ("needrestart(1)", "CIS Debian 1.2.2"),
)
OLD_LIBRARIES = Rule(
    "old-libraries-in-use",
    "Processes run libraries that were replaced",
    Severity.LOW,
    "An upgrade puts a new file in place of the old one, and what was started before keeps the old one with its holes. These"
    " processes have to be started again.",
    "needrestart -r l lists the services, needrestart -r i asks for each; or systemctl restart UNIT, or restart the machine.",
    ("needrestart(1)", "proc_pid_maps(5)"),
)
RULES = (REBOOT, OLD_LIBRARIES)
WARN = 14
"""Days."""
_RELEASE = re.compile(r"Linux version (\S{1,100})")
_BUILD = re.compile(r" Debian (\S{1,100}) \(")
_UBUNTU = re.compile(r"Ubuntu ([0-9.]+-[0-9]+\.[0-9]+)")
_IMAGE = re.compile(r"linux-image-(?:unsigned-)?([0-9]\S*)")


def judge(host: Host) -> Iterator[Finding | Gap]:
    """Yield a finding where the machine, or processes, want to be started again."""
    yield from _kernel(host)
    yield from _libraries(host)


def _kernel(host: Host) -> Iterator[Finding]:
    text = _text(host, KERNEL)
    release = _RELEASE.match(text)
    images = [one.package for one in host.standings if _IMAGE.fullmatch(one.package.name)]
    newest = max(images, key=_order, default=None)
    required = [line for line in _text(host, REQUIRED).split("\n") if line]
    if (
        release
        and newest
        and (own := _running(release[1], text + _text(host, SIGNATURE), images))
        and order(own, newest.version) < 0
    ):
        put = host.put_there(newest)
        since = f", installed {counted(days(put, host.now), 'day')} ago" if put else ""
        severity = Severity.MEDIUM if put and days(put, host.now) > WARN else REBOOT.severity
        message = f"kernel {printable(release[1])} {own} runs; {newest.name} {newest.version} is there{since}"
        yield Finding(REBOOT, "kernel", message, severity, (Quote(KERNEL.what, 1, text[:200].strip()),))
    elif required:
        message = (
            f"{len(set(required))} packages ask for a restart: {', '.join(map(printable, sorted(set(required))[:MOST_QUOTES]))}"
        )
        yield Finding(REBOOT, "kernel", message, REBOOT.severity, (Quote(REQUIRED.what, 1, required[0][:200]),))


def _text(host: Host, need: Need) -> str:
    return "".join(data.decode("utf-8", "replace") for data in files_of(host.evidence, (need,)).values())


def _running(release: str, text: str, images: list[Package]) -> str:
    """The Debian version of the kernel that runs; nothing where it is none of a package, as in a container."""
    flavour = release.rpartition("-")[2]
    ours = [package for package in images if package.name.rpartition("-")[2] == flavour]
    built = _BUILD.search(text) or _UBUNTU.search(text)
    return built[1] if built and ours else ""


class _Order:
    """Packages by their versions."""

    def __init__(self, version: str) -> None:
        self.version = version

    def __lt__(self, other: "_Order") -> bool:
        return order(self.version, other.version) < 0


def _order(package: Package) -> _Order:
    return _Order(package.version)


def _libraries(host: Host) -> Iterator[Finding | Gap]:
    holding, told = list[answers.Holding](), [answers.holding(item) for item in host.evidence.of(LIBRARIES)]
    for one in told:
        if isinstance(one, Gap):
            yield one
        else:
            holding.append(one)
    if not holding:
        return
    upgraded = host.last_upgrade()
    late = days(upgraded, host.now) if upgraded else 0
    many = "1 process runs" if len(holding) == 1 else f"{len(holding)} processes run"
    since = f"; the last upgrade was {counted(late, 'day')} ago" if upgraded else ""
    named = few(list(dict.fromkeys(printable(answers.name_of(one.program)) for one in holding)), MOST_QUOTES)
    quotes = tuple(
        Quote(f"/proc/{one.pid}/maps", 0, f"{answers.name_of(one.program)} {one.unit}: {one.libraries[0]}"[:200])
        for one in holding[:MOST_QUOTES]
    )
    severity = Severity.MEDIUM if late > WARN else OLD_LIBRARIES.severity
    yield Finding(
        OLD_LIBRARIES, "processes", f"{many} code of files that were replaced or removed: {named}{since}", severity, quotes
    )
