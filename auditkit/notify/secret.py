"""Secrets from files that nobody else may read: passwords and addresses with tokens."""

import os
import stat

from auditkit.notify.unsent import UnsentError
from auditkit.opening import regular
from auditkit.printable import printable

LARGEST = 64 << 10


def secret_text(path: str, *, trusted: bool = False) -> str:
    """The text of a file that only its owner may read, who is root or whoever runs this; `trusted`: whoever put it there saw to
    that, as systemd does, by other means than a mode.

    Raises:
        UnsentError: it cannot be read, or somebody else could read or write it.
    """
    try:
        with open(path, "rb", opener=regular) as file:
            status = os.fstat(file.fileno())
            data = file.read(LARGEST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name has a NUL in it"
        raise UnsentError(f"{printable(path)} cannot be read: {why}", "name a file that holds the secret alone") from error
    if not trusted:
        _check(path, status)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UnsentError(f"{printable(path)} holds no text of a secret", "write it there as UTF-8") from None


def secret_line(path: str, *, trusted: bool = False) -> str:
    """The only line of such a file.

    Raises:
        UnsentError: there is none, or more than one.
    """
    found = secret_text(path, trusted=trusted).rstrip("\r\n")
    if not found or not found.isprintable():
        raise UnsentError(f"{printable(path)} does not hold one line with a password", "write nothing else there")
    return found


def _check(path: str, status: os.stat_result) -> None:
    if stat.S_IMODE(status.st_mode) & 0o077:
        hint = f"chmod 600 {printable(path)}, and change that secret"
        raise UnsentError(f"{printable(path)} may be read by others than its owner", hint)
    if status.st_uid not in (0, os.geteuid()):
        raise UnsentError(f"{printable(path)} belongs to somebody else", f"chown it to root, or to {os.geteuid()}")
