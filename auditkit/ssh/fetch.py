"""Files and beginnings of logs from a host without Python, as probe/take.py and probe/rotation.py give them.

How their bytes come is told in contents.py. What looks like a hash in any of them is taken out of it as soon as it is here,
see probe/hashes.py.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from auditkit.model import Gap, Item, Need
from auditkit.probe import hashes, inside, secret
from auditkit.probe import take as taking
from auditkit.probe.digest import Digest
from auditkit.probe.lineage import MOST, PATTERN, unseen
from auditkit.probe.rotation import LARGEST, MEMBERS, NOT_KNOWN, PACKED, Asked, family
from auditkit.ssh.contents import TOO_LONG, Given, contents, given, question
from auditkit.ssh.session import cut, lied
from auditkit.ssh.survey import ABSENT, LISTING, bytes_of, checked, complaints, fields, last_words, ns, reason, text
from auditkit.ssh.talk import ANSWER, Question, Talk
from auditkit.ssh.there import there

LINEAGE = PATTERN.decode()
_DIGITS = 10
_PUBLIC = re.compile(rb"\b(?:ssh|ecdsa|sk)-[a-z0-9@.-]{3,50}[ \t]+AAAA[A-Za-z0-9+/=]{40,}")
_FORBIDDEN = ("permission denied", "operation not permitted")
_MAGIC = re.compile(rb"[*?[]")
_SUM = re.compile(rb"([0-9a-f]{32,64})(?:  -)?\n")
Candidate = tuple[bytes, tuple[bytes, ...], str]
"""A path as far as it is known, the components still to come, the first one a glob, and why it cannot be gone on with."""


Listed = tuple[list[bytes], str]
"""The names in a directory, or why they are not known."""


def mounts(talk: Talk) -> bytes | None:
    """The mount table; None where it cannot be read."""
    (answer,) = talk.answers([question(b"/proc/self/mountinfo")])
    table, why = given(answer, talk.nonce)
    return None if why else table


def take(talk: Talk, needs: Sequence[Need]) -> Iterator[Item | Gap]:
    """Yield what is there for each need, in the order of the needs and of the paths; first what probe/lineage.py gives."""
    for need in needs:
        if need.what == LINEAGE:
            yield from _lineage(talk, need)
    long = [need for need in needs if need.long]
    needs = [need for need in needs if need.what != LINEAGE and not need.long]
    found = places(talk, needs)
    asked = [(path or b"/", need.secret) for need, paths in zip(needs, found, strict=True) for path, why in paths if not why]
    told = contents(talk, asked)
    for need, paths in zip(needs, found, strict=True):
        yield from _of_need(need, paths, told)
    yield from _long(talk, long)


def places(talk: Talk, needs: Sequence[Need]) -> list[list[tuple[bytes, str]]]:
    """The paths that each need may stand for, in order, or why there are none."""
    asked = [bytes_of(need.what) for need in needs]
    homes = _homes(talk) if any(pattern.startswith(inside.HOME) for pattern in asked) else []
    patterns = [[home + each[1:] for home in homes] if each.startswith(inside.HOME) else [each] for each in asked]
    flat = iter(_expanded(talk, [each for several in patterns for each in several]))
    return [[place for _each in several for place in next(flat)] for several in patterns]


def _homes(talk: Talk) -> list[bytes]:
    """A pattern for every home."""
    (answer,) = talk.answers([question(b"/etc/passwd", b"secret")])
    table, why = given(answer, talk.nonce)
    places = [home.rstrip(b"/") for home, _uid in inside.homes(table)] if not why else []
    return [_MAGIC.sub(rb"[\g<0>]", home) for home in places[: inside.MATCHES]]


def _long(talk: Talk, needs: Sequence[Need]) -> Iterator[Item | Gap]:
    """Yield the files of needs that may be long, piece by piece; what begins as one before does is the same by another name."""
    left, given = taking.LONGEST, set[bytes]()
    before = dict(_states(talk, needs))
    for need in needs:
        path = bytes_of(need.what)
        for at, (data, why) in enumerate(_pieces(talk, path, left)):
            if not at and data in given:
                break
            given |= {data} if data and not at else set()
            left -= len(data)
            yield Gap(need.what, why) if why else Item(need, need.what, data, datetime.now(UTC), "")
    after = dict(_states(talk, needs))
    yield from (Gap(path, taking.CHANGED) for path, state in before.items() if after.get(path) != state)


def _states(talk: Talk, needs: Sequence[Need]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield inode and time of change of each file that is there."""
    yield from ((path, (inode, changed)) for path, inode, changed in present(talk, [need.what for need in needs]))


