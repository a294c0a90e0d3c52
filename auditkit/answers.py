"""What evidence that is no file says, as typed nouns: modes on the way to a path, what a command wrote, who listens, what a
server showed.

Hosts write these forms (auditkit/probe, auditkit/hosts), judges read them here; each reader is strict, for hosts lie.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """A path or a directory above it, with no symlink in its path: one record of `Means.STATUS`."""

    path: str
    mode: int
    """All of st_mode, the type of the node too."""
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote: `Means.COMMAND`."""

    status: int | None
    """Its exit status; None where it was ended because of time or size."""
    out: bytes
    complaints: bytes


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a process listens."""

    protocol: str
    """`tcp` or `udp`"""
    address: str
    """`0.0.0.0`, `::`, `127.0.0.1`"""
    port: int


@dataclass(frozen=True, slots=True)
class Process:
    """A process that listens, or the sockets whose process could not be found: one Item of `Means.LISTENERS`."""

    pid: int | None
    """None: whose these sockets are is not known."""
    parent: int | None
    uid: int | None
    started: float | None
    """Seconds since 1970."""
    program: str
    """The file it runs, ` (deleted)` behind it if it is gone; empty where it is not known."""
    arguments: tuple[str, ...]
    unit: str
    """The control group, which names the unit of systemd."""
    listens: tuple[Listening, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What an SSH server showed who logged in: one Item of `Means.BANNER`."""

    address: str
    port: int
    banner: str
    """`SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10`"""
    kexinit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Its lists: `kex`, `host_keys`, `ciphers`, `macs`, `compression`; of both directions those from the server."""
    host_key: str = ""
    """`SHA256:...`"""
    host_key_type: str = ""
    user: str = ""
    """As whom somebody logged in, or asked to."""
    methods: tuple[str, ...] = ()
    """What was offered to that user before any credential; empty: not known, `none`: no credential was asked for."""
    source: str = ""
    """The address that the server saw."""
