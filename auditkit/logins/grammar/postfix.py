"""postfix: who logged in to send mail, and who tried. Source: src/smtpd of postfix 2.6 to 3.10.

The client's name and address stand in front, where no client reaches: names of hosts hold no brackets.
"""

from auditkit.logins.grammar.forms import IP, PORT, grammar, noise, says
from auditkit.logins.nouns import Said, What

CLIENT = rf"[^\s\[\]]*\[{IP}\](?::{PORT})?"
_known = grammar(
    says(What.NOISE, "warning: ", rf"{CLIENT}: SASL \S+ authentication failed: Connection lost to authentication server.*"),
    says(What.FAILED, "warning: ",
         rf"{CLIENT}: SASL \S+ authentication (?:failed|aborted)(?::.*?)?(?:, sasl_username=(?P<user>.*))?",
         method="password"),
    says(What.ACCEPTED, "",
         rf"[0-9A-Za-z]+: client={CLIENT}, sasl_method=\S+, sasl_username=(?P<user>.*?)(?:, sasl_sender=.*)?",
         method="password"),
    says(What.ACCEPTED, "", rf"[0-9A-Za-z]+: client={CLIENT}, orig_client=\S*, sasl_method=\S+, sasl_username=(?P<user>.*)",
         method="password"),
    says(What.EXCEEDED, "too many errors after AUTH from ", CLIENT),
    says(What.CLOSED, "lost connection after AUTH from ", CLIENT),
)  # fmt: skip


def smtpd(message: str) -> Said | None:
    """What a message of smtpd says, under whichever name the service runs."""
    return _known(message) or MAIL


MAIL = Said(What.NOISE)
"""What is told of mails, and of connections without a login."""
other = grammar(*noise(""))
"""What the other programs of postfix say."""