def _pieces(talk: Talk, path: bytes, left: int) -> Iterator[tuple[bytes, str]]:
    """Yield the pieces of a file, or why there are none of the rest; nothing of one that is not there."""
    for at in range(left // taking.PIECE + 1):
        words = (b"take", b"piece", b"%d" % taking.PIECE, path, b"%d" % at, b"%d" % (left + 1))
        (answer,) = talk.answers([Question(words, 2 * taking.PIECE)])
        data, why = given(answer, talk.nonce)
        if why == TOO_LONG:
            why = taking.too_long(left)
        if why not in ABSENT and (data or why or not at):
            yield data, why
        if why or len(data) < taking.PIECE:
            return


def _lineage(talk: Talk, need: Need) -> Iterator[Item | Gap]:
    (answer,) = talk.answers([Question((b"lineage",))])
    parts = answer.split(b"\0")[:-1]
    who = talk.tools.greeting
    if len(parts) % 4 or (not parts and who.may_be_linux):
        raise cut() if parts else lied(f"it says nothing of {need.what}")
    for at, (pid, name, told, why) in enumerate(zip(*[iter(parts)] * 4, strict=True)):
        if not pid.isdigit() or len(pid) > _DIGITS:
            raise lied("a number in its answer is none")
        source = f"/proc/{pid.decode()}/environ"
        if at == MOST:
            yield Gap(source, f"more than {MOST} processes lie between it and this one")
            return
        if why:
            if who.may_be_linux and not (pid == b"1" and reason(why) in _FORBIDDEN):
                yield Gap(source, unseen(reason(why), who.uid))
            return
        if not name and not told:
            raise lied("it says nothing of one of its processes")
        data = b"".join(each + b"\0" for each in (name, *filter(None, told.split(b"\n"))))
        yield Item(need, source, data, datetime.now(UTC), "")


def _of_need(need: Need, paths: Iterable[tuple[bytes, str]], files: Iterator[Given]) -> Iterator[Item | Gap]:
    """Yield what was there for one need: no word for what is absent, nor for a directory that a glob met."""
    globbed = need.several
    told = False
    for path, refused in paths:
        data, why = (b"", refused) if refused else next(files)
        if why in ABSENT or (globbed and why == "is a directory"):
            continue
        told = True
        open_home = need.what.startswith("~/") and not need.secret  # of secrets there are facts only
        if not why and (taking.begins_as_key(data) or (open_home and looks_secret(data))):
            why = "looks as if it held secrets, so nothing of it was kept"  # a link in a home leads anywhere
        told_of = hashes.scrubbed(data, not hashes.of_a_package(path))
        yield Gap(text(path), why) if why else Item(need, text(path), told_of, datetime.now(UTC), "")
    if not told and not need.optional:
        yield Gap(need.what, "nothing matches" if globbed else "no such file or directory")


def looks_secret(data: bytes) -> bool:
    """Whether a text says that it holds secrets, whatever words the letters of public keys make by chance."""
    return secret.is_one("", _PUBLIC.sub(b"", data))


def _expanded(talk: Talk, patterns: Sequence[bytes]) -> list[list[tuple[bytes, str]]]:
    """The paths that each pattern may stand for, in order, or why there are none: one question for each level of globs."""
    found: list[list[Candidate]] = [[_moved(b"", tuple(filter(None, pattern.split(b"/"))))] for pattern in patterns]
    while wanted := [above for paths in found for above, rest, _why in paths if rest]:
        lists = _names_in(talk, wanted)
        for number, paths in enumerate(found):
            new = [each for one in paths for each in _step(one, lists)]
            if len(new) > inside.MATCHES:
                new = [*new[: inside.MATCHES], (patterns[number], (), f"more than {inside.MATCHES} paths match")]
            found[number] = new
    return [[(path, why) for path, _rest, why in paths] for paths in found]


def _moved(above: bytes, rest: tuple[bytes, ...]) -> Candidate:
    """A candidate with all that needs no list put on its path."""
    fixed = next((at for at, part in enumerate(rest) if _MAGIC.search(part)), len(rest))
    return b"".join([above, *(b"/" + part for part in rest[:fixed])]), rest[fixed:], ""


def _step(one: Candidate, lists: dict[bytes, Listed]) -> list[Candidate]:
    above, rest, _why = one
    if not rest:
        return [one]
    names, why = lists[above]
    if why:
        return [] if why in ABSENT else [(above, (), why)]
    return [_moved(above + b"/" + name, rest[1:]) for name in names if fnmatchcase(name, rest[0])]


def _names_in(talk: Talk, paths: Iterable[bytes]) -> dict[bytes, Listed]:
    """What each directory holds, in order, or why that is not known: asked of many at a time, then of any by itself."""
    starts = {path: path.rstrip(b"/") + b"/" for path in paths}
    places = there(talk, starts.values())
    told: dict[bytes, Listed] = {start: ([], place) for start, place in places.items() if isinstance(place, str)}
    for batch, answer in talk.about((b"names", b"%d" % ANSWER), [start for start in places if start not in told]):
        told.update(_lists(batch, answer))
    left = [start for start in places if start not in told]
    words = (b"-mindepth", b"1", b"-maxdepth", b"1", b"-print0")
    answers = talk.answers(Question((b"list", start, *words), LISTING) for start in left)
    told.update((start, _list(start, answer)) for start, answer in zip(left, answers, strict=True))
    return {path: told[start] for path, start in starts.items()}


def _lists(starts: Sequence[bytes], answer: bytes) -> dict[bytes, Listed]:
    """What each of these directories holds, if all of them could be listed without a complaint."""
    listed, end, _ = answer.rpartition(b"\0\0=0")
    if not answer.endswith(b"\0\0=0") and answer != b"\0=0":
        return {}
    found: dict[bytes, list[bytes]] = {start: [] for start in starts}
    for path in listed.split(b"\0") if end else ():
        above, slash, name = path.rpartition(b"/")
        if above + slash not in found or not _is_name(name):
            raise lied("it lists what it was not asked for")
        found[above + slash].append(name)
    return {start: (sorted(names), "") for start, names in found.items() if len(names) <= inside.NAMES}


def _list(start: bytes, answer: bytes) -> tuple[list[bytes], str]:
    found, end, said = (b"\0" + answer).partition(b"\0\0")
    paths = found.split(b"\0")[1:]
    names = [path[len(start) :] for path in paths]
    if not end or not all(path.startswith(start) and _is_name(name) for path, name in zip(paths, names, strict=True)):
        raise lied("it lists what it was not asked for")
    if len(names) > inside.NAMES:
        return [], f"more than {inside.NAMES} names in it"
    complained = complaints(said)
    return sorted(names), last_words(complained[-1]) if complained and not names else ""


def _is_name(name: bytes) -> bool:
    return name not in (b"", b".", b"..") and b"/" not in name


def present(talk: Talk, paths: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Yield path, inode and time of change, in ns, of each that answers to its name."""
    for batch, answer in talk.about((b"rows-one",), map(bytes_of, paths)):
        for path, told in zip(batch, fields(answer, len(batch)), strict=True):
            if told.startswith(b"+"):
                row = checked(told[1:]).split(b" ")
                yield text(path), int(row[4]), ns(text(row[7])) or 0


def content(talk: Talk, paths: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield path and digests made here of files that travel as they are; no digests of what is not handed out."""
    asked = list(paths)
    answers = talk.answers(question(bytes_of(path), b"whole") for path in asked)
    for path, answer in zip(asked, answers, strict=True):
        data, why = given(answer, talk.nonce)
        digest = Digest(("blake3", "sha256"))
        digest.update(data)
        yield path, () if why else tuple(digest.field().split(","))


def beginnings(talk: Talk, asked: Sequence[Asked]) -> Iterator[tuple[str, str, str]]:
    """Yield `(path, name, digest field)` for each way to have the first bytes of what was asked for."""
    can = [each for each in asked if set(each[2]) <= set(talk.tools.algorithms)]
    yield from ((path, posixpath.basename(path), NOT_KNOWN) for path, length, *_rest in can if length > LARGEST)
    can = [each for each in can if each[1] <= LARGEST]
    lists = _names_in(talk, [_directory(path) for path, _length, _algorithms, rotates in can if rotates])
    wanted = [
        (path, name, how, length, tuple(algorithms))
        for path, length, algorithms, rotates in can
        for name, how in _members(posixpath.basename(path), lists[_directory(path)][0] if rotates else [])
    ]
    answers = talk.answers(_begun(_directory(path), name, how, length, of) for path, name, how, length, of in wanted)
    for (path, name, _how, _length, algorithms), answer in zip(wanted, answers, strict=True):
        if answer == b"?\n":
            yield path, name, NOT_KNOWN
        sums = _SUM.findall(answer)
        if len(sums) == len(algorithms):
            yield path, name, ",".join(f"{each}:{told.decode()}" for each, told in zip(algorithms, sums, strict=True))


def _directory(path: str) -> bytes:
    return bytes_of(posixpath.dirname(path))


def _members(own: str, names: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Yield the members of a log's family, itself first, each as it is and unpacked."""
    yield own, "plain"
    relatives = [name for name in map(text, names) if name != own and family(name) == family(own)]
    for name in relatives[:MEMBERS]:
        yield name, "plain"
        if name.endswith(PACKED):
            yield name, name.rpartition(".")[2]


def _begun(directory: bytes, name: str, how: str, length: int, algorithms: Sequence[str]) -> Question:
    path = directory.rstrip(b"/") + b"/" + bytes_of(name)
    return Question((b"begin", how.encode(), " ".join(algorithms).encode(), b"%d" % length, path))
