"""vsftpd: its own log, and the same lines through syslog. Source: logging.c of vsftpd 2 and 3.

The name in brackets is what the client sent, and what stands in quotes behind the address too: a password of an anonymous
guest, a command. A line with two places where the one could end and the other begin is not understood, and so counted.
"""

import re

from auditkit.logins.grammar.forms import IP, grammar, noise, says
from auditkit.logins.nouns import Said, What

SEAM = re.compile(r"\] (?:(?:OK|FAIL) [A-Z]+|FTP command|FTP response|DEBUG): Client \"[^\"]*\"(?=$|, )")
"""Where a name can end: what follows is as vsftpd writes it."""
PID = re.compile(r"\[pid [0-9]+\] ")
CLIENT = rf'Client "{IP}"'
_known = grammar(
    says(What.CONNECTED, "CONNECT: ", CLIENT),
    says(What.REFUSED, "CONNECT: ", rf'{CLIENT}, "(?P<detail>.*)"'),
    says(What.ACCEPTED, "[", rf"(?P<user>.*)\] OK LOGIN: {CLIENT}", method="password"),
    says(What.ACCEPTED, "[", rf'(?P<user>[^\]"]*)\] OK LOGIN: {CLIENT}, anon password ".*"', method="anonymous"),
    says(What.FAILED, "[", rf'(?P<user>.*)\] FAIL LOGIN: {CLIENT}(?:, "(?P<detail>.*)")?', method="password"),
    says(What.NOISE, "[", rf"[^\]]*\] (?:(?:OK|FAIL) (?!LOGIN)[A-Z]+|FTP command|FTP response|DEBUG): {CLIENT}.*"),
    *noise("FTP command: ", "FTP response: ", "DEBUG: "),
)


def parse(message: str) -> Said | None:
    """What a message of vsftpd says, with or without `[pid N]`."""
    pid = PID.match(message)
    text = message[pid.end() :] if pid else message
    if text.startswith("[") and len(SEAM.findall(text)) > 1:
        return None
    return _known(text)
