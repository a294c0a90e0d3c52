"""A strict reader of YAML: every mistake is a ConfigError that names file, line and key, and the near word.

It reads nodes, not objects (yaml.compose): so duplicate keys, lines and what was really written are still to be seen.
Anchors, aliases and tags are refused before anything is built, and nesting is bounded: no bomb, no class, no recursion.
A format of others may have what ours may not (`Leave`); who reads it minds that aliases make a graph of the tree.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from auditkit import opening
from auditkit.errors import ConfigError
from auditkit.model import Severity
from auditkit.printable import printable

MAX_BYTES = 1 << 20
MAX_DEPTH = 16
_WORDS = {"mapping": "a mapping", "sequence": "a list", "str": "text", "int": "a number", "bool": "true or false"}
_TAG = "tag:yaml.org,2002:"
_SECRET = re.compile(r"passw|passphrase|secret|token|private|credential|\bpin\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Leave:
    """What a format of others may have that a file of ours may not."""

    tags: tuple[str, ...] = ()
    anchors: bool = False
    depth: int = MAX_DEPTH


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a YAML file, and where it stands."""

    node: Any
    """A yaml.Node."""
    source: str
    key: str

    @property
    def line(self) -> int:
        """The line it begins on, from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def kind(self) -> str:
        """What YAML takes it for: `mapping`, `sequence`, or a scalar's `str`, `int`, `bool`, `null` and so on."""
        return str(self.node.tag).removeprefix(_TAG) if self.node.id == "scalar" else str(self.node.id)

    def error(self, message: str, hint: str = "") -> ConfigError:
        """A mistake in this value, to be raised."""
        subject = f"{printable(self.key)} " if self.key else ""
        return ConfigError(f"{printable(self.source)}:{self.line}: {subject}{message}", hint)

    def entries(self) -> dict[str, "Value"]:
        """The values of a mapping whose keys are free, such as names of hosts."""
        self._expect("mapping")
        found: dict[str, Value] = {}
        for key_node, node in self.node.value:
            key = Value(key_node, self.source, "a key").text()
            value = Value(node, self.source, key)
            if key in found:
                at = Value(key_node, self.source, key)
                raise at.error(f"stands twice, first on line {found[key].line}", "remove one of the two")
            found[key] = value
        return found

    def mapping(self, known: Iterable[str], needed: Iterable[str] = ()) -> dict[str, "Value"]:
        """The values of a mapping that may have only known keys, and has the needed ones."""
        found, words = self.entries(), tuple(known)
        for key_node, _node in self.node.value:
            if key_node.value not in words:
                at = Value(key_node, self.source, key_node.value)
                raise at.error("is no key that is known here", near(key_node.value, words))
        for word in needed:
            if word not in found:
                raise self.error(f"lacks {word}", f"add `{word}:`")
        return found

    def sequence(self) -> tuple["Value", ...]:
        """The values of a list."""
        self._expect("sequence")
        return tuple(Value(node, self.source, f"{self.key}[{at}]") for at, node in enumerate(self.node.value))

    def text(self) -> str:
        """Text on one line, with something in it."""
        self._expect("str")
        text = str(self.node.value)
        if not text.strip():
            raise self.error("is empty", "write something there, or remove the key")
        if "\0" in text or "\n" in text.rstrip("\n"):
            raise self.error("has a line break or a NUL in it", "write it on one line")
        return text.rstrip("\n")

    def number(self, low: int, high: int) -> int:
        """A whole number between two others."""
        self._expect("int")
        digits = str(self.node.value)
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10 and low <= int(digits) <= high):
            raise self.error(f"is no number from {low} to {high}", "write it in plain digits")
        return int(digits)

    def flag(self) -> bool:
        """Whether it says true."""
        self._expect("bool")
        return str(self.node.value).lower() in ("true", "yes", "on")

    def word(self, known: Iterable[str]) -> str:
        """One of the known words."""
        text, words = self.text(), tuple(known)
        if text not in words:
            raise self.error(f"cannot be {printable(text)}", near(text, words))
        return text

    def matching(self, pattern: re.Pattern[str], what: str) -> str:
        """Text that a pattern fits as a whole; `what` it is then, as the error says it."""
        text = self.text()
        if not pattern.fullmatch(text):
            raise self.error(f"{printable(text)} is no {what}", f"write the {what} alone, without spaces or signs")
        return text

    def severity(self) -> Severity:
        """How much something matters."""
        return Severity[self.word(each.word for each in Severity).upper()]

    def _expect(self, kind: str) -> None:
        if self.kind == kind:
            return
        hint = f"write {_WORDS[kind]} there"
        if kind == "str" and self.node.id == "scalar":
            hint = f'put it in quotes: "{printable(str(self.node.value)[:60])}"'
        raise self.error(f"is {_WORDS.get(self.kind, self.kind)}, not {_WORDS[kind]}", hint)


