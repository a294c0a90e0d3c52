"""A link over the stock `ssh` client, for what paramiko cannot do: hardware keys, host certificates, old appliances.

One master connection (ssh_config(5), ControlMaster) carries every command, over a socket in a directory that only this user
can enter and that is gone afterwards. What must hold whatever ~/.ssh/config says stands before it in a configuration of our
own: strict host keys, the address that was judged here, no forwarding. The master lives only as long as we do.
"""

import os
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import IO

from auditkit.config import Network
from auditkit.errors import HostError
from auditkit.model import State
from auditkit.printable import printable
from auditkit.ssh import Ask, Deadline, Hop, LinkFacts, Route, address, complaints, known

PATIENCE = 15.0
"""Seconds to connect and agree on keys, and as many again to log in if nobody is asked."""
KEPT = 64 << 10
"""Bytes of stderr that are kept; all of it is read."""
MOST = 3
"""Addresses of one name that are tried."""
_LONGEST = 60
"""Characters of a directory that leave room for the name of a socket in it (unix(7): 108, of which ssh takes 18)."""
_LOST = 255
"""What ssh ends with when the connection did (ssh(1), EXIT STATUS)."""
QUESTION, ANSWER = "question", "answer"
"""The pipes between ssh's askpass and us."""
_MOMENT = 1.0
_LIFELINE = '"$@" </dev/null & exec >/dev/null 2>&1; read -r line; kill -KILL 0'
"""ssh in the background of a shell that waits for the end of its stdin, which comes when we end, and then ends all."""
_ASKPASS = """#!/bin/sh
[ "$SSH_ASKPASS_PROMPT" = none ] && exit 0
printf '%s' "$1" >"${0%/*}/question" && head -n 1 <"${0%/*}/answer"
"""
"""What ssh runs to ask a question: it hands it on to us, so that a secret goes through pipes only."""
_ALWAYS = """Host *
IgnoreUnknown KnownHostsCommand,ForkAfterAuthentication,StdinNull,SessionType,UpdateHostKeys,LogVerbose
StrictHostKeyChecking yes
UpdateHostKeys no
VerifyHostKeyDNS no
KnownHostsCommand none
NoHostAuthenticationForLocalhost no
CheckHostIP no
CanonicalizeHostname no
ClearAllForwardings yes
ForwardAgent no
ForwardX11 no
Tunnel no
PermitLocalCommand no
RemoteCommand none
RequestTTY no
SessionType default
ForkAfterAuthentication no
StdinNull no
EscapeChar none
AddKeysToAgent no
Compression no
ControlPersist no
NumberOfPasswordPrompts 1
ConnectionAttempts 1
ConnectTimeout 15
ServerAliveInterval 15
ServerAliveCountMax 4
LogLevel ERROR
"""

Process = subprocess.Popen[bytes]


class Pipe:
    """A command on a host, run by a client that uses the master's connection."""

    def __init__(self, process: Process, deadline: Deadline) -> None:
        self._process = process
        self._deadline = deadline
        self._said = bytearray()
        self._drain = threading.Thread(target=self._drained, daemon=True)
        self._drain.start()

    def _drained(self) -> None:
        with suppress(OSError, ValueError):  # it has been closed
            while data := os.read(_number(self._process.stderr), KEPT):
                self._said += data[: KEPT - len(self._said)]

    def send(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(_number(self._process.stdin), rest) :]
        except (OSError, ValueError) as error:
            raise self._deadline.broken() from error

    def receive(self, size: int) -> bytes:
        """At most `size` bytes of its stdout as soon as there are some; b"" when it has ended."""
        try:
            data = os.read(_number(self._process.stdout), size)
        except (OSError, ValueError) as error:
            raise self._deadline.broken() from error
        if not data:
            with suppress(subprocess.TimeoutExpired):  # it has closed its stdout and goes on
                self._process.wait(_MOMENT)
            if self._process.returncode is not None and not 0 <= self._process.returncode < _LOST:
                raise self._deadline.broken()
        return data

    def complaints(self) -> str:
        """What it has said on stderr so far; once it has ended, all that is kept."""
        if self._process.poll() is not None:
            self._drain.join(_MOMENT)
        return bytes(self._said).decode("utf-8", "replace")

    def status(self) -> int | None:
        """The exit status once it has ended; None where the server did not tell: ssh ends with 255 then."""
        try:
            status = self._process.wait(self._deadline.left(PATIENCE))
        except subprocess.TimeoutExpired:
            return None
        return status if 0 <= status < _LOST else None

    def close(self) -> None:
        """End it: the master tells the server, and lets go of the stderr that it was handed once that has answered."""
        _kill(self._process)
        self._drain.join(_MOMENT)
        _let_go(self._process)


def _number(stream: IO[bytes] | None) -> int:
    if stream is None:
        raise ValueError("no such stream")
    return stream.fileno()


