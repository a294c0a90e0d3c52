"""Notices to the services that apprise knows (chat, push, tickets): an address in each line of a file that holds their tokens.

The file is the user's, and so is the choice of who is contacted. No address of it is ever told: its line is.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

from auditkit.errors import AuditkitError
from auditkit.notify.secret import secret_text
from auditkit.notify.unsent import UnsentError
from auditkit.printable import printable

MISSING = "apprise is not installed"
LONGEST = 30_000
"""Characters of a text; apprise cuts or splits it to what each service takes."""


def written(subject: str, body: str, *, urgent: bool) -> bytes:
    """A notice as the outbox keeps it."""
    return json.dumps({"title": subject, "body": body[:LONGEST], "urgent": urgent, "had": []}).encode("ascii")


def sender(path: str) -> Callable[[bytes], None]:
    """What hands a notice to each service of the file that has not had it yet."""

    def send(data: bytes) -> None:
        told, lines = _read(data), _lines(path)
        had = [number for number in told["had"] if number in lines]
        left = [number for number, address in lines.items() if number not in had and not _sent(address, told)]
        if left:
            taken = json.dumps({**told, "had": [number for number in lines if number not in left]}).encode("ascii")
            which = ", ".join(map(str, left))
            hint = "see what is wrong: apprise -vv -c FILE -t test -b test"
            raise UnsentError(f"{printable(path)}: no notice was taken by line {which}", hint, taken)

    return send


def _read(data: bytes) -> dict[str, Any]:
    """A notice as `written` made it.

    Raises:
        AuditkitError: it is damaged, and will never be sent.
    """
    try:
        told = json.loads(data)
        return {"title": str(told["title"]), "body": str(told["body"]), "urgent": told["urgent"], "had": list(told["had"])}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise AuditkitError("a notice in the outbox is damaged, and was given up") from error


def _lines(path: str) -> dict[int, str]:
    """The addresses by the numbers of their lines; a line that begins with # is none."""
    found = {number: line.strip() for number, line in enumerate(secret_text(path).splitlines(), 1)}
    lines = {number: line for number, line in found.items() if line and not line.startswith("#")}
    if not lines:
        raise UnsentError(f"{printable(path)} names no service", "write the address of one in each line, as apprise has it")
    return lines


def _sent(address: str, told: dict[str, Any]) -> bool:
    """Whether a service took a notice; what is no address of any takes none."""
    apprise = _apprise()
    box = apprise.Apprise(asset=apprise.AppriseAsset(app_id="auditkit", app_desc="auditkit", app_url="", async_mode=False))
    kind = apprise.NotifyType.WARNING if told["urgent"] else apprise.NotifyType.INFO
    text = {"title": told["title"], "body": told["body"], "body_format": apprise.NotifyFormat.TEXT}
    return bool(box.add(address) and box.notify(notify_type=kind, **text))


def _apprise() -> Any:
    """The package, which says nothing by itself: what it logs has addresses in it."""
    try:
        import apprise  # noqa: PLC0415 - few have it, and it takes a second to load
    except ImportError as error:
        raise UnsentError(MISSING, "install it: pip install 'auditkit[notify]'") from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    return apprise
