"""What may stand in the place of the word that is being typed: asked for by a shell, and answered before a finger is lifted.

Neither click nor any command is loaded: what there is of both stands in completion.json, which pages.py makes of them.
Nothing is contacted and nothing is judged; where something cannot be read there are fewer words, and no error.

A word that a shell would read as anything but a word is left out, wherever it is from: nobody shall press a key and have in
his line what a hostile name brought there.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

TABLE = "completion.json"
FILES, FOLDERS = ":file", ":dir"
"""Lines that ask the shell itself for files, or for directories."""
MOST = 2000
"""Words that are offered."""
_PLAIN = re.compile(r"[A-Za-z0-9@%+,._][A-Za-z0-9@%+=:,./_-]*|--?[a-z][a-z-]*=?")
"""A word without a sign that any shell would take for its own."""
_ODD = re.compile(r"[^\w .,:;?()\[\]/@+=-]")
_CASE = re.compile(r"\d{4}-\d{3,6}")

Word = tuple[str, str]
"""A word and what it means, in short."""


class Line:
    """A command line as far as it was typed."""

    def __init__(self, node: Mapping[str, Any]) -> None:
        self.node = node
        """What the table says of its command."""
        self.place = 0
        """How many arguments that command has by now."""
        self.option = ""
        """The last one, where what it is to be given has not been typed."""
        self.waits: Sequence[str] | None = None
        """The kinds of words that it may be given."""
        self.plain = False
        """Whether options have ended with `--`."""
        self.options: dict[str, str] = {}


def answer(shell: str, words: Sequence[str]) -> int:
    """Write a line per word that fits the last one: the word, a tab and what it means; or what the shell shall look for."""
    del shell  # all are told the same
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    lines = (f"{word}\t{_ODD.sub(' ', what)}" if word else what for word, what in completed(table(), words or [""]))
    sys.stdout.write("".join(f"{line}\n" for line in dict.fromkeys(lines)))
    return 0


def table() -> Mapping[str, Any]:
    """Commands, options, rules and audits, as they are in completion.json."""
    data = __spec__.loader.get_data(os.path.join(os.path.dirname(__file__), TABLE))  # type: ignore[union-attr]
    loaded: Mapping[str, Any] = json.loads(data)
    return loaded


def completed(table: Mapping[str, Any], words: Sequence[str]) -> Iterator[Word]:
    """Yield what the last word may become; one without a word is for the shell."""
    *before, current = words
    line = _read(table, before)
    if line is None:
        return
    start = current if "=" in current and current.startswith("--") and line.waits is None else ""
    name, _equal, given = start.partition("=")
    if start:
        line.waits = line.node.get("options", {}).get(name, ["", []])[1]
    count = 0
    for word, what in _offered(table, line, given if start else current):
        if not word:
            yield word, what
        elif word.startswith(given if start else current) and _PLAIN.fullmatch(word) and count < MOST:
            count += 1
            yield (f"{name}={word}" if start else word), what


def _read(table: Mapping[str, Any], words: Sequence[str]) -> Line | None:
    """What was typed before; None where it is no command."""
    line = Line(table)
    for word in words:
        if line.waits is not None:
            line.options[line.option], line.waits = word, None
        elif word == "--" and not line.plain:
            line.plain = True
        elif word.startswith("-") and word != "-" and not line.plain:
            name, equal, value = word.partition("=")
            kinds = line.node.get("options", {}).get(name, ["", []])[1]
            line.options[name], line.option = value, name
            line.waits = kinds if kinds and not equal else None
        elif "commands" in line.node:
            if word not in line.node["commands"]:
                return None
            line.node = line.node["commands"][word]
        else:
            line.place += 1
    return line


def _offered(table: Mapping[str, Any], line: Line, current: str) -> Iterator[Word]:
    """Yield all that could stand there."""
    node = line.node
    if line.waits is not None:
        kinds = line.waits
    elif current.startswith("-") and not line.plain:
        yield from ((name, what) for name, (what, _kinds) in node.get("options", {}).items())
        return
    elif "commands" in node:
        yield from ((name, below["what"]) for name, below in node["commands"].items())
        return
    else:
        places = node["arguments"]
        kinds = places[min(line.place, len(places) - 1)] if line.place < len(places) or node["more"] else []
    for kind in kinds:
        made = _KINDS.get(kind)
        if made:
            yield from made(table, line, current)
        elif kind != kind.upper():  # that stands for what only who types can know
            yield kind, ""


# --- what each kind of word may be


def _hosts(_table: Mapping[str, Any], line: Line, current: str) -> Iterator[Word]:
    scheme, colon, path = current.partition(":")
    if colon and scheme in ("root", "evidence"):
        yield from _below(f"{scheme}:", path, files=scheme == "evidence")
        return
    yield from (("local", "this machine"), ("ssh://", "a machine over SSH"))
    yield from (("root:/", "a mounted disk"), ("evidence:", "what collect took"))
    with suppress(*_unreadable()):
        hosts = _config(line).hosts
        yield "@all", "all hosts of auditkit.yaml"
        groups = {group: None for host in hosts.values() for group in host.groups}
        yield from ((f"@{group}", "a group of auditkit.yaml") for group in groups)
        yield from ((name, host.address or "") for name, host in hosts.items())


def _below(scheme: str, path: str, *, files: bool) -> Iterator[Word]:
    """Yield what lies in the directory that is being typed: of a disk that is looked at, names of anybody."""
    folder = os.path.dirname(path)
    with suppress(OSError), os.scandir(folder or ".") as there:
        for entry in sorted(there, key=lambda entry: entry.name):
            is_folder = entry.is_dir()
            if is_folder or files:
                yield scheme + os.path.join(folder, entry.name) + "/" * is_folder, ""


def _cases(_table: Mapping[str, Any], line: Line, _current: str) -> Iterator[Word]:
    folder = os.path.join(_store(line), "cases")
    with suppress(OSError):
        for name in sorted(filter(_CASE.fullmatch, os.listdir(folder)), reverse=True)[:100]:
            yield name, _title(os.path.join(folder, name, "journal.jsonl"))


def _title(path: str) -> str:
    """What a case is called, by the first line of its journal."""
    with suppress(OSError, ValueError, LookupError, TypeError), open(path, "rb") as journal:
        return str(json.loads(journal.readline(1 << 16))["text"])[:60]
    return ""


def _resumable(_table: Mapping[str, Any], line: Line, _current: str) -> Iterator[Word]:
    from auditkit import runs  # noqa: PLC0415 - only who resumes a run needs it

    yield from ((name, "") for name in reversed(runs.ids(_store(line))))


def _unreadable() -> tuple[type[Exception], ...]:
    from auditkit.errors import AuditkitError  # noqa: PLC0415 - our nouns take as long as all the rest

    return AuditkitError, OSError


def _runs(_table: Mapping[str, Any], line: Line, _current: str) -> Iterator[Word]:
    """Yield the newest runs of a history that lies in the store; a server is not asked."""
    import sqlite3  # noqa: PLC0415 - only here
    from urllib.parse import quote  # noqa: PLC0415

    newest = "SELECT id, command, finished FROM auditkit_runs ORDER BY number DESC LIMIT 50"
    with suppress(sqlite3.Error, TypeError):
        history = sqlite3.connect(f"file:{quote(os.path.join(_store(line), 'history.sqlite'))}?mode=ro", timeout=0.1, uri=True)
        try:
            yield from ((str(name), f"{command} of {finished}") for name, command, finished in history.execute(newest))
        finally:
            history.close()


def _config(line: Line) -> Any:
    """auditkit.yaml, as the command that is typed would find it."""
    from auditkit import config  # noqa: PLC0415 - half of the time, where it is needed

    home = os.path.expanduser("~")
    found = config.find(line.options.get("--config"), os.environ.get("AUDITKIT_CONFIG"), home)
    return config.load(found, home) if found else config.Config()


def _store(line: Line) -> str:
    from auditkit.commands.storing import default_store  # noqa: PLC0415 - only here

    if named := line.options.get("--store"):
        return os.path.expanduser(named)
    with suppress(*_unreadable()):
        return str(_config(line).store or default_store())
    return default_store()


def _named(part: str) -> Callable[[Mapping[str, Any], Line, str], Iterator[Word]]:
    return lambda table, _line, _current: iter(table[part].items())


def _of_shell(what: str) -> Callable[[Mapping[str, Any], Line, str], Iterator[Word]]:
    return lambda _table, _line, _current: iter((("", what),))


_KINDS: Mapping[str, Callable[[Mapping[str, Any], Line, str], Iterator[Word]]] = {
    "HOST": _hosts,
    "FILE": _of_shell(FILES),
    "PATH": _of_shell(FILES),
    "DIR": _of_shell(FOLDERS),
    "CASE": _cases,
    "ID": _resumable,
    "RUN": _runs,
    "RULE": _named("rules"),
    "AUDIT": _named("audits"),
    "POLICY": _named("policies"),
}
"""By the word that stands for it in the help; one in small letters is what may be typed."""
