"""Hosts of which ssh_config says the same, so that `ssh -G` need not be run for each of fifty.

Two hosts are told the same if the same `Host` lines cover their names, and if nothing else in the files that ssh has read
could tell them apart. Where anything might (Match, HostName, tokens, what is not understood here), ssh is asked for each.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from threading import Lock

from auditkit.config import Config, HostConfig
from auditkit.errors import AuditkitError, HostError
from auditkit.keys.patterns import listed
from auditkit.opening import regular

Settings = Mapping[str, tuple[str, ...]]
"""What `ssh -G` prints: keyword in lower case to its values, in their order."""
Asked = Callable[[], tuple[Settings, str]]
"""Runs `ssh -v -G`: what it prints, and what it says meanwhile."""
Lines = tuple[tuple[str, ...], ...]
"""The patterns of every `Host` line."""

TALK = ("OpenSSH_", "debug1: ")
"""How the lines begin that `ssh -v` says of itself; OpenSSH 10 begins the first one with `debug1` too."""
_READING = "debug1: Reading configuration data "
_LINE = re.compile(r"([A-Za-z0-9]+)(?:[ \t]*=[ \t]*|[ \t]+)([^\r]*)\r?")
_PLAIN = re.compile(r"[ -~\t]*\r?")
"""What is a blank to ssh is a blank here too, as long as there is nothing else."""
_BY_NAME = ("match", "hostname", "canonical")
"""Keywords, or how they begin, that make of a name more than `Host` does."""
_UNUSED = ("controlpath", "localcommand", "remotecommand", "setenv")
"""Keywords whose tokens concern nothing that is asked for here."""


class Alike:
    """What ssh has said of the hosts of one run."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: Lines | None = ()
        self._known = False
        self._said: dict[Hashable, Settings] = {}
        self._late: dict[HostConfig, HostError] = {}

    def settings(self, host: HostConfig, asked: Asked) -> Settings:
        """What ssh says of a host, or has said of one like it; what took too long once is not asked again."""
        if host in self._late:
            raise self._late[host]
        try:
            with self._lock:
                if self._lines is not None:
                    return self._shared(host, asked)
            return asked()[0]
        except HostError as late:
            self._late[host] = late
            raise

    def _shared(self, host: HostConfig, asked: Asked) -> Settings:
        name = host.address or host.name
        if self._known and (said := self._said.get(self._key(host))):
            return {**said, "host": (host.name,), "hostname": (name,)}
        try:
            settings, talk = asked()
        except AuditkitError:
            self._lines = None  # whoever comes next shall not wait for it in turn
            raise
        if not self._known:
            self._known, self._lines = True, _lines(talk)
        if self._lines is not None and settings.get("hostname") == (name,) and name == name.lower():
            self._said[self._key(host)] = settings
        return settings

    def _key(self, host: HostConfig) -> Hashable:
        """What hosts have in common of which ssh says the same."""
        covered = tuple(listed(host.name, line) for line in self._lines or ())
        return host.name == host.name.lower(), host.address is None, host.user, host.port, covered


_LOCK = Lock()
_of_run: tuple[tuple[object, str, str | None], Alike] = ((None, "", None), Alike())


def of_run(config: Config, home: str, ssh: str | None) -> Alike:
    """What ssh has said in this run: since this auditkit.yaml was read, with this home and this client."""
    global _of_run  # noqa: PLW0603 - one run after the other
    with _LOCK:
        run, alike = _of_run
        if run[0] is not config.hosts or run[1:] != (home, ssh):  # a copy of it with other signers has the same hosts
            alike = Alike()
            _of_run = (config.hosts, home, ssh), alike
        return alike


def _lines(talk: str) -> Lines | None:
    """The `Host` lines of all files that ssh says it has read; None where more than those may tell hosts apart."""
    if not talk.removeprefix("debug1: ").startswith("OpenSSH_"):
        return None
    found: list[tuple[str, ...]] = []
    for line in talk.splitlines():
        if not line.startswith(_READING):
            continue
        try:
            # no pipe: what one held ssh has taken already
            with open(line.removeprefix(_READING), encoding="latin-1", newline="\n", opener=regular) as file:
                found += _patterns(file)
        except (OSError, ValueError):
            return None
    return tuple(found)


def _patterns(lines: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Yield the patterns of each `Host` line; ValueError where hosts may be told apart by more."""
    for line in lines:
        text = line.rstrip("\n").strip(" \t")
        if not text or text.startswith("#"):
            continue
        found = _LINE.fullmatch(text)
        keyword = found[1].lower() if found else ""
        if not found or not _PLAIN.fullmatch(text) or keyword.startswith(_BY_NAME) or ("%" in text and keyword not in _UNUSED):
            raise ValueError(text)
        if keyword == "host":
            if re.search(r"[\"'\\#]", found[2]):
                raise ValueError(text)
            yield tuple(found[2].split())
