"""The hosts that ssh_config(5) gives a name: what stands behind `Host`, here and in included files, if it is no pattern.

Only the names are read. What holds for them says `ssh -G`, which knows Match, tokens and the order in which lines count.
"""

import os
import re
from collections.abc import Iterator
from glob import iglob
from itertools import islice

from auditkit import strict
from auditkit.errors import ConfigError
from auditkit.inventory import Inventory, Machine, word
from auditkit.inventory.notes import Notes
from auditkit.strict import Value

DEEPEST = 16
"""Files that include each other: as many as ssh(1) follows."""
MOST_FILES = 256
MOST_HOSTS = 5_000
_LINE = re.compile(r"(\w+)(?:\s*=\s*|\s+)(.*)")
_WORD = re.compile(r'"([^"]*)"|(\S+)')


def read(text: str, source: str, home: str) -> Inventory:
    """The hosts that an ssh_config names, without any settings."""
    walk = _Walk(os.path.dirname(source), home, Notes(source))
    names: dict[str, Value] = {}
    for name in islice(walk.names(text, source, 1), MOST_HOSTS):
        names.setdefault(name.text(), name)
    return Inventory({text: Machine(name) for text, name in names.items()}, walk.notes.told())


class _Walk:
    """One way through a file and all that it includes, each of them once."""

    def __init__(self, folder: str, home: str, notes: Notes) -> None:
        self.notes = notes
        self._folder = folder
        self._home = home
        self._seen: set[str] = set()

    def names(self, text: str, source: str, depth: int) -> Iterator[Value]:
        """Yield the names, in their order."""
        for number, line in enumerate(text.splitlines(), 1):
            found = _LINE.fullmatch(line.strip())
            if found is None or found[1].lower() not in ("host", "include"):
                continue
            for each in _words(found[2]):
                said = word(each, source, number, f"Include {each}")
                if found[1].lower() == "include":
                    yield from self._included(said, depth + 1)
                elif not re.search(r"[*?!]", each):
                    yield word(each, source, number, each)

    def _included(self, pattern: Value, depth: int) -> Iterator[Value]:
        """Yield the names in files; a relative path begins in the folder of the first file, as ~/.ssh does."""
        if depth > DEEPEST:
            self.notes.add(pattern, "leads too deep, and was not followed")
            return
        path = pattern.text()
        path = os.path.join(self._home, path[2:]) if path.startswith("~/") else os.path.join(self._folder, path)
        for file in sorted(islice(iglob(path), MOST_FILES)):
            real = os.path.realpath(file)
            if real in self._seen or not os.path.isfile(real):
                continue
            self._seen.add(real)
            if len(self._seen) > MOST_FILES:
                self.notes.add(pattern, "includes too many files, and was not followed further")
                return
            try:
                text = strict.read_file(file)
            except ConfigError as error:
                self.notes.add(pattern, f"was not followed: {error}")
                continue
            yield from self.names(text, file, depth)


def _words(text: str) -> Iterator[str]:
    """Yield the words of a line as ssh takes them: quotes keep one together, and a comment may end it."""
    for found in _WORD.finditer(text):
        each = found[1] if found[1] is not None else found[2]
        if found[2] is not None and each.startswith("#"):
            return
        if each:
            yield each
