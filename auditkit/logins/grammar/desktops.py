"""Screens to log in at, and cockpit: what they tell of logins, PAM and logind tell; the rest is of no interest."""

from auditkit.logins.grammar.forms import grammar, noise, says
from auditkit.logins.nouns import What

screen = grammar(*noise(""))
"""gdm, lightdm, sddm and their helpers."""
cockpit = grammar(
    says(What.ACCEPTED, "logged in user: ", r"(?P<user>\S+)"),
    *noise(""),
)
"""cockpit-ws; guesses are told through PAM."""
