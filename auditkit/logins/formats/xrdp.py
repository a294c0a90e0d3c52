"""The log of xrdp-sesman, /var/log/xrdp-sesman.log: `[20251124-10:00:00] [INFO ] ...`, since 0.10 with an offset."""

from auditkit.logins.formats.own import CLOCK, OFFSET, own

FORMAT = own(
    "xrdp-sesman",
    "log of xrdp-sesman",
    rf"\[(?P<year>[0-9]{{4}})-?(?P<month>[0-9]{{2}})-?(?P<day>[0-9]{{2}})[-T]{CLOCK}{OFFSET}?\] (?P<message>\[[A-Z]+ *\] .*)",
)
