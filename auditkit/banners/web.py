"""HTTP (RFC 9110), and what speaks it: IPP, proxies, Elasticsearch."""

import json
import re
from collections.abc import Iterator

from auditkit.banners.naming import NO_PRODUCTS, named
from auditkit.banners.reading import Product, Reading, first, line

NAMES = {
    "apache": "apache", "nginx": "nginx", "lighttpd": "lighttpd", "microsoft-iis": "iis", "squid": "squid", "cups": "cups",
    "php": "php", "asp.net": "asp.net", "openssl": "openssl", "mod_perl": "mod_perl", "python": "python",
    "openresty": "openresty", "caddy": "caddy", "jetty": "jetty", "boa": "boa", "goahead-webs": "goahead",
    "virata-emweb": "emweb", "samba": "samba",
}  # fmt: skip
"""What a header calls a product, in lower case, and what the table of fixes does."""
_HEADER = re.compile(rb"^([A-Za-z][A-Za-z0-9-]{0,60}):[ \t]*([^\r\n]{0,1000})", re.MULTILINE)
_TOKEN = re.compile(r"([A-Za-z][A-Za-z0-9_.-]{0,40})(?:/v?([0-9][0-9A-Za-z.+~-]{0,60}))?")
_JETTY = re.compile(r"\bJetty\(([^() ]{1,60})\)")
_COMMENT = re.compile(r"\(([^()]{1,100})\)")
_KERNEL = re.compile(r"\b(?:Linux|Darwin|FreeBSD|NetBSD|OpenBSD|SunOS|Windows)[ /-]?[0-9][0-9A-Za-z.+~-]*")
_STATUS = re.compile(rb"\AHTTP/[0-9.]{1,3} ([0-9]{3})")
_SHOW = (b"server", b"x-powered-by", b"x-aspnet-version", b"x-aspnetmvc-version", b"via", b"x-generator")
MOST = 8
"""Products that one answer names."""


def http(parts: tuple[bytes, ...]) -> Reading:
    """The headers of an answer: `Server: Apache/2.4.68 (Debian)`, `X-Powered-By: PHP/8.2.32`."""
    data = first(parts)
    status = _STATUS.match(data)
    if not status:
        return Reading(line(data))
    headers = [(name.lower(), value) for name, value in _HEADER.findall(data.partition(b"\r\n\r\n")[0])]
    shown = [line(name.title() + b": " + value) for name, value in headers if name in _SHOW]
    server = line(b" ".join(value for name, value in headers if name == b"server"))
    kernel = _KERNEL.search(server)
    basic = status[1] == b"401" and any(
        name == b"www-authenticate" and value.lower().startswith(b"basic") for name, value in headers
    )
    return Reading(
        line("; ".join(shown).encode("utf-8", "surrogateescape")) or line(data.partition(b"\r\n")[0]),
        tuple(dict.fromkeys(_products(headers)))[:MOST],
        kernel[0] if kernel else "",
        clear="it asks for a password by Basic authentication, without TLS" if basic else "",
    )


def _products(headers: list[tuple[bytes, bytes]]) -> Iterator[Product]:
    for name, value in headers:
        if name in (b"x-aspnet-version", b"x-aspnetmvc-version"):
            yield Product("asp.net", line(value))
        elif name in (b"server", b"x-powered-by"):
            text = _COMMENT.sub(" ", _JETTY.sub(r"Jetty/\1", line(value)))
            tokens = _TOKEN.findall(text)
            yield from (Product(NAMES[word.lower()], version) for word, version in tokens if word.lower() in NAMES)
            if tokens and tokens[0][0].lower() not in NAMES:
                yield from _unknown(text, *tokens[0])


def _unknown(text: str, word: str, version: str) -> Iterator[Product]:
    """Yield the server itself where it is none that is known: what stands behind it in the header are its modules."""
    if "." in version and word.lower() not in NO_PRODUCTS:
        yield Product(word.lower(), version)
    elif not version:
        yield from named(text)


def elasticsearch(parts: tuple[bytes, ...]) -> Reading:
    """What is at `/`, an object with `version.number`; whoever gets it has shown no credential."""
    data = first(parts)
    told = http(parts)
    status, body = _STATUS.match(data), data.partition(b"\r\n\r\n")[2]
    try:
        said = json.loads(body)
        version = said["version"]["number"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return told
    if not status or status[1] != b"200" or not isinstance(version, str):
        return told
    shown = line(version.encode("utf-8", "replace"))
    kind = "opensearch" if said["version"].get("distribution") == "opensearch" else "elasticsearch"
    return Reading(f"{kind} {shown}", (Product(kind, shown),), open="it tells of its cluster, and so of its data")
