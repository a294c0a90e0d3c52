"""tinyssh: keys only, one connection a process. Source: packet_auth.c and log.c of tinyssh 2014 to 2025.

A message begins with a word for the connection and the level, so a name that was refused, told at level `debug`, imitates none.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error
from hashlib import sha256

from auditkit.logins.grammar.forms import IP, PORT, grammar, noise, says
from auditkit.logins.nouns import Said, What

HEAD = re.compile(r"(?:tinysshd: )?[A-Za-z0-9]{8}: (?=info|fatal|warning|debug|tracing|BUG)")
METHODS = {"unknown": "none", "none": "none", "password": "password", "hostbased": "hostbased"}
"""How it calls ways to log in; all others are kinds of keys."""
END = r" ?(?:\(.*\))?(?:\{[\w.]+:[0-9]+\})?"
_known = grammar(
    says(What.ACCEPTED, "info: auth: ", rf"(?P<user>.*): (?P<method>\S+) (?P<key>\S*) accepted{END}"),
    says(What.CONNECTED, "info: connection from ", rf"{IP}:{PORT}{END}"),
    says(What.FAILED, "debug: auth: ", rf"(?P<user>.*): (?P<method>\S+) rejected{END}"),
    says(What.EXCEEDED, "warning: auth: too many authentication tries", END),
    says(What.CLOSED, "fatal: authentication failed", END),
    says(What.ENDED, "info: finished", END),
    *noise("info: ", "debug: ", "tracing: ", "warning: ", "fatal: "),
)


def parse(message: str) -> Said | None:
    """What a message of tinysshd says."""
    head = HEAD.match(message)
    told = _known(message[head.end() :].rstrip("\n")) if head else None
    if told is None or told.what not in (What.ACCEPTED, What.FAILED):
        return told
    return told._replace(method=METHODS.get(told.method, "publickey"), key=_fingerprint(told.key))


def _fingerprint(blob: str) -> str:
    """As `ssh-keygen -l` shows it, of the base64 form of a public key."""
    try:
        raw = b64decode(blob, validate=True)
    except (Error, ValueError):
        return ""
    return "SHA256:" + b64encode(sha256(raw).digest()).decode().rstrip("=") if raw else ""
