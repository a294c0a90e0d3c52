"""proftpd: its lines through syslog and in its own log, FTP and SFTP. Source: mod_auth.c and log.c of proftpd 1.2 to 1.3.8.

Server, client and address stand in front, where no client reaches; the name that was tried comes behind them.
"""

import re

from auditkit.logins.grammar.forms import IP, grammar, noise, says, usual
from auditkit.logins.nouns import Said, What

HEAD = re.compile(rf"\S* ?\((?:[^()\[\]\s]*)\[{IP}\]\)(?: -|:)? ")
NOBODY = "no such account"
_known = grammar(
    says(What.ACCEPTED, "USER ", r"(?P<user>.*): Login successful\.?\s*", method="password"),
    says(What.ACCEPTED, "ANON ", r"(?P<user>.*): Login successful\.?\s*", method="anonymous"),
    says(What.FAILED, "USER ", rf"(?P<user>.*): no such user found(?: from \S* ?\[{IP}\] to \S+)?\s*", method="password",
         detail=NOBODY),
    says(What.FAILED, "USER ", r"(?P<user>.*) \(Login failed\): No such user found\.?\s*", method="password", detail=NOBODY),
    says(What.FAILED, "USER ", r"(?P<user>.*) \(Login failed\): (?P<detail>Incorrect password|Password expired)\.?\s*",
         method="password"),
    says(What.DENIED, "USER ", r"(?P<user>.*) \(Login failed\): (?P<detail>.*?)\s*"),
    says(What.FAILED, "SECURITY VIOLATION: ", r"(?i:root login attempted).*", user="root", method="password"),
    says(What.FAILED, "SECURITY VIOLATION: Root login attempted", ".*", user="root", method="password"),
    says(What.EXCEEDED, "Maximum login attempts (", r"[0-9]+\) exceeded.*"),
    says(What.CONNECTED, "FTP session opened.", r"\s*"),
    says(What.CONNECTED, "SSH2 session opened.", r"\s*"),
    says(What.ENDED, "FTP session closed.", r"\s*"),
    says(What.ENDED, "SSH2 session closed.", r"\s*"),
    says(What.REFUSED, "Connection from ", r".* denied.*"),
    *noise("FTP ", "SSH2 ", "Preparing to chroot", "Connection ", "notice: ", "Client session idle", "Data transfer ",
           "no such", "Login ",
           "mod_", "Refused ", "error ", "user ", "Environment ", "chroot", "unable to ", "received ", "ROOT "),
)  # fmt: skip
_daemon = grammar(
    says(What.REFUSED, "refused connect from ", rf".*\({IP}\)"),
    *noise("ProFTPD ", "daemon ", "mod_", "error ", "warning", "notice", "fatal", "unable ", "Fatal", "Deprecated",
           "received ", "master "),
    says(What.NOISE, "", r"\S+(?: -|:) .*"),
)  # fmt: skip


def parse(message: str) -> Said | None:
    """What a message of proftpd says."""
    head = HEAD.match(message)
    if head is None:
        return _daemon(message)
    told = _known(message[head.end() :])
    if told is None or told.what is What.NOISE:
        return told
    return told._replace(address=usual(head["address"]))
