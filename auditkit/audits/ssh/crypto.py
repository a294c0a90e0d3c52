"""H. What a server agrees to encrypt with: from what it showed over the network, else from its settings.

Never from a version number: vendors mend old versions, and lines of the configuration take algorithms out and in. The curves of
NIST are no finding.
"""

import re
from collections.abc import Iterator, Mapping

from auditkit import answers
from auditkit.access import needs, seen, telling
from auditkit.access.nouns import Server
from auditkit.answers import Ran
from auditkit.audits.ssh.settings import OPENSSH, Setting, setting
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import printable

ALGORITHM_WEAK = Rule(
    "ssh-algorithm-weak",
    "A server takes algorithms that are broken, or soon will be",
    Severity.MEDIUM,
    "Client and server agree on the first algorithm of the client that both have: an old client, or whoever sits between and"
    " speaks for one, gets what is offered here. SHA-1 in a signature or a key exchange, CBC, 3DES, arcfour, MD5 and groups of"
    " 1024 bits have attacks against them. hmac-sha1 has none that is known; it is on wherever nobody turned it off.",
    "Take them out of the list of the server; clients of the last ten years do not need them.",
    ("sshd_config(5)", "RFC 9142", "CIS Debian 12 5.1.6", "CIS Debian 12 5.1.12"),
)
TERRAPIN = Rule(
    "ssh-terrapin",
    "A server lets messages be taken out of a connection unseen",
    Severity.MEDIUM,
    "Whoever sits between can leave out the first messages of an encrypted connection and so turn off protections that the"
    " two sides would agree on (Terrapin). Strict key exchange, which servers announce, closes it; this one does not.",
    "Install the update of the server's package: vendors have mended old versions too.",
    ("CVE-2023-48795", "https://terrapin-attack.com"),
)
NO_POST_QUANTUM = Rule(
    "ssh-no-post-quantum",
    "What is recorded of connections today can be read once there are quantum computers",
    Severity.LOW,
    "What is recorded of connections today may be read in some years. The server has no key exchange that withstands quantum"
    " computers (mlkem768x25519-sha256, sntrup761x25519-sha512): who stores the traffic can wait.",
    "OpenSSH has one since 9.0 and prefers it; take KexAlgorithms out of the configuration, or upgrade.",
    ("https://www.openssh.com/pq.html", "CIS Debian 13 5.1.13"),
)
RSA_SIZE = Rule(
    "ssh-rsa-size",
    "A server takes RSA keys that are within reach of being broken",
    Severity.INFO,
    "Keys that a rich attacker can break are still let in. RequiredRSASize is 1024 where nothing else is said, so that RSA"
    " keys below 2048 bits in an authorized_keys are taken.",
    "Where no key below 2048 bits is in use, see key-weak: RequiredRSASize 2048.",
    ("sshd_config(5) RequiredRSASize",),
)
MODULI_SHORT = Rule(
    "ssh-moduli-short",
    "A key exchange uses groups below 3072 bits",
    Severity.INFO,
    "Some connections are protected less well than they could be, for years to come. diffie-hellman-group-exchange takes its"
    " groups from the file of moduli, and a client that asks for short ones, of 2048 bits, gets them.",
    "awk '$5 >= 3071' /etc/ssh/moduli | sudo tee /etc/ssh/moduli.long | grep -c . && sudo cp -p /etc/ssh/moduli"
    " /etc/ssh/moduli.before && sudo cp /etc/ssh/moduli.long /etc/ssh/moduli (undo: sudo cp -p /etc/ssh/moduli.before"
    " /etc/ssh/moduli).",
    ("moduli(5)", "RFC 9142"),
)
NEEDS = seen.NEEDS
OTHERS = "What {} offers is decided when it is built: install the newest package of it, or take OpenSSH in its place."
"""What to do where no line of a configuration helps."""
RULES = (ALGORITHM_WEAK, TERRAPIN, NO_POST_QUANTUM, RSA_SIZE, MODULI_SHORT)

