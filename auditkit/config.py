"""auditkit.yaml: whose hosts, how they are reached, whose keys count, which risks are accepted until when."""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime

from auditkit import channels, excuses, inventory, retention, strict
from auditkit.printable import printable
from auditkit.retention import KEPT, Retention

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NAME = "auditkit.yaml"
KEYS = (
    *("store", "signers", "networks", "inventories", "defaults", "hosts", "known_keys", "exceptions", "vendor", "notify"),
    "history",
)
DEFAULT_KEYS = ("user", "become", "policy", "port", "jump", "identity", "transport")
RESERVED = ("local", "all")
"""Names of hosts and groups that mean something already."""
VENDOR_KEYS = ("keyrings", "lists", "packages", "mirrors", "sources")
HOST_KEYS = ("address", "groups", "ports", *DEFAULT_KEYS)
MOST_PORTS = 64
BECOME = ("sudo", "doas", "none")
TRANSPORTS = ("paramiko", "openssh")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ADDRESS = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9._:%-]{0,254}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}\$?")
_MIRROR = re.compile(r"https?://[A-Za-z0-9.:\[\]_/%+~-]{1,500}")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True)
class HostConfig:
    """How one host is reached and what is watched there; `None` leaves it to ~/.ssh/config or to a default."""

    name: str
    address: str | None = None
    groups: tuple[str, ...] = ()
    port: int | None = None
    jump: str | None = None
    """The name of another host of the file."""
    policy: str | None = None
    user: str | None = None
    become: str | None = None
    """`sudo`, `doas` or `none`."""
    identity: str | None = None
    """The file of the private key."""
    transport: str | None = None
    """`openssh` for what paramiko cannot: hardware keys, host certificates, servers that offer SHA-1 only."""
    ports: tuple[int, ...] = ()
    """Of a device that nobody logs in to: which ports to look at."""


@dataclass(frozen=True, slots=True)
class VendorConfig:
    """Where the vendors' word on packages comes from; empty ones mean what apt of this machine has."""

    keyrings: tuple[str, ...] = ()
    """Files of public keys, or directories of such files."""
    lists: tuple[str, ...] = ()
    """Directories as /var/lib/apt/lists is one."""
    packages: tuple[str, ...] = ()
    """Directories with .debs, as /var/cache/apt/archives is one."""
    mirrors: tuple[str, ...] = ()
    """Addresses of archives that lists and packages may be fetched from; nothing is fetched where there are none."""
    sources: bool = False
    """Whether they may be fetched from the archives, too, that apt of the host names."""


@dataclass(frozen=True, slots=True)
class Config:
    """What auditkit.yaml says; an empty one is what holds without a file."""

    store: str | None = None
    signers: str | None = None
    networks: tuple[Network, ...] | None = None
    """None: private, link-local and loopback ranges."""
    defaults: HostConfig = HostConfig("")
    """What a host has that does not say otherwise, also one that is not in the file."""
    hosts: Mapping[str, HostConfig] = field(default_factory=dict)
    """By name, the defaults and what inventories say already in them."""
    known_keys: Mapping[str, str] = field(default_factory=dict)
    """`SHA256:...` to whose key it is."""
    exceptions: tuple[excuses.Excuse, ...] = ()
    vendor: VendorConfig = VendorConfig()
    history: Retention = KEPT
    notify: channels.Notify | None = None
    """Who is told of what a night shows; None: nobody."""
    notes: tuple[str, ...] = ()
    """What of the inventories was not taken."""

    @property
    def every(self) -> tuple[str]:
        """The word for all of its hosts, or for this machine where there are none."""
        return ("@all",) if self.hosts else ("local",)


def find(given: str | None, environment: str | None, home: str) -> str | None:
    """The path of the file to use: the one named by option or environment, else the first that exists."""
    if given or environment:
        return given or environment
    usual = (NAME, os.path.join(home, ".config/auditkit", NAME), os.path.join("/etc/auditkit", NAME))
    return next((path for path in usual if os.path.lexists(path)), None)


