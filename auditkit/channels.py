"""`notify:` of auditkit.yaml: who is told of a night, by which way, and of how much."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from auditkit import strict
from auditkit.errors import ConfigError
from auditkit.model import Severity
from auditkit.printable import printable

KEYS = ("mail", "apprise_file", "at", "heartbeat", "asleep", "quiet")
MAIL_KEYS = ("to", "from", "via", "user", "password_file", "password_credential", "ca_file", "attach")
SECRETS = ("password", "passphrase", "token", "secret")
SENDMAIL = "sendmail"
PORTS = {"smtp": 587, "smtps": 465}
"""Ports of submission (RFC 6409, RFC 8314)."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")
MOST_ADDRESSES = 50
WEEK = timedelta(days=7)
_LOCAL = r"[A-Za-z0-9_][A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{0,63}"
_ADDRESS = re.compile(rf"{_LOCAL}@[A-Za-z0-9]([A-Za-z0-9.-]{{0,251}}[A-Za-z0-9])?")
_ACCOUNT = re.compile(_LOCAL)
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_USER = re.compile(r"[!-~]{1,128}")
_DAYS = re.compile(r"([1-9][0-9]{0,2})d")


@dataclass(frozen=True, slots=True)
class Via:
    """What takes a mail: `sendmail`, which is a program of this machine, or a server by `smtp` or `smtps`."""

    kind: str
    host: str = ""
    port: int = 0
    program: str = ""
    """The path of sendmail; empty: the usual one."""


@dataclass(frozen=True, slots=True)
class Mail:
    """Mail to people: to whom, from whom, and over which server."""

    to: tuple[str, ...]
    sender: str
    via: Via = Via(SENDMAIL)
    user: str | None = None
    password_file: str | None = None
    credential: str | None = None
    """The name of a systemd credential that holds the password."""
    ca_file: str | None = None
    """Certificates of the office's own authority, in PEM."""
    attach: bool = False
    """Whether the report goes with it, as a page."""


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told of what."""

    mail: Mail | None = None
    apprise_file: str | None = None
    """A file with an address of a service in each line, as apprise writes them; it holds tokens."""
    at: Severity = Severity.MEDIUM
    heartbeat: timedelta | None = WEEK
    """After how long without a word one is sent that all is as before; None: never."""
    asleep: tuple[str, ...] = ()
    """Hosts and groups that may be switched off at night."""
    quiet: bool = True
    """Whether nothing is sent when there is nothing new."""


def read(value: strict.Value, whom: Sequence[str]) -> Notify:
    """What is said under `notify:`; `whom` are the words for hosts that may be named.

    Raises:
        ConfigError: anything in it is unknown, misspelt or contradictory.
    """
    found = _known(value, KEYS)
    if "mail" not in found and "apprise_file" not in found:
        raise value.error("says nobody to tell", "add `mail:` or `apprise_file:`")
    known = tuple(word for word in whom if word != "@all")
    return Notify(
        mail=_mail(found["mail"]) if "mail" in found else None,
        apprise_file=found["apprise_file"].text() if "apprise_file" in found else None,
        at=found["at"].severity() if "at" in found else Severity.MEDIUM,
        heartbeat=_heartbeat(found["heartbeat"]) if "heartbeat" in found else WEEK,
        asleep=tuple(each.word(known) for each in found["asleep"].sequence()) if "asleep" in found else (),
        quiet=found["quiet"].flag() if "quiet" in found else True,
    )


def at(told: Notify, place: Callable[[str], str]) -> Notify:
    """The same with its files where `place` says that they are."""
    mail = told.mail and replace(
        told.mail,
        password_file=told.mail.password_file and place(told.mail.password_file),
        ca_file=told.mail.ca_file and place(told.mail.ca_file),
    )
    return replace(told, mail=mail, apprise_file=told.apprise_file and place(told.apprise_file))


def _known(value: strict.Value, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, strict.Value]:
    for key, inner in value.entries().items():
        if key in SECRETS:
            raise inner.error(
                "is a secret, and auditkit.yaml has no place for those",
                "remove it and change that secret; name a file that only its owner may read, with `password_file:`",
            )
    return value.mapping(known, needed)


def _mail(value: strict.Value) -> Mail:
    found = _known(value, MAIL_KEYS, ("to", "from"))
    via = _via(found["via"]) if "via" in found else Via(SENDMAIL)
    mail = Mail(
        to=_recipients(found["to"], via),
        sender=_address(found["from"], via),
        via=via,
        user=found["user"].matching(_USER, "user") if "user" in found else None,
        password_file=found["password_file"].text() if "password_file" in found else None,
        credential=found["password_credential"].matching(_CREDENTIAL, "name of a credential")
        if "password_credential" in found
        else None,
        ca_file=found["ca_file"].text() if "ca_file" in found else None,
        attach=found["attach"].flag() if "attach" in found else False,
    )
    _check_login(value, mail)
    return mail


def _check_login(value: strict.Value, mail: Mail) -> None:
    """Refuse what cannot work: half a login, two passwords, or any of it for a program that asks for none."""
    passwords = [one for one in (mail.password_file, mail.credential) if one is not None]
    if mail.via.kind == SENDMAIL and (mail.user or passwords or mail.ca_file):
        raise value.error("goes to sendmail, which knows its own server", "remove user, password and ca_file, or set `via:`")
    if len(passwords) > 1:
        raise value.error("names two passwords", "remove password_file or password_credential")
    if bool(mail.user) != bool(passwords):
        raise value.error("names half a login", "write both `user:` and `password_file:`, or neither")


def _recipients(value: strict.Value, via: Via) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(_address(each, via) for each in value.sequence()))
    if not 0 < len(found) <= MOST_ADDRESSES:
        raise value.error(f"takes 1 to {MOST_ADDRESSES} addresses", "name a list of your mail server for more people")
    return found


def _address(value: strict.Value, via: Via) -> str:
    """An address of mail; for sendmail an account of this machine will do."""
    text = value.text()
    if _ADDRESS.fullmatch(text) or (via.kind == SENDMAIL and _ACCOUNT.fullmatch(text)):
        return text
    raise value.error(f"{printable(text)} is no address of mail", "write it alone, like anna@example.org")


def _via(value: strict.Value) -> Via:
    text = value.text()
    if text == SENDMAIL or re.fullmatch(r"/[!-~]{1,400}", text):
        return Via(SENDMAIL, program="" if text == SENDMAIL else text)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _no_server(value, text) from None
    plain = not (parts.path or parts.query or parts.fragment)
    if parts.scheme not in PORTS or not plain or not re.fullmatch(r"[A-Za-z0-9.:-]{1,253}", host) or parts.username is not None:
        raise _no_server(value, text)
    return Via(parts.scheme, host, port or PORTS[parts.scheme])


def _no_server(value: strict.Value, text: str) -> ConfigError:
    shown = printable(text.rpartition("@")[2][:100])
    return value.error(f"{shown} is no way for mail", "write sendmail, smtp://mail.example.org:587 or smtps://mail.example.org")


def _heartbeat(value: strict.Value) -> timedelta | None:
    if value.kind == "bool" and not value.flag():
        return None
    text = value.text()
    if found := _DAYS.fullmatch(text):
        return timedelta(days=int(found[1]))
    raise value.error(f"{printable(text)} is no number of days", "write it like 7d, or off")