KEYWORDS: Mapping[str, str] = {
    "kex": "KexAlgorithms",
    "host_keys": "HostKeyAlgorithms",
    "ciphers": "Ciphers",
    "macs": "MACs",
}
"""The lists of a KEXINIT, and the keyword that sets each."""
_WEAK: Mapping[str, re.Pattern[str]] = {
    "kex": re.compile(r"diffie-hellman-group(1|14|-exchange)-sha1|rsa1024-sha1|gss-(group1|group14|gex)-sha1-.*"),
    "host_keys": re.compile(r"ssh-(rsa|dss)(-cert-v0[01]@openssh\.com)?"),
    "ciphers": re.compile(r".*-cbc(@.*)?|arcfour.*|none"),
    "macs": re.compile(r"hmac-md5.*|hmac-sha1-96.*|hmac-ripemd160.*|none"),
}
_HARMLESS: Mapping[str, re.Pattern[str]] = {"macs": re.compile("hmac-sha1")}
"""What only hardening asks for."""
_QUANTUM = re.compile(r"(mlkem|sntrup).*")
_STRICT = "kex-strict-s-v00@openssh.com"
_CHACHA = "chacha20-poly1305@openssh.com"
_EXCHANGES = ("diffie-hellman-group-exchange-sha256", "diffie-hellman-group-exchange-sha1")
_COUNT = '/usr/bin/awk /^[0-9]/{n++;if($5<3071)k++}END{printf("%d,%d",k,n)} '
"""Counts the short groups and all of them: the file itself is long, and says nothing more."""
_COUNTED = re.compile(rb"([0-9]{1,9}),([0-9]{1,9})")
_WORD = re.compile(r"/[A-Za-z0-9._/+-]{1,200}")
"""A path that may be a word of a command."""
FEWEST_BITS = 2048


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the algorithms of the servers of a host."""
    servers = [one for one in seen.seen(evidence).servers if one.running is not False]
    for server in servers:
        for kind, keyword in KEYWORDS.items():
            yield from _weak(evidence, server, kind, keyword)
        yield from _terrapin(evidence, server)
        yield from _quantum(server)
        yield from _rsa_size(evidence, server)
    for need in dict.fromkeys(filter(None, map(_moduli, servers))):
        yield from _short_moduli(evidence, need)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What counts the moduli of the servers that make use of them."""
    return tuple(need for server in seen.seen(evidence).servers if (need := _moduli(server)))


def offered(server: Server, kind: str) -> Setting:
    """A list as the server showed it, else as it is set to."""
    shown = next((one.kexinit[kind] for one in server.shown if one.kexinit.get(kind)), None)
    told = setting(server, KEYWORDS[kind])
    return told if shown is None else Setting((",".join(shown),), told.set_by)


def _weak(evidence: Evidence, server: Server, kind: str, keyword: str) -> Iterator[Finding]:
    """Yield one finding for all that one line takes out."""
    told = offered(server, kind)
    weak = [name for name in told.names if _WEAK[kind].fullmatch(name)]
    minor = [name for name in told.names if kind in _HARMLESS and _HARMLESS[kind].fullmatch(name)]
    if weak or minor:
        severity = ALGORITHM_WEAK.severity if weak else Severity.INFO
        names = [*weak, *minor]
        by = f" ({keyword} at {told.origin})" if told.set_by else ""
        message = f"it offers {printable(', '.join(names))}{by}"
        yield Finding(ALGORITHM_WEAK, server.name, message, severity, remedy=_without(evidence, server, keyword, names))


