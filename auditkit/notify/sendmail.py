"""Mail by the program that every mail server of Unix brings: sendmail(8) reads it from stdin, recipients and all (-t)."""

import os
import subprocess
from collections.abc import Callable

from auditkit.notify.unsent import UnsentError
from auditkit.printable import printable

USUAL = ("/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/sendmail")
PATIENCE = 120.0
"""Seconds for it to take a mail; one without a queue delivers it at once."""
LONGEST = 300
"""Characters of its complaint that are told."""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def sender(program: str) -> Callable[[bytes], None]:
    """What hands a mail to that program, or to the usual one where none is named."""
    return lambda data: _hand(program or _usual(), data)


def _usual() -> str:
    found = next((path for path in USUAL if os.access(path, os.X_OK)), None)
    if found is None:
        raise UnsentError(
            "there is no sendmail here", "install a mail server, as postfix or msmtp-mta, or set `via: smtp://...`"
        )
    return found


def _hand(program: str, data: bytes) -> None:
    """Hand a mail over; a line with a dot alone does not end it (-i).

    Raises:
        UnsentError: it was not taken.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a program that auditkit.yaml names, without a shell
            [program, "-t", "-i"],
            input=data.replace(b"\r\n", b"\n"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={"PATH": PATH, "LC_ALL": "C.UTF-8"},
            cwd="/",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnsentError(
            f"{printable(program)} took no mail within {PATIENCE:.0f} s", "see whether its server answers"
        ) from None
    except OSError as error:
        raise UnsentError(f"{printable(program)} cannot be run: {error.strerror}", "see `via:` in auditkit.yaml") from error
    if done.returncode != 0:
        said = printable(done.stdout.decode("utf-8", "surrogateescape").strip())[:LONGEST]
        raise UnsentError(f"{printable(program)} took no mail (exit status {done.returncode}): {said or 'without a word'}")