def read(text: str, source: str) -> Value:
    """The one document of a YAML text.

    Raises:
        ConfigError: it is too long, too deep, no YAML, no single document, or uses anchors or tags.
    """
    import yaml  # noqa: PLC0415 - not for --help

    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ConfigError(f"{printable(source)} is longer than 1 MiB", "split it, or remove what is no longer needed")
    try:
        _refuse_tricks(text, source)
        node = yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(
            f"{printable(source)}:{line}: is no valid YAML: {printable(error.problem or error.context or 'unknown')}",
            "check indentation, quotes and brackets there",
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a scanner's int() and chr() of an escape
        raise ConfigError(
            f"{printable(source)} is no valid YAML: it has a character that may not be there",
            "save it as UTF-8 text without control characters",
        ) from error
    if node is None:
        raise ConfigError(f"{printable(source)} is empty", "begin with one of the examples in docs/reference")
    return Value(node, source, "")


def _refuse_tricks(text: str, source: str) -> None:
    import yaml  # noqa: PLC0415 - not for --help

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        at = f"{printable(source)}:{event.start_mark.line + 1}:"
        if depth > MAX_DEPTH:
            raise ConfigError(f"{at} is nested deeper than {MAX_DEPTH} levels", "check its brackets and indentation")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(f"{at} anchors (&) and aliases (*) are not allowed", "write it out, or put it in quotes")
        if getattr(event, "tag", None):
            raise ConfigError(f"{at} tags (!) are not allowed", "write the value without a tag, or put it in quotes")


def _loader() -> Any:
    """The safe loader in C where PyYAML was built with libyaml: ten times as fast."""
    import yaml  # noqa: PLC0415 - not for --help

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def configured(value: Value, known: tuple[str, ...], needed: tuple[str, ...] = ()) -> dict[str, Value]:
    """The values of a mapping of auditkit.yaml by its known keys; a place for a secret is refused with what to do instead."""
    for key, inner in value.entries().items():
        if key not in known and _SECRET.search(key):
            raise inner.error(
                "is a secret, and auditkit.yaml has no place for those",
                "remove it and change that secret; use ssh-agent or `identity:`, the file of a key",
            )
    return value.mapping(known, needed)


def near(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them where none is near."""
    words = sorted(known)
    close = get_close_matches(word[:100].lower(), words, n=1)
    if close:
        return f"check the spelling: did you mean {printable(close[0])}?"
    return f"choose from: {', '.join(map(printable, words)) or 'nothing yet'}"


def read_file(path: str) -> str:
    """The text of a file that is read strictly.

    Raises:
        ConfigError: it cannot be read, is too long, or is not UTF-8.
    """
    try:
        data = opening.content(path, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name has a NUL in it"
        raise ConfigError(f"{printable(path)} cannot be read: {why}", "check the name and the permissions") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{printable(path)} is no UTF-8 text", "save it as UTF-8") from error
