"""Which packages have put a path where it is, by the databases of the host itself: dpkg, apk, pacman or rpm.

They lie on the same disk as what they speak of: whoever was root there may have added a path to them.
"""

import os

from . import inside
from .chain import Chain
from .hints import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple
from .look import reason

LARGEST = 64 << 20
"""Bytes of one list of paths."""
_INFO = (b"var", b"lib", b"dpkg", b"info")
_DIVERSIONS = (b"var", b"lib", b"dpkg", b"diversions")
_APK = ((b"lib", b"apk", b"db", b"installed"), (b"usr", b"lib", b"apk", b"db", b"installed"))
_PACMAN = (b"var", b"lib", b"pacman", b"local")
_RPM = ((b"var", b"lib", b"rpm"), (b"usr", b"lib", b"sysimage", b"rpm"))
_RPM_ALL = b"/usr/bin/rpm -qa --qf [%{=NAME}\\t%{FILENAMES}\\n]"
_LINKS = (b"bin", b"sbin", b"lib", b"lib32", b"lib64", b"libx32", b"var/run", b"var/lock")
"""Directories that are links on many systems, and that packages speak of by either name."""

Lists = Iterator[Tuple[bytes, Set[bytes]]]
"""Name of a package and its paths, each with a slash before it."""
Rule = Tuple[bytes, bytes, bytes]
"""A diversion: the path, where it is put, and the package that keeps the path for itself, `:` for none."""


class UnknownError(Exception):
    """Why it cannot be told who owns what."""


def owners(chain: Chain, paths: Iterable[bytes], watch: Any) -> Dict[bytes, Set[bytes]]:
    """The packages of each path, none of them where nobody owns it; a path is one without symlinks above it.

    `watch` is a commands.Watch, or None for a disk, on which nothing is run.

    Raises:
        UnknownError: no database of packages is there, or it cannot be read.
    """
    found = {path: set() for path in paths}  # type: Dict[bytes, Set[bytes]]
    try:
        rules = _diversions(chain)
        asked = _asked(found, _names(chain), rules)
        wanted = set(asked)
        for package, listed in _lists(chain, watch):
            for name in wanted & listed:
                for path in _places(name, package, asked, rules):
                    found[path].add(package)
    except OSError as error:
        why = "which package owns what cannot be read: "
        raise UnknownError(why + reason(error)) from error
    return found


def known(chain: Chain, paths: Iterable[bytes], watch: Any) -> Tuple[Callable[[bytes], Optional[List[str]]], str]:
    """What gives the packages of each path, in order, or None where that is not known; and why it is not."""
    try:
        found = owners(chain, paths, watch)
    except UnknownError as error:
        return lambda _path: None, str(error)
    return lambda path: sorted(each.decode("utf-8", "surrogateescape") for each in found[path]), ""


def _asked(paths: Iterable[bytes], names: Callable[[bytes], Iterator[bytes]], rules: Iterable[Rule]) -> Dict[bytes, Set[bytes]]:
    """The paths that each name may stand for; of what may have been put elsewhere, its name without any path too."""
    asked = {}  # type: Dict[bytes, Set[bytes]]
    for path in paths:
        for name in names(path):
            asked.setdefault(name, set()).add(path)
    for original, moved, _package in rules:
        if moved in asked:
            asked.setdefault(original, set())
    return asked


def _places(name: bytes, package: bytes, asked: Dict[bytes, Set[bytes]], rules: List[Rule]) -> Iterable[bytes]:
    """The paths that are what this package calls so: elsewhere, where a diversion holds for it."""
    for original, moved, keeper in rules:
        if name == original and package != keeper:
            return asked.get(moved, ())
    return asked[name]


def _names(chain: Chain) -> Callable[[bytes], Iterator[bytes]]:
    """What a package may call a path: by its own name, or through one of the links that everybody has."""
    links = []  # type: List[Tuple[bytes, bytes]]
    for link in _LINKS:
        try:
            real = inside.resolved(chain, tuple(link.split(b"/")))
        except OSError:
            continue
        if b"/".join(real) != link:
            links.append((b"/" + link + b"/", b"/" + b"/".join(real) + b"/"))

    def names(path: bytes) -> Iterator[bytes]:
        yield path
        for link, real in links:
            if path.startswith(real):
                yield link + path[len(real) :]

    return names


