"""What registries answer, in the shapes that they have: who is nested where, and what stands where nobody is known."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Document = dict[str, Any]


def card(*mails: str, name: str = "Desk") -> list[Any]:
    """A jCard with these e-mail addresses."""
    rows: list[Any] = [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]
    return ["vcard", [*rows, *(["email", {"type": "work"}, "text", mail] for mail in mails)]]


def entity(*roles: str, mails: tuple[str, ...] = (), inside: tuple[Document, ...] = ()) -> Document:
    """An entity with its roles, its addresses, and those within it."""
    made: Document = {"objectClassName": "entity", "handle": "X-1", "roles": list(roles), "vcardArray": card(*mails)}
    return made | ({"entities": list(inside)} if inside else {})


def network(*entities: Document, first: str = "45.148.10.0", last: str = "45.148.10.255") -> Document:
    """A network with its entities."""
    return {
        "objectClassName": "ip network", "handle": "N-1", "startAddress": first, "endAddress": last, "ipVersion": "v4",
        "entities": list(entities), "links": [{"rel": "self", "href": "javascript:alert(1)"}],
    }  # fmt: skip


ABUSE = entity("abuse", mails=("abuse@provider.example",))
ARIN = network(
    entity("registrant", mails=(), inside=(ABUSE, entity("technical", "noc", mails=("noc@provider.example",)))),
)
"""The people for abuse stand in the organisation."""
RIPE = network(
    entity("administrative", "technical", mails=("hostmaster@provider.example",)),
    ABUSE,
    entity("registrant", mails=("org@provider.example",)),
)
APNIC = network(
    entity("abuse", mails=("abuse@provider.example", "irt@provider.example")), entity("technical", mails=("t@x.example",))
)
LACNIC = network(entity("abuse", mails=("abuse@lacnic.net",)), entity("registrant", mails=("admin@provider.example",)))
"""Where it knows no desk it names its own, which answers that it can do nothing."""


@contextmanager
def serving(answers: dict[str, tuple[int, bytes, dict[str, str]]]) -> Iterator[tuple[str, list[str]]]:
    """A registry on the loopback: answers by path; gives its host, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, body, headers = answers.get(self.path, (404, b"{}", {}))
            self.send_response(status)
            for name, value in {"Content-Type": "application/rdap+json", "Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def book(base: str) -> Document:
    """The tables of who is asked for what, in which one registry has all networks (RFC 9224)."""
    urls = [f"{base}/"]
    return {
        "timestamp": 1_795_600_000,
        "asn": {"services": [[["1-4294967295"], urls]]},
        "dns": {"services": [[["example"], urls]]},
        "ipv4": {"services": [[["45.0.0.0/8"], urls]]},
        "ipv6": {"services": [[["2a00::/12"], urls]]},
        "object": {"services": [[["x@example.org"], ["RIPE"], urls]]},
    }


def plain(document: Document) -> tuple[int, bytes, dict[str, str]]:
    """A good answer."""
    return 200, json.dumps(document).encode(), {}
