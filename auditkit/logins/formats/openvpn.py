"""The log of OpenVPN, where it writes one itself: `2025-11-24 10:00:00 192.0.2.1:1194 ...`, as ctime(3) before 2.5."""

from auditkit.logins.formats.own import CLOCK, CTIME, DATE, own

PEER = r"[0-9a-fA-F:.]+:[0-9]{1,5} (?:TLS|VERIFY|Control Channel|\[|peer info|WARNING|Connection)"
FIRST = rf"OpenVPN 2\.|Initialization Sequence|{PEER}"
"""How messages begin by which such a log is known."""
FORMAT = own("openvpn", "log of OpenVPN", rf"{DATE} {CLOCK} (?:us=[0-9]+ )?(?P<message>.*)", FIRST)
OLD = own("openvpn", "log of OpenVPN", rf"{CTIME} (?:us=[0-9]+ )?(?P<message>.*)", FIRST)
