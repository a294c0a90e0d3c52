"""A machine in words, as far as what listens on it goes, and the evidence that auditkit would have taken of it.

-- listens --    `PID UID PROGRAM @ADDRESS:PORT udp@ADDRESS:PORT unit=UNIT args=WORDS`, one a line; `?`: no process
-- says --       `http tcp 80 = NAME`: as the service of cases/banners/NAME.txt; or an outcome; `at=ADDRESS` where, `here` from
                 the machine itself, `tls=DAY,DAY` from when and until when its certificate counts
-- packages --   `PATH PACKAGE VERSION`; `PATH -` for what nobody owns, `PATH ?` where nobody can tell
-- ssh --        ports of SSH servers that have shown themselves at the login
-- listed --     ports of a device
-- active --     as with --active
-- before --     what the newest baseline knew: `tcp ADDRESS:PORT PROGRAM PACKAGE BANNER`, `-` where it was not seen
-- /path --      a file
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from test_banners_read import heard

from auditkit import answers, banners
from auditkit.answers import DELETED, Listening, Process, Shown
from auditkit.audits import listeners
from auditkit.audits.listeners.seen import LISTED
from auditkit.banners import Heard
from auditkit.commands import auditing
from auditkit.model import BaselineFacts, Evidence, Item, Means, Need, Office

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SERVICES = Path(__file__).parent.parent / "cases" / "banners"
PASSWD = "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
NETWORKS = ("192.168.10.0/24",)
_PLACE = re.compile(r"(udp)?@\[?([0-9a-f:.]+?)\]?:([0-9]+)")


@dataclass(frozen=True)
class Words:
    """The parts of a case."""

    parts: dict[str, str]

    def evidence(self) -> Evidence:
        """What is taken of it, round by round."""
        first = replace(self._answers(listeners.AUDIT.needs), office=Office(NETWORKS, active="active" in self.parts))
        return replace(auditing.followed(first, self._answers, (listeners.AUDIT,)), before=self._before())

    def _before(self) -> BaselineFacts | None:
        """The newest baseline, if there is one."""
        if "before" not in self.parts:
            return None
        lines = tuple(map(known, self.parts["before"].splitlines()))
        return BaselineFacts("/b", datetime(2026, 11, 20, tzinfo=UTC), 3, None, 9, "linux", lines)

    def _answers(self, needs: tuple[Need, ...]) -> Evidence:
        device = "listed" in self.parts
        unasked = () if device else tuple(need for need in needs if need == LISTED)
        return Evidence("srv-01", NOW, tuple(self._items(needs)), unasked=unasked)

    def _items(self, needs: tuple[Need, ...]) -> Iterator[Item]:
        for need in needs:
            for source, data in self._told(need):
                yield Item(need, source, data, NOW, "")

    def _told(self, need: Need) -> Iterator[tuple[str, bytes]]:
        match need.means:
            case Means.LISTENERS:
                for each in map(process, self.parts.get("listens", "").splitlines()):
                    yield f"/proc/{each.pid}" if each.pid else "/proc/net", answers.written(each)
            case Means.BANNER:
                for number in self.parts.get("ssh", "").split():
                    yield f"192.168.10.2:{number}", answers.written(Shown("192.168.10.2", int(number), "SSH-2.0-x"))
            case Means.PORT if need.what == "listed":
                if "listed" in self.parts:
                    yield "auditkit.yaml", json.dumps([int(port) for port in self.parts["listed"].split()]).encode()
            case Means.PORT:
                if (one := said(self.parts.get("says", ""), need.what)) is not None:
                    yield one.place, banners.written(one)
            case Means.FILE:
                for path, text in {"/etc/passwd": PASSWD, **self.parts}.items():
                    if path.startswith("/") and path.count("/") == need.what.count("/") and fnmatchcase(path, need.what):
                        yield path, text.encode()
            case Means.LISTING:
                yield from self._listed(need.what)
            case Means.COMMAND if need.what.startswith("/usr/bin/dpkg-query"):
                rows = [line.split() for line in self.parts.get("packages", "").splitlines()]
                known = {row[1]: row[2] for row in rows if len(row) > 2}
                asked = [name for name in need.what.split()[3:] if name in known]
                yield need.what, b"0\n" + "".join(f"{name},installed,{known[name]}\n" for name in asked).encode() + b"\0"

    def _listed(self, path: str) -> Iterator[tuple[str, bytes]]:
        for line in self.parts.get("packages", "").splitlines():
            where, owner, *_version = line.split()
            if where == path:
                told = {"mode": 0o100755, "uid": 0, "gid": 0, "size": 1, "links": 1, "mtime": 0, "ctime": 0, "target": None}
                packages = None if owner == "?" else [] if owner == "-" else [owner]
                yield path, json.dumps({**told, "capabilities": None, "packages": packages}).encode()


def process(line: str) -> Process:
    """`700 33 /usr/sbin/nginx @0.0.0.0:80 @[::]:80`"""
    pid, uid, program, *rest = line.split()
    listens = tuple(Listening(found[1] or "tcp", found[2], int(found[3])) for found in map(_PLACE.fullmatch, rest) if found)
    if pid == "?":
        return Process(None, None, None, None, "", (), "", listens)
    words = dict(word.split("=", 1) for word in rest if "=" in word)
    arguments = (program, *words.get("args", "").replace("_", " ").split())
    deleted = DELETED if "deleted" in rest else ""
    unit = words.get("unit", "/system.slice/x.service")
    return Process(int(pid), 1, int(uid), 1.0, program + deleted, arguments, unit, listens)


def known(line: str) -> dict[str, object]:
    """`tcp 0.0.0.0:80 /usr/sbin/nginx nginx Server: nginx/1.22.1`"""
    protocol, place, *rest = line.split(" ", 4)
    address, _colon, port = place.rpartition(":")
    program, package, banner = (None if word == "-" else word for word in rest)
    where = {"protocol": protocol, "address": address.strip("[]"), "port": int(port)}
    return {**where, "program": program, "package": package, "banner": banner}


def said(lines: str, what: str) -> Heard | None:
    """What a service says that a need asks for."""
    for line in lines.splitlines():
        question, _equals, answer = line.partition(" = ")
        if question == what:
            return _said(*question.split()[:3], *answer.split())
    return None


def _said(service: str, protocol: str, port: str, name: str, *rest: str) -> Heard:
    words = dict(word.split("=", 1) for word in rest if "=" in word)
    one = Heard(service, protocol, words.get("at", "192.168.10.2"), int(port), name, here="here" in rest)
    if name not in banners.OUTCOMES:
        one = replace(one, outcome="answered", parts=heard((SERVICES / f"{name}.txt").read_text()).parts)
    if "tls" in words:
        first, last = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in words["tls"].split(","))
        one = replace(one, tls="TLSv1.3", certificate=certificate_of(first, last, "mail.example.org"))
    return one


def certificate_of(first: datetime, last: datetime, *names: str) -> bytes:
    """A certificate in DER that names itself as its issuer, made by the library that paramiko uses."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "own")])
    made = x509.CertificateBuilder(subject, subject, KEY.public_key(), 7, first, last)
    if names:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    return made.sign(KEY, None).public_bytes(Encoding.DER)


def key() -> str:
    """The private key of these certificates, in PEM."""
    return KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
