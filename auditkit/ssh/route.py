"""The way to a host: what auditkit.yaml says of it, and of all it leaves open what the stock ssh client would do.

`ssh -G` (ssh(1)) is asked, so that aliases, Include, Match and ProxyJump mean here what they mean to ssh; it contacts
nobody, but for a `Match exec` of the user's own. Not taken from ssh_config is StrictHostKeyChecking: host keys are always
judged strictly here. Where there is no ssh client, auditkit.yaml alone says the way (`note`).
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import IO

from auditkit.config import Config, HostConfig
from auditkit.errors import ConfigError, HostError, UsageError
from auditkit.model import State
from auditkit.printable import printable
from auditkit.ssh import Hop, Route, alike
from auditkit.ssh.address import check_onward, meant
from auditkit.ssh.alike import Settings

SCHEME = "ssh://"
FORM = "write it like ssh://anna@ws-03.lan:2222 or ssh://[fd00::3], without a path or a password"
MOST_HOPS = 8
PATIENCE = 10.0
"""Seconds for one answer of `ssh -G`: a few milliseconds, unless a `Match exec` takes its time."""
LARGEST = 256 << 10
"""Bytes of such an answer; it has 5 KiB."""
USUAL_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
USER_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SYSTEM_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
SYSTEM_CONFIG = "/etc/ssh/ssh_config"

_HOST = r"(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]{0,254})"
_NUMBER = r"\[(?P<number>[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9_.-]{1,16})?)\]"
_USER = r"(?P<user>[A-Za-z0-9_][A-Za-z0-9_.@\\+-]{0,63}\$?)"
_PLACE = re.compile(rf"(?:{_USER}@)?(?:{_HOST}|{_NUMBER})(?::(?P<port>[0-9]{{1,5}}))?")
_REACHED = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,254}")
_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f-][^\s\x00-\x1f\x7f]{0,255}")
_TOKEN = re.compile(r"%(.)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BETWEEN_PATHS = re.compile(r" +(?=[/~])")


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every step of the way is looked up in."""

    config: Config
    environment: Mapping[str, str]
    home: str
    usual_home: str
    """The home directory of the password database, in which ssh looks whatever HOME says."""
    ssh: str | None
    alike: alike.Alike


def route(word: str, config: Config, environment: Mapping[str, str], home: str) -> Route:
    """The way to the host that a name of auditkit.yaml or an `ssh://[user@]host[:port]` means.

    Where `home` is not the one of the password database, the ssh_config and the keys in it count instead; an Include
    with a relative path still leads to the other one, for ssh resolves it so.

    Raises:
        UsageError: the word is neither.
        ConfigError: ssh refuses its own configuration, or the jumps never end.
        HostError: `ssh -G` hangs, or a jump host would have to contact a host that is not of the inventory.
    """
    host = wanted(word, config)
    ssh = _client(environment)
    ground = _Ground(config, environment, home, _usual_home(home), ssh, alike.of_run(config, home, ssh))
    hops = _hops(host, ground)
    _refuse_strangers(hops, config)
    return Route(hops, host.become or "none", host.transport or "paramiko")


def note(environment: Mapping[str, str]) -> str:
    """What a reader should know of how ways are found here; nothing where there is an ssh client."""
    return "" if _client(environment) else "there is no ssh client here: ~/.ssh/config is not read, auditkit.yaml says the way"


def _client(environment: Mapping[str, str]) -> str | None:
    return shutil.which("ssh", path=environment.get("PATH", os.defpath))


def _usual_home(home: str) -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return home


# --- which host is meant


def wanted(word: str, config: Config) -> HostConfig:
    """What auditkit.yaml says of the host, or by default of any."""
    if not word.startswith(SCHEME):
        if word not in config.hosts:
            raise UsageError(f"{printable(word)} is no host of auditkit.yaml", f"name one of its hosts, or {FORM}")
        return config.hosts[word]
    place = _place(word.removeprefix(SCHEME))
    if place is None:
        raise UsageError(f"{printable(re.sub(r'(?s):(?!//).*@', ':...@', word))} is no address of a host", FORM)
    return _at(place, config.hosts.get(place.name, config.defaults))


def _place(text: str) -> HostConfig | None:
    """User, host and port of `[user@]host[:port]`, IPv6 in brackets; what a shell or an option could be is none."""
    found = _PLACE.fullmatch(text)
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (port is not None and not 0 < port < 65536):
        return None
    if found["number"] and meant(found["number"]) is None:
        return None
    return HostConfig(found["host"] or found["number"], user=found["user"], port=port)


def _at(place: HostConfig, known: HostConfig) -> HostConfig:
    return replace(known, name=place.name, user=place.user or known.user, port=place.port or known.port)


# --- the hops


