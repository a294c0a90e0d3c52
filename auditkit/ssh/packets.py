"""paramiko within limits: no packet larger than SSH has them, no endless greeting, no full window ignored, no thread left.

As it comes, paramiko believes the size that a server claims before any key has been agreed and waits for it with memory in
hand; it holds nobody to the window of a channel; its timers and threads outlive a connection; and what it stumbles over may
be raised as any exception. RFC 4253 section 6.1 asks for packets of 35,000 bytes; OpenSSH takes 256 KiB.
"""

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import paramiko
from paramiko import common
from paramiko.packet import Packetizer

LARGEST = 260 << 10
"""Bytes of a packet."""
LINE = 8 << 10
"""Bytes of a line before the server's version (RFC 4253 section 4.2)."""
GREETING = 64 << 10
"""Bytes of all lines before the server's version."""
AWAY = ("Not allowed at this time", "Exceeded MaxStartups")
"""What sshd says instead of its version: PerSourcePenalties (from 9.8 on), MaxStartups."""
WINDOW = 2 << 20
"""Bytes that a server may send of a channel before somebody has read them, as in OpenSSH: what a host can fill up here."""
PACKET = 64 << 10
BROKEN = (OSError, EOFError, paramiko.SSHException)
"""What paramiko raises where `Wire` has put its errors in order."""
PATIENCE = 15.0
"""Seconds for a piece of the greeting; paramiko gives lines after the first one two, which is not enough for some."""
_LISTENER = 0.5
"""Seconds for a thread to see that its connection is gone."""
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr")
"""GCM first: paramiko is faster with it; dropbear may have CTR only. CBC and 3DES are left out."""
_MACS = (
    *("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"),
    *("hmac-sha2-256", "hmac-sha2-512", "hmac-sha1"),
)

Feed = Callable[[paramiko.Channel, Any], None]


class Packets(Packetizer):
    """Reads no more at once than a packet may have, and no endless greeting; sets no timer of its own."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.greeting: list[str] = []
        """The lines before the server's version."""
        self.greeted = 0
        """Bytes that it has said until then."""

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Exactly `n` bytes of a packet."""
        if not 0 <= n <= LARGEST:
            raise paramiko.SSHException(f"it sends a packet of {n} bytes")
        return super().read_all(n, check_rekey)

    def readline(self, timeout: float) -> str:
        """One line of the greeting; what comes behind it is kept for the packets, in paramiko's own place for that."""
        data: bytes = self._Packetizer__remainder  # type: ignore[has-type]
        while b"\n" not in data:
            if len(data) > LINE or self.greeted > GREETING:
                raise paramiko.SSHException("its greeting never ends")
            more: bytes = self._read_timeout(max(timeout, PATIENCE))  # type: ignore[attr-defined]
            self.greeted += len(more)
            data += more
        line, _, self._Packetizer__remainder = data.partition(b"\n")
        text = line.decode("utf-8", "replace").rstrip("\r")
        if text.startswith("SSH-"):
            return text
        self.greeting.append(text)
        if text.startswith(AWAY):
            raise paramiko.SSHException(text)
        return text

    def start_handshake(self, timeout: float) -> None:
        """Nothing: who waits for the handshake ends it, and a timer would keep the whole program waiting."""


class Wire(paramiko.Transport):
    """A transport that keeps a server within limits, and remembers what it has offered and why it hung up."""

    packetizer: Packets
    server_extensions: Mapping[str, bytes]
    agreed_on_strict_kex: bool
    remote_cipher: str
    remote_mac: str | None

    def __init__(self, stream: Any, key_types: tuple[str, ...] = ()) -> None:
        """Take over a connection; of the host key types those given are asked for first."""
        logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # it tells its troubles with tracebacks
        super().__init__(stream, WINDOW, PACKET, packetizer_class=Packets)
        self.offered: Mapping[str, list[str]] = {}
        """The server's KEXINIT: `kex_algo_list`, `server_key_algo_list` and so on."""
        self.farewell = ""
        """What the server has said when it hung up."""
        table: dict[int, Feed] = self._channel_handler_table  # type: ignore[has-type]
        kinds = (common.MSG_CHANNEL_DATA, common.MSG_CHANNEL_EXTENDED_DATA)
        self._channel_handler_table = {**table, **{kind: _within(table[kind]) for kind in kinds}}
        options = self.get_security_options()
        options.ciphers, options.digests = _CIPHERS, _MACS
        usual = tuple(options.key_types)
        options.key_types = tuple(sorted(usual, key=lambda each: (_plain(each) not in key_types, usual.index(each))))

    @property
    def agreed_kex(self) -> str:
        """How the keys were exchanged: the first of ours that the server has (RFC 4253 section 7.1)."""
        theirs = self.offered.get("kex_algo_list", [])
        return next((each for each in self.preferred_kex if each in theirs), "")

    def run(self) -> None:
        """Read packets until the end; what even paramiko's last word on an error stumbles over ends it as well."""
        with suppress(ArithmeticError, AttributeError, LookupError, TypeError, ValueError, *BROKEN):
            super().run()
        if self.is_active():
            self.close()
            if self.completion_event is not None:
                self.completion_event.set()

    def get_exception(self) -> Exception | None:
        """Why it has ended, as one of BROKEN, whatever the server's bytes have led to."""
        error = super().get_exception()
        if error is None or isinstance(error, BROKEN):
            return error
        return paramiko.SSHException(f"it does not keep to the protocol ({type(error).__name__})")

    def hang_up(self) -> None:
        """End it at once, whatever it waits for, and wait for its thread."""
        if isinstance(self.sock, socket.socket):
            with suppress(OSError):  # it is closed already
                self.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread, and leaves the number of the file to it
        self.close()
        if self.is_alive() and self is not threading.current_thread():
            self.join(_LISTENER)
        self.sock.close()

    def _parse_kex_init(self, m: paramiko.Message) -> None:
        self.offered = self._really_parse_kex_init(m)  # type: ignore[attr-defined]
        m.rewind()
        super()._parse_kex_init(m)  # type: ignore[misc]

    def _parse_debug(self, m: paramiko.Message) -> None:
        """Nothing: sshd says which line of authorized_keys it was."""

    def _parse_disconnect(self, m: paramiko.Message) -> None:
        m.get_int()
        self.farewell = m.get_binary()[:LINE].decode("utf-8", "replace").strip()


def _plain(algorithm: str) -> str:
    """The type of the key that makes signatures with this algorithm."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def _within(feed: Feed) -> Feed:
    """What takes in the data of a channel, for servers that keep to its window."""

    def fed(channel: paramiko.Channel, m: Any) -> None:
        feed(channel, m)
        if len(channel.in_buffer) + len(channel.in_stderr_buffer) > WINDOW:
            raise paramiko.SSHException("it sends more than it was allowed to")

    return fed
