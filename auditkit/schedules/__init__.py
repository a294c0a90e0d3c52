"""Schedules: what a timer is to run each night, as systemd units or cron lines. Pure: a plan in, texts out."""

from collections.abc import Sequence
from dataclasses import dataclass, field

STATE = "/var/lib/auditkit"
"""The store that systemd makes by itself (StateDirectory=)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, when and with which rights."""

    program: Sequence[str]
    """The words that start auditkit, the first one a full path."""
    options: Sequence[str]
    """Of `nightly`: what it is to do, for whom."""
    settings: Sequence[str]
    """Of every command: where auditkit.yaml and the store are."""
    store: str
    hour: int = 1
    minute: int = 0
    delay: int = 1800
    """Seconds within which it begins."""
    user: str = "root"
    here: bool = True
    """Whether this machine, or a disk or evidence on it, is looked at."""
    away: bool = False
    """Whether machines are reached over a network."""
    networks: Sequence[str] = ()
    """The own ones, of which something may be asked."""
    notified: bool = False
    """Whether somebody is told."""
    sendmail: bool = False
    """Whether by a program of this machine, which does as it likes; else over a network."""
    credential: str | None = None
    """The secret that systemd is to hand over, by its name."""
    parallel: int = 50
    spread: int = 0
    """A number of this machine's own, that tells its minute from that of others."""


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a schedule, and how a person puts them in place and takes them away."""

    files: dict[str, str]
    """By the paths where they belong."""
    install: Sequence[str]
    undo: Sequence[str]
    see: Sequence[str] = field(default=())
    """How to try it, and to see when it runs next."""
    notes: Sequence[str] = field(default=())