def _hops(host: HostConfig, ground: _Ground, alone: bool = False, depth: int = 1) -> tuple[Hop, ...]:
    """The hops to a host; it is `alone` where the hop before it is given, and what ssh_config says of that is not."""
    if depth > MOST_HOPS:
        raise ConfigError(f"the way to {printable(host.name)} has too many jumps", "see ProxyJump in ~/.ssh/config")
    settings = _settings(host, ground)
    hop = _hop(host, settings, ground)
    if alone:
        return (replace(hop, proxy_command=None),)
    if host.jump is not None:
        before = _hops(ground.config.hosts[host.jump], ground, depth=depth + 1)
    else:
        before = _jumps(host, settings, ground, depth + 1)
    return (*before, replace(hop, proxy_command=None) if before else hop)


def _jumps(host: HostConfig, settings: Settings, ground: _Ground, depth: int) -> tuple[Hop, ...]:
    """The hops of a ProxyJump: the way to the first is its own, each further one is reached from the one before it."""
    hops: tuple[Hop, ...] = ()
    value = _one(settings, "proxyjump", "none")
    for word in value.split(",") if value != "none" else ():
        place = _place(word.strip().removeprefix(SCHEME))
        if place is None:
            raise ConfigError(f"ProxyJump {printable(word)} of {printable(host.name)} is no host", "see ~/.ssh/config")
        hops += _hops(place, ground, alone=bool(hops), depth=depth + len(hops))
    return hops


def _refuse_strangers(hops: tuple[Hop, ...], config: Config) -> None:
    """Refuse what another machine would contact for us, if it is neither of the inventory nor an own number.

    What a name leads to cannot be checked here, as address.py does for what this machine contacts.
    """
    known = {name.lower() for host in config.hosts.values() for name in (host.name, host.address or host.name)}
    for number, hop in enumerate(hops):
        if number == 0 and hop.proxy_command is None:
            continue
        check_onward(hop, config.networks)
        if meant(hop.hostname) is None and not {hop.name.lower(), hop.hostname.lower()} & known:
            raise HostError(
                f"{printable(hop.hostname)} is reached through another machine, so its address cannot be checked here",
                f"add it to hosts: in auditkit.yaml, if it is yours: {printable(hop.name)}",
            )


def _hop(host: HostConfig, settings: Settings, ground: _Ground) -> Hop:
    hostname, user, port = _reached(host, settings)
    hop = Hop(host.name, hostname, port, user, host_key_alias=_one(settings, "hostkeyalias") or None)
    tokens = _tokens(hop, ground)
    command = _one(settings, "proxycommand", "none")
    own = (host.identity,) if host.identity else ()
    return replace(
        hop,
        identities=own or _files(settings.get("identityfile", ()), tokens, ground),
        certificates=_files(settings.get("certificatefile", ()), tokens, ground),
        agent=_agent(settings, tokens, ground),
        identities_only=bool(own) or _one(settings, "identitiesonly") == "yes",
        known_hosts=_known_hosts(settings, tokens, ground),
        proxy_command=None if command == "none" else _expanded(command, tokens, ground),
        literal=_literal(host, hostname, ground),
    )


def _reached(host: HostConfig, settings: Settings) -> tuple[str, str, int]:
    """Name, user and port that ssh would use, if they are such."""
    hostname, user, port = (_one(settings, key) for key in ("hostname", "user", "port"))
    if not _REACHED.fullmatch(hostname):
        raise _odd(host, "HostName", hostname)
    if not _LOGIN.fullmatch(user):
        raise _odd(host, "User", user)
    if not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536):
        raise _odd(host, "Port", port)
    return hostname, user, int(port)


def _odd(host: HostConfig, what: str, value: str) -> ConfigError:
    return ConfigError(f"{what} of {printable(host.name)} cannot be {printable(value[:80]) or 'empty'}", "see ~/.ssh/config")


def _literal(host: HostConfig, hostname: str, ground: _Ground) -> bool:
    """Whether auditkit.yaml itself names this address as a number."""
    return host.name in ground.config.hosts and hostname == (host.address or host.name) and meant(hostname) is not None


# --- what ssh_config says


def _settings(host: HostConfig, ground: _Ground) -> Settings:
    """What ssh would do with this host, told what auditkit.yaml says, so that Match knows it."""
    if ground.ssh is None:
        return _without_ssh(host, ground)
    options: list[str] = []
    if host.address is not None:
        options += ["-o", f"HostName={host.address.replace('%', '%%')}"]  # ssh_config(5), TOKENS
    if host.user is not None:
        options += ["-l", host.user]
    if host.port is not None:
        options += ["-p", str(host.port)]
    command = [ground.ssh, "-v", "-G", "-T", *_own_config(ground), *options, "--", host.name]
    return ground.alike.settings(host, lambda: _answer(command, host, ground))


def _own_config(ground: _Ground) -> tuple[str, ...]:
    """The options that make ssh read the ssh_config of `home`, where that is not the home it knows."""
    if os.path.realpath(ground.home) == os.path.realpath(ground.usual_home):
        return ()
    files = (os.path.join(ground.home, ".ssh/config"), SYSTEM_CONFIG)
    return ("-F", next(filter(os.path.isfile, files), "none"))


