"""Whose host key is right: the known_hosts files, read once, line by line, as sshd(8) has them (SSH_KNOWN_HOSTS FILE FORMAT).

A line that cannot be understood is a gap and spares the others. Certificates of authorities, revoked keys, hashed names,
patterns and ports are honoured; key types that nobody here knows are kept as they are. What is judged is judged as
hostfile.c of OpenSSH does it: a revoked key is refused whatever else is on file, and a host of which another key is on
file has changed, also if that one is of another type. So ask the server for a type that is on file (`types`).
"""

import hmac
import os
import re
import shlex
import threading
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from auditkit.errors import HostError
from auditkit.keys.patterns import listed
from auditkit.keys.wire import fingerprint
from auditkit.model import Gap, State
from auditkit.opening import regular
from auditkit.printable import printable
from auditkit.ssh import Hop

LARGEST = 16 << 20
"""Bytes of one file that are read; a line for each of a hundred thousand hosts fits."""
LONGEST = 32 << 10
"""Bytes of a line: the largest RSA key takes 3 KiB."""
MOST_GAPS = 20
"""Bad lines of one file that are named each; the rest are counted."""
PORT = 22
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,63}")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HASHED = re.compile(r"\|1\|([A-Za-z0-9+/]{27}=)\|([A-Za-z0-9+/]{27}=)")  # salt and HMAC-SHA1, 20 bytes each
_SIGNS = re.compile(r"[*?!]")
_READ: dict[tuple[tuple[str, tuple[int, ...]], ...], "KnownHosts"] = {}
_READING = threading.Lock()
_SETS = 16


class Mark(StrEnum):
    """What a line says of its key."""

    NONE = ""
    AUTHORITY = "@cert-authority"
    """It signs the certificates of these hosts."""
    REVOKED = "@revoked"
    """It is never to be trusted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that could be understood."""

    file: str
    number: int
    mark: Mark
    names: str
    """Names and patterns with commas between them, in lower case, or one hashed name as written."""
    key_type: str
    key: bytes

    @property
    def place(self) -> str:
        """Where it stands, as messages name it."""
        return f"{printable(self.file)}, line {self.number}"

    def covers(self, name: str) -> bool:
        """Whether the line is about this host: `ws-03.lan` or `[ws-03.lan]:2222`, in lower case."""
        if self.names.startswith("|"):
            return _hash_is(self.names, name)
        return listed(name, self.names.split(","))


