"""A line for cron (crontab(5)): at a minute of this machine's own within the delay, so that offices do not start at once."""

import shlex

from auditkit.errors import UsageError
from auditkit.schedules import Made, Plan

PLACE = "/etc/cron.d/auditkit"
DAY = 24 * 60
MISSING = (
    "cron does not make up for a night when the machine was off, and tells nobody of a run that was killed before the next one:"
    " systemd units do both"
)
_FILE = """\
# auditkit: what is new on our machines, every night; cron mails what it writes
SHELL=/bin/sh
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LANG=C.UTF-8
MAILTO={user}
{minute} {hour} * * * {user} {command}
"""


def made(plan: Plan, folder: str | None, again: str) -> Made:
    """The file for /etc/cron.d; `folder` is where a person finds it, `again` the command that writes it to one.

    Raises:
        UsageError: a word has a line break in it, which no line of cron may have.
    """
    at = (plan.hour * 60 + plan.minute + (plan.spread % plan.delay // 60 if plan.delay >= 60 else 0)) % DAY
    words = [*plan.program, "nightly", "--quiet", *plan.options, *plan.settings]
    if not all(word.isprintable() for word in words):
        raise UsageError(
            "a line of cron cannot have a line break or a control character in it", "use systemd units, or rename it"
        )
    command = shlex.join(words).replace("%", "\\%")
    if plan.notified:  # the notice has its own way; what goes wrong has cron's
        command += " >/dev/null"
    text = _FILE.format(minute=at % 60, hour=at // 60, user=plan.user, command=command)
    place = folder or "units"
    owner = "" if plan.user == "root" else f"-o {shlex.quote(plan.user)} "
    return Made(
        files={PLACE: text},
        install=(
            *(() if folder else (again,)),
            f"sudo install -d -m 700 {owner}{shlex.quote(plan.store)}",
            f"sudo install -m 644 {shlex.quote(f'{place}/auditkit')} {PLACE}",
        ),
        undo=(f"sudo rm {PLACE}",),
        see=(f"sudo -u {plan.user} {shlex.join(words)}; echo $?",),
        notes=(MISSING,),
    )
