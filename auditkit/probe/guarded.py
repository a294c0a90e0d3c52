"""Files of settings that hold secrets beside lines that run something: only those lines travel, the others are empty.

Where a file lies says which lines those are. Keys of WireGuard and OpenVPN, passwords of syslog-ng, wget, pip, mounts
and services, and the environment of whoever left a job to at(1) stay on the host.
"""

import re

from .hints import Iterator, List, Optional

HIDDEN = b"<hidden>"
"""What stands for the value of a variable, or for who somebody is at an address."""
_PLACE = re.compile(
    rb"(?:(/etc/openvpn/.*)|(/etc/wireguard/.*)|(/etc/syslog-ng/.*)|(/etc/wgetrc|.*/\.wgetrc)"
    rb"|(/etc/pip\.conf|.*/\.?pip/pip\.conf)|(/etc/(?:fstab|crypttab))"
    rb"|(/etc/(?:supervisor|zabbix)/.*|/etc/rsyncd\.conf)|(/var/spool/(?:cron/atjobs|at|atjobs)/.*))\Z",
    re.DOTALL,
)
_HOOKS = (
    rb"up|down|route-up|route-pre-down|ipchange|iproute|plugin|client-connect|client-disconnect|client-crresponse|learn-address"
    rb"|auth-user-pass-verify|tls-verify|tls-crypt-v2-verify"
)
_LINES = (
    (rb"[ \t]*(--)?(" + _HOOKS + rb")([ \t]|$)", b"", b""),
    (rb"(?i)[ \t]*(pre|post)(up|down)[ \t]*=", b"", rb"[A-Za-z0-9+/]{43}="),
    (
        rb"([^#]*[^#A-Za-z0-9_])?(program|python|java)[ \t]*\(",
        rb"[ \t]*[\"']",
        rb"[A-Za-z_-]*(pass|pwd|secret|token|key)[A-Za-z_-]*[ \t]*\([ \t]*(\"[^\"]*\"|'[^']*'|[^\"')]+)",
    ),
    (rb"(?i)[ \t]*use[_-]?askpass[ \t]*=", b"", b""),
    (rb"(?i)[ \t]*((extra[_-])?index[_-]url|find[_-]links|trusted[_-]host)[ \t]*[=:]", rb"[ \t]+[^ \t#;]", b""),
    (
        rb"[^#]*([ \t]\/(usr|s?bin|etc|lib[0-9x]*|root)(\/[^ \t]*)?[ \t]+[^ \t]+[ \t]+([^ \t]*,)?r?bind(,|[ \t]|$)|keyscript=)",
        b"",
        rb"(pass|password|credentials|cred)=[^, \t]*",
    ),
    (
        rb"[ \t]*(((pre|post)-xfer|early) exec|command|UserParameter|AllowKey|EnableRemoteCommands)[ \t]*=",
        b"",
        b"",
    ),
)
"""What begins a line that is kept, what begins one that it goes on with, and what is hidden in either, in the order of the
places, in words that sed(1) has too. Of at(1) all is kept but its variables."""
_BLOCK = re.compile(rb"[ \t]*<(/?)([a-z0-9-]{1,32})>[ \t\r]*\Z")
_SET = re.compile(rb"(?!(?:LD_\w+|BASH_ENV|ENV|PATH|SHELL)=)([A-Za-z_]\w*)=")
_WRITTEN = re.compile(rb"(?:[A-Za-z0-9%/{\[\]=}@+#,.:_\x80-\xff-]|\\[^\n]|\"\n\")*; export ([A-Za-z_]\w*)\Z")
"""The rest of what at(1) writes of a variable: it escapes what a shell might heed. What is written otherwise runs something."""
_WHO = re.compile(rb"://[^/\s@]{1,1024}@")


def kind(*paths: bytes) -> Optional[int]:
    """Which of these a file is by where it lies, under any of its names; None where it is none."""
    found = next(filter(None, map(_PLACE.match, paths)), None)
    return found.lastindex - 1 if found and found.lastindex else None


def reduced(which: int, data: bytes) -> bytes:
    """What of such a file may travel; its lines keep their numbers."""
    lines = data.split(b"\n")
    kept = _lines(lines, which) if which < len(_LINES) else _job(lines)
    return _WHO.sub(rb"://" + HIDDEN + b"@", b"\n".join(kept))


def _lines(lines: List[bytes], which: int) -> List[bytes]:
    """The lines that are kept, with what they go on with, and an empty one for each other; none of a block that holds a key."""
    begins, goes_on, hides = (re.compile(each or rb"(?!)") for each in _LINES[which])
    told, inside, last = [], b"", -1  # type: List[bytes], bytes, int
    for number, line in enumerate(lines):
        told.append(b"")
        tag = _BLOCK.match(line) if which == 0 else None
        if tag:
            inside = b"" if tag.group(1) or tag.group(2) == b"connection" else tag.group(2)
        elif not inside and begins.match(line):
            told[number], last = hides.sub(HIDDEN, line), number
        elif last >= 0 and goes_on.match(line):
            told[last] += b" " + hides.sub(HIDDEN, line).strip()
        else:
            last = -1
    return told


def script(path: bytes) -> bytes:
    """What sed(1) leaves of such a file as `reduced` does, but that no line is joined to another; empty where it cannot."""
    which = kind(path)
    if which is None or which >= len(_LINES):
        return b""
    begins, goes_on, hides = map(_posix, _LINES[which])
    who = b"s#://[^/[:space:]@]*@#://" + HIDDEN + b"@#g\n" + (b"s#" + hides + b"#" + HIDDEN + b"#g\n" if hides else b"")
    if goes_on:
        return who + b":a\n/^%s/!{s/.*//\nb\n}\n:c\n$!{n\n%s/^%s/bc\nba\n}\n" % (begins, who, goes_on)
    blocks = rb"/^[[:blank:]]*<connection>/!{/^[[:blank:]]*<[a-z0-9-]+>/,/^[[:blank:]]*<\/[a-z0-9-]+>/s/.*//" + b"\n}\n"
    return who + (blocks if which == 0 else b"") + b"/^%s/!s/.*//\n" % begins


def _posix(text: bytes) -> bytes:
    """A pattern of the table as sed(1) reads it."""
    loose = text.startswith(b"(?i)")
    words = text[4 * loose :].replace(rb"[ \t]", b"\0").replace(rb"[^ \t", b"[^\1")
    words = re.sub(rb"[a-z]", lambda found: b"[" + found.group().upper() + found.group() + b"]", words) if loose else words
    return words.replace(b"\0", b"[[:blank:]]").replace(b"\1", b"[:blank:]")


def _job(lines: List[bytes]) -> Iterator[bytes]:
    """Yield the lines of a job of at(1), without the values of the variables of whoever left it."""
    at = 0
    while at < len(lines):
        found, end = _SET.match(lines[at]), at + 1
        while found and end < len(lines) and lines[end - 1].endswith(b'"') and lines[end].startswith(b'"'):
            end += 1
        text = b"\n".join(lines[at:end])
        written = _WRITTEN.match(text, found.end()) if found else None
        if found and written and written.group(1) == found.group(1):
            yield found.group() + HIDDEN + b"; export " + found.group(1)
            for _line in lines[at + 1 : end]:
                yield b""
        else:
            yield text
        at = end
