"""Which of many paths of a host without Python are there, and where they really are: asked for hundreds at a time.

The shell there finds that out by itself, and one stat(1) tells why the rest does not answer. What only a look of its own can
tell, as where a symlink leads, costs programs for each path, and is asked for only where it matters.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from auditkit.ssh.session import cut
from auditkit.ssh.survey import reason
from auditkit.ssh.talk import Talk

GONE = "no such file or directory"
_COMPLAINT = re.compile(rb"stat: can(?:not|'t) stat[a-z]* '(.*)': [^:]{1,200}")


class Place(NamedTuple):
    """A path that answers."""

    file: bool
    """Whether it is a regular file, or leads to one."""
    real: bytes
    """The same without a symlink in it; nothing where that takes a look of its own."""


def there(talk: Talk, paths: Iterable[bytes]) -> dict[bytes, Place | str]:
    """What each path is, or why it does not answer.

    Raises:
        HostError: the host contradicts itself (`lied`).
    """
    asked = list(dict.fromkeys(paths))
    told: dict[bytes, Place | str] = {}
    # a name with a line feed could make two complaints of one
    for batch, answer in talk.about((b"there",), (path for path in asked if b"\n" not in path)):
        told.update(_told(batch, answer))
    left = [path for path in asked if path not in told]
    return told | {path: Place(False, real) if real else reason(said) for path, real, said in looked_at(talk, left)}


def looked_at(talk: Talk, paths: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield each path, where it really is, and what stat(1) says of that and of each directory above, by a look of its own."""
    for batch, answer in talk.about((b"way",), paths):
        told = answer.split(b"\0")
        if len(told) != 2 * len(batch) + 1:
            raise cut()
        yield from zip(batch, told[::2], told[1::2], strict=False)


def _told(batch: list[bytes], answer: bytes) -> Iterator[tuple[bytes, Place | str]]:
    """Yield what is certain of these paths."""
    told = answer.split(b"\n", len(batch))
    said = told.pop()
    if len(told) != len(batch):
        raise cut()
    complaints = {found[1]: line for line in said.split(b"\n") if (found := _COMPLAINT.fullmatch(line))}
    for path, each in zip(batch, told, strict=True):
        if each:
            yield path, Place(each.startswith(b"f"), _real(path, each[1:]))
        elif said == b"=":
            yield path, GONE
        elif path in complaints:
            yield path, reason(complaints[path])


def _real(path: bytes, folder: bytes) -> bytes:
    return folder.rstrip(b"/") + b"/" + path.rpartition(b"/")[2] if folder.startswith(b"/") else b""
