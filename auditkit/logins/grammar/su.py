"""su: who became whom, and who tried. Source: util-linux, shadow, busybox and BSD."""

from auditkit.logins.grammar.forms import grammar, noise, says
from auditkit.logins.nouns import PAM, What

parse = grammar(
    says(What.BECAME, "(to ", r"(?P<user>\S+)\) (?P<actor>.*) on \S+"),
    says(What.FAILED, "FAILED SU (to ", r"(?P<user>\S+)\) (?P<actor>.*) on \S+", method="password"),
    says(What.BECAME, "Successful su for ", r"(?P<user>.*) by (?P<actor>\S*)"),
    says(What.FAILED, "FAILED su for ", r"(?P<user>.*) by (?P<actor>\S*)", method="password"),
    says(What.FAILED, "BAD SU ", r"(?P<actor>\S+) to (?P<user>\S+)(?: on \S+)?", method="password"),
    # busybox tells a refusal by this alone, shadow in words besides: it counts where there are none, as what PAM says
    says(What.FAILED, "- ", r"\S+ (?P<actor>[^\s:]*):(?P<user>\S*)", method=PAM),
    says(What.BECAME, "+ ", r"\S+ (?P<actor>[^\s:]*):(?P<user>\S*)"),
    says(What.BECAME, "'su ", r"(?P<user>\S+)' succeeded for (?P<actor>\S+) on \S+"),
    says(What.FAILED, "'su ", r"(?P<user>\S+)' failed for (?P<actor>\S+) on \S+", method="password"),
    says(What.BECAME, "succeeded: ", r"\S+ changing from (?P<actor>\S+) to (?P<user>\S+)"),
    says(What.FAILED, "failed: ", r"\S+ changing from (?P<actor>\S+) to (?P<user>\S+)", method="password"),
    says(What.BECAME, "", r"(?P<actor>\S+) to (?P<user>\S+) on \S+"),
    *noise("pam_authenticate: ", "ignoring shell ", "No passwd entry for user ", "using restricted shell ", "The options "),
)
"""What a message of su says."""
