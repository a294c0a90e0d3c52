"""Mail to a server that auditkit.yaml names: over TLS whose certificate is checked, in the clear only to this machine."""

import os
import smtplib
import ssl
from collections.abc import Callable
from email import message_from_bytes
from email.policy import SMTP
from email.utils import getaddresses

from auditkit.channels import LOOPBACK, Mail
from auditkit.errors import AuditkitError
from auditkit.notify.secret import secret_line
from auditkit.notify.unsent import UnsentError
from auditkit.printable import printable

PATIENCE = 60.0
"""Seconds for each answer of the server."""
LONGEST = 300
"""Characters of its complaint that are told."""


def sender(mail: Mail, place: str, credentials: str | None) -> Callable[[bytes], None]:
    """What hands a mail to the server of `mail`, saying that it comes from `place`."""

    def send(data: bytes) -> None:
        password = _password(mail, credentials)
        try:
            with _connected(mail, place) as server:
                if mail.user and password is not None:
                    server.login(mail.user, password)
                refused = server.sendmail(*_envelope(data), data)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise _unsent(mail, error) from error
        if refused:
            raise _some(refused)

    return send


def _connected(mail: Mail, place: str) -> smtplib.SMTP:
    """A connection on which the server has shown its certificate; or one that does not leave this machine, without a login."""
    name = "".join(char for char in place if char.isascii() and (char.isalnum() or char in ".-")) or "localhost"
    host, port = mail.via.host, mail.via.port
    context = _context(mail)
    if mail.via.kind == "smtps":
        return smtplib.SMTP_SSL(host, port, local_hostname=name, timeout=PATIENCE, context=context)
    server = smtplib.SMTP(host, port, local_hostname=name, timeout=PATIENCE)
    try:
        if host in LOOPBACK and not mail.user:
            return server
        server.starttls(context=context)  # refuses a server that offers none, or whose certificate is not for its name
    except BaseException:
        server.close()
        raise
    return server


def _context(mail: Mail) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=mail.ca_file)
    except OSError as error:
        where = printable(mail.ca_file or "the certificates of this machine")
        raise UnsentError(f"{where} cannot be used: {printable(str(error))}", "name a file of certificates in PEM") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _password(mail: Mail, credentials: str | None) -> str | None:
    """The password, from its file or from where systemd put it for this service."""
    if mail.credential is None:
        return None if mail.password_file is None else secret_line(mail.password_file)
    if credentials is None:
        hint = "start it by its unit, whose LoadCredential= names it, or set `password_file:`"
        raise UnsentError(f"systemd gave no credential {mail.credential}", hint)
    return secret_line(os.path.join(credentials, mail.credential), trusted=True)


def _envelope(data: bytes) -> tuple[str, list[str]]:
    """From whom and to whom a mail says that it goes."""
    message = message_from_bytes(data, policy=SMTP)
    (_name, sender_), *_more = getaddresses([str(message["From"])])
    return sender_, [address for _name, address in getaddresses([str(message["To"])])]


def _some(refused: dict[str, tuple[int, bytes]]) -> AuditkitError:
    """The error where some had the mail and others did not: it is not sent again to those who had it."""
    told = ", ".join(f"{printable(address)}: {_words(answer)}" for address, answer in refused.items())
    return AuditkitError(f"some were refused by the mail server: {told}"[:LONGEST], "see `to:` in auditkit.yaml")


def _words(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {printable(answer[1].decode('utf-8', 'surrogateescape'))}"


def _unsent(mail: Mail, error: Exception) -> UnsentError:
    where = f"{printable(mail.via.host)} port {mail.via.port}"
    match error:
        case ssl.SSLCertVerificationError():
            hint = "see `via:`, which must name the server as its certificate does; `ca_file:` names an authority of your own"
            return UnsentError(f"the certificate of {where} is not believed: {printable(error.verify_message)}", hint)
        case smtplib.SMTPNotSupportedError():
            return UnsentError(
                f"{where} offers no TLS, or no login", "use smtps:// or another port; nothing is sent in the clear"
            )
        case smtplib.SMTPAuthenticationError():  # its text may hold what was sent
            return UnsentError(
                f"{where} refuses the login of {printable(mail.user or '')} ({error.smtp_code})", "see `user:` and the password"
            )
        case smtplib.SMTPRecipientsRefused():
            told = "; ".join(f"{printable(address)}: {_words(answer)}" for address, answer in error.recipients.items())
            return UnsentError(f"{where} takes no mail for {told}"[:LONGEST], "see `to:` in auditkit.yaml")
        case smtplib.SMTPResponseException():
            said = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
            return UnsentError(f"{where} does not take the mail: {_words((error.smtp_code, said))}"[:LONGEST])
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UnsentError(f"{where} cannot be reached: {printable(str(told))}"[:LONGEST], "see `via:` in auditkit.yaml")
