"""dovecot: IMAP, POP3, submission and sieve. Source: src/login-common and src/auth of dovecot 1.2 to 2.4.

`user=<...>` is what the client sent; method, address and the rest come behind it, so the last ones are dovecot's. What the
processes behind it tell (auth, auth-worker) tells the same guess a second time, as PAM does.
"""

import re

from auditkit.logins.grammar.forms import IP, LONGEST, grammar, noise, says, usual
from auditkit.logins.nouns import PAM, Said, What

LOGIN = re.compile(
    r"(?:imap|pop3|submission|managesieve)-login: (?:Info: |Warning: )?(?P<how>[^<>]*?): "
    rf"(?:user=<(?P<user>.*)>, )?(?:method=(?P<method>[\w-]+), )?rip={IP}(?:, .*)?",
    re.DOTALL,
)
ATTEMPTS = re.compile(r"\((?:auth failed, ([0-9]{1,9}) attempts?|([0-9]{1,9}) authentication attempts?)\b")
SILENT = ("no auth attempts", "plaintext auth", "before auth was ready", "before greeting")
"""Why a connection ended on which nobody tried to log in."""
ANOTHER = {"EXTERNAL": "publickey", "GSSAPI": "gssapi", "ANONYMOUS": "anonymous"}
"""Ways to authenticate that are no password."""
WHY = r"(?:\S+ )?(?:pam_authenticate\(\) failed: |[Uu]nknown user|[Pp]assword mismatch|[Ii]nvalid credentials|user not found)"
_auth = grammar(
    says(What.FAILED, "", rf"(?:conn unix:\S+ \(.*?\): auth-worker<[0-9]+>: )?[\w-]+\((?P<user>.*),{IP}(?:,[^()]*)?\): {WHY}.*",
         method=PAM),
    *noise(""),
)  # fmt: skip
AUTH = re.compile(r"(?:dovecot: )?(?:auth|auth-worker)(?:\([^()]*\))?: (?:Info: |Error: |Debug: |Warning: )?")


def parse(message: str) -> Said | None:
    """What a message of dovecot says."""
    if "-login: " in message[:32]:
        return _login(message)
    auth = AUTH.match(message)
    return _auth(message[auth.end() :]) if auth else OTHER


def own(message: str) -> Said | None:
    """What a line of dovecot 1 says that it wrote into a log of its own: `Jun 23 15:04:05 Info: imap-login: Login: ...`."""
    return parse(message)


def auth(message: str) -> Said | None:
    """What a message says whose program is `auth` or `auth-worker`: in a log of dovecot's own, and of old."""
    return parse(f"auth: {message}")


def login(message: str) -> Said | None:
    """The same of `imap-login`, `pop3-login` and their kin."""
    return parse(f"imap-login: {message}")


def _login(message: str) -> Said | None:
    """What is told of one connection when it is let in, or ends."""
    found = LOGIN.fullmatch(message) if len(message) < LONGEST else None
    if found is None:
        return OTHER if "rip=" not in message else None
    how, user, method = found["how"], found["user"] or None, found["method"] or ""
    way = ANOTHER.get(method, "password")
    address = usual(found["address"])
    if how == "Login":
        return Said(What.ACCEPTED, user, address, method=way)
    if attempts := ATTEMPTS.search(how):
        return Said(What.FAILED, user, address, method=way, times=int(attempts[1] or attempts[2]) or 1)
    what = What.SCANNED if any(word in how for word in SILENT) else What.CLOSED
    return Said(what, user, address)


OTHER = Said(What.NOISE)
"""Mailboxes, deliveries and connections that were no logins."""
