"""cron, crontab, at and anacron: a crontab that was changed is told, the jobs that run are of no interest.

The name in front is that of the account, the command behind it is whatever stands in its crontab. Source: vixie cron, cronie,
Debian's cron, busybox.
"""

import re

from auditkit.logins.grammar.forms import grammar, noise, says
from auditkit.logins.nouns import Said, What

JOB = re.compile(r"\([^()]*\) (?:CMD|CMDEND|CMDOUT) \(")
_known = grammar(
    says(What.SCHEDULED, "(", r"(?P<actor>[^()]*)\) (?P<detail>REPLACE|BEGIN EDIT|DELETE) \((?P<user>[^()]*)\)"),
    says(What.SCHEDULED, "(", r"(?P<user>[^()]*)\) (?P<detail>RELOAD(?: \([^()]*\))?)"),
    says(What.DENIED, "(", r"(?P<actor>[^()]*)\) AUTH \((?P<detail>crontab command not allowed)\)"),
    says(What.DENIED, "(", r"(?P<user>[^()]*)\) (?P<detail>FAILED to authorize user with PAM.*|AUTH \(.*\))"),
    says(What.NOISE, "(",
         r"[^()]*\) (?:END EDIT|LIST|INFO|STARTUP|MAIL|OUTPUT|ORPHAN|CAN'T|FAILED|ERROR|error|WRONG|INSECURE|BAD|NO|"
         r"NOTICE|DEATH|REBOOT|SHUTDOWN|RANDOM_DELAY|getpwnam|UNSAFE|WARNING|EXIT|TABLE|SYMLINK|NOT|MISSING|STAT|PID|EDIT|chdir)\b.*"),
    *noise(
        "USER ", "crond ", "crond:", "user:", "Job ", "Jobs ", "Anacron ", "Normal exit", "Will run ", "Can't ", "Updated ",
        "Starting job ",
        "File ", "Removed stale ", "wakeup ", "ignoring ", "unable to ", "failed ", "exiting", "can't ", "Exec failed ",
        "Error ",
    ),
)  # fmt: skip


def parse(message: str) -> Said | None:
    """What a message of cron and its kin says."""
    if JOB.match(message):
        return JOB_RUNS
    return _known(message)


JOB_RUNS = Said(What.NOISE)
"""One for all of them: logs are full of these."""
