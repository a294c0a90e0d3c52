"""The jails of fail2ban as it reads them itself: jail.conf, jail.d/*.conf, jail.local, jail.d/*.local, and what these include.

Later files change single options of earlier ones; `%(name)s` takes another option in, also `%(known/name)s`, what the option
was before the last change, and `%(section/name)s`: jail.conf(5).
"""

import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass, field

from auditkit.model import Gap

FOLDER = "/etc/fail2ban"
LARGEST = 1 << 18
"""Characters of one file."""
LONGEST_LINE = 4096
"""Characters of one line, or of one value once all is taken in."""
DEEPEST = 10
MOST_FILES = 200
_TAKEN_IN = re.compile(r"%(?:%|\(([^()]+)\)s)")
_YES = frozenset(("1", "on", "true", "yes"))
_INCLUDES = "INCLUDES"
_DEFAULT = "DEFAULT"

Sections = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Jail:
    """One jail that is enabled."""

    name: str
    backend: str
    filter: str
    logs: tuple[str, ...]
    """Paths and globs."""
    port: str
    action: str
    ignored: tuple[str, ...]
    """Addresses that are never banned."""
    maxretry: str
    findtime: str
    bantime: str

    @property
    def reads_journal(self) -> bool:
        """Whether it reads the journal and no file."""
        return self.backend.startswith("systemd")


@dataclass(slots=True)
class _Read:
    """All files together."""

    defaults: dict[str, str] = field(default_factory=dict)
    sections: Sections = field(default_factory=dict)
    known: Sections = field(default_factory=dict)
    """What options were before the last change."""


def jails(files: Mapping[str, str]) -> tuple[tuple[Jail, ...], tuple[Gap, ...]]:
    """The jails that are enabled, of the files of /etc/fail2ban by path, and what could not be read."""
    read, gaps = _Read(), dict[Gap, None]()
    for path in _ordered(files, gaps):
        _merge(read, _parsed(path, files[path], gaps))
    found = []
    for name in read.sections:
        if name != _INCLUDES:
            try:
                found += [_jail(read, name)] if _value(read, name, "enabled").lower() in _YES else []
            except ValueError as error:
                gaps[Gap(f"jail {name}", f"its configuration cannot be read: {error}")] = None
    return tuple(found), tuple(gaps)


def _ordered(files: Mapping[str, str], gaps: dict[Gap, None]) -> list[str]:
    """The files in the order in which they count: fail2ban's own, each with what it includes before and after itself."""
    inside = [path for path in sorted(files) if path.startswith(f"{FOLDER}/jail.d/")]
    own = [
        f"{FOLDER}/jail.conf",
        *(path for path in inside if path.endswith(".conf")),
        f"{FOLDER}/jail.local",
        *(path for path in inside if path.endswith(".local")),
    ]
    there = [path for path in own if path in files]
    ordered = [each for path in _with_local(there, files) for each in _including(path, files, (), gaps)]
    if len(ordered) > MOST_FILES:
        gaps[Gap(FOLDER, f"more than {MOST_FILES} files include one another")] = None
    return ordered[:MOST_FILES]


def _with_local(paths: list[str], files: Mapping[str, str]) -> Iterator[str]:
    """Yield each file, and behind it the `.local` of the same name if nobody names that one."""
    for path in paths:
        yield path
        local = f"{path.rpartition('.')[0]}.local"
        if local in files and local not in paths:
            yield local


def _including(path: str, files: Mapping[str, str], above: tuple[str, ...], gaps: dict[Gap, None]) -> Iterator[str]:
    if path not in files or path in above or len(above) > DEEPEST:
        return
    includes = _parsed(path, files[path], gaps).get(_INCLUDES, {})
    for where in ("before", "", "after"):
        if not where:
            yield path
            continue
        named = [name.strip() for name in includes.get(where, "").split("\n") if name.strip()]
        found = [name if name.startswith("/") else f"{path.rpartition('/')[0]}/{name}" for name in named]
        for each in found:
            for one in _with_local([each], files):
                yield from _including(one, files, (*above, path), gaps)


def _parsed(path: str, text: str, gaps: dict[Gap, None]) -> Sections:
    if len(text) > LARGEST or max(map(len, text.split("\n"))) > LONGEST_LINE:
        gaps[Gap(path, f"longer than {LARGEST} bytes, or a line of it than {LONGEST_LINE}")] = None
        return {}
    parser = ConfigParser(interpolation=None, inline_comment_prefixes=";", default_section=_DEFAULT)
    try:
        parser.read_string(text)
    except Error:
        gaps[Gap(path, "fail2ban cannot read it, and so nor can anybody else")] = None
        return {}
    own = {name: dict(parser._sections[name]) for name in parser.sections()}  # type: ignore[attr-defined]  # noqa: SLF001  without what they take from DEFAULT
    return {_DEFAULT: dict(parser.defaults()), **own}


def _merge(read: _Read, more: Sections) -> None:
    for name, options in more.items():
        if name == _DEFAULT:
            read.defaults.update(options)
            continue
        section = read.sections.setdefault(name, {})
        read.known.setdefault(name, {}).update({option: section[option] for option in options if option in section})
        section.update(options)


def _jail(read: _Read, name: str) -> Jail:
    logs = _value(read, name, "logpath").split("\n")
    return Jail(
        name,
        _value(read, name, "backend") or "auto",
        _value(read, name, "filter"),
        tuple(dict.fromkeys(re.sub(r"\s+(head|tail)$", "", path.strip()) for path in logs if path.strip())),
        _value(read, name, "port"),
        _value(read, name, "action"),
        tuple(_value(read, name, "ignoreip").replace(",", " ").split()),
        *(_value(read, name, option) for option in ("maxretry", "findtime", "bantime")),
    )


def _value(read: _Read, section: str, option: str) -> str:
    """The value of an option of a jail with all that it takes in; empty where there is none."""
    raw = read.sections.get(section, {}).get(option, read.defaults.get(option, ""))
    return _filled(read, section, raw, 0)


def _filled(read: _Read, section: str, text: str, depth: int) -> str:
    """A value with what it takes in.

    Raises:
        ValueError: it takes in what is not there, itself, or too much.
    """
    if depth > DEEPEST:
        raise ValueError("an option takes in too many others")
    if "%(" not in text:
        return text.replace("%%", "%")
    parts, at = [], 0
    for found in _TAKEN_IN.finditer(text):
        parts += [text[at : found.start()], _taken_in(read, section, found[1], depth) if found[1] else "%"]
        at = found.end()
        if sum(map(len, parts)) > LONGEST_LINE:
            raise ValueError("an option is too long")
    return "".join((*parts, text[at:]))


def _taken_in(read: _Read, section: str, name: str, depth: int) -> str:
    if name == "__name__":
        return section
    of, _slash, option = name.rpartition("/")
    option = option.lower()
    places = {
        "": (read.sections.get(section, {}), read.defaults),
        "known": (read.known.get(section, {}), read.defaults),
        "default": (read.defaults,),
    }.get(of.lower(), (read.sections.get(of, {}), read.defaults))
    for place in places:
        if option in place:
            return _filled(read, section, place[option], depth + 1)
    if of.lower() == "known" or option.startswith(("fail2ban_", "mode")):
        return ""
    raise ValueError("an option takes in another that is not there")