def load(path: str, home: str | None = None) -> Config:
    """The configuration in a file; paths in it are relative to its folder, and `~/` is the given home.

    Raises:
        ConfigError: it cannot be read or has a mistake.
    """
    folder = os.path.dirname(os.path.abspath(path))
    today = datetime.now(UTC).date()
    found = read(strict.read_file(path), path, lambda name: os.path.normpath(_at(name, folder, home) or name), today)
    hosts = {name: replace(host, identity=_at(host.identity, folder, home)) for name, host in found.hosts.items()}
    return replace(
        found,
        store=_at(found.store, folder, home),
        signers=_at(found.signers, folder, home),
        defaults=replace(found.defaults, identity=_at(found.defaults.identity, folder, home)),
        hosts=hosts,
        vendor=_vendor_at(found.vendor, lambda path: _at(path, folder, home) or path),
        notify=found.notify and channels.at(found.notify, lambda path: _at(path, folder, home) or path),
    )


def _vendor_at(vendor: VendorConfig, at: Callable[[str], str]) -> VendorConfig:
    return replace(
        vendor,
        keyrings=tuple(map(at, vendor.keyrings)),
        lists=tuple(map(at, vendor.lists)),
        packages=tuple(map(at, vendor.packages)),
    )


def _at(path: str | None, folder: str, home: str | None) -> str | None:
    if path is None or path.startswith("~/"):
        return os.path.join(home, path[2:]) if path and home else path
    return os.path.join(folder, path)


def read(text: str, source: str, at: Callable[[str], str] = str, today: date | None = None) -> Config:
    """The configuration that a YAML text says; paths stay as written, inventories are where `at` tells.

    From `today` on it is how long exceptions may last; without it that is not looked at.

    Raises:
        ConfigError: anything in it, or in an inventory, is unknown, misspelt or contradictory.
    """
    found = strict.configured(strict.read(text, source), KEYS)
    said = _settings(found["defaults"], DEFAULT_KEYS) if "defaults" in found else {}
    defaults = _host("", said, HostConfig(""))
    nodes = found["hosts"].entries() if "hosts" in found else {}
    files = found["inventories"].sequence() if "inventories" in found else ()
    lists = [inventory.read(at(value.text())) for value in files]
    listed, places = _listed(lists, defaults)
    hosts = {name: _own(name, value, listed.get(name, defaults)) for name, value in nodes.items()}
    hosts |= {name: host for name, host in listed.items() if name not in hosts}
    if defaults.jump is not None:
        _refuse_stranger(found["defaults"], defaults.jump, hosts)
    for name, value in (places | nodes).items():
        _check_jumps(value, hosts[name], hosts)
    return Config(
        store=found["store"].text() if "store" in found else None,
        signers=found["signers"].text() if "signers" in found else None,
        networks=tuple(map(_network, found["networks"].sequence())) if "networks" in found else None,
        defaults=defaults,
        hosts=hosts,
        known_keys=_keys(found["known_keys"]) if "known_keys" in found else {},
        exceptions=excuses.read(found["exceptions"], _whom(hosts), today) if "exceptions" in found else (),
        vendor=_vendor(found["vendor"]) if "vendor" in found else VendorConfig(),
        history=retention.read(found["history"]) if "history" in found else KEPT,
        notify=channels.read(found["notify"], _whom(hosts)) if "notify" in found else None,
        notes=tuple(note for each in lists for note in each.notes),
    )


def _vendor(value: strict.Value) -> VendorConfig:
    found = strict.configured(value, VENDOR_KEYS)
    sources = found.pop("sources").flag() if "sources" in found else False
    said = {key: tuple(each.text() for each in inner.sequence()) for key, inner in found.items()}
    for each in found["mirrors"].sequence() if "mirrors" in found else ():
        each.matching(_MIRROR, "address of an archive")
    return VendorConfig(**said, sources=sources)


def _listed(
    lists: Sequence[inventory.Inventory], defaults: HostConfig
) -> tuple[dict[str, HostConfig], dict[str, strict.Value]]:
    """The hosts of inventories, and where each stands; of two that say different things of a host the first counts."""
    hosts: dict[str, HostConfig] = {}
    places: dict[str, strict.Value] = {}
    for machine in (machine for each in reversed(lists) for machine in each.machines.values()):
        name = str(machine.name.node.value)
        host = _named(name, machine.name, machine.settings, hosts.get(name, defaults))
        groups = tuple(each.matching(_HOST, "group") for each in machine.groups)
        hosts[name] = replace(host, groups=tuple(dict.fromkeys((*groups, *host.groups))))
        places[name] = machine.name
    return hosts, places


