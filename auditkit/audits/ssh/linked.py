"""Files that decide who may log in and are links to a place that a mounted disk does not have: what they say is not known.

On the running machine another file system lies there, as /etc/pve of Proxmox does, in which root's keys are.
"""

from collections.abc import Iterator

from auditkit import answers
from auditkit.access import needs
from auditkit.model import Evidence, Gap, Means, Need, Rule
from auditkit.printable import printable

NEEDS: tuple[Need, ...] = ()
RULES: tuple[Rule, ...] = ()
FILES = (needs.CONFIG, needs.DROP_INS, *needs.KEYS)
_WHY = "whether it is a link to a place that this disk does not have"


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What lies at those places, of a mounted disk: on a machine that runs a link to nothing is nothing."""
    return tuple(Need(Means.LISTING, need.what, _WHY) for need in FILES) if evidence.host.startswith(needs.DISK) else ()


def judge(evidence: Evidence) -> Iterator[Gap]:
    """Yield each link of which no file was read."""
    read = {item.source for need in FILES for item in needs.items(evidence, need)}
    for item in (item for item in evidence.items if item.need.means is Means.LISTING and item.need.why == _WHY):
        node = answers.listed(item)
        if not isinstance(node, Gap) and node.target and item.source not in read and not needs.unread(evidence, item.source):
            target = printable(node.target[:200])
            yield Gap(item.source, f"is a link to {target}, which is not on this disk: what it says was not read")
