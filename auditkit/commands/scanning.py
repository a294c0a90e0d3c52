"""One host scanned: what `scan` and `nightly` share."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from auditkit.commands import attempts, auditing, awaiting, checking, logtaking, options, running, sealing
from auditkit.hosts import Host
from auditkit.model import HostReport


def work(run: options.Setting, given: Mapping[str, Any]) -> running.Work[HostReport]:
    """What is done with each host: check, audits and logins in one pass.

    Raises:
        AuditkitError: one of the options can be right for no host.
    """
    checking.usable(given)
    wanted = auditing.chosen(advisories=given["advisories"])
    asked = attempts.Asked(key=sealing.key(replace(run, signers=None), given["key"]))

    def judge(host: Host, run: options.Setting) -> HostReport:
        if auditing.is_device(host):
            checked = HostReport(host.name, notes=(auditing.DEVICE_NOTE,))
        else:
            checked = checking.check(host, run, {**given, "may_lack": True})
        memory = awaiting.recalled(host, run, wanted)
        audited = auditing.added(host, checked, wanted, run.office, missed=memory.updates, span=run.window)
        audited = awaiting.remembered(host, audited, run, asked.key, memory)
        return logtaking.added(host, audited, run, asked)

    return judge
