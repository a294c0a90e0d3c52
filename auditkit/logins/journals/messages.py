"""What systemd itself says of the journal, the machine and its clock, by the identity of the message (sd-messages(3))."""

import re
from typing import NamedTuple

from auditkit.logins.nouns import What


class Meaning(NamedTuple):
    """What a message tells, and who alone may say so."""

    what: What
    program: str


JOURNALD, SYSTEMD, LOGIND, TIMESYNCD = "systemd-journald", "systemd", "systemd-logind", "systemd-timesyncd"
MEANINGS: dict[bytes, Meaning] = {
    b"f77379a8490b408bbe5f6940505a777b": Meaning(What.LOG_BEGAN, JOURNALD),
    b"d93fb3c9c24d451a97cea615ce59c00b": Meaning(What.LOG_ENDED, JOURNALD),
    b"a596d6fe7bfa4994828e72309e95d61e": Meaning(What.UNLOGGED, JOURNALD),
    b"c7a787079b354eaaa9e77b371893cd27": Meaning(What.CLOCK, SYSTEMD),
    b"7c8a41f37b764941a0e1780b1be2f037": Meaning(What.CLOCK, TIMESYNCD),
    b"98268866d1d54a499c4e98921d93bc40": Meaning(What.STOPPED, LOGIND),
}
NUMBER = re.compile(r"Suppressed ([0-9]{1,15}) messages? from")
REMOVED = re.compile(r"Vacuuming done, freed (?!0B)(\S{1,20}) of archived journals")
SET_ASIDE = re.compile(r"File (.{1,300}) corrupted or uncleanly shut down, renaming and replacing")


def suppressed(message: str) -> int:
    """How many messages a service wrote that journald did not take: `Suppressed 12 messages from ssh.service`."""
    found = NUMBER.match(message)
    return int(found[1]) if found else 1


def remark(message: str) -> str | None:
    """What a person should know of what journald did to its own files; None if it is nothing."""
    if found := REMOVED.match(message):
        return f"journald removed its oldest files, {found[1]}"
    if found := SET_ASIDE.match(message):
        return f"journald found {found[1]} damaged, or not closed, and set it aside"
    return None
