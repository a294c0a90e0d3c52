"""Notices on their way to people: WAYS has one line per way; what cannot be sent stays in the outbox for the next run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from auditkit.channels import SENDMAIL, Mail, Notify
from auditkit.errors import AuditkitError
from auditkit.notify import sendmail, services, smtp
from auditkit.notify.unsent import UnsentError

__all__ = ["APPRISE", "MAIL", "Send", "UnsentError", "Way", "ways"]

MAIL, APPRISE = "mail", "apprise"
Send = Callable[[bytes], None]
"""Hands a notice over; raises UnsentError."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to people, and what to call it."""

    name: str
    send: Send


def ways(told: Notify, place: str, credentials: str | None) -> Mapping[str, Way]:
    """The ways of auditkit.yaml by the kind of notice that they take.

    `place` is the name of this machine, `credentials` the directory that systemd made for this service, if it did.
    """
    found = {}
    if told.mail:
        found[MAIL] = _mail(told.mail, place, credentials)
    if told.apprise_file:
        found[APPRISE] = Way(f"the services of {told.apprise_file}", services.sender(told.apprise_file))
    return found


def _mail(mail: Mail, place: str, credentials: str | None) -> Way:
    if mail.via.kind == SENDMAIL:
        return Way("sendmail", sendmail.sender(mail.via.program))
    return Way(f"{mail.via.kind}://{mail.via.host}:{mail.via.port}", smtp.sender(mail, place, credentials))


def unknown(kind: str) -> AuditkitError:
    """The error of a notice for which auditkit.yaml names no way any more."""
    return AuditkitError(f"a notice by {kind} was given up: auditkit.yaml names no such way any more")
