"""The main log of exim, /var/log/exim4/mainlog, with or without zone and pid: `2025-11-24 10:00:00 +0100 [123] ...`."""

from auditkit.logins.formats.own import CLOCK, DATE, OFFSET, own

FIRST = (
    r"[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} (?:<=|=>|->|\*\*|==|Completed)|[\w-]+ authenticator failed for |exim \d"
    r"|(?:Start|End) queue run|SMTP (?:connection|protocol|call) |no host name found |H=\S* ?(?:\(\S*\) )?\["
)
FORMAT = own(
    "exim",
    "main log of exim",
    rf"{DATE} {CLOCK}(?: {OFFSET})?(?: \[(?P<pid>[0-9]+)\])? (?P<message>.*)",
    FIRST,
    r"(?:^|/)(?:exim_?)?mainlog(?:[-.][-0-9.]+)?(?:\.\w+)?$",
)
