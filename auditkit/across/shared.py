"""What several machines have and only one should: host keys, private keys, and keys that are root on many of them.

A host that is named twice is one machine, as far as that can be told, and shares nothing with itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from auditkit.across.matrix import Row
from auditkit.across.reading import Host, HostKey, Private
from auditkit.model import Finding, Quote, Rule, Severity
from auditkit.printable import few, printable

MOST_ROOTS = 3
"""Machines on which one key may be root before it is worth a word."""
MOST_QUOTES, MOST_NAMED = 10, 5
"""Keys that a finding quotes, and hosts that are named of many."""
HOST_KEY_SHARED = Rule(
    "ssh-host-key-shared",
    "Several machines prove who they are with the same host key",
    Severity.HIGH,
    "Whoever has the disk, a backup or root of one of them can pose as each of the others, and no client notices: passwords"
    " that are typed there are his. It comes from machines that were copied from one image with its keys in it.",
    "On all of them but one, with a second session open: mkdir -m 700 /root/old-keys; mv /etc/ssh/ssh_host_*_key*"
    " /root/old-keys/; ssh-keygen -A; sshd -t && systemctl reload ssh (undo: mv them back and reload). Clients warn then:"
    " compare with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, and ssh-keygen -R HOST there. For a pair that stands in"
    " for each other it is meant so: accept it under exceptions: of auditkit.yaml, for each of the two.",
    ("ssh-keygen(1)", "sshd_config(5) HostKey"),
)
KEY_ROOT_ON_MANY = Rule(
    "key-root-on-many",
    "One key is root on many machines",
    Severity.MEDIUM,
    f"Whoever copies it has them all at once. This counts keys that are root on more than {MOST_ROOTS} machines of a run; one"
    " whose owner known_keys of auditkit.yaml names is a remark, one that it does not name is not.",
    "Find out whose it is (ssh-keygen -lf FILE) and name it under known_keys: of auditkit.yaml. Limit it: restrict,"
    'command="..." or from="..." before it, tested with a second session (undo: take the words out).',
    ("AUTHORIZED_KEYS FILE FORMAT in sshd(8)",),
)
PRIVATE_KEY_COPIED = Rule(
    "private-key-copied",
    "The same private key lies on several machines",
    Severity.MEDIUM,
    "Who breaks into any of them has the key, and from which of them it was used its fingerprint in a log does not tell. Taking"
    " it back means a new one everywhere at once.",
    "Make a key on each machine, ssh-keygen -t ed25519, add it where the old one lets in, log in with it, and only then take"
    " the old line and the old file away (undo: keep both until then).",
    ("ssh-keygen(1)",),
)
RULES = (HOST_KEY_SHARED, KEY_ROOT_ON_MANY, PRIVATE_KEY_COPIED)


@dataclass(frozen=True, slots=True)
class Shared:
    """A host key, and the hosts of two machines or more that have it."""

    fingerprint: str
    type: str
    hosts: tuple[tuple[Host, HostKey], ...]


def host_keys(hosts: Sequence[Host]) -> list[Shared]:
    """The host keys of more than one machine, those of most hosts first."""
    found = dict[str, dict[str, tuple[Host, HostKey]]]()
    for host in hosts:
        for key in host.host_keys.items:
            found.setdefault(key.fingerprint, {}).setdefault(host.word, (host, key))
    shared = [
        Shared(fingerprint, next(iter(by.values()))[1].type, tuple(by.values()))
        for fingerprint, by in found.items()
        if len({host.machine for host, _key in by.values()}) > 1
    ]
    return sorted(shared, key=lambda one: (-len(one.hosts), one.fingerprint))


def findings(hosts: Sequence[Host], shared: Iterable[Shared], rows: Iterable[Row]) -> dict[str, tuple[Finding, ...]]:
    """What is to be said of each host, by the word that named it: one finding of a rule, which quotes each key."""
    found = dict[str, list[Finding]]()
    for word, finding in (*_of_host_keys(shared), *_of_roots(rows), *_of_privates(hosts)):
        found.setdefault(word, []).append(finding)
    return {word: tuple(told) for word, told in found.items()}


def _of_host_keys(shared: Iterable[Shared]) -> Iterator[tuple[str, Finding]]:
    concerned = dict[str, list[tuple[Host, HostKey, Shared]]]()
    for one in shared:
        for host, key in one.hosts:
            concerned.setdefault(host.word, []).append((host, key, one))
    for word, several in concerned.items():
        own = several[0][0]
        others = [host for _own, _key, one in several for host, _theirs in one.hosts]
        quotes = tuple(
            Quote(
                key.file or f"the network, of {own.name}", 0, f"{one.type} {one.fingerprint}: also {_others(own, _hosts(one))}"
            )
            for _own, key, one in several[:MOST_QUOTES]
        )
        count = "a host key is" if len(several) == 1 else f"{len(several)} host keys are"
        yield (
            word,
            Finding(
                HOST_KEY_SHARED,
                "host keys",
                f"{count} the same on {printable(_others(own, others))}",
                HOST_KEY_SHARED.severity,
                quotes,
            ),
        )


def _hosts(shared: Shared) -> list[Host]:
    return [host for host, _key in shared.hosts]


def _of_roots(rows: Iterable[Row]) -> Iterator[tuple[str, Finding]]:
    concerned = dict[str, dict[str, tuple[Row, Quote]]]()
    for row in rows:
        if len(row.roots) <= MOST_ROOTS:
            continue
        for opening in row.alive:
            key = opening.key
            if key.root:
                text = f"{row.fingerprint} ({_whose(row)}): root on {len(row.roots)} machines"
                by = concerned.setdefault(opening.host.word, {})
                by.setdefault(row.fingerprint, (row, Quote(key.file, key.line, text)))
    for word, several in concerned.items():
        unknown = [row for row, _quote in several.values() if not row.known]
        count = "a key opens" if len(several) == 1 else f"{len(several)} keys open"
        named = f"{len(unknown)} not in known_keys" if unknown else "all in known_keys"
        message = f"{count} root here and on more than {MOST_ROOTS - 1} other machines, {named}"
        severity = KEY_ROOT_ON_MANY.severity if unknown else Severity.INFO
        quotes = tuple(quote for _row, quote in several.values())[:MOST_QUOTES]
        yield word, Finding(KEY_ROOT_ON_MANY, "keys of root", message, severity, quotes)


def _whose(row: Row) -> str:
    return row.known or next((f'not in known_keys, its comment says "{one}"' for one in row.comments), "not in known_keys")


def _of_privates(hosts: Sequence[Host]) -> Iterator[tuple[str, Finding]]:
    lies = dict[str, dict[str, tuple[Host, Private]]]()
    for host in hosts:
        for private in host.privates.items:
            if private.fingerprint:
                lies.setdefault(private.fingerprint, {}).setdefault(host.word, (host, private))
    concerned = dict[str, tuple[Host, list[tuple[Private, list[Host]]]]]()
    for places in lies.values():
        where = [host for host, _private in places.values()]
        if len({host.machine for host in where}) > 1:
            for host, private in places.values():
                concerned.setdefault(host.word, (host, []))[1].append((private, where))
    for word, (own, several) in concerned.items():
        quotes = tuple(
            Quote(private.file, 0, f"{private.fingerprint}{_open(private)}: also {_others(own, where)}")
            for private, where in several[:MOST_QUOTES]
        )
        count = "a private key is" if len(several) == 1 else f"{len(several)} private keys are"
        others = [host for _private, where in several for host in where]
        message = f"{count} the same on {printable(_others(own, others))}"
        yield word, Finding(PRIVATE_KEY_COPIED, "private keys", message, PRIVATE_KEY_COPIED.severity, quotes)


def _open(private: Private) -> str:
    return " (no passphrase)" if private.encrypted is False else ""


def _others(own: Host, hosts: Iterable[Host]) -> str:
    """The other machines among hosts, of many the first."""
    return few(list(dict.fromkeys(host.name for host in hosts if host.machine != own.machine)), MOST_NAMED)
