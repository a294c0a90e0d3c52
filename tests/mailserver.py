"""A mail server in this process: SMTP with STARTTLS and logins (RFC 5321, RFC 3207, RFC 4954), as far as we ask."""

import base64
import contextlib
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "auditkit", "only for tests"


@dataclass
class Mails:
    """What a server does, and what came of it."""

    certificate: Path | None = None
    """With its key; none: no TLS is offered."""
    login: bool = False
    """Whether only who logs in may send."""
    refuses: str = ""
    """What it says instead of taking a mail."""
    unknown: tuple[str, ...] = ()
    """Addresses that it does not know."""
    port: int = 0
    taken: list[bytes] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """What clients said in the clear."""


class Talk(socketserver.StreamRequestHandler):
    """One client."""

    timeout = 30
    mails: Mails

    def handle(self) -> None:
        """Answer until it goes."""
        self.secure, self.known, self.to = False, False, list[str]()
        with contextlib.suppress(OSError, ssl.SSLError):
            self.say("220 mail.test ESMTP")
            while line := self.rfile.readline(1000):
                if not self.secure:
                    self.mails.said.append(line.decode().strip())
                if not self.answer(line.decode().strip()):
                    return

    def finish(self) -> None:
        """Close all that TLS has laid over the connection."""
        with contextlib.suppress(OSError):
            super().finish()
        self.connection.close()

    def say(self, *lines: str) -> None:
        """Send an answer."""
        for at, line in enumerate(lines):
            code, _space, text = line.partition(" ")
            self.wfile.write(f"{code}{' ' if at == len(lines) - 1 else '-'}{text}\r\n".encode())

    def answer(self, line: str) -> bool:
        """Answer a command, and say whether another one may follow."""
        word = line.partition(" ")[0].partition(":")[0].upper()
        match word:
            case "EHLO" | "HELO":
                tls = ["250 STARTTLS"] if self.mails.certificate and not self.secure else []
                self.say("250 mail.test", *tls, *(["250 AUTH PLAIN"] if self.secure else []), "250 8BITMIME")
            case "STARTTLS" if self.mails.certificate:
                self.say("220 go ahead")
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self.mails.certificate)
                self.connection = context.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
                self.secure = True
            case "AUTH":
                self.known = base64.b64decode(line.split(" ")[2]) == f"\0{USER}\0{PASSWORD}".encode()
                self.say("235 welcome" if self.known else "535 wrong password")
            case "MAIL":
                self.to = []
                self.say("250 go on" if self.known or not self.mails.login else "530 log in first")
            case "RCPT":
                address = line.partition("<")[2].rstrip(">")
                known = address not in self.mails.unknown
                self.to += [address] if known else []
                self.say("250 go on" if known else "550 no such user")
            case "DATA":
                self.say("354 send it")
                self.data()
            case "QUIT":
                self.say("221 bye")
                return False
            case _:
                self.say("250 fine" if word in ("RSET", "NOOP") else "502 unknown")
        return True

    def data(self) -> None:
        """Take a mail."""
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if not self.mails.refuses:
            self.mails.taken.append(b"".join(lines))
            self.mails.to.append(self.to)
        self.say(self.mails.refuses or "250 taken")


@contextlib.contextmanager
def serving(mails: Mails) -> Iterator[Mails]:
    """A server that listens on this machine alone."""
    kind = type("One", (Talk,), {"mails": mails})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), kind) as server:
        server.daemon_threads = True
        mails.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield mails
        finally:
            server.shutdown()
            thread.join()


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """The certificate of an authority, and one of a server with its key, for these names and addresses."""
    now = datetime.now(UTC)
    keys = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer, subject = (x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("test", names[0]))
    made = []
    for key, name in zip(keys, (issuer, subject), strict=True):
        built = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number())
        built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        if name is issuer:
            built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        else:
            built = built.add_extension(x509.SubjectAlternativeName(list(map(_name, names))), critical=False)
        made.append(built.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    authority, server = folder / "authority.pem", folder / "server.pem"
    authority.write_bytes(made[0])
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    server.write_bytes(keys[1].private_bytes(serialization.Encoding.PEM, form, plain) + made[1])
    return authority, server


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
