"""What the stock `ssh` client says while it connects, as facts and as the reason why it gave up.

With LogLevel DEBUG2 it tells what was offered and agreed on in lines that begin with `debug`; all others are complaints. The
lines that matter come before the server can have anything shown, so the first of a kind counts. The clients that log in to
jump hosts only complain, and say what is in WANTED, each before those that wait for it.
"""

import re

from auditkit.errors import HostError
from auditkit.keys.wire import CERTIFICATE
from auditkit.model import State
from auditkit.printable import printable
from auditkit.ssh import Hop, LinkFacts, Route, onward

WANTED = "ssh.c:ssh_init_stdio_forwarding():*,channels.c:channel_input_open_failure():*"
"""What is wanted of a jump host (ssh_config(5), LogVerbose): that it was logged in to, and why it does not connect onward."""

_BANNER = re.compile(r"^debug1: Remote protocol version ([0-9.]{1,8}), remote software version (.{0,255})", re.MULTILINE)
_KEY = re.compile(r"^debug1: Server host (?:key|certificate): (\S{1,64}) (SHA256:[A-Za-z0-9+/]{43})", re.MULTILINE)
_KEX = re.compile(r"^debug1: kex: algorithm: (\S{1,64})", re.MULTILINE)
_KEY_ALGORITHM = re.compile(r"^debug1: kex: host key algorithm: (\S{1,64})", re.MULTILINE)
_CIPHER = re.compile(r"^debug1: kex: server->client cipher: (\S{1,64}) MAC: (\S{1,64})", re.MULTILINE)
_OFFERED = re.compile(r"^debug1: Offering public key: (.{1,200}?) [A-Z0-9-]{2,20} SHA256:\S+", re.MULTILINE)
_METHOD = re.compile(r"^debug1: Next authentication method: (password|keyboard-interactive)$", re.MULTILINE)
_ANSWERED = {"password": "a password", "keyboard-interactive": "answers to its questions"}
_METHODS = re.compile(r"^debug1: Authentications that can continue: ([A-Za-z0-9@.,-]{1,200})$", re.MULTILINE)
_NO_CREDENTIAL = re.compile(r'^(?:debug1: )?Authenticated to .{1,300} using "none"', re.MULTILINE)
_PROPOSAL = re.compile(r"^debug2: peer server KEXINIT proposal\n((?:debug2: [^\n]{0,9999}\n){1,20})", re.MULTILINE)
_KEXINIT = {
    "kex": "KEX algorithms",
    "host_keys": "host key algorithms",
    "ciphers": "ciphers stoc",
    "macs": "MACs stoc",
    "compression": "compression stoc",
}
"""What we call the lists of a server, and what ssh does with LogLevel DEBUG2."""
_INVALID = re.compile(r"^Certificate invalid: (.{1,200})$", re.MULTILINE)
_TAKES = re.compile(r"Permission denied \(([A-Za-z0-9@.,-]{1,200})\)")
_OFFENDING = re.compile(r"^Offending (?:\S{1,20} )?key(?: for IP)? in (.{1,500}):([0-9]{1,9})$", re.MULTILINE)
_SHA1 = re.compile(r"no matching (host key type|key exchange method) found. Their offer: ([A-Za-z0-9@.,-]{1,500})")
_SHA1_NAMES = re.compile(r"ssh-rsa|ssh-dss|diffie-hellman-[a-z0-9-]+-sha1")
_NO_KEX = re.compile(r"(?:^|,)(?:ext-info-|kex-strict-)[^,]*")
"""What stands among the key exchanges without being one (RFC 8308; PROTOCOL of OpenSSH)."""

_LOGGED_IN = re.compile(r"^debug3: ssh\.c:ssh_init_stdio_forwarding\(\)", re.MULTILINE)
_FAILS = re.compile(
    r"^(?:channels\.c:\S{1,80} \([^)]{1,80}\): channel \d{1,9}: open failed: (.{1,200})|stdio forwarding failed)", re.MULTILINE
)
_WAITED = re.compile(r"kex_exchange_identification: |.*\bUNKNOWN port ")
"""How clients complain of the jump host that they wait for, which has no address for them."""

