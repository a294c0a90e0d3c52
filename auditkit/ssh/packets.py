"""paramiko's packet reader with limits: what claims to be larger than a packet may be, or greets without end, is refused.

RFC 4253 section 6.1 asks for packets of 35000 bytes; OpenSSH takes 256 KiB. As it comes, paramiko believes the length that
a server claims before any key has been agreed, and waits for it with memory in hand.
"""

from typing import Any

import paramiko
from paramiko.packet import Packetizer

LARGEST = 260 << 10
LINE = 8 << 10
AWAY = (b"Not allowed at this time", b"Exceeded MaxStartups")
"""What sshd says instead of its version to who failed too often (PerSourcePenalties) or comes when it is full."""
GREETING = 64 << 10


class Packets(Packetizer):
    """Packetizer that reads no more at once than a packet may have, and no endless greeting."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self._greeted = 0

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Exactly n bytes of a packet."""
        if not 0 <= n <= LARGEST:
            raise paramiko.SSHException(f"a packet that claims {n} bytes")
        data: bytes = super().read_all(n, check_rekey)
        return data

    def readline(self, timeout: float) -> str:
        """One line of the greeting; what comes behind it is kept for the packets, in paramiko's own place for that."""
        data: bytes = self._Packetizer__remainder  # type: ignore[has-type]
        while b"\n" not in data:
            if len(data) > LINE or self._greeted > GREETING:
                raise paramiko.SSHException("a greeting without end")
            more: bytes = self._read_timeout(timeout)  # type: ignore[attr-defined]
            self._greeted += len(more)
            data += more
        line, _, self._Packetizer__remainder = data.partition(b"\n")
        if line.startswith(AWAY):
            raise paramiko.SSHException(line[:100].decode("ascii", "replace"))
        return line.decode("utf-8", "replace").rstrip("\r")
