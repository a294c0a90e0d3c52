"""One file from a mirror: a plain GET that is bounded in size and time. Only addresses that the caller was told to use.

Nothing that comes from there is believed: it counts by its signature or its SHA-256. So http will do, and redirects are
followed, if only to http and https. Proxies are those of the environment, as for apt and pip.
"""

import http.client
import tempfile
import time
import urllib.error
import urllib.request
from typing import BinaryIO
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
    request = urllib.request.Request(address(base, path), headers={"User-Agent": "auditkit"})  # noqa: S310 - only http, see address()
    file = tempfile.TemporaryFile(prefix="auditkit-")  # noqa: SIM115 - handed on
    try:
        with _opener().open(request, timeout=SILENCE) as answer:
            _copy(answer, file, most)
    except urllib.error.HTTPError as error:
        file.close()
        error.close()
        raise UnservedError("gone from the mirror" if error.code in _GONE else f"the mirror says {error.code}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        file.close()
        reason = getattr(error, "reason", None) or error
        raise UnservedError(f"the mirror cannot be reached: {printable(str(reason)[:200]) or type(error).__name__}") from error
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


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
        raise ConfigError(
            f"not the address of a mirror: {printable(base.rpartition('@')[2][:200])}",
            "write http://HOST/PATH, without a password",
        )
    return f"{base.rstrip('/')}/{quote(path, errors='surrogateescape')}"


def _opener() -> urllib.request.OpenerDirector:
    """What opens http and https, and nothing else that urllib knows."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _copy(answer: http.client.HTTPResponse, file: BinaryIO, most: int) -> None:
    end = time.monotonic() + START + most / SLOWEST
    size = 0
    while data := answer.read1(CHUNK):
        size += len(data)
        if size > most:
            raise UnservedError(f"the mirror sends more than {most} bytes")
        if time.monotonic() > end:
            raise UnservedError("the mirror is too slow")
        file.write(data)
