"""What logread of OpenWrt prints: `Mon Nov 24 10:00:00 2025 authpriv.warn dropbear[6862]: ...`."""

from auditkit.logins.formats.own import CTIME, own

FORMAT = own(
    "logread",
    "log of OpenWrt",
    rf"{CTIME} (?:\w+\.\w+) (?P<program>[^\s\[:]+)(?:\[(?P<pid>[0-9]+)\])?: (?P<message>.*)",
)