def _answer(command: list[str], host: HostConfig, ground: _Ground) -> tuple[Settings, str]:
    """What ssh prints, and what it says meanwhile."""
    name = printable(host.name)
    code, out, err = _run(command, {**ground.environment, "LC_ALL": "C"})
    if code is None:
        hint = "see what `Match exec` in ~/.ssh/config runs"
        raise HostError(f"ssh -G {name} does not end within {PATIENCE:g} seconds", hint, State.TIMEOUT)
    said = err.decode("utf-8", "surrogateescape")
    if code == 0 and len(out) <= LARGEST:
        return _parsed(out.decode("utf-8", "surrogateescape")), said if len(err) < LARGEST else ""
    lines = [line for line in said.splitlines() if not line.startswith(alike.TALK)] if code else ["it says too much"]
    why = printable(lines[0][:200]) if lines else "it does not say why"
    raise ConfigError(f"ssh -G {name} fails: {why}", f"run `ssh -G {name}` and mend ~/.ssh/config")


def _run(command: list[str], environment: Mapping[str, str]) -> tuple[int | None, bytes, bytes]:
    """Exit code, output and complaints of a command; no code where it had to be killed.

    It writes to files: a pipe would be waited for as long as anything that it has started holds the other end.
    """
    with TemporaryFile() as out, TemporaryFile() as err:
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and every word of it was checked
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
            )
        except OSError as error:
            return 127, b"", (error.strerror or str(error)).encode()
        try:
            code: int | None = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _kill(process)
        return code, _begun(out, LARGEST + 1), _begun(err, LARGEST)


def _begun(file: IO[bytes], size: int) -> bytes:
    file.seek(0)
    return file.read(size)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End it, if it runs, and what it has started; its group is its own."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)  # it was not waited for yet: the number is still its own
        process.wait()


def _parsed(text: str) -> Settings:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _space, value = line.partition(" ")
        found.setdefault(key.lower(), []).append(value.strip())
    return {key: tuple(values) for key, values in found.items()}


def _one(settings: Settings, key: str, default: str = "") -> str:
    return settings.get(key, (default,))[0]


def _without_ssh(host: HostConfig, ground: _Ground) -> Settings:
    """What `ssh -G` would say without any ssh_config."""
    return {
        "hostname": (host.address or host.name,),
        "user": (host.user or _local_user(ground),),
        "port": (str(host.port or 22),),
        "identityfile": USUAL_KEYS,
        "userknownhostsfile": (" ".join(USER_HOSTS),),
        "globalknownhostsfile": (" ".join(SYSTEM_HOSTS),),
    }


def _local_user(ground: _Ground) -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ground.environment.get("USER", "")


# --- files that ssh_config names


def _tokens(hop: Hop, ground: _Ground) -> Mapping[str, str]:
    """What each %-sign stands for (ssh_config(5), TOKENS); `ssh -G` leaves most of them as they are."""
    node = os.uname().nodename
    return {
        "%": "%",
        "d": ground.home,
        "h": hop.hostname,
        "i": str(os.getuid()),
        "k": hop.host_key_alias or hop.name,
        "L": node.partition(".")[0],
        "l": node,
        "n": hop.name,
        "p": str(hop.port),
        "r": hop.user,
        "u": _local_user(ground),
    }


def _expanded(text: str, tokens: Mapping[str, str], ground: _Ground) -> str:
    """`text` with its %-signs and ${NAMES} resolved; what is unknown stays, and is no file then."""

    def meaning(found: re.Match[str]) -> str:
        token, name = found.groups()
        return tokens.get(token, found[0]) if token else ground.environment.get(name, found[0])

    return _TOKEN.sub(meaning, text)


def _file(text: str, tokens: Mapping[str, str], ground: _Ground) -> str:
    """A path of ssh_config; `~` and what ssh took for it are in the home that counts."""
    path = _expanded(text, tokens, ground)
    for home in ("~/", f"{ground.usual_home.rstrip('/')}/.ssh/"):
        if path.startswith(home):
            rest = path[len(home) :] if home == "~/" else f".ssh/{path[len(home) :]}"
            return os.path.join(ground.home, rest)
    return os.path.expanduser(path) if path.startswith("~") else path


def _files(texts: tuple[str, ...], tokens: Mapping[str, str], ground: _Ground) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_file(text, tokens, ground) for text in texts if text and text != "none"))


def _known_hosts(settings: Settings, tokens: Mapping[str, str], ground: _Ground) -> tuple[str, ...]:
    """The files of host keys; `ssh -G` writes them with spaces between them, and quotes no space in them."""
    values = (_one(settings, "userknownhostsfile"), _one(settings, "globalknownhostsfile"))
    return tuple(each for value in values for each in _files(tuple(_BETWEEN_PATHS.split(value)), tokens, ground))


def _agent(settings: Settings, tokens: Mapping[str, str], ground: _Ground) -> str | None:
    """The socket of the agent (ssh_config(5), IdentityAgent)."""
    value = _one(settings, "identityagent", "SSH_AUTH_SOCK")
    if value == "none":
        return None
    if value == "SSH_AUTH_SOCK" or value.startswith("$"):
        return ground.environment.get(value.strip("${}")) or None
    return _file(value, tokens, ground)
