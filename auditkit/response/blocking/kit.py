"""What there is on a machine to block with, and to end a block."""

import re
from collections.abc import Iterator

from auditkit.answers import name_of, process, ran
from auditkit.model import Gap, Item
from auditkit.response.blocking import asking
from auditkit.response.blocking.asking import Found
from auditkit.response.blocking.nouns import Ends, Seen

_ENABLED = re.compile(r"(?mi)^\s*ENABLED\s*=\s*[\"']?yes\b")
_VERSION = re.compile(rb"OpenSSH_([0-9]{1,3})\.([0-9]{1,3})")


def tools(found: Found) -> Iterator[Seen]:
    """Yield each tool, whether it is installed and whether it is in force."""
    units = _units(found)
    active = {
        "nft": units.get("nftables", False),
        "ufw": bool(_ENABLED.search(found.text(asking.UFW) or "")),
        "firewalld": units.get("firewalld", False),
        "fail2ban": units.get("fail2ban", False) or bool(found.items(asking.SOCKET)),
        "sshd": any(map(_is_sshd, found.items(asking.LISTENERS))),
    }
    for tool, need in asking.PROGRAMS.items():
        yield Seen(tool, bool(found.items(need)), active[tool])


def _is_sshd(item: Item) -> bool:
    told = process(item)
    return not isinstance(told, Gap) and name_of(told.program) == "sshd"


def _units(found: Found) -> dict[str, bool]:
    """Which services are active, as systemctl(1) says: a word for each, in their order."""
    for item in found.items(asking.ACTIVE):
        told = ran(item)
        said = [] if isinstance(told, Gap) else told.out.decode("ascii", "replace").split()
        if len(said) == len(asking.UNITS):
            return {unit: word == "active" for unit, word in zip(asking.UNITS, said, strict=True)}
    return {}


def openssh(found: Found) -> tuple[int, int] | None:
    """The version of OpenSSH, 9.2; None where sshd did not say."""
    for item in found.items(asking.VERSION):
        told = ran(item)
        version = None if isinstance(told, Gap) else _VERSION.search(told.out + told.complaints)
        if version:
            return int(version[1]), int(version[2])
    return None


def ends(found: Found) -> Ends:
    """What can take a block away again."""
    if found.items(asking.SYSTEMD):
        return Ends.SYSTEMD
    return Ends.AT if found.items(asking.ATD) else Ends.SLEEP
