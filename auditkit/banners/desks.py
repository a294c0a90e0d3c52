"""What gives a desk or a terminal: telnet (RFC 854), VNC (RFC 6143), RDP (MS-RDPBCGR), X11; and what nobody knows."""

import re

from auditkit.banners.naming import named
from auditkit.banners.reading import Product, Reading, first, found, line

_OPTIONS = re.compile(rb"\xff(?:[\xfb-\xfe].|\xfa.{0,100}?\xff\xf0|[\xf0-\xf9])", re.DOTALL)
_SYSTEM = re.compile(
    rb"\b((?:Linux|FreeBSD|NetBSD|OpenBSD|SunOS|Debian|Ubuntu|CentOS|Fedora|Red Hat)[ /-][^\r\n]{0,80}?[0-9][^\r\n(]{0,60})"
)
_HOST = re.compile(rb"(?:^|\s)(?:\(([A-Za-z0-9.-]{1,64})\)|([A-Za-z0-9.-]{1,64}) login:)")
_RFB = re.compile(rb"\A(RFB [0-9]{3}\.[0-9]{3})\n")
_NO_GREETINGS = ("SSH-", "RFB ", "@RSYNCD")
"""What these begin names a protocol, or is judged elsewhere."""
_NONE_OF_RFB = 1
_OLD_RFB = b"RFB 003.003"
_RDP_ANSWER, _RDP_FAILURE, _RDP_AT = 2, 3, 11
_PROTOCOLS_OF_RDP = {0: "its own encryption only", 1: "TLS", 2: "CredSSP", 8: "CredSSP"}


def telnet(parts: tuple[bytes, ...]) -> Reading:
    """The text between the options: what stands in issue.net, then `login:`."""
    data = b"".join(parts)
    text = _OPTIONS.sub(b"", data)
    asks = b"login:" in text.lower() or b"username:" in text.lower() or b"password:" in text.lower() or data[:1] == b"\xff"
    match = _HOST.search(text)
    host = line((match[1] or match[2]) if match else b"")
    return Reading(line(text) or ("telnet" if data else ""), (), found(_SYSTEM, text), host, "it is telnet" if asks else "")


def vnc(parts: tuple[bytes, ...]) -> Reading:
    """The version of the protocol, then how one may get in: a list, or in 3.3 one number of four bytes."""
    version, kinds = found(_RFB, first(parts)), first(parts, 1)
    if not version:
        return Reading(line(first(parts)))
    if first(parts).startswith(_OLD_RFB):
        is_open = int.from_bytes(kinds[:4], "big") == _NONE_OF_RFB
    else:
        is_open = _NONE_OF_RFB in kinds[1 : 1 + kinds[0]] if kinds else False
    return Reading(version, (Product("vnc"),), open="it shows the screen to who gives no password" if is_open else "")


def rdp(parts: tuple[bytes, ...]) -> Reading:
    """The answer to a request for a connection (X.224): how it may be secured."""
    data = first(parts)
    if not data.startswith(b"\x03\x00"):
        return Reading(line(data))
    kind = data[_RDP_AT] if len(data) > _RDP_AT else 0
    how = int.from_bytes(data[_RDP_AT + 4 : _RDP_AT + 8], "little") if kind == _RDP_ANSWER else 0
    told = (
        "which refuses TLS and CredSSP" if kind == _RDP_FAILURE else f"with {_PROTOCOLS_OF_RDP.get(how, 'another protection')}"
    )
    return Reading(f"RDP {told}", (Product("rdp"),))


def x11(parts: tuple[bytes, ...]) -> Reading:
    """Whether a client gets in that shows no cookie: 1 yes, 0 no, 2 more is asked for."""
    data = first(parts)
    if data[:1] == b"\x01" and len(data) >= 8:
        return Reading(
            "X11", (Product("x11"),), open="it lets a client in that shows no cookie, who then sees every key pressed"
        )
    return Reading(f"X11: {line(data[8:])}" if data[:1] in (b"\x00", b"\x02") and len(data) >= 8 else line(data))


def listen(parts: tuple[bytes, ...]) -> Reading:
    """What a service says that nobody knows, before it is asked anything."""
    told = line(first(parts).partition(b"\n")[0])
    return Reading(line(first(parts)), () if told.startswith(_NO_GREETINGS) else named(told))
