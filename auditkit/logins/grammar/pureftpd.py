"""pure-ftpd: account and address in front, then the level. Source: log_*.c and messages_en.h of pure-ftpd 1.0.

The account in front can be what a client sent; one with blanks or brackets in it is not understood, and so counted.
"""

from auditkit.logins.grammar.forms import HOST, grammar, noise, says
from auditkit.logins.nouns import What

WHO = rf"[^\s()\[\]]*@{HOST}\)"
parse = grammar(
    says(What.FAILED, "(", rf"{WHO} \[WARNING\] Authentication failed for user \[(?P<user>.*)\]", method="password"),
    says(What.ACCEPTED, "(", rf"{WHO} \[INFO\] (?P<user>[^\[\]()]*) is now logged in", method="password"),
    says(What.ACCEPTED, "(", rf"{WHO} \[INFO\] Anonymous user logged in(?: the virtual FTP: .*)?", user="anonymous",
         method="anonymous"),
    says(What.DENIED, "(", rf"{WHO} \[\w+\] Can't login as \[(?P<user>.*)\]: account disabled", detail="it is disabled"),
    says(What.EXCEEDED, "(", rf"{WHO} \[\w+\] Too many authentication failures"),
    says(What.CONNECTED, "(", rf"{WHO} \[INFO\] New connection from \S+"),
    says(What.ENDED, "(", rf"{WHO} \[INFO\] Logout\."),
    says(What.NOISE, "(", r"[^\s()\[\]]*@[^\s()\[\]]*\) \[(?:NOTICE|DEBUG|ERROR|INFO|WARNING)\] .*"),
    *noise("[", "unable to ", "Unable to "),
)  # fmt: skip
"""What a message of pure-ftpd says."""