def _kill(process: Process) -> None:
    """End it, if it runs, and all that it has started; its group is its own."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _let_go(process: Process) -> None:
    """Close our ends of its pipes."""
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class Link:
    """A master that is logged in."""

    def __init__(self, client: Sequence[str], master: "_Master", deadline: Deadline, held: ExitStack, facts: LinkFacts) -> None:
        self._client = client
        self._master = master
        self._deadline = deadline
        self._held = held
        self.facts = facts

    def run(self, command: str) -> Pipe:
        """Start a command, without a terminal; if the master is gone, no new connection is made behind our back."""
        options = ("-o", "ControlMaster=no", "-o", "ProxyCommand=false")
        self._deadline.left()
        process = _started([self._client[0], *options, *self._client[1:], command], subprocess.PIPE)
        pipe = Pipe(process, self._deadline)
        self._held.callback(pipe.close)
        self._deadline.guard(lambda: _kill(process))
        return pipe

    def close(self) -> None:
        """Close the master, and so all that runs over it."""
        self._master.end()
        self._held.close()


def _started(words: Sequence[str], stderr: int) -> Process:
    return subprocess.Popen(  # noqa: S603 - no shell; names, users and ports were checked, all else stands in our file
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True, bufsize=0
    )


def connect(route: Route, networks: tuple[Network, ...] | None, deadline: Deadline, ask: Ask | None) -> Link:
    """A link to the host at the end of the route.

    Raises:
        HostError: it cannot be reached, its key is not the right one, or it lets nobody in; `state` says which.
    """
    ssh = shutil.which("ssh")
    if ssh is None:
        raise HostError("there is no ssh client here", "install openssh-client, or leave `transport: openssh` out")
    for hop in route.hops[1:]:
        address.check_onward(hop, networks)
    places = _places(route.hops[0], networks, deadline)
    for place in places[:-1]:
        try:
            return _linked(ssh, route, place, deadline, ask)
        except HostError as error:
            if error.state is not State.UNREACHABLE:
                raise
    return _linked(ssh, route, places[-1], deadline, ask)


def _places(hop: Hop, networks: tuple[Network, ...] | None, deadline: Deadline) -> tuple[str, ...]:
    """The addresses to have ssh connect to, judged here; a ProxyCommand of the user's own finds its way by itself."""
    if hop.proxy_command:
        address.check_onward(hop, networks)
        return (hop.hostname,)
    found = [place[0] for _family, place in address._resolved(hop, deadline)]  # noqa: SLF001 - the one resolver there is
    own = tuple(number for number in found if address.allowed(number, hop, networks))
    if not own:
        raise address._foreign(hop, found[0])  # noqa: SLF001 - the same words for the same refusal
    return own[:MOST]


def _linked(ssh: str, route: Route, place: str, deadline: Deadline, ask: Ask | None) -> Link:
    with ExitStack() as stack:
        folder = _folder(stack)
        name = _configured(folder, route, place, asking=ask is not None)
        client = [ssh, "-F", f"{folder}/config", "-T", "--", name]
        master = _Master(client, folder, deadline, stack)
        said = master.said_until_ready(ask)
        if not master.ready:
            deadline.left()
            raise complaints.failure(said, route, timed_out=master.timed_out)
        return Link(client, master, deadline, stack.pop_all(), complaints.facts(said, route, place))


def _folder(stack: ExitStack) -> str:
    """A directory of our own, 0700, with a path that is short enough for a socket in it."""
    usual = tempfile.gettempdir()
    folder = tempfile.mkdtemp(prefix="auditkit-", dir=usual if len(usual) < _LONGEST else "/tmp")  # noqa: S108 - mkdtemp
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


class _Master:
    """The client that connects and logs in, under way."""

    def __init__(self, client: Sequence[str], folder: str, deadline: Deadline, stack: ExitStack) -> None:
        self._nonce = secrets.token_hex(16)
        self._folder = folder
        self._deadline = deadline
        self._drain: threading.Thread | None = None
        self.ready = False
        self.timed_out = False
        # the user's shell runs the LocalCommand once all is ready: its word comes between those of ssh, in their order
        told = ("ControlMaster=yes", "PermitLocalCommand=yes", f"LocalCommand=echo {self._nonce}", "LogLevel=DEBUG2")
        options = [word for each in told for word in ("-o", each)]
        askpass = ["env", f"SSH_ASKPASS={folder}/askpass", "SSH_ASKPASS_REQUIRE=force"]
        words = ["/bin/sh", "-c", _LIFELINE, "auditkit", *askpass, client[0], "-N", *options, *client[1:]]
        self._process = _started(words, subprocess.STDOUT)
        stack.callback(self.end)
        deadline.guard(lambda: _kill(self._process))

    def end(self) -> None:
        """End it, and the way there with it."""
        _kill(self._process)
        if self._drain is not None:
            self._drain.join(_MOMENT)
        _let_go(self._process)

    def said_until_ready(self, ask: Ask | None) -> str:
        """What ssh says until it is logged in or has given up, its questions put to a person."""
        said, tail = bytearray(), b""
        patience = Deadline(self._deadline.left(None if ask else 2 * PATIENCE))
        patience.guard(lambda: _kill(self._process))
        try:
            for data in self._pieces(ask):
                said += data[: KEPT - len(said)]
                tail = (tail + data)[-KEPT:]
                if self._nonce.encode() in tail:
                    self.ready = True
                    break
        finally:
            self.timed_out = patience.passed
            patience.cancel()
        if self.ready:
            self._drain = threading.Thread(target=self._drained, daemon=True)
            self._drain.start()
        text = bytes(said) if len(said) < KEPT else bytes(said) + b"\n" + tail
        return text.decode("utf-8", "replace").replace("\r\n", "\n")

    def _pieces(self, ask: Ask | None) -> Iterator[bytes]:
        """Yield what ssh says, and answer what it asks, until it ends, and that is with the deadline at the latest."""
        voice, ears = _number(self._process.stdout), select.poll()
        ears.register(voice, select.POLLIN)
        with ExitStack() as stack:
            question, answer = (_opened(f"{self._folder}/{name}", stack) for name in (QUESTION, ANSWER)) if ask else (-1, -1)
            if ask:
                ears.register(question, select.POLLIN)
            while True:
                for number, _event in ears.poll():
                    data = os.read(number, KEPT)
                    if number == voice and not data:
                        return
                    if number == voice:
                        yield data
                    elif ask:
                        words = printable(data.decode("utf-8", "replace").strip().rstrip(":"))
                        os.write(answer, ask(words).encode("utf-8", "surrogateescape") + b"\n")

    def _drained(self) -> None:
        with suppress(OSError, ValueError):  # it has been closed
            while os.read(_number(self._process.stdout), KEPT):
                pass