def _own(name: str, value: strict.Value, below: HostConfig) -> HostConfig:
    found = _settings(value, HOST_KEYS)
    for key in set(DEFAULT_KEYS).intersection(found) if "ports" in found else ():
        raise found[key].error(
            "is for hosts that are logged in to, and this one has ports:", f"remove `{key}:`, or remove `ports:` if it has SSH"
        )
    return _named(name, value, found, below)


def _named(name: str, value: strict.Value, found: Mapping[str, strict.Value], below: HostConfig) -> HostConfig:
    if not _HOST.fullmatch(name) or name in RESERVED:
        raise value.error("cannot be the name of a host", "use letters, digits, dots and dashes, but not `local` or `all`")
    return _host(name, found, below)


def _settings(value: strict.Value, known: tuple[str, ...]) -> Mapping[str, strict.Value]:
    return {} if value.kind == "null" else strict.configured(value, known)  # `srv-01:` alone: all is in ~/.ssh/config


def _host(name: str, found: Mapping[str, strict.Value], below: HostConfig) -> HostConfig:
    """The host with what is said of it here, and for the rest what is said below: by inventories, or by default."""
    inherited = {each.name: getattr(below, each.name) for each in fields(below)}
    if inherited["jump"] == name:
        inherited["jump"] = None  # the default jump host is reached directly
    host = HostConfig(**(inherited | {"name": name} | {key: _setting(key, inner) for key, inner in found.items()}))
    return replace(host, groups=tuple(dict.fromkeys((*below.groups, *host.groups))))


def _setting(key: str, value: strict.Value) -> object:
    match key:
        case "port":
            return value.number(1, 65535)
        case "groups":
            return tuple(_group(each) for each in value.sequence())
        case "ports":
            return _ports(value)
        case "become":
            return value.word(BECOME)
        case "transport":
            return value.word(TRANSPORTS)
        case "address":
            return value.matching(_ADDRESS, "address")
        case "user":
            return value.matching(_USER, "user")
        case _:
            return value.text()


def _ports(value: strict.Value) -> tuple[int, ...]:
    found = tuple(dict.fromkeys(each.number(1, 65535) for each in value.sequence()))
    if not 0 < len(found) <= MOST_PORTS:
        raise value.error(f"ports: takes 1 to {MOST_PORTS} ports", "name the ports on which the device is known to listen")
    return found


def _group(value: strict.Value) -> str:
    text = value.matching(_HOST, "group")
    if text in RESERVED:
        raise value.error(f"a group cannot be called {text}", "give it another name: @all is every host")
    return text


def _refuse_stranger(value: strict.Value, name: str, hosts: Mapping[str, HostConfig]) -> None:
    if name not in hosts:
        raise value.error(f"jump {printable(name)} is no host of this file", strict.near(name, hosts))


def _check_jumps(value: strict.Value, host: HostConfig, hosts: Mapping[str, HostConfig]) -> None:
    """Refuse a jump over an unknown host, and jumps that lead back."""
    passed = {host.name}
    while host.jump is not None:
        _refuse_stranger(value, host.jump, hosts)
        if host.jump in passed:
            raise value.error(f"jump {printable(host.jump)} leads back to itself", "remove one of these jumps")
        passed.add(host.jump)
        host = hosts[host.jump]


def _network(value: strict.Value) -> Network:
    text = value.text()
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise value.error(f"{printable(text)} is no network", _network_hint(text)) from error
    if network.prefixlen == 0:
        raise value.error(f"{printable(text)} is the whole internet", "name only address ranges of your own")
    return network


def _network_hint(text: str) -> str:
    try:
        return f"write {ipaddress.ip_network(text, strict=False)}"
    except ValueError:
        return "write it like 192.168.10.0/24 or fd00:10::/64"


def _keys(value: strict.Value) -> dict[str, str]:
    found = value.entries()
    for fingerprint, owner in found.items():
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise owner.error("is no fingerprint of a key", "write SHA256:... as `ssh-keygen -lf FILE` shows it")
    return {fingerprint: owner.text() for fingerprint, owner in found.items()}


def _whom(hosts: Mapping[str, HostConfig]) -> tuple[str, ...]:
    """The words that name one of these hosts, or some of them."""
    groups = {f"@{group}" for host in hosts.values() for group in host.groups}
    return ("@all", "local", *sorted(groups), *hosts)
