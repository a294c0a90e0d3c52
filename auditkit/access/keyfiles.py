"""Where sshd looks for the keys of an account: AuthorizedKeysFile of sshd_config(5), with its words filled in."""

import re

from auditkit.access.nouns import Login
from auditkit.sshd.effective import Effective

_TOKEN = re.compile("%([%huU])")
_SAME = re.compile(r"/(?:\./)*/*")


def expanded(effective: Effective, login: Login) -> tuple[str, ...] | None:
    """The files that AuthorizedKeysFile names for an account, absolute: auth2-pubkey.c of OpenSSH; None: not known."""
    value = effective.effects["AuthorizedKeysFile"].value
    return None if value is None else tuple(filled(pattern, login) for pattern in value if pattern.lower() != "none")


def plain(path: str) -> str:
    """A path without what means nothing in it: `/home/./anna//.ssh` is `/home/anna/.ssh`."""
    return _SAME.sub("/", path)


def filled(pattern: str, login: Login) -> str:
    """The file that one word of AuthorizedKeysFile means for an account; `..` stays: what it leads to depends on links."""
    told = {"%": "%", "h": login.home, "u": login.name, "U": str(login.uid)}
    path = _TOKEN.sub(lambda found: told[found[1]], pattern)
    return plain(path if path.startswith("/") else f"/{login.home}/{path}")
