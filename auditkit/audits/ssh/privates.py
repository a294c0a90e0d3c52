"""K. Keys and trust that lie open in homes: private keys without a passphrase, and clients told to trust whoever answers."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from auditkit.access import needs, seen
from auditkit.audits.ssh.accesses import Access, accesses
from auditkit.keys import private
from auditkit.keys.private import Facts
from auditkit.model import Evidence, Finding, Gap, Item, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

PRIVATE = Need(Means.FILE, "~/.ssh/id_*", "which private keys lie here without a passphrase, as facts only", secret=True)
_CLIENT_WHY = "whether clients hand on the agent, or trust whoever answers"
CLIENTS = tuple(
    Need(Means.FILE, f, _CLIENT_WHY) for f in ("/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d/*.conf", "~/.ssh/config")
)
KNOWN = Need(Means.FILE, "~/.ssh/known_hosts", "whether it is a map of the network for whoever reads it")
TWINS = Need(Means.STATUS, "~/.ssh/*.pub", "which private keys lie here under other names")
NEEDS = (needs.PASSWD, PRIVATE, *CLIENTS, KNOWN, TWINS)

PRIVATE_KEY_UNENCRYPTED = Rule(
    "private-key-unencrypted",
    "A private key lies on the disk without a passphrase",
    Severity.MEDIUM,
    "Whoever gets at this file, or at a backup of it, can use it at once. It is not encrypted, so that root, a stolen disk or"
    " a copy is enough to log in wherever the key lets in.",
    "Give it a passphrase: ssh-keygen -p -f FILE (undo: the same with an empty one). A key of a job that runs by itself stays"
    ' as it is, and is limited where it lets in: restrict,command="...",from="..." before it.',
    ("ssh-keygen(1)",),
)
AGENT_FORWARDED = Rule(
    "ssh-agent-forwarded",
    "A client hands its agent on to the hosts it connects to",
    Severity.MEDIUM,
    "One broken machine can use the keys of everybody who logs in to it. With ForwardAgent, root on such a host uses every key"
    " of the agent for as long as the login lasts, and so goes on to all that they open.",
    "Take ForwardAgent yes out, and use ProxyJump to get through a host (undo: write it back).",
    ("ssh_config(5) ForwardAgent", "MITRE ATT&CK T1563.001"),
)
SERVER_NOT_CHECKED = Rule(
    "ssh-server-not-checked",
    "A client does not check who answers",
    Severity.MEDIUM,
    "People may type their passwords into somebody else's machine. With StrictHostKeyChecking no or UserKnownHostsFile"
    " /dev/null whoever sits between can pose as the host.",
    "Take the line out, or write StrictHostKeyChecking accept-new, which only trusts a host the first time (undo: write it"
    " back).",
    ("ssh_config(5) StrictHostKeyChecking",),
)
KNOWN_HOSTS_READABLE = Rule(
    "ssh-known-hosts-readable",
    "known_hosts names the hosts of the network",
    Severity.LOW,
    "Whoever gets into the account reads there where to go next. Worms have used it.",
    "ssh-keygen -H -f FILE hashes the names and leaves FILE.old, to be taken away (undo: mv FILE.old FILE); HashKnownHosts"
    " yes in /etc/ssh/ssh_config does so for new ones.",
    ("ssh-keygen(1)", "ssh_config(5) HashKnownHosts"),
)
RULES = (PRIVATE_KEY_UNENCRYPTED, AGENT_FORWARDED, SERVER_NOT_CHECKED, KNOWN_HOSTS_READABLE)
MOST_LINES = 20_000
MOST_QUOTES = 10
_SETTING = re.compile(r"[ \t]*([A-Za-z]+)(?:[ \t]*=[ \t]*|[ \t]+)(.*?)[ \t\r]*")
_NEAR = re.compile(r"(?:unix|vsock|vsock-mux|machine)[/%].*|\.host")
"""What systemd-ssh-proxy(1) leads to: sockets and virtual machines of this very host."""
_PLAIN = re.compile(r"(?!.*/\.\./)(?:~/|/(?!proc/|sys/|dev/))[A-Za-z0-9._/@+-]{1,200}")
_USUAL = re.compile(r"~/\.ssh/id_[^/]*")
MOST_NAMED = 50
_HOST = re.compile(r"\[?[A-Za-z0-9.:_-]+")


@dataclass(frozen=True, slots=True)
class Private:
    """A private key, and in whose home it lies."""

    accounts: tuple[str, ...]
    file: str
    facts: Facts


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what lies open in the homes of a host."""
    found = accesses(evidence) if needs.items(evidence, needs.PASSWD) else ()
    yield from _lying_open(evidence, [one for one in found if isinstance(one, Access) and one.alive])
    for item in (each for need in CLIENTS for each in evidence.of(need)):
        yield from _client(item)
    for item in evidence.of(KNOWN):
        yield from _known_hosts(item)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The private keys of other names than id_*: those whose public half lies beside them, and those that clients use."""
    twins = (item.source.removesuffix(".pub") for item in evidence.of(TWINS))
    found = [f"~/.ssh/{path.rpartition('/')[2]}" for path in twins]
    found += [path for need in CLIENTS for item in evidence.of(need) for path in _identities(item)]
    wanted = sorted({path for path in found if _PLAIN.fullmatch(path) and not _USUAL.fullmatch(path)})[:MOST_NAMED]
    return tuple(replace(PRIVATE, what=path) for path in wanted)


def _identities(item: Item) -> Iterator[str]:
    """Yield the files that IdentityFile lines of a client name; ~ and %d are the home of whoever reads the line."""
    for row in item.data.decode("utf-8", "surrogateescape").split("\n", MOST_LINES)[:MOST_LINES]:
        found = _SETTING.fullmatch(row)
        if found and found[1].lower() == "identityfile":
            path = found[2].strip('"')
            home = "" if item.source.startswith("/etc/") else item.source.removesuffix("/.ssh/config")
            path = f"~{path[2:]}" if path.startswith("%d/") else path
            yield f"~{path.removeprefix(home)}" if home and path.startswith(f"{home}/") else path


def facts(evidence: Evidence) -> Mapping[str, object]:
    """Every private key in a home: `facts.ssh.private_keys` of the report."""
    if not needs.items(evidence, needs.PASSWD):
        return {}
    return {"ssh": {"private_keys": [_fact(each) for each in privates(evidence)]}}


def _fact(each: Private) -> Mapping[str, object]:
    key = each.facts.key
    return {
        "accounts": list(each.accounts),
        "file": each.file,
        "format": each.facts.form,
        "encrypted": each.facts.encrypted,
        "fingerprint": key.fingerprint if key else None,
        "type": key.type if key else None,
        "bits": key.bits if key else None,
    }


def privates(evidence: Evidence) -> Iterator[Private]:
    """Yield the private keys of each home; files of that name that hold none are passed over."""
    found = {item.source: item for item in evidence.items if item.need == replace(PRIVATE, what=item.need.what)}
    for item in found.values():
        told = private.facts(item.data)
        if told is not None:
            yield Private(_owners(evidence, item.source), item.source, told)


def _owners(evidence: Evidence, file: str) -> tuple[str, ...]:
    """The accounts in whose home a file lies."""
    logins = [(login, f"/{login.home.strip('/')}") for login in seen.seen(evidence).logins]
    above = [home for _login, home in logins if file.startswith(f"{home}/") and home != "/"]
    home = max((*above, f"/{file.rpartition('/.ssh/')[0].strip('/')}"), key=len)
    return tuple(login.name for login, its in logins if its == home) or ("?",)


def _lying_open(evidence: Evidence, alive: Iterable[Access]) -> Iterator[Finding | Gap]:
    """Yield the private keys without a passphrase, and what they open on this very host."""
    for each in privates(evidence):
        key = each.facts.key
        if each.facts.encrypted is None:
            yield Gap(each.file, "whether this private key has a passphrase cannot be told")
        if each.facts.encrypted is not False:
            continue
        opens = [one for one in alive if key and one.line.key.blob == key.blob]
        named = ", ".join(dict.fromkeys(printable(one.account) for one in opens))
        shown = f" {key.type} {key.fingerprint}" if key else ""
        message = f"{printable(each.file)}{shown} has no passphrase" + (f", and opens {named} on this host" if named else "")
        severity = Severity.HIGH if any(one.root for one in opens) else PRIVATE_KEY_UNENCRYPTED.severity
        subject = "private keys" if each.accounts == ("?",) else f"account {', '.join(each.accounts)}"
        yield Finding(PRIVATE_KEY_UNENCRYPTED, subject, message, severity)


# --- clients


def _client(item: Item) -> Iterator[Finding]:
    """Yield what a configuration of ssh gives away, one finding for each rule."""
    rows = item.data.decode("utf-8", "surrogateescape").split("\n", MOST_LINES)[:MOST_LINES]
    told = list(_over_a_network(rows))
    for rule, test in ((AGENT_FORWARDED, _forwards), (SERVER_NOT_CHECKED, _trusts)):
        quotes = [Quote(item.source, number, f"{name} {value}"[:200]) for number, name, value in told if test(name, value)]
        if quotes:
            first = printable(rows[quotes[0].line - 1].strip()[:80])
            yield Finding(rule, item.source, f"it says {first}", rule.severity, tuple(quotes[:MOST_QUOTES]))


def _over_a_network(rows: list[str]) -> Iterator[tuple[int, str, str]]:
    """Yield number, keyword and value of each line, but of those that hold only for what is no network: `Host unix/*`."""
    near = False
    for number, row in enumerate(rows, 1):
        if found := _SETTING.fullmatch(row):
            name, value = found[1].lower(), found[2]
            if name in ("host", "match"):
                near = name == "host" and all(_NEAR.fullmatch(word) for word in value.split())
            if not near:
                yield number, name, value


def _forwards(name: str, value: str) -> bool:
    """Whether the agent is handed on: `yes`, or the path or variable of a socket."""
    return name == "forwardagent" and value.strip('"').lower() not in ("no", "false", "")


def _trusts(name: str, value: str) -> bool:
    bare = value.strip('"').lower()
    no = ("no", "off", "false") if name == "stricthostkeychecking" else ("/dev/null", "none")
    return name in ("stricthostkeychecking", "userknownhostsfile") and bare in no


def _known_hosts(item: Item) -> Iterator[Finding]:
    rows = item.data.decode("utf-8", "surrogateescape").split("\n", MOST_LINES)[:MOST_LINES]
    plain = [row for row in rows if len(row.split()) > 2 and _HOST.match(row.lstrip("@ \t"))]
    if plain:
        message = f"{len(plain)} hosts stand in it by name or address"
        yield Finding(KNOWN_HOSTS_READABLE, item.source, message, KNOWN_HOSTS_READABLE.severity)
