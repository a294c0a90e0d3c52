"""Policies: what is watched, how closely, how severe and why; docs/reference/policy.md describes the format."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from auditkit import strict
from auditkit.errors import ConfigError, FormatError
from auditkit.model import Level, Policy, Severity, Watch
from auditkit.printable import printable

SCHEMA = "auditkit/policy/1"
DIGESTS = ("blake3", "sha256")
KEYS = ("schema", "name", "digests", "watch")
WATCH_KEYS = ("path", "level", "severity", "why", "keep", "cross_mounts")
MAX_HOMES = 20_000
NO_HOMES = ("/nonexistent", "/dev", "/proc", "/sys")
"""Where no home can be: what passwd says of accounts that have none, and kernel file systems."""
_GLOB = re.compile(r"([*?[])")


def read(text: str, source: str) -> Policy:
    """The policy that a YAML text says.

    Raises:
        ConfigError: anything in it is unknown, misspelt, contradictory or without effect.
    """
    found = strict.read(text, source).mapping(KEYS, KEYS[:2])
    _check_schema(found["schema"])
    if "watch" not in found or not found["watch"].sequence():
        at = found.get("watch", found["name"])
        raise at.error("leaves nothing to watch", "add a `watch:` list with at least one path")
    watches = tuple(_watch(value) for value in found["watch"].sequence())
    _refuse_shadowed(watches, source)
    digests = _digests(found["digests"]) if "digests" in found else DIGESTS[:1]
    return Policy(found["name"].text(), watches, digests, text)


def _check_schema(value: strict.Value) -> None:
    schema = value.text()
    if schema != SCHEMA:
        raise value.error(f"{printable(schema)} is not known", f"write `{SCHEMA}`, or use a newer auditkit")


def _digests(value: strict.Value) -> tuple[str, ...]:
    names = tuple(item.word(DIGESTS) for item in value.sequence())
    if not names or len(set(names)) < len(names):
        raise value.error("is empty or names one twice", "write [blake3], [sha256] or [blake3, sha256]")
    return names


def _watch(value: strict.Value) -> Watch:
    found = value.mapping(WATCH_KEYS, ("path", "level"))
    severity = found["severity"].word(each.word for each in Severity) if "severity" in found else "medium"
    return Watch(
        path=_path(found["path"]),
        level=Level(found["level"].word(Level)),
        severity=Severity[severity.upper()],
        why=found["why"].text() if "why" in found else "",
        keep="keep" in found and found["keep"].flag(),
        cross_mounts="cross_mounts" in found and found["cross_mounts"].flag(),
        line=value.line,
    )


def _path(value: strict.Value) -> str:
    path = value.text()
    first = path.split("/")[0]
    if first not in ("", "~"):
        hint = "write the path out: ~ alone means every home directory" if first[:1] == "~" else "begin it with / or ~/"
        raise value.error(f"{printable(path)} is not absolute", hint)
    parts = parts_of(path)
    if ".." in parts or "." in parts:
        raise value.error(f"{printable(path)} has a . or .. in it", "write the path without it")
    return "/".join(parts) if first == "~" else "/" + "/".join(parts)


def parts_of(path: str) -> tuple[str, ...]:
    """The components of a path or pattern."""
    return tuple(part for part in path.split("/") if part)


def _refuse_shadowed(watches: Sequence[Watch], source: str) -> None:
    """Refuse a watch all of whose paths an earlier one covers: a directory above it, or the same words."""
    covers: dict[tuple[str, ...], Watch] = {}
    for watch in watches:
        parts = _ending(watch.path)
        for above in _above(parts):
            if above in covers:
                raise _shadowed(watch, covers[above], source)
        covers[parts] = watch


def _above(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield every pattern that plainly covers all that this one matches: its beginnings, also with a `*` after them."""
    for length in range(len(parts) + 1):
        yield parts[:length]
        if length < len(parts):
            yield (*parts[:length], "*")


