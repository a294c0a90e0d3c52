"""Lists of keys that are taken back, as RevokedKeys of sshd_config(5) names them: sshkey_check_revoked() of authfile.c.

A text holds one public key a line, and nothing before it: sshd takes no key at all where it meets a line that it cannot
read before the key. A KRL (ssh-keygen -k) is not read here.
"""

from dataclasses import dataclass

from auditkit.keys import authorized
from auditkit.keys.authorized import Line

_KRL = b"SSHKRL\n\0"


@dataclass(frozen=True, slots=True)
class Revoked:
    """The keys of a list."""

    fingerprints: frozenset[str]
    unread: str = ""
    """What of it was not understood, so that any other key may be taken back too; nothing where all was."""

    def holds(self, fingerprint: str) -> bool | None:
        """Whether a key, or the authority that signed it, is taken back; None where nobody can tell."""
        return True if fingerprint in self.fingerprints else None if self.unread else False


def parse(data: bytes) -> Revoked:
    """The keys of a list that RevokedKeys names."""
    if data.startswith(_KRL):
        return Revoked(frozenset(), "it is a KRL, which is not read here")
    found: set[str] = set()
    unread = ""
    for line in authorized.parse(data, ""):
        if isinstance(line, Line) and not line.options.written and not line.dead:
            found.add(line.key.fingerprint)
        else:
            number = line.number if isinstance(line, Line) else 0
            unread = unread or (f"line {number} of it is not just a key" if number else "a line of it is no key")
    return Revoked(frozenset(found), unread)
