"""Webmin and Usermin: the administration of a machine in a browser. Source: miniserv.pl of Webmin 1.x and 2.x.

The name is what was typed; the address stands behind it.
"""

from auditkit.logins.grammar.forms import HOST, grammar, noise, says
from auditkit.logins.nouns import What

parse = grammar(
    says(What.ACCEPTED, "Successful login as ", rf"(?P<user>.*) from {HOST}\s*", method="password"),
    says(What.FAILED, "Invalid login as ", rf"(?P<user>.*) from {HOST}\s*", method="password"),
    says(What.FAILED, "Non-existent login as ", rf"(?P<user>.*) from {HOST}\s*", method="password", detail="no such account"),
    says(What.EXCEEDED, "Security alert: Host ", rf"{HOST} blocked after [0-9]+ failed logins for user (?P<user>.*)"),
    says(What.DENIED, "Expired login as ", rf"(?P<user>.*) from {HOST}\s*", detail="its password has expired"),
    says(What.ENDED, "Logout by ", rf"(?P<user>.*) from {HOST}\s*"),
    *noise("Webmin starting", "Webmin stopping", "Usermin ", "Timeout of session for ", "Reloading ", "Session ", "Restarting"),
)
"""What a message of Webmin says."""
