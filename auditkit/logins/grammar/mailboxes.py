"""Mailboxes of Cyrus, courier and UW. Source: imapd.c of cyrus-imapd 2.2 to 3.8, courier 0.5x to 1.x, uw-imap 2007."""

from auditkit.logins.grammar.forms import IP, PORT, first_of, grammar, says
from auditkit.logins.nouns import Said, What

HOST = rf"[^\s\[\]]*\s?\[{IP}\]"
cyrus = grammar(
    says(What.FAILED, "badlogin: ", rf"{HOST} \S+ (?:\[?SASL\(.*|authentication failure.*)", method="password"),
    says(What.FAILED, "badlogin: ", rf"{HOST} \S+ (?P<user>.*?) \[?SASL\(-?[0-9]+\): .*", method="password"),
    says(What.FAILED, "badlogin: ", rf"{HOST} \S+ (?P<user>\S+) .*", method="password"),
    says(What.ACCEPTED, "login: ", rf"{HOST} (?P<user>\S+) \S+(?: User logged in.*| SESSIONID=.*)?", method="password"),
)
ENDING = rf"ip=\[{IP}\](?:, port=\[{PORT}\])?"
courier = grammar(
    says(What.FAILED, "LOGIN FAILED, user=", rf"(?P<user>.*), {ENDING}", method="password"),
    says(What.FAILED, "LOGIN FAILED, method=", rf".*, {ENDING}", method="password"),
    says(What.ACCEPTED, "LOGIN, user=", rf"(?P<user>.*?), {ENDING}(?:, protocol=\w+)?(?:, stls=\d)?", method="password"),
)
uw = grammar(
    says(What.FAILED, "Login failed user=", rf"(?P<user>.*) auth=\S* host={HOST}", method="password"),
    says(What.EXCEEDED, "Login excessive login failures user=", rf"(?P<user>.*) auth=.* host={HOST}\s*"),
    says(What.DENIED, "Login disabled user=", rf"(?P<user>.*) auth=.* host={HOST}\s*"),
    says(What.FAILED, "Failed uwmaster override of user=", rf"(?P<user>.*?)\s+host={HOST}\s*", method="password"),
    says(What.FAILED, "AUTHENTICATE ", rf"\S+ failure host={HOST}", method="password"),
    says(What.ACCEPTED, "Login user=", rf"(?P<user>\S+) host={HOST}.*", method="password"),
    says(What.ACCEPTED, "Authenticated user=", rf"(?P<user>\S+) host={HOST}.*", method="password"),
)
_any = first_of(cyrus, courier, uw)


def parse(message: str) -> Said | None:
    """What a message of imapd, pop3d and their kin says, whichever of the three they are of."""
    return _any(message) or MAIL


MAIL = Said(What.NOISE)
"""Connections and mailboxes."""
