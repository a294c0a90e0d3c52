"""The files of sudo together: each include in its place, names that sudo passes over, and what is to be read besides."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from auditkit.sudoers.grammar import LONGEST, entries
from auditkit.sudoers.nouns import Alias, Broken, Include, Members, Policy, Rule, Setting

MAIN = "/etc/sudoers"
OTHERS = ("/usr/etc/sudoers", "/usr/local/etc/sudoers")
"""Where some builds of sudo look, the first of them where there is no file before it."""
DEEPEST = 128
"""MAX_SUDOERS_DEPTH of sudo."""
MOST_FILES = 200
_PLAIN = re.compile(r"/(?:etc|usr|opt|srv|var/lib)/(?!.*\.\./)[A-Za-z0-9._/@+:,~-]{1,400}")


@dataclass(slots=True)
class _Reading:
    """All files while they are read."""

    files: Mapping[str, bytes | str]
    """The bytes of each, or why there are none."""
    asked: frozenset[str]
    host: str
    rules: list[Rule] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    aliases: dict[tuple[str, str], Members] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)

    def file(self, path: str, depth: int, *, must: bool) -> None:
        """Take in a file; one that must be there and is not is told."""
        data = self.files.get(path)
        if data is None and path not in self.asked:
            self.want(path)
        elif not isinstance(data, bytes):
            if must or data:
                self.unread[path] = data or "no such file"
        elif depth > DEEPEST or len(self.read) >= MOST_FILES:
            self.unread[path] = "files that include each other, or too many of them"
        elif len(data) > LONGEST:
            self.unread[path] = f"it is longer than {LONGEST} bytes"
        else:
            self.read.append(path)
            self.lines(path, data.decode("utf-8", "surrogateescape"), depth)

    def lines(self, path: str, text: str, depth: int) -> None:
        """Take in what the lines of a file say, and what those say that they include."""
        for each in entries(path, text):
            match each:
                case Rule():
                    self.rules.append(each)
                case Setting():
                    self.settings.append(each)
                case Broken():
                    self.broken.append(each)
                case Alias():
                    self.alias(each)
                case Include(written, directory, _quote):
                    target = self.path(written, path)
                    self.directory(target, depth) if directory else self.file(target, depth + 1, must=True)

    def alias(self, alias: Alias) -> None:
        """Take in an alias; a second one of a name is a mistake."""
        if (alias.kind, alias.name) in self.aliases:
            self.broken.append(Broken(alias.quote, f"there is a {alias.kind}_Alias {alias.name} already"))
        self.aliases.setdefault((alias.kind, alias.name), alias.members)

    def path(self, written: str, within: str) -> str:
        """Where an include leads: beside the file that names it, `%h` the host's name."""
        told = written.replace("%h", self.host.partition(".")[0]).rstrip("/") or "/"
        return told if told.startswith("/") else f"{within.rpartition('/')[0]}/{told}"

    def directory(self, path: str, depth: int) -> None:
        """Take in the files of a directory in the order of their names, but those with a dot or a `~` at their end."""
        if f"{path}/*" not in self.asked:
            self.want(f"{path}/*")
            return
        for gone in (path, f"{path}/*"):
            if isinstance(why := self.files.get(gone), str):
                self.unread[path] = why
        below = sorted(name for name in self.files if name.rpartition("/")[0] == path and not name.endswith("/*"))
        for name in below:
            base = name.rpartition("/")[2]
            if base.endswith("~") or "." in base:
                self.skipped.append(name)
            else:
                self.file(name, depth + 1, must=False)

    def want(self, path: str) -> None:
        """Ask for a path of plain letters; one of others is told as not read."""
        if _PLAIN.fullmatch(path.removesuffix("/*")):
            self.wanted.append(path)
        else:
            self.unread[path] = "it lies where no rules are asked for"


def policy(files: Mapping[str, bytes | str], asked: frozenset[str], host: str = "") -> Policy:
    """What the files come to. `asked`: the paths and globs that were asked for; `host`: its name, for `%h`."""
    reading = _Reading(files, asked, host)
    main = next((path for path in (MAIN, *OTHERS) if path in files), MAIN)
    reading.file(main, 0, must=False)
    return Policy(
        tuple(reading.rules),
        tuple(reading.settings),
        reading.aliases,
        tuple(reading.broken),
        tuple(reading.read),
        tuple(dict.fromkeys(reading.skipped)),
        tuple(reading.unread.items()),
        tuple(dict.fromkeys(reading.wanted)),
    )
