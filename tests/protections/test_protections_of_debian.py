"""A Debian as it is installed, on a disk: nothing that watches, and nothing that is worse than low."""

import pytest
from fleet import images

from auditkit.audits import protections
from auditkit.commands import auditing
from auditkit.config import Config
from auditkit.hosts import Reach
from auditkit.hosts.root import connect
from auditkit.model import Finding, Gap, Office, Severity


@pytest.mark.skipif(bool(images.missing()), reason=images.missing())
def test_debian_as_installed_gives_nothing_above_low() -> None:
    try:
        image = images.layers("py")[0]
    except images.NoFleetError as error:
        pytest.skip(str(error))
    host = connect(f"root:{image}", Reach(Config()))
    told = list(protections.judge(auditing.taken(host, (protections.AUDIT,), Office())))
    assert [one for one in told if isinstance(one, Gap)] == []
    found = {one.rule.id: one.severity for one in told if isinstance(one, Finding)}
    assert set(found) <= {"nothing-watches", "firewall-absent", "clock-not-set", "journal-lost-at-restart"}
    assert all(severity <= Severity.LOW for severity in found.values())