def _lists(chain: Chain, watch: Any) -> Lists:
    """The packages of whatever system is there, each with its paths."""
    if _is_there(chain, _INFO):
        return _dpkg(chain)
    for names in _APK:
        if _is_there(chain, names):
            return _apk(inside.read(chain, names, LARGEST))
    if _is_there(chain, _PACMAN):
        return _pacman(chain)
    if any(_is_there(chain, names) for names in _RPM):
        return _rpm(chain, watch)
    raise UnknownError("no database of packages that is known lies here")


def _is_there(chain: Chain, names: inside.Names) -> bool:
    try:
        inside.resolved(chain, names)
    except OSError as error:
        if error.errno in inside.ABSENT:
            return False
        raise
    return True


def _listed(chain: Chain, names: inside.Names) -> List[bytes]:
    handle = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=chain.open(inside.resolved(chain, names)))
    try:
        return sorted(map(os.fsencode, os.listdir(handle)))
    finally:
        os.close(handle)


def _dpkg(chain: Chain) -> Lists:
    folder = inside.resolved(chain, _INFO)
    for name in _listed(chain, _INFO):
        if name.endswith(b".list"):
            package = name[:-5].partition(b":")[0]
            yield package, set(inside.read(chain, (*folder, name), LARGEST).split(b"\n"))


def _diversions(chain: Chain) -> List[Rule]:
    try:
        lines = inside.read(chain, inside.resolved(chain, _DIVERSIONS), LARGEST).split(b"\n")
    except OSError as error:
        if error.errno in inside.ABSENT:
            return []
        raise
    return list(zip(lines[::3], lines[1::3], lines[2::3]))


def _apk(table: bytes) -> Lists:
    """Paragraphs of one package each: `P:` its name, `F:` a directory, and `R:` a file in the last one."""
    for paragraph in table.split(b"\n\n"):
        package, folder, paths = b"", b"/", set()  # type: Tuple[bytes, bytes, Set[bytes]]
        for line in paragraph.split(b"\n"):
            kind, text = line[:2], line[2:]
            if kind == b"P:":
                package = text
            elif kind == b"F:":
                folder = b"/" + text + b"/" if text else b"/"
                paths.add(folder.rstrip(b"/"))
            elif kind == b"R:":
                paths.add(folder + text)
        yield package, paths


def _pacman(chain: Chain) -> Lists:
    """A directory of each package, with `files` that has %FILES%, a path a line, up to an empty line."""
    folder = inside.resolved(chain, _PACMAN)
    for name in _listed(chain, _PACMAN):
        try:
            table = inside.read(chain, (*folder, name, b"files"), LARGEST)
        except OSError as error:
            if error.errno in inside.ABSENT:
                continue
            raise
        paths = table.partition(b"%FILES%\n")[2].partition(b"\n\n")[0]
        yield name.rsplit(b"-", 2)[0], {b"/" + path.rstrip(b"/") for path in paths.split(b"\n")}


def _rpm(chain: Chain, watch: Any) -> Lists:
    """What rpm itself says, of this machine: on a disk nobody runs it."""
    from . import commands  # noqa: PLC0415 - only for who asks so

    if watch is None:
        raise UnknownError("which package owns what is in a database of rpm, which only the rpm of the running host reads")
    packages = {}  # type: Dict[bytes, Set[bytes]]
    for _number, told, why in commands.run(chain, [(0, _RPM_ALL, False)], watch, LARGEST):
        if told is None or not told.startswith(b"0\n"):
            raise UnknownError("which package owns what is not known: rpm " + (why or "failed"))
        for line in told.partition(b"\n")[2].partition(b"\0")[0].split(b"\n"):
            package, _tab, path = line.partition(b"\t")
            packages.setdefault(package, set()).add(path)
    if not packages:
        raise UnknownError("which package owns what is not known: rpm lists no files")
    yield from packages.items()
