"""What the log, the clock and the machine itself say: when logging began, ended or lost lines, boots, clock steps, rotations.

rsyslogd, syslogd, syslog-ng, systemd-journald, the kernel, systemd, timesyncd, chronyd and ntpd. What else they write says
nothing of logins.
"""

from auditkit.logins.grammar.forms import first_of, grammar, says
from auditkit.logins.nouns import Parse, Said, What


def _else(_message: str) -> Said:
    return Said(What.NOISE)


rsyslogd: Parse = first_of(
    grammar(
        says(What.LOG_BEGAN, '[origin software="rsyslogd"', r".*\] (?P<detail>start|restart)"),
        says(What.LOG_ENDED, '[origin software="rsyslogd"', r".*\] (?P<detail>exiting on signal [0-9]+)\.?"),
        says(What.LOG_BEGAN, '[origin software="rsyslogd"', r".*\] rsyslogd was (?P<detail>HUPed).*"),
        says(What.UNLOGGED, "imuxsock lost ", r"(?P<times>[0-9]{1,9}) messages from pid (?P<detail>[0-9]+) due to .*"),
        says(What.UNLOGGED, "imuxsock", r".*: (?P<times>[0-9]{1,9}) messages lost due to rate-limiting.*"),
        says(What.UNLOGGED, "imjournal: ", r"(?P<times>[0-9]{1,9}) messages lost due to rate-limiting.*"),
        says(What.UNLOGGED, "", r".*?(?P<times>[0-9]{1,9}) messages lost due to rate-limiting.*"),
    ),
    _else,
)  # fmt: skip
syslogd: Parse = first_of(
    grammar(
        says(What.LOG_BEGAN, "", r"(?:syslogd )?(?P<detail>[0-9.#]+\S*: restart|restart)\.?"),
        says(What.LOG_ENDED, "", r"(?P<detail>exiting on signal [0-9]+)\.?"),
        says(What.LOG_BEGAN, "syslog-ng starting up", r"(?P<detail>.*)"),
        says(What.LOG_ENDED, "syslog-ng shutting down", r"(?P<detail>.*)"),
    ),
    _else,
)
journald: Parse = first_of(
    grammar(
        says(What.LOG_BEGAN, "Journal started", r"(?P<detail>.*)"),
        says(What.LOG_ENDED, "Journal stopped", r"(?P<detail>.*)"),
        says(What.LOG_ENDED, "Received SIGTERM", r"(?P<detail>.*)"),
        says(What.UNLOGGED, "Suppressed ", r"(?P<times>[0-9]{1,9}) messages from (?P<detail>.*)"),
        says(What.UNLOGGED, "Missed ", r"(?P<times>[0-9]{1,9}) kernel messages(?P<detail>.*)"),
        says(What.UNLOGGED, "Forwarding to syslog missed ", r"(?P<times>[0-9]{1,9}) messages\.?"),
    ),
    _else,
)
kernel: Parse = first_of(
    grammar(
        says(What.BOOTED, "", r"(?:\[ *[0-9.]+\] ?)?Linux version (?P<detail>\S+).*"),
        says(What.STOPPED, "", r"(?:\[ *[0-9.]+\] ?)?reboot: (?P<detail>.*)"),
        says(What.LOG_BEGAN, "", r"(?:imklog|klogd) .*?, log source = (?P<detail>\S+) started\."),
        says(What.LOG_ENDED, "Kernel logging ", r"\(proc\) stopped\."),
    ),
    _else,
)
systemd: Parse = first_of(
    grammar(
        says(What.STOPPED, "Reached target ", r"(?:\S+ - )?(?P<detail>(?:System )?(?:Shutdown|Power.Off|Reboot|Final Step)).*"),
        says(What.STOPPED, "Starting ", r"(?P<detail>Power-Off|Reboot|Power Off).*"),
        says(What.STOPPED, "Shutting down."),
        says(What.CLOCK, "Time has been changed", detail="the clock was set"),
        says(What.CLOCK, "System time advanced to ", r"(?P<detail>.*)"),
        says(What.LOG_ENDED, "Stopping ", r"(?:rsyslog\.service - )?(?P<detail>System Logging Service).*"),
        says(What.LOG_ENDED, "Stopped ", r"(?:rsyslog\.service - )?(?P<detail>System Logging Service).*"),
        says(What.LOG_BEGAN, "Started ", r"(?:rsyslog\.service - )?(?P<detail>System Logging Service).*"),
    ),
    _else,
)  # fmt: skip
clock: Parse = first_of(
    grammar(
        says(What.CLOCK, "Initial synchronization to time server", r"(?P<detail>.*)"),
        says(What.CLOCK, "Initial clock synchronization to ", r"(?P<detail>.*)"),
        says(What.CLOCK, "System clock time unset or jumped backwards, ", r"(?P<detail>.*)"),
        says(What.CLOCK, "System clock was stepped by ", r"(?P<detail>\S+) seconds"),
        says(What.CLOCK, "Backward time jump detected!"),
        says(What.CLOCK, "Forward time jump detected!"),
        says(What.CLOCK, "", r"(?:(?:time reset|step time server \S+ offset|time stepped by) )(?P<detail>\S+).*"),
    ),
    _else,
)
