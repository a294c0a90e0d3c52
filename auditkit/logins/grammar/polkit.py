"""polkit and pkexec: who ran what as whom. Source: polkit 0.105 to 126, src/programs/pkexec.c and src/polkitbackend."""

import re

from auditkit.logins.grammar.forms import first_of, grammar, noise, says
from auditkit.logins.grammar.shells import became
from auditkit.logins.nouns import Said, What

CALL = re.compile(
    r"(?P<actor>\S+): (?P<reason>[^\[]*?)\s*\[USER=(?P<user>[^\]]*)\] \[TTY=[^\]]*\] (?P<where>\[CWD=.*\] \[COMMAND=.*\])",
    re.DOTALL,
)
SEAM = "] [COMMAND="


def _pkexec(message: str) -> Said | None:
    """What is told of one call of pkexec; directory and arguments are what the caller chose."""
    found = CALL.fullmatch(message)
    if found is None:
        return None
    where = found["where"]
    command = where if where.count(SEAM) > 1 else where.partition(SEAM)[2].removesuffix("]")
    if found["reason"] == "Executing command":
        return Said(became(command), found["user"], detail=command, actor=found["actor"])
    return Said(What.DENIED, found["user"], detail=command, actor=found["actor"])


pkexec = first_of(_pkexec, grammar(*noise("The value for environment variable ", "The value for the SHELL variable ")))
"""What a message of pkexec says."""
daemon = grammar(
    says(What.RAN, "Operator of ", r"\S+ successfully authenticated as unix-user:(?P<user>\S+) to gain \S+ authorization "
         r"for action (?P<detail>\S+) for .* \(owned by unix-user:(?P<actor>[^()\s]*)\)"),
    *noise("Operator of ", "Registered Authentication Agent ", "Unregistered Authentication Agent ", "Loading rules ",
           "Finished ", "Acquired ", "Reloading rules", "Collecting garbage", "Error ", "started daemon ", "Started polkitd",
           "Compiled "),
)  # fmt: skip
"""What a message of polkitd says; the guesses behind a refusal are told by its helper, through PAM."""
