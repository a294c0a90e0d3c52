"""A conversation with the probe on a host: a shell that is asked who it is, Python that is given the probe, questions, answers.

Nothing reaches the login shell but `/bin/sh`, so that it may be fish, tcsh or zsh; whatever it says before the nonce is
noise. What the host says is parsed strictly: an answer to another question, a frame that lies about its size, or an end
that does not fit what came before it is the host's word against itself.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address

from auditkit.errors import HostError
from auditkit.model import State
from auditkit.printable import printable
from auditkit.probe import frames
from auditkit.ssh import Deadline, Link, Pipe
from auditkit.ssh.archive import archive, loader, more

NOISE = 256 << 10
"""Bytes that a login shell may say before the first word that is ours."""
PATIENCE = 30.0
"""Seconds until a shell and Python must have answered."""
LATE = 5
"""Seconds after the end of our time that a host goes on at most: if it were the first to end, that looked like a failure."""
LARGEST = 4 << 30
"""Unpacked bytes of one answer, of which nothing is held: a scan of a very large machine."""
_READ = 64 << 10
_PYTHONS = "python3 /usr/libexec/platform-python /usr/local/bin/python3 python"
# the first line is for start files that read one
_SHELL = """
{{
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin; LC_ALL=C.UTF-8; export PATH LC_ALL
become='{become}'; uid=
[ -r /proc/self/status ] && while read -r key real uid rest; do [ "$key" = Uid: ] && break; done </proc/self/status
[ "${{uid:-$(id -u)}}" != 0 ] || become=
printf '\\n%s%s%s %s\\n' '{first}' '{second}' s "${{SSH_CONNECTION%% *}}"
for python in {pythons}; do
command -v "$python" >/dev/null 2>&1 && exec $become "$python" -I -S -X utf8 -c '{loader}'
done
printf '\\n%s%s%s\\n' '{first}' '{second}' n
}}
"""
_MOST = 1 << 20
_SEE = "log in by hand and see what its start files do"
_REFUSED = re.compile(
    r"^(?:sudo|doas)\b|\b(?:sudo|doas)['\u2019]?: (?:not found|command not found|No such file)"
    r"|may not run sudo|a password is required|no tty present|not in the sudoers",
    re.MULTILINE,
)
_UID = re.compile("[0-9]{1,10}")
_CLOCK = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?")
BECOME = {"none": "", "sudo": "sudo -n -u root ", "doas": "doas -n -u root "}
"""Words before a command, by `become`."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """Who answered."""

    uid: int
    now: float
    """The host's clock, in seconds since 1970."""
    user: str
    python: str
    kernel: str

    @property
    def may_be_linux(self) -> bool:
        """Whether it says so, or does not say what else it is."""
        return self.kernel.startswith(("Linux ", "? "))


class NoPythonError(Exception):
    """The host has a shell, but no Python that the probe could run on; `pipe` leads to that shell, if it still waits."""

    def __init__(self, pipe: Pipe | None = None) -> None:
        super().__init__()
        self.pipe = pipe


