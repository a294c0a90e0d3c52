"""The log of proftpd, /var/log/proftpd/proftpd.log: no colon behind the pid, and before 1.3.5 a stamp without a year."""

import re
from dataclasses import replace

from auditkit.logins.formats.own import CLOCK, DATE, own

WHO = r"(?P<host>\S+) proftpd\[(?P<pid>[0-9]+)\] (?P<message>.*)"
FORMAT = own("proftpd", "log of proftpd", rf"{DATE} {CLOCK} {WHO}")
SYSLOG = re.compile(r"(?:^|/)(?:auth|authlog|secure|messages|syslog|daemon|user)(?:\.log)?(?:[-.][-0-9.]+)?(?:\.\w+)?$")
"""Logs of syslogd: `logger -t 'proftpd[1] x'` writes just such lines into them, and would hide all of the others."""
_old = own("proftpd", "log of proftpd", rf"(?P<month>[A-Z][a-z]{{2}}) (?P<day>[ 0-9]?[0-9]) {CLOCK} {WHO}")


def recognises(name: str, beginning: bytes) -> bool:
    """Whether a log that is none of syslogd's has such lines."""
    return not SYSLOG.search(name) and _old.recognises(name, beginning)


OLD = replace(_old, recognises=recognises)
