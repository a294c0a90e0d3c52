"""A notice as a mail (RFC 5322): nothing of it can make a header of its own, and no answer by machine is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from auditkit.notices import Notice
from auditkit.printable import on_one_line

PROGRAM = "auditkit"
LARGEST = 8 << 20
"""Bytes of a page that goes with a mail; servers take twice as many, in base64."""
TOO_LARGE = "The page is too large to go with a mail: it lies where the report does.\n"


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom, to whom, when, and under which name."""

    sender: str
    to: Sequence[str]
    now: datetime
    id: str
    """A word that no other mail of this machine has."""
    place: str


def written(notice: Notice, envelope: Envelope, page: bytes | None = None) -> bytes:
    """The mail, with the report as a page besides."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(envelope.sender, PROGRAM)
    mail["To"] = tuple(_address(each) for each in envelope.to)
    mail["Subject"] = on_one_line(f"{PROGRAM}: {notice.subject}")
    mail["Date"] = format_datetime(envelope.now)
    mail["Message-ID"] = f"<{envelope.id}@{_domain(envelope)}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail["X-Auto-Response-Suppress"] = "All"  # and for Exchange
    attached = page is not None and len(page) <= LARGEST
    mail.set_content(notice.body if page is None or attached else f"{notice.body}\n{TOO_LARGE}", cte="quoted-printable")
    if page is not None and attached:
        mail.add_attachment(page, maintype="text", subtype="html", filename="report.html", params={"charset": "utf-8"})
    return mail.as_bytes()


def _address(text: str, name: str = "") -> Address:
    """An address, or an account of this machine."""
    user, _at, domain = text.rpartition("@") if "@" in text else (text, "", "")
    return Address(name, user, domain)


def _domain(envelope: Envelope) -> str:
    """What stands behind the @ of a Message-ID: the sender's, else this machine's."""
    _user, _at, domain = envelope.sender.rpartition("@") if "@" in envelope.sender else ("", "", "")
    place = (char for char in envelope.place if char.isascii() and (char.isalnum() or char in ".-"))
    return domain or "".join(place) or "localhost"