EXEMPT = "wait some minutes; for good, exempt this machine there with PerSourcePenaltyExemptList, or raise MaxStartups"
ADD_A_KEY = "add a public key of yours to ~/.ssh/authorized_keys of {user} there, or name the right one with `identity:`"
ALLOW_KEYS = "allow PubkeyAuthentication in its sshd_config, or give a password at the terminal or with --password-fd"
_LISTENS = "see whether sshd runs there and listens on this port"
_UP = "see whether it is switched on and in its network"
_OTHERS: tuple[tuple[str, State, str], ...] = (
    (r"Too many authentication failures", State.AUTH_FAILED, "name the one key to log in with by `identity:`"),
    (r"Not allowed at this time|Exceeded MaxStartups", State.THROTTLED, EXEMPT),
    (r"kex_exchange_identification: .*(?:reset by peer|closed by remote host)", State.THROTTLED, EXEMPT),
    (r"[Cc]onnection refused", State.UNREACHABLE, _LISTENS),
    (r"timed out|No route to host|Network is unreachable|stdio forwarding failed", State.UNREACHABLE, _UP),
    (r"Unable to negotiate with .*", State.UNREACHABLE, "allow for it in ~/.ssh/config what it offers"),
)
"""Complaints, the state that each means, and what to do; the first that is found counts."""


def facts(said: str, route: Route, place: str) -> LinkFacts:
    """What a login showed of the server; `place` is where ssh connected to, which may be a jump host."""
    banner, key, cipher = (found.search(said) for found in (_BANNER, _KEY, _CIPHER))
    kex, algorithm = _KEX.search(said), _KEY_ALGORITHM.search(said)
    algorithms = {
        "kex": kex[1] if kex else "",
        "host-key": algorithm[1] if algorithm else "",
        "cipher": cipher[1] if cipher else "",
        "mac": cipher[2].strip("<>") if cipher else "",
    }
    return LinkFacts(
        banner=printable(f"SSH-{banner[1]}-{banner[2]}") if banner else "",
        host_key=key[2] if key else "",
        address=printable(place if len(route.hops) == 1 else route.target.hostname),
        algorithms={name: printable(value) for name, value in algorithms.items() if value},
        port=route.target.port,
        user=route.target.user,
        host_key_type=key[1].removesuffix(CERTIFICATE) if key else "",
        kexinit=_offered(said),
        methods=_methods(said),
    )


def _offered(said: str) -> dict[str, tuple[str, ...]]:
    """The lists of the server, the first time that keys were exchanged."""
    proposal = _PROPOSAL.search(said)
    lines = dict(line[8:].split(": ", 1) for line in proposal[1].splitlines() if ": " in line[8:]) if proposal else {}
    return {name: tuple(filter(None, lines[theirs].split(","))) for name, theirs in _KEXINIT.items() if theirs in lines}


def _methods(said: str) -> tuple[str, ...]:
    """What was offered before any credential."""
    if found := _METHODS.search(said):
        return tuple(found[1].split(","))
    return ("none",) if _NO_CREDENTIAL.search(said) else ()


def failure(said: str, route: Route, timed_out: bool) -> HostError:
    """The error of an ssh that could not log in, told of the hop where it came to an end."""
    way, stuck = route.hops, _FAILS.search(said)
    reached = len(way) - 1 if _BANNER.search(said) else len(_LOGGED_IN.findall(said))
    at = min(max(reached, stuck is not None), len(way) - 1)
    hop, last = way[at], at == len(way) - 1
    if stuck and at:
        why = printable(stuck[1] or "it does not say why")
        return onward.of(hop, route, onward.not_connected(way[at - 1], why, "prohibited" in why))
    lines = [line for line in said.splitlines() if not line.startswith("debug")]
    own = lines if last and not hop.proxy_command else [line for line in lines if not _WAITED.match(line)] or lines
    return onward.of(hop, route, _failure("\n".join(own), said if last else "", hop, timed_out))


