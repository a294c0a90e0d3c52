"""The old FTP servers: wu-ftpd, and ftpd of BSD and netkit."""

from auditkit.logins.grammar.forms import HOST, IP, grammar, noise, says
from auditkit.logins.nouns import What

parse = grammar(
    says(What.FAILED, "failed login from ", rf"\S* ?\[{IP}\](?:, (?P<user>.*))?", method="password"),
    says(What.ACCEPTED, "FTP LOGIN FROM ", rf"\S+ \[{IP}\], (?P<user>.*)", method="password"),
    says(What.ACCEPTED, "FTP LOGIN FROM ", rf"{HOST} as (?P<user>\S+)(?: \(class: .*\))?", method="password"),
    says(What.ACCEPTED, "ANONYMOUS FTP LOGIN FROM ", rf"\S+ \[{IP}\], .*", user="anonymous", method="anonymous"),
    says(What.ACCEPTED, "ANONYMOUS FTP LOGIN FROM ", rf"{HOST}, .*", user="anonymous", method="anonymous"),
    says(What.FAILED, "FTP LOGIN FAILED FROM ", rf"{HOST}(?:, (?P<user>.*))?", method="password"),
    says(What.EXCEEDED, "repeated login failures from ", rf"{HOST}(?: [\[(].*[\])])?(?:, (?P<user>.*))?"),
    says(What.DENIED, "FTP LOGIN REFUSED ", rf"\(.*\) FROM \S+ \[{IP}\], (?P<user>.*)"),
    says(What.DENIED, "FTP LOGIN REFUSED FROM ", rf"{HOST}(?:, (?P<user>.*))?"),
    says(What.CONNECTED, "connection from ", rf"\S+ \({IP}\)(?: .*)?"),
    says(What.CONNECTED, "connection from ", rf"{HOST}(?: .*)?"),
    says(What.CONNECTED, "connect from ", rf"{HOST}(?: .*)?"),
    *noise("FTP session closed", "lost connection ", "getpeername", "User ", "NOTICE: ", "exiting", "timed out", "ANONYMOUS "),
)
"""What a message of these says."""
