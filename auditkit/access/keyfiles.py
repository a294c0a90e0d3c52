"""Where sshd looks for the keys of an account: AuthorizedKeysFile of sshd_config(5) with its words filled in; what is there."""

import re
from collections.abc import Mapping
from functools import lru_cache

from auditkit.access import needs
from auditkit.access.nouns import Login
from auditkit.answers import SIDE_BY_SIDE
from auditkit.keys import authorized
from auditkit.keys.authorized import Line
from auditkit.model import Evidence, Gap, Means
from auditkit.sshd.effective import Effective

_TOKEN = re.compile("%([%huU])")
_SAME = re.compile(r"/(?:\./)*/*")


@lru_cache(SIDE_BY_SIDE)
def taken(evidence: Evidence) -> Mapping[str, tuple[Line | Gap, ...]]:
    """The lines of every file of keys that was taken, by its path: in usual places, and where a server was seen to look."""
    usual, why = tuple(need.what for need in needs.KEYS), needs.KEYS[0].why
    files = (one for one in evidence.items if one.need.means is Means.FILE)
    found = {one.source: one for one in files if one.need.what in usual or one.need.why == why}
    return {path: tuple(authorized.parse(one.data, path)) for path, one in found.items()}


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