def _failure(words: str, said: str, hop: Hop, timed_out: bool) -> HostError:
    """The error of a hop, from complaints, and from all that is said of the login if it is the last one."""
    error = _host_key(words, said, hop) or _shut_out(words, said, hop) or _old(words) or _other(words)
    if timed_out and error is None:
        return HostError("ssh does not come to a login in time", "see what its sshd waits for", State.TIMEOUT)
    return error or HostError(f"ssh fails: {_last(words)}", f"run ssh -v {printable(hop.name)} and see")


def _host_key(words: str, said: str, hop: Hop) -> HostError | None:
    """The error of a host key that ssh does not trust."""
    shown = _KEY.search(said)
    key = f" {shown[1]} {shown[2]}" if shown else ""
    place = _OFFENDING.search(words)
    where = f"{printable(place[1])}, line {place[2]}" if place else "known_hosts"
    if "REVOKED HOST KEY" in words or "marked as revoked" in words:
        return HostError(f"its host key{key} is revoked: {where}", "do not log in there: see why", State.HOSTKEY_CHANGED)
    if "IDENTIFICATION HAS CHANGED" in words:
        hint = "find out why before you log in: only if the host was set up anew, replace that line"
        return HostError(f"its host key{key} is not the one in {where}", hint, State.HOSTKEY_CHANGED)
    if "Host key verification failed" in words:
        name = printable(hop.name)
        hint = f"compare it with `ssh-keygen -lf` of the key on the host itself, then say yes to: ssh {name}"
        invalid = _INVALID.search(words)
        why = f", and its certificate is invalid: {printable(invalid[1])}" if invalid else ""
        return HostError(f"its host key{key} is unknown{why}", hint, State.HOSTKEY_UNKNOWN)
    return None


def _shut_out(words: str, said: str, hop: Hop) -> HostError | None:
    """The error of a login that was refused: what was offered, and what the server takes."""
    takes = _TAKES.search(words)
    if not takes:
        return None
    user = printable(hop.user)
    given = [*_OFFERED.findall(said), *(_ANSWERED[each] for each in _METHOD.findall(said))]
    offered = ", ".join(printable(each) for each in dict.fromkeys(given))
    hint = ADD_A_KEY.format(user=user) if "publickey" in takes[1].split(",") else ALLOW_KEYS
    what = f": offered {offered}" if offered else ": there is no key to offer" if said and "publickey" in takes[1] else ""
    return HostError(f"it does not let {user} in{what}; it takes {takes[1].replace(',', ', ')}", hint, State.AUTH_FAILED)


def _old(words: str) -> HostError | None:
    """The error of a server that offers nothing but SHA-1, which ssh does not use unless it is told to."""
    found = _SHA1.search(words)
    offered = _NO_KEX.sub("", found[2]).strip(",").split(",") if found else []
    if found is None or not all(map(_SHA1_NAMES.fullmatch, offered)):
        return None
    what, option = ("host keys", "HostKeyAlgorithms") if found[1] == "host key type" else ("key exchange", "KexAlgorithms")
    hint = f"allow it for this host in ~/.ssh/config: {option} +{offered[0]}; better give it a newer SSH server"
    return HostError(f"it only offers SHA-1 algorithms for {what}: {', '.join(offered)}", hint)


def _other(words: str) -> HostError | None:
    for pattern, state, hint in _OTHERS:
        if found := re.search(pattern, words):
            line = next((each for each in words.splitlines() if found[0].splitlines()[0] in each), found[0])
            return HostError(f"ssh says: {printable(line.strip()[:200])}", hint, state)
    return None


def _last(words: str) -> str:
    lines = words.strip().splitlines()
    return printable(lines[-1].strip()[:200]) if lines else "it does not say why"
