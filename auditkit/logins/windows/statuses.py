"""Why Windows refused somebody: NTSTATUS of 4625 and 4776, and the codes of Kerberos in 4768 and 4771."""

from auditkit.logins.nouns import What

STATUSES: dict[int, tuple[What, str]] = {
    0xC0000064: (What.FAILED, "no such user"),
    0xC000006A: (What.FAILED, "wrong password"),
    0xC000006D: (What.FAILED, "wrong user name or password"),
    0xC000006E: (What.DENIED, "account restriction"),
    0xC000006F: (What.CREDENTIAL_HELD, "outside of the hours that are allowed"),
    0xC0000070: (What.CREDENTIAL_HELD, "from a machine that is not allowed"),
    0xC0000071: (What.CREDENTIAL_HELD, "password expired"),
    0xC0000072: (What.FAILED, "account disabled"),
    0xC000015B: (What.CREDENTIAL_HELD, "may not log on in this way"),
    0xC0000193: (What.DENIED, "account expired"),
    0xC0000224: (What.CREDENTIAL_HELD, "password must be changed first"),
    0xC0000234: (What.FAILED, "account locked"),
    0xC0000413: (What.CREDENTIAL_HELD, "may not log on to this machine"),
}
"""By SubStatus, or by Status where that says nothing (ntstatus.h; Microsoft's page of event 4625)."""
KERBEROS: dict[int, tuple[What, str]] = {
    0x6: (What.FAILED, "no such user"),
    0x12: (What.FAILED, "account disabled, expired or locked"),
    0x17: (What.DENIED, "password expired"),
    0x18: (What.FAILED, "wrong password"),
}
"""By Status (RFC 4120 section 7.5.9; Microsoft's pages of events 4768 and 4771)."""


def code(text: str) -> int:
    """A code as events write it: `0xc000006a`; 0 if it is none."""
    try:
        return int(text, 16) if len(text) <= 18 else 0
    except ValueError:
        return 0


def refused(*codes: int) -> tuple[What, str]:
    """What the first code that says something means; a guess, where none of them is known."""
    given = [one for one in codes if one]
    return next((STATUSES[one] for one in given if one in STATUSES), (What.FAILED, f"{given[0]:#x}" if given else ""))
