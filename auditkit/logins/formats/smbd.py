"""The log of Samba, /var/log/samba/log.smbd: a line with stamp and place in the source, and the message below it."""

from auditkit.logins.formats.own import CLOCK, own

STAMP = rf"(?P<year>[0-9]{{4}})/(?P<month>[0-9]{{2}})/(?P<day>[0-9]{{2}}) {CLOCK}"
FORMAT = own("smbd", "log of Samba", rf"\[{STAMP}, +[0-9]+(?:,[^\]]*)?\] \S+\([\w.]+\)(?P<message>.*)")
