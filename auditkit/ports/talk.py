"""A short talk with a service that may be hostile: bounded in time and in bytes, and never an error."""

import errno
import re
import socket
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

from auditkit.errors import HostError
from auditkit.ssh import Deadline

MOST = 4096
"""Bytes that are heard of one service."""
MOST_CERTIFICATE = 16 << 10
MOST_PARTS = 12

Done = Callable[[bytes], object]
"""Whether this much of an answer is all of it."""


def line(data: bytes) -> bool:
    """Whether there is a whole line."""
    return b"\n" in data


def matching(pattern: bytes) -> Done:
    """Whether a pattern is found in it."""
    return re.compile(pattern, re.MULTILINE).search


class Talk:
    """One connection, or one socket for datagrams: what was heard is in `parts`, one for each time that it was listened."""

    def __init__(self, link: socket.socket, deadline: Deadline, *, streams: bool = True) -> None:
        self._link = link
        self._deadline = deadline
        self._left = MOST
        self.streams = streams
        """Whether bytes flow, and no datagrams."""
        self.parts: list[bytes] = []
        self.certificate = b""
        self.tls = ""
        self.refused = False
        """Whether a datagram was answered with the word that nobody listens there."""
        self.over = False
        """Whether nothing will be heard any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        self._link.close()

    @property
    def peer(self) -> str:
        """The address of the service."""
        return str(self._link.getpeername()[0])

    def hear(self, done: Done = bool, most: float | None = None) -> bytes:
        """What it says until that is all, it ends, the time (or `most` seconds) is over, or it has said too much."""
        data = b""
        while not self.over and not done(data):
            try:
                self._link.settimeout(self._deadline.left(most))
                piece = self._link.recv(self._left)
            except (OSError, HostError) as error:
                self._broke(error)
                break
            data += piece
            self._left -= len(piece)
            self.over = not piece or self._left <= 0
        if len(self.parts) < MOST_PARTS:
            self.parts.append(data)
        return data

    def say(self, data: bytes) -> None:
        """Say something."""
        if self.over:
            return
        try:
            self._link.settimeout(self._deadline.left())
            self._link.sendall(data)
        except (OSError, HostError) as error:
            self._broke(error)

    def ask(self, data: bytes, done: Done = bool) -> bytes:
        """What it answers; nothing where it has ended before."""
        self.say(data)
        return self.hear(done)

    def secure(self) -> bool:
        """Begin TLS and note the certificate, which is not verified; whether that came about."""
        if self.over:
            return False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")  # what an old device speaks is to be seen, too
        try:
            self._link.settimeout(self._deadline.left())
            inner = context.wrap_socket(self._link)
        except (OSError, HostError, ValueError) as error:
            self.tls = f"none: {getattr(error, 'reason', None) or error}"
            self.over = True
            return False
        self._link = inner
        self.tls = inner.version() or ""
        self.certificate = (inner.getpeercert(binary_form=True) or b"")[:MOST_CERTIFICATE]
        return True

    def _broke(self, error: Exception) -> None:
        self.refused = isinstance(error, OSError) and error.errno == errno.ECONNREFUSED
        self.over = True
