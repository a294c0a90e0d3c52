"""Lists of keys that are taken back, as RevokedKeys of sshd_config(5) names them: sshkey_check_revoked() of authfile.c.

A text holds one public key a line, and nothing before it: sshd takes no key at all where it meets a line that it cannot
read before the key. Nor does it where a list that ssh-keygen -k made cannot be read, see krl.py.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.keys import authorized, krl
from auditkit.keys.authorized import Line
from auditkit.keys.krl import Form


@dataclass(frozen=True, slots=True)
class Revoked:
    """The keys of a list."""

    keys: frozenset[tuple[Form, bytes]]
    """Each as its blob or a digest of that."""
    unread: str = ""
    """What of it was not understood, so that any other key may be taken back too; nothing where all was."""

    def holds(self, blob: bytes) -> bool | None:
        """Whether a key, or the authority that signed it, is taken back; None where nobody can tell."""
        return True if self.keys & set(_forms(blob)) else None if self.unread else False


def _forms(blob: bytes) -> Iterator[tuple[Form, bytes]]:
    """Yield all that a key may stand as."""
    yield Form.KEY, blob
    yield Form.SHA1, hashlib.sha1(blob, usedforsecurity=False).digest()
    yield Form.SHA256, hashlib.sha256(blob).digest()


def parse(data: bytes) -> Revoked:
    """The keys of a list that RevokedKeys names."""
    return _krl(data) if data.startswith(krl.MAGIC) else _text(data)


def _krl(data: bytes) -> Revoked:
    found: set[tuple[Form, bytes]] = set()
    try:
        found.update(krl.revoked(data))
    except ValueError as error:
        return Revoked(frozenset(found), f"it is a KRL, and {error}")
    return Revoked(frozenset(found))


def _text(data: bytes) -> Revoked:
    found: set[tuple[Form, bytes]] = set()
    unread = ""
    for line in authorized.parse(data, ""):
        if isinstance(line, Line) and not line.options.written and not line.dead:
            found.add((Form.KEY, line.key.blob))
        else:
            number = line.number if isinstance(line, Line) else 0
            unread = unread or (f"line {number} of it is not just a key" if number else "a line of it is no key")
    return Revoked(frozenset(found), unread)
