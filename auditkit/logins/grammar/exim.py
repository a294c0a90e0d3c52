"""exim: who logged in to send mail, and who tried, in its main log or through syslog. Source: exim 4, src/receive.c.

The greeting in round brackets is what the client sent, `set_id` too; the address in square brackets between them is exim's. A
greeting with a blank in it, that an administrator has to allow, is not understood, and so counted.
"""

import re

from auditkit.logins.grammar.forms import IP, PORT, grammar, noise, says
from auditkit.logins.nouns import Said, What

STAMP = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}(?:\.[0-9]+)? (?:[+-][0-9]{4} )?)?(?:\[[0-9]+\] )?")
"""What stands before the message, where syslog brings a stamp besides."""
HOST = rf"(?:[^\s\[\]()]+ )?(?:\(\S*\) )?\[{IP}\](?::{PORT})?(?: I=\[\S*?\](?::[0-9]+)?)?(?: U=\S+)?"
SENDER = r'(?:"(?:[^"\\]|\\.)*"@[^\s"]+|[^\s"]\S*)'
_known = grammar(
    says(What.FAILED, "", rf"[\w-]+ authenticator failed for (?:H=)?{HOST}: 535 Incorrect authentication data"
         r"(?: \(set_id=(?P<user>.*)\))?(?:: [0-9]+ Time\(s\))?\s*", method="password"),
    says(What.UNKNOWN, "", r"[\w-]+ authenticator failed for .*: 535 .*"),
    says(What.ACCEPTED, "",
         rf"[\w-]+ <= {SENDER} H={HOST} P=\w*a(?: [A-Z]+=[^\s\"]+| K| L\.?| DN=\"[^\"]*\")*? A=\w+:(?P<user>\S+)"
         r"(?: .*)?", method="password"),
    says(What.ACCEPTED, "", rf"[\w-]+ <= {SENDER} H={HOST} P=e?(?:smtp|asmtp)s?a(?: .*)?", method="password"),
    says(What.SCANNED, 'SMTP protocol error in "AUTH ', rf"[^\"]*\" H={HOST} AUTH command used when not advertised\s*"),
)  # fmt: skip


def parse(message: str) -> Said | None:
    """What a message of exim says; with or without a stamp of its own in front."""
    stamp = STAMP.match(message)
    told = _known(message[stamp.end() :] if stamp else message)
    if told is None:
        return MAIL
    return None if told.what is What.UNKNOWN else told


MAIL = Said(What.NOISE)
"""What is told of mails, and of connections without a login."""
other = grammar(*noise(""))