class Session:
    """The probe running on a host: ask one question after the other."""

    def __init__(self, link: Link, deadline: Deadline, become: str) -> None:
        self._nonce = secrets.token_hex(16)
        self._deadline = deadline
        self._become = become
        self._held = bytearray()
        self._noise = ""
        self._number = 0
        self._magic = ""
        self._is_whole = False
        self.source = ""
        """Where its SSH server says that we come from (ssh(1), SSH_CONNECTION); nothing where it does not say."""
        self._pipe = link.run("/bin/sh")
        with patience(self._pipe, deadline):
            self.greeting = self._begun()

    def more(self) -> tuple[bytes, ...]:
        """The modules for all evidence, once: the field of a question behind what is asked."""
        sent, self._is_whole = self._is_whole, True
        return () if sent else (more(self._magic),)

    def close(self) -> None:
        """End it: the probe sees its stdin end and is gone."""
        self._pipe.close()

    def _begun(self) -> Greeting:
        """Go through the lines that the host must say, in their order."""
        half = len(self._nonce) // 2
        script = _SHELL.format(
            first=self._nonce[:half],
            second=self._nonce[half:],
            pythons=_PYTHONS,
            become=BECOME[self._become],
            loader=loader(self._nonce, int(self._deadline.left()) + LATE),
        )
        self._pipe.send(script.encode("ascii"))
        shell = self._line("s")
        if shell is None:
            raise self._no_shell()
        self.source = whence(shell[1:])
        words = self._line("pn")
        if words is None:  # what was to run there ended: sudo, or a Python of another kind
            raise refused(self._become, self._pipe.complaints()) or NoPythonError
        if words[0] == "n":
            raise NoPythonError(self._pipe)
        self._magic = words[1] if len(words) > 1 else ""
        self._pipe.send(archive(self._magic))
        greeting = self._line("r")
        if greeting is None:
            raise _ailing(self._pipe.complaints())
        return greeted(greeting[1:])

    def _line(self, kinds: str) -> list[str] | None:
        """The next line that begins with our nonce, from the letter behind it on; all else is noise. None at the end."""
        noise = 0
        while noise <= NOISE:
            at = self._held.find(b"\n")
            if at < 0:
                noise = max(noise, len(self._held))
                if not hear(self._pipe, self._held, self._deadline):
                    return None
                continue
            text = self._held[:at].decode("utf-8", "replace")
            words = text.split(" ", 16)
            del self._held[: at + 1]
            noise += at + 1
            self._noise = text.strip() or self._noise
            if words[0][:-1] == self._nonce and words[0][-1:] in kinds:
                return [words[0][-1], *words[1:]]
        raise HostError("its login shell never stops talking", _SEE, State.NO_SHELL)

    def _no_shell(self) -> HostError:
        said = self._held.decode("utf-8", "replace").strip() or self._noise
        why = printable(said[-200:]) if said and not self._pipe.complaints().strip() else last_of(self._pipe.complaints())
        return HostError(
            f"it gives no shell: {why}", "name a user whose login shell runs commands, with `user:`", State.NO_SHELL
        )

    def ask(self, question: bytes, *fields: bytes, most: int = LARGEST) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield kind and fields of each frame of the answer, which has no more than so many bytes.

        Raises:
            HostError: the link broke, the time is over, or the host contradicts the protocol (`lied`).
        """
        self._number += 1
        self._pipe.send(frames.pack(question, self._number, fields))
        count, size = 0, 0
        while True:
            kind, number, told = self._frame()
            if number != self._number:
                raise lied("it answers another question than it was asked")
            if kind == b"E":
                if told != [b"%d" % count]:
                    raise lied("its answer is not as long as it says")
                return
            count, size = count + 1, size + sum(map(len, told)) + 16
            if size > most:
                raise lied(f"its answer is longer than {most >> 20} MiB")
            if kind == b"X":
                raise HostError(f"the probe failed there: {_words(told)}", "report this with the line above", State.PARTIAL)
            yield kind, told

    def _frame(self) -> frames.Frame:
        try:
            return frames.read(self._exactly)
        except frames.CutError as error:
            said = self._pipe.complaints()
            if "Traceback" in said:
                raise _ailing(said) from error
            raise HostError("the connection ended in the middle of an answer", "try again", State.UNREACHABLE) from error
        except frames.FrameError as error:
            raise lied(f"it sent {error}") from error

    def _exactly(self, length: int) -> bytes:
        while len(self._held) < length:
            if not hear(self._pipe, self._held, self._deadline, min(length - len(self._held), _MOST)):
                break
        data = bytes(self._held[:length])
        del self._held[:length]
        return data


def _words(told: Sequence[bytes]) -> str:
    return printable(b" ".join(told)[:500].decode("utf-8", "surrogateescape"))


def _ailing(said: str) -> HostError:
    return HostError(f"its Python does not run the probe: {last_of(said)}", "see what ails Python there", State.PARTIAL)


def lied(what: str) -> HostError:
    """The error of a host that contradicts itself, the protocol, or what another look shows."""
    hint = "treat what this host says as false: look at its disk from a rescue system with root:/mnt/disk"
    return HostError(f"this host contradicts itself: {what}", hint, State.LIED)


def cut() -> HostError:
    """The error of a host whose answer lacks a part."""
    return lied("a part of its answer is missing")


@contextmanager
def patience(pipe: Pipe, deadline: Deadline) -> Iterator[None]:
    """Close a pipe whose other side fails, or does not begin to answer in time, and say which time that was."""
    short = Deadline(deadline.left(PATIENCE))
    short.guard(pipe.close)
    try:
        yield
    except (HostError, NoPythonError) as error:
        if isinstance(error, HostError) or short.passed:
            pipe.close()
        if not short.passed:
            raise
        if short.seconds < PATIENCE:
            raise deadline.over() from error
        raise HostError(f"it does not begin to answer within {PATIENCE:g} seconds", _SEE, State.NO_SHELL) from error
    finally:
        short.cancel()


def hear(pipe: Pipe, held: bytearray, deadline: Deadline, size: int = 0) -> bool:
    """Take the next bytes of what a host says; false where it has ended, though its time is not over.

    Raises:
        HostError: the link broke, or the time is over.
    """
    more = pipe.receive(max(size, _READ))
    held += more
    if not more:
        deadline.left()
    return bool(more)


def last_of(complaints: str) -> str:
    """The last line of what was said on stderr, as it may be shown; not what ld.so says at the start of each program."""
    lines = [line for line in complaints.strip().splitlines() if not line.startswith("ERROR: ld.so: object ")]
    return printable(lines[-1][:200]) if lines else "it says nothing"


def refused(become: str, complaints: str) -> HostError | None:
    """The error of a `sudo -n` or `doas -n` that was refused; None where it was something else that ended."""
    if become == "none" or not _REFUSED.search(complaints):
        return None
    hint = f"allow it without a password in sudoers or doas.conf, or set `become: none` ({become} is set)"
    return HostError(f"{become} is refused: {last_of(complaints)}", hint, State.SUDO_REFUSED)


def whence(words: Sequence[str]) -> str:
    """The address that a host says, if it is one, without the zone of a link."""
    try:
        return str(ip_address(words[0].partition("%")[0])) if words else ""
    except ValueError:
        return ""


def greeted(words: Sequence[str]) -> Greeting:
    """Who answered, from the seven words of a greeting: uid, clock, user, Python or `-`, three of the kernel.

    Raises:
        HostError: they are none (`lied`).
    """
    try:
        uid, now, user, python, system, release, machine = words
    except ValueError as error:
        raise lied("its greeting is none") from error
    if not (_UID.fullmatch(uid) and _CLOCK.fullmatch(now)):
        raise lied("its greeting is none")
    return Greeting(int(uid), float(now), user, python, f"{system} {release} {machine}")
