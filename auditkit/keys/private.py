"""What a host tells of a file with a private key in it: facts, never the key."""

import re
from binascii import a2b_base64
from dataclasses import dataclass

from auditkit.keys import public
from auditkit.keys.public import Public

_FACTS = re.compile(r"([a-z0-9-]{1,32}) (yes|no|\?) (-|[A-Za-z0-9+/=]+)\n?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Facts:
    """A private key, as the probe tells of it."""

    form: str
    """`openssh`, `pem`, `pem-rsa`, `ppk`"""
    encrypted: bool | None
    """Whether it has a passphrase; None: nobody can tell."""
    key: Public | None
    """Its public half, where the file has it in clear."""


def facts(data: bytes) -> Facts | None:
    """The facts in a line `FORMAT ENCRYPTED PUBLIC` (auditkit/probe/keyfile.py); None where the file holds no private key."""
    found = _FACTS.fullmatch(data.decode("ascii", "replace"))
    if found is None or found[1] == "none":
        return None
    return Facts(found[1], {"yes": True, "no": False}.get(found[2]), _public(found[3]))


def _public(shown: str) -> Public | None:
    try:
        return public.parse(a2b_base64(shown.encode("ascii")))
    except ValueError:
        return None