def _ending(path: str) -> tuple[str, ...]:
    parts = parts_of(path)
    return (*parts[:-1], "*") if parts[-1:] == ("**",) else parts  # both cover all below a directory


def _shadowed(watch: Watch, earlier: Watch, source: str) -> ConfigError:
    path, above = printable(watch.path), printable(earlier.path)
    told = "stands twice" if watch.path == earlier.path else f"can never match: {above} covers it"
    return ConfigError(
        f"{printable(source)}:{watch.line}: path {path} {told}, line {earlier.line} comes first",
        f"move it above line {earlier.line}, or remove it",
    )


def load(name_or_file: str) -> Policy:
    """A shipped policy by its name, or the one in a file: a word with a `/` in it or one that ends in .yaml or .yml.

    Raises:
        ConfigError: there is no such policy, or it has a mistake.
    """
    if "/" in name_or_file or name_or_file.endswith((".yaml", ".yml")):
        return read(strict.read_file(name_or_file), name_or_file)
    names = shipped()
    if name_or_file not in names:
        hint = strict.near(name_or_file, names)
        raise ConfigError(
            f"{printable(name_or_file)} is no policy that auditkit ships ({', '.join(names) or 'none found'})",
            hint if "did you mean" in hint else "name one of these, or a file that ends in .yaml",
        )
    return read(shipped_text(name_or_file), f"baselines/{name_or_file}.yaml")


def shipped() -> tuple[str, ...]:
    """The names of the policies that come with auditkit."""
    folder = _folder()
    if not folder.is_dir():
        return ()
    return tuple(sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml")))


def shipped_text(name: str) -> str:
    """The YAML of a shipped policy; nothing where there is none of that name."""
    return _folder().joinpath(f"{name}.yaml").read_text("utf-8") if name in shipped() else ""


def _folder() -> Traversable:
    """Where they are: inside an installed package, in an archive too; beside it in a checkout."""
    inside = resources.files("auditkit").joinpath("baselines")
    return inside if inside.is_dir() else Path(__file__).parent.parent / "baselines"


def expand(policy: Policy, homes: Sequence[str]) -> Policy:
    """The policy with each `~` watch replaced, where it stands, by one for every home."""
    real = tuple(dict.fromkeys(home for home in map(_home, homes) if home))
    expanded: dict[str, Watch] = {}
    for watch in policy.watches:
        for path in _places(watch.path, real):
            expanded.setdefault(path, replace(watch, path=path))  # the first match wins
    return replace(policy, watches=tuple(expanded.values()))


def _places(path: str, homes: tuple[str, ...]) -> Iterator[str]:
    if path != "~" and not path.startswith("~/"):
        yield path
        return
    for home in homes:
        if home != "/":
            yield _GLOB.sub(r"[\1]", home) + path[1:]
        elif path != "~":  # `~` of an account that lives in / would be everything
            yield path[1:]


def _home(home: str) -> str | None:
    """A home without `.`, `..` and needless slashes; None if it can be none."""
    if not home.startswith("/") or "\0" in home:
        return None
    clean = "/" + posixpath.normpath(home).lstrip("/")
    return None if any(clean == none or clean.startswith(f"{none}/") for none in NO_HOMES) else clean


def homes_of(passwd: str) -> tuple[str, ...]:
    """All distinct absolute homes of an /etc/passwd: `root:x:0:0:root:/root:/bin/bash` (passwd(5)).

    Raises:
        FormatError: it has more of them than any machine.
    """
    fields = (line.split(":") for line in passwd.split("\n"))
    homes = tuple(dict.fromkeys(each[5] for each in fields if len(each) > 5 and each[5].startswith("/")))
    if len(homes) > MAX_HOMES:
        raise FormatError(f"/etc/passwd has more than {MAX_HOMES} home directories", "look at that file: no machine has")
    return homes
