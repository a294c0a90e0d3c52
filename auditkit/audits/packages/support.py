"""For how long the release of the distribution is supported, and whether anybody still is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time

from auditkit.audits.packages.ends import AS_OF, ROLLING, UNRELEASED, End, end_of
from auditkit.audits.packages.seen import OS_RELEASE, OS_RELEASE_TOO, Host, days
from auditkit.model import Finding, Gap, Quote, Rule, Severity
from auditkit.printable import counted

UNSUPPORTED = Rule(
    "release-unsupported",
    "The release of the distribution gets no security updates any more",
    Severity.HIGH,
    "Holes found since then stay open for good, and the host shows nothing of it. apt has no updates to miss, because nobody"
    " makes any for this release.",
    "Upgrade to a supported release, as its release notes say, or move what runs there. Until then, let nobody reach it who"
    " need not.",
    ("CIS Controls 2.2", "MITRE ATT&CK M1051"),
)
ENDING = Rule(
    "release-support-ends",
    "The support of the release ends soon, or is no longer the full one",
    Severity.INFO,
    "A new release, or a contract, has to be planned before that day. From then on there are no security updates without"
    " paying, or from volunteers and for fewer packages.",
    "Plan the upgrade to the next release; its release notes say how.",
    ("CIS Controls 2.2",),
)
RULES = (UNSUPPORTED, ENDING)
SOON = 90
"""Days."""


def judge(host: Host) -> Iterator[Finding | Gap]:
    """Yield a finding where the support has ended, or soon will."""
    name, version = host.system.get("ID", ""), host.system.get("VERSION_ID", "")
    if not host.system or name in ROLLING or (name, host.system.get("VERSION_CODENAME", "")) in UNRELEASED:
        return
    end = end_of(name, version)
    if end is None:
        yield Gap(
            "support of the release",
            f"{_shown(host)} is not in the table of {AS_OF}: until when it is supported is not known",
        )
        return
    last, today = end.extended or end.standard, host.now.date()
    if last < today:
        paid = f"; for who pays until {end.paid}" if end.paid and end.paid >= today else ""
        message = f"{end.name} has had no support for {counted(_days(host, last), 'day')}, since {last}{paid}"
        yield Finding(UNSUPPORTED, "distribution", message, _severity(end, today), (_quote(host),))
    elif end.standard < today:
        left = (last - today).days
        message = (
            f"{end.name} has had only long-term support since {end.standard}; that ends on {last}, in {counted(left, 'day')}"
        )
        yield Finding(ENDING, "distribution", message, Severity.LOW if left < SOON else ENDING.severity, (_quote(host),))
    elif (end.standard - today).days < SOON and not end.extended:
        message = f"the support of {end.name} ends on {end.standard}, in {counted((end.standard - today).days, 'day')}"
        yield Finding(ENDING, "distribution", message, Severity.LOW, (_quote(host),))


def _severity(end: End, today: date) -> Severity:
    """Who may be paid for updates is not shown by every distribution: where there is such an offer it weighs less."""
    return Severity.MEDIUM if end.paid and end.paid >= today else UNSUPPORTED.severity


def _days(host: Host, last: date) -> int:
    return days(datetime.combine(last, time(), UTC), host.now)


def _quote(host: Host) -> Quote:
    source = OS_RELEASE if host.evidence.of(OS_RELEASE) else OS_RELEASE_TOO
    return Quote(source.what, 0, f"PRETTY_NAME={host.system.get('PRETTY_NAME', '')}"[:200])


def _shown(host: Host) -> str:
    return host.system.get("PRETTY_NAME") or " ".join(filter(None, (host.system.get("ID"), host.system.get("VERSION_ID"))))