def _without(evidence: Evidence, server: Server, keyword: str, names: list[str]) -> str:
    """How to take names out of a list; those of GSSAPI, which end in a digest, have a keyword of their own."""
    plain = [name for name in names if not name.startswith("gss-")]
    if server.kind != OPENSSH:
        return OTHERS.format(server.kind)
    if not all(map(_ordinary, plain)):
        return ""
    told = setting(server, keyword)
    rest = [name for name in told.names if name not in names]
    if told.set_by and not (rest and all(map(_ordinary, rest))):
        return ""
    # `-` takes names out of what is built in, and would put back what a line has left out
    lines = [f"{keyword} {','.join(rest)}" if told.set_by else f"{keyword} -{','.join(plain)}"] if plain else []
    lines += ["GSSAPIKeyExchange no"] if plain != names else []
    return telling.closing(server, evidence, lines)


def _ordinary(name: str) -> bool:
    """Whether a name, which a server may have made up, may stand in a line that somebody pastes."""
    return re.fullmatch(r"[a-z0-9@._-]{1,64}", name) is not None


def _terrapin(evidence: Evidence, server: Server) -> Iterator[Finding]:
    for shown in server.shown:
        kex, ciphers, macs = (shown.kexinit.get(kind, ()) for kind in ("kex", "ciphers", "macs"))
        chacha = [name for name in ciphers if name == _CHACHA]
        cbc, etm = [c for c in ciphers if c.endswith("-cbc")], [m for m in macs if m.endswith("-etm@openssh.com")]
        open_ = chacha + (cbc if etm else [])
        if kex and open_ and _STRICT not in kex:
            message = f"it offers {printable(', '.join(open_))}, and no strict key exchange ({_STRICT})"
            fit = server.kind == OPENSSH and all(map(_ordinary, open_))
            line = f"Ciphers -{','.join(open_)}"
            until = f" Until then: {telling.closing(server, evidence, [line])}" if fit else ""
            yield Finding(TERRAPIN, server.name, message, TERRAPIN.severity, remedy=TERRAPIN.remedy + until)
            return


def _quantum(server: Server) -> Iterator[Finding]:
    told = offered(server, "kex")
    if told.value is not None and not any(map(_QUANTUM.fullmatch, told.names)):
        by = f": KexAlgorithms at {told.origin} leaves it out" if told.set_by else ""
        message = f"none of its key exchanges withstands quantum computers{by}"
        remedy = "" if server.kind == OPENSSH else OTHERS.format(server.kind)
        yield Finding(NO_POST_QUANTUM, server.name, message, NO_POST_QUANTUM.severity, remedy=remedy)


def _rsa_size(evidence: Evidence, server: Server) -> Iterator[Finding]:
    told = setting(server, "RequiredRSASize")
    bits = "".join(told.value or ())
    if bits.isdecimal() and int(bits) < FEWEST_BITS:
        message = f"RequiredRSASize is {bits} ({told.origin})"
        remedy = f"{RSA_SIZE.remedy} {telling.closing(server, evidence, [f'RequiredRSASize {FEWEST_BITS}'])}"
        yield Finding(RSA_SIZE, server.name, message, RSA_SIZE.severity, remedy=remedy)


def _moduli(server: Server) -> Need | None:
    """What counts the moduli of a server that makes use of them."""
    file = "".join(setting(server, "ModuliFile").value or ()) or "/etc/ssh/moduli"
    uses = set(offered(server, "kex").names) & set(_EXCHANGES)
    fit = uses and server.kind == OPENSSH and _WORD.fullmatch(file)
    return Need(Means.COMMAND, _COUNT + file, "how long the groups of its key exchange are") if fit else None


def _short_moduli(evidence: Evidence, need: Need) -> Iterator[Finding | Gap]:
    """Yield a finding if there are short groups in a file, whatever the number of servers that use it."""
    for ran in needs.read(evidence, need, answers.ran):
        found = _COUNTED.fullmatch(ran.out) if isinstance(ran, Ran) and ran.status == 0 else None
        if isinstance(ran, Gap):
            yield ran
        elif found and int(found[1]):
            message = f"{int(found[1])} of {int(found[2])} groups have fewer than 3072 bits, for diffie-hellman-group-exchange"
            yield Finding(MODULI_SHORT, need.what.removeprefix(_COUNT), message, MODULI_SHORT.severity)
