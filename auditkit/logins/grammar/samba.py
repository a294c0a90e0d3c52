"""Samba: what its log of authentications says, in words and in JSON. Source: auth/auth_log.c of samba 4.7 to 4.22.

Domain, name and workstation are what the client sent, before and behind the status. A line in words with a part twice is not
understood, and so counted; JSON holds them apart.
"""

import json
import re

from auditkit.logins.grammar.forms import LONGEST, usual
from auditkit.logins.nouns import Said, What

WORDS = re.compile(
    r"Auth: \[.*?\] user \[.*?\]\\\[(?P<user>.*?)\] at \[.*?\] with \[.*?\] status \[(?P<status>\w+)\] workstation \[.*?\]"
    r" remote host \[ipv[46]:(?P<address>.*?):(?P<port>[0-9]{1,5})\] (?P<became>became|mapped to) .*",
    re.DOTALL,
)
ONCE = ("] user [", "] at [", "] with [", "] status [", "] workstation [", "] remote host [ipv")
REMOTE = re.compile(r"ipv[46]:(?P<address>.*):(?P<port>[0-9]{1,5})")
RIGHT, NOBODY = "NT_STATUS_OK", "NT_STATUS_NO_SUCH_USER"
CLOSED = frozenset(
    "NT_STATUS_" + why
    for why in ("ACCOUNT_DISABLED", "ACCOUNT_EXPIRED", "ACCOUNT_LOCKED_OUT", "ACCOUNT_RESTRICTION", "PASSWORD_EXPIRED",
                "PASSWORD_MUST_CHANGE", "INVALID_LOGON_HOURS", "INVALID_WORKSTATION", "LOGON_TYPE_NOT_GRANTED")
)  # fmt: skip


def parse(message: str) -> Said | None:
    """What a message of smbd, winbindd or samba says."""
    text = message.strip()
    if text.startswith("Auth: ["):
        return _words(text)
    start = text.find("{") if text.startswith(("JSON Authentication: {", '{"')) else -1
    return _json(text[start:]) if start >= 0 and len(text) < 65536 else OTHER


def _words(text: str) -> Said | None:
    if len(text) > LONGEST or any(text.count(part) != 1 for part in ONCE):
        return None
    found = WORDS.fullmatch(text)
    if found is None or (found["status"] == RIGHT) != (found["became"] == "became"):
        return None
    return _told(found["status"], found["user"], found["address"], int(found["port"]))


def _json(text: str) -> Said | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    said = record.get("Authentication") if isinstance(record, dict) else None
    if not isinstance(said, dict):
        return OTHER
    remote = REMOTE.fullmatch(str(said.get("remoteAddress")))
    user = said.get("mappedAccount") or said.get("clientAccount")
    address, port = (remote["address"], int(remote["port"])) if remote else ("", None)
    return _told(str(said.get("status")), str(user) if user else None, address, port)


def _told(status: str, user: str | None, address: str, port: int | None) -> Said:
    """What a status amounts to; who is let in with no name is a guest."""
    if status == RIGHT:
        return Said(What.ACCEPTED, user, usual(address), port, "password" if user else "anonymous")
    if status in CLOSED:
        return Said(What.DENIED, user, usual(address), port, detail=status)
    return Said(What.FAILED, user, usual(address), port, "password", detail=status)


OTHER = Said(What.NOISE)
