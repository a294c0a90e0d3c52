"""One file from a mirror: a plain GET that is bounded in size and time. Only addresses that the caller was told to use.

Nothing that comes from there is believed: it counts by its signature or its SHA-256. So http will do, and redirects are
followed, if only to http and https. Proxies are those of the environment, as for apt and pip.
"""

import contextlib
import http.client
import socket
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from auditkit.errors import AuditkitError, ConfigError
from auditkit.printable import printable
from auditkit.vendor.unpack import CHUNK

SILENCE = 30.0
"""Seconds after which a mirror that sends nothing is given up."""
SLOWEST = 16 << 10
"""Bytes per second: a file that comes more slowly than that, on the whole, is given up, too."""
START = 60.0
"""Seconds that are granted beside that."""
_GONE = (404, 410)


class UnservedError(AuditkitError):
    """The mirror does not give this file; the message says why in a few words."""


def fetched(base: str, path: str, most: int) -> BinaryIO:
    """The file at `path` below the mirror's address, as a file without a name; it may have `most` bytes.

    Raises:
        UnservedError: the mirror does not have it, or does not answer.
        ConfigError: the address is none of a mirror.
    """
    request = urllib.request.Request(address(base, path), headers={"User-Agent": "auditkit"})  # noqa: S310 - see address()
    sockets = list[socket.socket]()
    late = threading.Event()
    timer = threading.Timer(START + most / SLOWEST, _hang_up, (sockets, late))
    timer.daemon = True
    timer.start()
    with contextlib.ExitStack() as undo:
        undo.callback(timer.cancel)
        file = _temporary()
        undo.callback(file.close)
        try:
            with _opener(sockets).open(request, timeout=SILENCE) as answer:
                _copy(answer, file, most)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnservedError("the mirror is too slow" if late.is_set() else _reason(error)) from error
        if late.is_set():
            raise UnservedError("the mirror is too slow")
        file.seek(0)
        undo.pop_all()
        timer.cancel()
    return file


def _hang_up(sockets: list[socket.socket], late: threading.Event) -> None:
    """End what takes too long, whatever it is waiting for."""
    late.set()
    for line in sockets:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return "gone from the mirror" if error.code in _GONE else f"the mirror says {error.code}"
    reason = getattr(error, "reason", None) or error
    return f"the mirror cannot be reached: {printable(str(reason)[:200]) or type(error).__name__}"


def address(base: str, path: str) -> str:
    """The address of a file of a mirror.

    Raises:
        ConfigError: it is none of http or https.
    """
    try:
        parts = urlsplit(base)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    except ValueError:
        good = False
    if not good or parts.username is not None or any(char <= " " for char in base):
        shown = printable(base.rpartition("@")[2][:200])
        raise ConfigError(f"not the address of a mirror: {shown}", "write http://HOST/PATH, without a password")
    return f"{base.rstrip('/')}/{quote(path, errors='surrogateescape')}"


def _opener(sockets: list[socket.socket]) -> urllib.request.OpenerDirector:
    """What opens http and https, and nothing else that urllib knows."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Http(sockets),
        _Https(sockets),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects within the host that was named; to any other the user has not agreed."""

    def redirect_request(self, req: urllib.request.Request, *answer: Any) -> urllib.request.Request | None:
        """The request to the place that an answer names; None where that is another host."""
        newurl = str(answer[-1])
        same = urlsplit(newurl).hostname == urlsplit(req.full_url).hostname
        return super().redirect_request(req, *answer) if same else None


class _Http(urllib.request.HTTPHandler):
    """http, with the sockets noted so that they can be shut."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """The answer to a request, by a connection that is noted."""
        return self.do_open(_noted(http.client.HTTPConnection, self._sockets), request)


class _Https(urllib.request.HTTPSHandler):
    """https, likewise; certificates are checked as Python does by default."""

    def __init__(self, sockets: list[socket.socket]) -> None:
        super().__init__()
        self._sockets = sockets

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """The answer to a request over TLS, by a connection that is noted."""
        return self.do_open(_noted(http.client.HTTPSConnection, self._sockets), request)


def _noted(kind: type[http.client.HTTPConnection], sockets: list[socket.socket]) -> Callable[..., Any]:
    """Connections whose sockets stand in the list from the moment that they are open."""

    class Noted(kind):  # type: ignore[misc, valid-type]  # a class that is an argument
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    return Noted


def _copy(answer: http.client.HTTPResponse, file: BinaryIO, most: int) -> None:
    size = 0
    while data := answer.read1(CHUNK):
        size += len(data)
        if size > most:
            raise UnservedError(f"the mirror sends more than {most} bytes")
        try:
            file.write(data)
        except OSError as error:
            raise _no_room(error) from error


def _temporary() -> BinaryIO:
    try:
        return tempfile.TemporaryFile(prefix="auditkit-")
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> AuditkitError:
    return AuditkitError(f"a file of a mirror cannot be kept: {error.strerror}", "make room where temporary files go")