def _opened(path: str, stack: ExitStack) -> int:
    """A named pipe, opened so that nobody has to be at its other end."""
    number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    stack.callback(os.close, number)
    return number


# --- the configuration that ssh is given


def _configured(folder: str, route: Route, place: str, asking: bool) -> str:
    """Write the configuration, and what passes questions on if somebody can answer; the name of the host in it."""
    plain = tuple(hop.name for hop in route.hops)
    names = plain if len(set(plain)) == len(plain) else tuple(f"auditkit-hop-{at}" for at in range(len(plain)))
    lines: list[str] = []
    for at, (hop, name) in enumerate(zip(route.hops, names, strict=True)):
        lines += _block(hop, name, hop.hostname if at else place)
        lines += _way(hop, names[at - 1] if at else "")
        lines += [f"LogVerbose {complaints.WANTED}"] if hop is not route.target else []
        lines += ["ControlMaster no", f"ControlPath {_quoted(f'{folder}/c') if hop is route.target else 'none'}"]
    lines += [*_ALWAYS.splitlines(), f"BatchMode {'no' if asking else 'yes'}"]
    lines += ["Include ~/.ssh/config", "Include /etc/ssh/ssh_config"]  # what is said first holds (ssh_config(5))
    _written(f"{folder}/config", "\n".join(lines) + "\n", 0o600)
    if asking:
        _written(f"{folder}/askpass", _ASKPASS, 0o700)
        for pipe in (QUESTION, ANSWER):
            os.mkfifo(f"{folder}/{pipe}", 0o600)
    return names[-1]


def _block(hop: Hop, name: str, place: str) -> Iterator[str]:
    """Yield what ssh shall know of a hop."""
    yield f"Host {name}"
    yield f"HostName {place.replace('%', '%%')}"
    yield f"Port {hop.port}"
    yield f"User {_quoted(hop.user, tokens=False)}"
    yield f"HostKeyAlias {_alias(hop)}"
    yield f"UserKnownHostsFile {' '.join(map(_quoted, hop.known_hosts)) or 'none'}"
    yield f"GlobalKnownHostsFile {os.devnull}"
    yield from (f"IdentityFile {_quoted(path)}" for path in hop.identities)
    yield from (f"CertificateFile {_quoted(path)}" for path in hop.certificates)
    yield f"IdentitiesOnly {'yes' if hop.identities_only else 'no'}"
    yield f"IdentityAgent {_quoted(hop.agent) if hop.agent else 'none'}"


def _way(hop: Hop, before: str) -> tuple[str, ...]:
    """How ssh gets to a hop: through the one before, by a command of the user's, or straight."""
    if before:
        return (f"ProxyJump {before}",)
    if hop.proxy_command:
        return (f"ProxyCommand {_plain(hop.proxy_command).replace('%', '%%')}",)
    return ("ProxyJump none", "ProxyCommand none")


def _alias(hop: Hop) -> str:
    """The name to look for in known_hosts, since the HostName is a number now: with the port, unless only the name is there."""
    names = known.names(hop)
    trusted = known.read(hop.known_hosts)
    return next((name for name in names if trusted.types((name,)) or trusted.authorities((name,))), names[0])


def _quoted(text: str, tokens: bool = True) -> str:
    """A value as ssh_config has it, with no %-sign and no quote that means anything."""
    value = _plain(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{value.replace("%", "%%") if tokens else value}"'


def _plain(text: str) -> str:
    if any(ord(char) < ord(" ") for char in text):
        raise HostError(f"ssh can use no name with a line break in it: {printable(text[:80])}", "rename it")
    return text


def _written(path: str, text: str, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "w", encoding="utf-8") as file:
        file.write(text)
