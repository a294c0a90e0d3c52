"""Who can log in over SSH: passwords, keys, the server's cryptography and configuration, traces, and what runs besides.

One file per group of rules, one line here; each has NEEDS, RULES, `judge(evidence)` and perhaps `facts(evidence)` and
`follow(evidence)`. What more than one of them reads is put together once, by auditkit/access.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from auditkit.access import telling
from auditkit.audits.ssh import (
    access,
    configuration,
    crypto,
    hostkeys,
    keyfiles,
    keys,
    linked,
    observed,
    overrides,
    pam,
    persistence,
    privates,
    restrictions,
    ways,
)
from auditkit.model import Audit, Evidence, Finding, Gap, Means, Need

GROUPS = (
    access,
    restrictions,
    configuration,
    keys,
    privates,
    ways,
    hostkeys,
    crypto,
    persistence,
    keyfiles,
    overrides,
    pam,
    observed,
    linked,
)  # fmt: skip


THEN = (
    Need(Means.LISTING, "*", "whether files of a mounted disk are links to a place that it does not have"),
    Need(Means.FILE, "*", "what sshd_config, PAM and sshd's command line name: files of configuration, keys, units of systemd"),
    Need(Means.STATUS, "*", "who may write to what they name, and whether shells are there"),
    Need(Means.COMMAND, "/usr/sbin/sshd -T *", "what sshd itself makes of its configuration, for accounts and addresses"),
    Need(Means.COMMAND, "/usr/bin/dpkg-query -S *", "which package brought a program or a module of PAM"),
    Need(Means.COMMAND, "/usr/bin/rpm -qf *", "which package brought a program or a module of PAM"),
    Need(Means.COMMAND, "/usr/bin/stat -c *", "when files of keys and of configuration were changed"),
    Need(Means.COMMAND, "/usr/bin/lsattr -d *", "whether files of keys are made fast"),
    Need(Means.COMMAND, "/usr/bin/awk *", "how long the groups of the key exchange are"),
)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what every group says."""
    for group in GROUPS:
        for one in group.judge(evidence):
            yield _fitted(one, evidence) if isinstance(one, Finding) else one


def _fitted(one: Finding, evidence: Evidence) -> Finding:
    """A finding whose commands are those for this host."""
    text = one.remedy or one.rule.remedy
    fit = telling.fitted(text, evidence)
    return one if fit == text else replace(one, remedy=fit)


def facts(evidence: Evidence) -> Mapping[str, object]:
    """`facts.ssh` of the report: each group tells a part of it."""
    told: dict[str, object] = {}
    for group in GROUPS:
        part = group.facts(evidence).get("ssh", {}) if hasattr(group, "facts") else {}
        told |= part if isinstance(part, dict) else {}
    return {"ssh": told} if told else {}


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What the groups want in a second round."""
    wanted = (need for group in GROUPS if hasattr(group, "follow") for need in group.follow(evidence))
    return tuple(dict.fromkeys(wanted))


AUDIT = Audit(
    "ssh",
    "who can log in over SSH",
    tuple(dict.fromkeys(need for group in GROUPS for need in group.NEEDS)),
    tuple(rule for group in GROUPS for rule in group.RULES),
    judge,
    facts,
    follow,
    THEN,
)
