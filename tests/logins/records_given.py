"""Bytes as a source of logins, and what a reader makes of them; records as each kind of machine writes them."""

import struct
from ipaddress import ip_address

from held import Held

from auditkit.logins.formats import BEGINNING, recognised
from auditkit.logins.nouns import Event, Log, Notes, Setting

SECOND = 10**9
NOW = 2_000_000_000 * SECOND
MACHINES = {
    "x86-64": "<hHi32s4s32s256shhiII16s20s",
    "aarch64": "<hHi32s4s32s256shhqqq16s20s4x",
    "ppc": ">hHi32s4s32s256shhiII16s20s",
    "s390x": ">hHi32s4s32s256shhqqq16s20s4x",
    "i386 of musl": "<hHi32s4s32s256shhiqq16s20s",
}
"""utmp(5) of glibc and, of the last, of utmps."""


def read(name: str, data: bytes, *, size: int = 1 << 20, accounts: dict[str, int] | None = None) -> tuple[list[Event], Notes]:
    """What a file of this name says."""
    form = recognised(name, data[:BEGINNING])
    assert form, f"{name} is of no format"
    notes = Notes()
    return list(form.read(Log(name), Held(data, size), Setting(NOW, accounts=accounts), notes)), notes


def record(  # noqa: PLR0917  # in the order of last(1)
    kind: int,
    time: float,
    user: bytes = b"",
    line: bytes = b"",
    host: bytes = b"",
    address: str = "",
    *,
    pid: int = 0,
    machine: str = "x86-64",
) -> bytes:
    """One record of utmp(5)."""
    binary = ip_address(address).packed if address else b""
    seconds, micro = int(time), round(time % 1 * 1_000_000)
    return struct.pack(MACHINES[machine], kind, 0, pid, line, line[-4:], user, host, 0, 0, 0, seconds, micro, binary, b"")