class Standing(StrEnum):
    """What the files say of a key."""

    KNOWN = "known"
    BY_AUTHORITY = "by-authority"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the files say of the key that a server showed, and the line this rests on."""

    standing: Standing
    line: Line | None = None
    types: tuple[str, ...] = ()
    """Types of the keys that are on file for this host."""
    authorities: int = 0
    """How many authorities could vouch for this host."""

    @property
    def trusted(self) -> bool:
        """Whether it is the key of this host."""
        return self.standing in (Standing.KNOWN, Standing.BY_AUTHORITY)


class KnownHosts:
    """All lines of some known_hosts files, to be asked for many hosts."""

    def __init__(self, lines: Iterable[Line], gaps: Iterable[Gap] = ()) -> None:
        self.lines = tuple(lines)
        self.gaps = tuple(gaps)
        self._plain: dict[str, list[Line]] = {}
        self._other: list[Line] = []
        self._of_key: dict[bytes, list[Line]] = {}
        for line in self.lines:
            self._of_key.setdefault(line.key, []).append(line)
            if line.names.startswith("|") or _SIGNS.search(line.names):
                self._other.append(line)
                continue
            for name in line.names.split(","):
                self._plain.setdefault(name, []).append(line)

    def judge(self, names: Sequence[str], key_type: str, key_blob: bytes, authority: bytes | None = None) -> Verdict:
        """What is to be thought of the key that the server with these names showed.

        The first name is the host's; a further one (the name without the port) can only speak for the key, as in ssh.
        For a host certificate give the plain key that it certifies, and as `authority` the key that has signed it: of
        a certificate whose signature, time and names the caller has found good.
        """
        wanted = [name.lower() for name in names]
        for key in (key_blob, authority):  # revoked wins over everything, for the name with and without the port
            for line in self._with(key, Mark.REVOKED, wanted):
                return Verdict(Standing.REVOKED, line)
        verdict = self._of(wanted[:1], key_type, key_blob, authority)
        if verdict.standing is Standing.UNKNOWN:
            further = self._of(wanted[1:], key_type, key_blob, authority)
            return further if further.trusted else verdict
        return verdict

    def _of(self, names: Sequence[str], key_type: str, key: bytes, authority: bytes | None) -> Verdict:
        """The verdict on a key that is not revoked."""
        for line in self._with(key, Mark.NONE, names):
            return Verdict(Standing.KNOWN, line)
        for line in self._with(authority, Mark.AUTHORITY, names):
            return Verdict(Standing.BY_AUTHORITY, line)
        about = tuple(self._about(names))
        plain = [line for line in about if line.mark is Mark.NONE]
        types = tuple(dict.fromkeys(line.key_type for line in plain))
        authorities = sum(line.mark is Mark.AUTHORITY for line in about)
        other = next((line for line in plain if line.key_type == key_type), plain[0] if plain else None)
        return Verdict(Standing.CHANGED if plain else Standing.UNKNOWN, other, types, authorities)

    def _with(self, key: bytes | None, mark: Mark, names: Sequence[str]) -> Iterator[Line]:
        """Yield lines with that key: few, so that a name is hashed for few lines only."""
        of_key = self._of_key.get(key, ()) if key is not None else ()
        return (line for line in of_key if line.mark is mark and any(map(line.covers, names)))

    def _about(self, names: Sequence[str]) -> Iterator[Line]:
        """Yield each line about a host."""
        for name in names:
            yield from self._plain.get(name, ())
            yield from (line for line in self._other if line.covers(name))

    def types(self, names: Sequence[str]) -> tuple[str, ...]:
        """The types of key that are on file for a host, in their order: what to ask the server for."""
        about = self._about([name.lower() for name in names])
        return tuple(dict.fromkeys(line.key_type for line in about if line.mark is Mark.NONE))

    def authorities(self, names: Sequence[str]) -> tuple[Line, ...]:
        """The lines of authorities that may sign certificates of a host."""
        return tuple(line for line in self._about([name.lower() for name in names]) if line.mark is Mark.AUTHORITY)


def read(paths: Iterable[str]) -> KnownHosts:
    """The lines of these files, those of the user before those of the system; a file that is not there holds none.

    Files that are as they were are not read again: fifty hosts need the same ones.
    """
    key = tuple((path, _state(path)) for path in dict.fromkeys(paths))
    with _READING:
        if key not in _READ:
            if len(_READ) >= _SETS:
                _READ.clear()
            _READ[key] = _read(path for path, _state in key)
        return _READ[key]


def _state(path: str) -> tuple[int, ...]:
    """What tells that a file was changed or replaced; nothing of one that is not there."""
    try:
        told = os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return ()
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns


def _read(paths: Iterable[str]) -> KnownHosts:
    lines: list[Line] = []
    gaps: list[Gap] = []
    for path in paths:
        data = _content(path)
        found = tuple(parse(data, path)) if isinstance(data, bytes) else (data,)
        lines += (each for each in found if isinstance(each, Line))
        gaps += _few([each for each in found if isinstance(each, Gap)], path)
    return KnownHosts(lines, gaps)


def _content(path: str) -> bytes | Gap:
    """What stands in a file, or why that cannot be said; a pipe is not waited for."""
    try:
        if path == os.devnull:
            return b""
        with open(path, "rb", opener=regular) as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return b""
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return Gap(path, f"no host key is taken from it: {getattr(error, 'strerror', None) or 'no such name'}")
    if len(data) > LARGEST:
        return Gap(path, f"it is larger than {LARGEST >> 20} MiB, so no host key is taken from it")
    return data


def _few(gaps: list[Gap], path: str) -> list[Gap]:
    rest = len(gaps) - MOST_GAPS
    return gaps if rest <= 0 else [*gaps[:MOST_GAPS], Gap(path, f"{rest} more lines are not understood")]


def parse(data: bytes, file: str) -> Iterator[Line | Gap]:
    """Yield the lines of a known_hosts file, and a gap for each that is none."""
    for number, raw in enumerate(data.split(b"\n"), 1):
        text = raw.strip(b" \t\r")
        if text and not text.startswith(b"#"):
            try:
                yield _line(text, file, number)
            except ValueError as error:
                yield Gap(f"{file}, line {number}", str(error))


def _line(text: bytes, file: str, number: int) -> Line:
    """One line that is no comment; ValueError says in words what is wrong with it."""
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST >> 10} KiB")
    if _CONTROL.search(text):
        raise ValueError("it has control characters in it")
    words = text.decode("utf-8", "surrogateescape").replace("\t", " ").split(" ")
    mark, *words = _marked([word for word in words if word])
    if len(words) < 3:
        raise ValueError("it lacks a name, a key type or a key")
    names, key_type, encoded = words[:3]
    hashed = names.startswith("|")
    if hashed and not _HASHED.fullmatch(names):
        raise ValueError("its hashed name is damaged")
    return Line(file, number, Mark(mark), names if hashed else names.lower(), key_type, _key(key_type, encoded))


def _marked(words: list[str]) -> list[str]:
    """The words with the mark before them, an empty one where there is none."""
    if not words[0].startswith("@"):
        return ["", *words]
    if words[0] not in (Mark.AUTHORITY, Mark.REVOKED):
        raise ValueError(f"its mark {printable(words[0][:60])} is unknown")
    if words[1:] and words[1].startswith("@"):
        raise ValueError("it has more than one mark")
    return words


def _key(key_type: str, encoded: str) -> bytes:
    if not _TYPE.fullmatch(key_type) or key_type.isdigit():
        raise ValueError(f"{printable(key_type[:60])} is no type of key")
    try:
        key = a2b_base64(encoded.encode("ascii"), strict_mode=True)
    except (Error, UnicodeEncodeError) as error:
        raise ValueError("its key is damaged: no base64") from error
    if key[:4] != len(key_type).to_bytes(4, "big") or key[4 : 4 + len(key_type)] != key_type.encode("ascii"):
        raise ValueError(f"its key is no {key_type}")
    return key


def _hash_is(hashed: str, name: str) -> bool:
    """Whether `|1|SALT|HASH` is about this name (host_hash of OpenSSH)."""
    _empty, _one, salt, digest = hashed.split("|")
    wanted = hmac.digest(a2b_base64(salt), name.encode("utf-8", "surrogateescape"), "sha1")
    return hmac.compare_digest(wanted, a2b_base64(digest))


# --- what a server showed, in words


def names(hop: Hop) -> tuple[str, ...]:
    """The names that a server goes by in known_hosts: its HostKeyAlias, else its name with the port, then without."""
    if hop.host_key_alias:
        return (hop.host_key_alias.lower(),)
    name = hop.hostname.lower()
    return (name,) if hop.port == PORT else (f"[{name}]:{hop.port}", name)


def entry(name: str, key: bytes) -> str:
    """The line of known_hosts that makes a key known: `HOST TYPE BASE64`.

    Raises:
        HostError: what the server showed as its key is none; so nothing that it chose gets into a line.
    """
    size = int.from_bytes(key[:4], "big")
    key_type = key[4 : 4 + min(size, 64)].decode("ascii", "replace")
    if len(key) <= 4 + size or not _TYPE.fullmatch(key_type):
        raise HostError("what it shows as its host key is none", "see what listens on this port", State.LIED)
    return f"{printable(name)} {key_type} {b64encode(key).decode('ascii')}"


def refusal(verdict: Verdict, hop: Hop, key: bytes) -> HostError:
    """The error of a server whose key is not trusted: what was seen, and what to compare before anything is changed."""
    name = names(hop)[0]
    line, seen = entry(name, key), fingerprint(key)
    shown = f"{line.split(' ')[1]} {seen}"
    match verdict:
        case Verdict(Standing.REVOKED, Line() as found):
            hint = "do not log in there: see why the key was revoked"
            return HostError(f"its host key {shown} is revoked: {found.place}", hint, State.HOSTKEY_CHANGED)
        case Verdict(Standing.CHANGED, Line() as found):
            hint = f"find out why before you log in: only if the host was set up anew, replace that line by: {line}"
            was = f"{found.place} has {found.key_type} {fingerprint(found.key)}"
            return HostError(f"its host key is {shown}, but {was}", hint, State.HOSTKEY_CHANGED)
        case _:
            file = shlex.quote(printable(hop.known_hosts[0])) if hop.known_hosts else "~/.ssh/known_hosts"
            hint = f"compare {seen} with `ssh-keygen -lf` of the key on the host itself, then: echo '{line}' >> {file}"
            return HostError(f"its host key {shown} is unknown{_vouching(verdict)}", hint, State.HOSTKEY_UNKNOWN)


def _vouching(verdict: Verdict) -> str:
    return ", and it shows no certificate of the authority that is on file" if verdict.authorities else ""
