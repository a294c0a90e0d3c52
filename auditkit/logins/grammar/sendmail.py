"""sendmail, and saslauthd that it and others ask. Source: srvrsmtp.c of sendmail 8.12 to 8.18, saslauthd of cyrus-sasl 2."""

import re

from auditkit.logins.grammar.forms import IP, grammar, says
from auditkit.logins.nouns import PAM, Said, What

ID = re.compile(r"(?:[0-9A-Za-z]{10,20}|NOQUEUE): ")
RELAY = rf"(?:[^\s\[\],]+ )?\[(?:IPv6:)?{IP}\](?: \(may be forged\))?"
_known = grammar(
    says(What.ACCEPTED, "AUTH=server, relay=", rf"{RELAY}, authid=(?P<user>.*), mech=\S+, bits=[0-9]+.*?", method="password"),
    says(What.FAILED, "AUTH failure (", rf"[\w-]+\): .*, user=(?P<user>.*), relay={RELAY}", method="password"),
    says(What.FAILED, "AUTH failure (", rf"[\w-]+\): .*, relay={RELAY}", method="password"),
    says(What.EXCEEDED, "", rf"{RELAY}: possible SMTP attack: command=AUTH, count=[0-9]+"),
)


def parse(message: str) -> Said | None:
    """What a message of sendmail says; the number of the mail in front is left out."""
    number = ID.match(message)
    return _known(message[number.end() :] if number else message) or MAIL


MAIL = Said(What.NOISE)
"""What is told of mails."""
_sasl = grammar(
    says(What.FAILED, "do_auth         : auth failure: [user=",
         r"(?P<user>.*)\] \[service=\S*\] \[realm=.*\] \[mech=\w+\] \[reason=.*\]", method=PAM),
)  # fmt: skip


def saslauthd(message: str) -> Said | None:
    """What a message of saslauthd says: the guess that the mail server tells, without its address."""
    return _sasl(message) or MAIL
