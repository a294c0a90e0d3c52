"""The log of proftpd, /var/log/proftpd/proftpd.log: no colon behind the pid, and before 1.3.5 a stamp without a year."""

from auditkit.logins.formats.own import CLOCK, DATE, own

WHO = r"(?P<host>\S+) proftpd\[(?P<pid>[0-9]+)\] (?P<message>.*)"
FORMAT = own("proftpd", "log of proftpd", rf"{DATE} {CLOCK} {WHO}")
OLD = own("proftpd", "log of proftpd", rf"(?P<month>[A-Z][a-z]{{2}}) (?P<day>[ 0-9]?[0-9]) {CLOCK} {WHO}")
