"""The bytes of files of a host without Python: many small ones at a time, any other by itself.

Links are followed over there, by the kernel. What was opened decides whether it may hold password hashes: then facts travel
in its place, made by sed(1) as take.reduced() makes them, and it is asked for by itself.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from auditkit.probe import guarded, inside, keyfile
from auditkit.probe import take as taking
from auditkit.ssh.session import cut, lied
from auditkit.ssh.survey import reason
from auditkit.ssh.talk import Question, Talk
from auditkit.ssh.there import Place, there

SMALL = 64 << 10
"""Bytes of a file that is asked for together with others."""
TOGETHER = 180
"""Files of one question, a multiple of those that are open at once."""
_AT_ONCE = 5
TOO_LONG = f"longer than {inside.LIMIT} bytes"
_OF_SECRETS = "holds secrets of a kind that cannot be reduced to facts, so nothing of it was taken"
NOT_REDUCED = (
    "may be a private key, written in a way that only Python there could reduce to facts; ssh-keygen -lf tells what it is"
)
_REFUSED = {b"secret": NOT_REDUCED, b"long": TOO_LONG}

Asked = tuple[bytes, bool]
"""A path, and whether the file holds secrets."""
Given = tuple[bytes, str]
"""The bytes of a file, or why there are none."""


def contents(talk: Talk, asked: Sequence[Asked]) -> Iterator[Given]:
    """Yield what each file holds, or why that is not known, in the order asked."""
    places = there(talk, (path for path, _secret in asked))
    for at in range(0, len(asked), TOGETHER):
        some = asked[at : at + TOGETHER]
        told: dict[Asked, Given] = {}
        for one in some:
            place = places[one[0]]
            if isinstance(place, str):
                told[one] = b"", place
        told |= _together(talk, some, places)
        left = [one for one in dict.fromkeys(some) if one not in told]
        answers = talk.answers(_question(path, secret=secret) for path, secret in left)
        told.update((one, _reduced(one[0], given(answer, talk.nonce))) for one, answer in zip(left, answers, strict=True))
        yield from (told[one] for one in some)


def _question(path: bytes, *, secret: bool) -> Question:
    """What asks for one file, or for those lines of it that may travel."""
    lines = guarded.script(path)
    if not lines:
        return question(path, b"secret" if secret else b"plain")
    return Question((b"take", b"lines", b"%d" % (inside.LIMIT + 1), path, lines), 2 * inside.LIMIT)


def _reduced(path: bytes, told: Given) -> Given:
    """What was given, with such lines as the probe has them."""
    which = guarded.kind(path)
    return told if which is None or not guarded.script(path) else (guarded.reduced(which, told[0]), told[1])


def question(path: bytes, how: bytes = b"plain") -> Question:
    """What asks for one file."""
    words = (b"take", how, b"%d" % (inside.LIMIT + 1), path or b"/")
    return Question(words, 2 * inside.LIMIT)


def given(answer: bytes, nonce: bytes) -> Given:
    """The bytes of a file, or why there are none."""
    data, mark, said = answer.rpartition(nonce + b" ")
    if not mark:
        raise cut()
    if not said and len(data) > inside.LIMIT:
        said = b"long"
    return data, (_REFUSED.get(said.strip()) or reason(said)) if said else ""


def _together(talk: Talk, some: Sequence[Asked], places: Mapping[bytes, Place | str]) -> dict[Asked, Given]:
    """What is told of the small files among these: their bytes, or facts of those that hold secrets."""
    found: dict[Asked, Given] = {}
    there_ = [one for one in dict.fromkeys(some) if isinstance(place := places[one[0]], Place) and place.file]
    files = [one for one in there_ if not guarded.script(one[0])]
    plain = [path for path, secret in files if not secret]
    for batch, answer in list(talk.about((b"several", b"%d" % (SMALL + 1)), plain, TOGETHER, most=2 * inside.LIMIT)):
        found.update(((path, False), (data, "")) for path, data in _told(batch, answer, talk.nonce))
    tables = (posixpath.basename(path) in taking.TABLES for path, _secret in files)
    keys = [path for (path, secret), is_table in zip(files, tables, strict=True) if secret and not is_table]
    for batch, answer in list(talk.about((b"keys",), keys, TOGETHER, most=2 * inside.LIMIT)):
        found.update(((path, True), given) for path, given in _keys(batch, answer, talk.nonce))
    return found


def _told(batch: Sequence[bytes], answer: bytes, nonce: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the files that were given whole, and what they hold."""
    groups = answer.split(nonce + b";")
    if len(groups) != -(-len(batch) // _AT_ONCE) + 1 or groups.pop():
        raise cut()
    for at, group in enumerate(groups):
        paths = batch[at * _AT_ONCE : (at + 1) * _AT_ONCE]
        parts = between(group[:-1], b"N=" + nonce + b"\0") if group.endswith(b"+") else []
        yield from ((path, data) for path, data in zip(paths, parts, strict=False) if len(data) <= SMALL)


def between(group: bytes, mark: bytes) -> list[bytes]:
    """What stands between six times the same environment in which the mark stands once; nothing where that is not so.

    A file that leads to such an environment itself brings one mark more.
    """
    head, *pieces = group.split(mark)
    tail = pieces.pop() if len(pieces) == _AT_ONCE + 1 else None
    around = 0 if tail is None else len(head) + len(tail)
    if tail is None or not all(len(one) >= around and one.startswith(tail) and one.endswith(head) for one in pieces):
        return []
    return [one[len(tail) : len(one) - len(head)] for one in pieces]


def _keys(batch: Sequence[bytes], answer: bytes, nonce: bytes) -> Iterator[tuple[bytes, Given]]:
    """Yield facts of the private keys that were told of; what else holds secrets may not be taken, but for a name."""
    told = answer.split(nonce + b";")
    if len(told) > len(batch) + 1:
        raise lied("it tells of more keys than there are")
    for path, each in zip(batch, told[:-1], strict=False):
        if each.endswith(b"+"):
            facts = keyfile.facts(each[:-1])
            named = posixpath.basename(path).startswith(b"id_") or keyfile.is_one(each[:-1])
            yield path, (facts, "") if named else (b"", _OF_SECRETS)
