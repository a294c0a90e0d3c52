"""The strict reader of YAML: what it gives, what it refuses and in which words, and that no text gets past it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import strict
from auditkit.errors import ConfigError
from auditkit.strict import Value

PEER_SAYS_NO = (yaml.YAMLError, ValueError, OverflowError, RecursionError, TypeError)


def key(text: str, name: str = "a") -> Value:
    """What stands under a key of a text."""
    return strict.read(text, "f.yaml").entries()[name]


def told(error: pytest.ExceptionInfo[ConfigError]) -> tuple[str, str]:
    return str(error.value), error.value.hint


def test_a_value_knows_where_it_stands_and_what_it_is() -> None:
    found = strict.read("# a comment\n\na: 1\nb:\n  - x\n  - yes\n", "f.yaml").mapping(("a", "b"), ("a",))
    assert [(word, value.line, value.kind) for word, value in found.items()] == [("a", 3, "int"), ("b", 5, "sequence")]
    assert [(item.key, item.line, item.kind) for item in found["b"].sequence()] == [("b[0]", 5, "str"), ("b[1]", 6, "bool")]


@pytest.mark.parametrize(
    ("text", "ask", "answer"),
    [
        ("a: word", Value.text, "word"),
        ('a: "two words"', Value.text, "two words"),
        ("a: 'no'", Value.text, "no"),
        ("a: |\n  one line\n", Value.text, "one line"),
        ("a: true", Value.flag, True),
        ("a: No", Value.flag, False),
        ("a: on", Value.flag, True),
        ("a: 22", lambda value: value.number(1, 65535), 22),
        ("a: 0", lambda value: value.number(0, 0), 0),
        ("a: high", lambda value: value.word(("low", "high")), "high"),
    ],
)
def test_what_is_asked_for_is_given(text: str, ask: Callable[[Value], object], answer: object) -> None:
    assert ask(key(text)) == answer


NOT_WHAT_WAS_ASKED = [
    ("a: [b]", Value.text, "f.yaml:1: a is a list, not text", "write text there"),
    ("a: {b: c}", Value.sequence, "f.yaml:1: a is a mapping, not a list", "write a list there"),
    ("a: b", Value.entries, "f.yaml:1: a is text, not a mapping", "write a mapping there"),
    ("a: 7", Value.text, "f.yaml:1: a is a number, not text", 'put it in quotes: "7"'),
    ("a: no", Value.text, "f.yaml:1: a is true or false, not text", 'put it in quotes: "no"'),
    ("a:", Value.text, "f.yaml:1: a is null, not text", 'put it in quotes: ""'),
    ("a: 2027-03-01", Value.text, "f.yaml:1: a is timestamp, not text", 'put it in quotes: "2027-03-01"'),
    ("a: 1.5", Value.text, "f.yaml:1: a is float, not text", 'put it in quotes: "1.5"'),
    ('a: ""', Value.text, "f.yaml:1: a is empty", "write something there, or remove the key"),
    ('a: " \\t"', Value.text, "f.yaml:1: a is empty", "write something there, or remove the key"),
    ('a: "b\\nc"', Value.text, "f.yaml:1: a has a line break or a NUL in it", "write it on one line"),
    ('a: "b\\0"', Value.text, "f.yaml:1: a has a line break or a NUL in it", "write it on one line"),
    ("a: maybe", Value.flag, "f.yaml:1: a is text, not true or false", "write true or false there"),
    ('a: "true"', Value.flag, "f.yaml:1: a is text, not true or false", "write true or false there"),
    *(
        (f"a: {digits}", lambda value: value.number(1, 9), "f.yaml:1: a is no number from 1 to 9", "write it in plain digits")
        for digits in ("0", "10", "-1", "0x7", "1_0", "0b1", "1:30", "9" * 5000)
    ),
    (
        "\n\na: hihg",
        lambda value: value.word(("low", "high")),
        "f.yaml:3: a cannot be hihg",
        "check the spelling: did you mean high?",
    ),
    ("a: zzz", lambda value: value.word(("low", "high")), "f.yaml:1: a cannot be zzz", "choose from: high, low"),
]


@pytest.mark.parametrize(("text", "ask", "message", "hint"), NOT_WHAT_WAS_ASKED)
def test_another_kind_of_value_is_refused(text: str, ask: Callable[[Value], object], message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ask(key(text))
    assert told(refused) == (message, hint)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("x: 1\ncolour: 2", "f.yaml:2: colour is no key that is known here", "check the spelling: did you mean color?"),
        ("x: 1\ncolor: 1\ncolor: 2", "f.yaml:3: color stands twice, first on line 2", "remove one of the two"),
        ("x: 1", "f.yaml:1: lacks color", "add `color:`"),
        ("[x]: 1", "f.yaml:1: a key is a list, not text", "write text there"),
        ("1: 1", "f.yaml:1: a key is a number, not text", 'put it in quotes: "1"'),
        ("- x", "f.yaml:1: is a list, not a mapping", "write a mapping there"),
        ('"\\e]0;x\\a": 1', r"f.yaml:1: \x1b]0;x\x07 is no key that is known here", "choose from: color, x"),
    ],
)
def test_a_mapping_has_only_known_keys_each_once(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        strict.read(text, "f.yaml").mapping(("x", "color"), ("color",))
    assert told(refused) == (message, hint)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
REFUSED = {
    "an anchor": (BOMB, "f.yaml:1: anchors (&) and aliases (*) are not allowed"),
    "an alias": ("a: *b", "f.yaml:1: anchors (&) and aliases (*) are not allowed"),
    "a class": ("\na: !!python/object/apply:os.system [id]", "f.yaml:2: tags (!) are not allowed"),
    "a tag of one's own": ("a: !secret b", "f.yaml:1: tags (!) are not allowed"),
    "deep lists": ("[" * 10_000, "f.yaml:1: is nested deeper than 16 levels"),
    "deep mappings": ("{a: " * 10_000, "f.yaml:1: is nested deeper than 16 levels"),
    "deep by indentation": ("".join(" " * at + "a:\n" for at in range(50)), "f.yaml:17: is nested deeper than 16 levels"),
    "nothing": ("# only a comment\n", "f.yaml is empty"),
    "an escape for a terminal": ("a: \x1b[2J", "f.yaml is no valid YAML: it has a character that may not be there"),
    "half a character": ("a: \udcff", "f.yaml is no valid YAML: it has a character that may not be there"),
    "too much": ("a" * (strict.MAX_BYTES + 1), "f.yaml is longer than 1 MiB"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_tricks_are_refused_before_anything_is_built(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        strict.read(text, "f.yaml")
    assert str(refused.value) == message
    assert refused.value.hint


def test_the_name_of_a_file_cannot_play_with_the_terminal() -> None:
    with pytest.raises(ConfigError) as refused:
        strict.read("", "\x1b[2J\u202e.yaml")
    assert str(refused.value) == r"\x1b[2J\xe2\x80\xae.yaml is empty"


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("Content", "check the spelling: did you mean content?"),
        ("grwoing", "check the spelling: did you mean growing?"),
        ("q", "choose from: content, growing"),
        ("", "choose from: content, growing"),
        ("content" * 10_000, "choose from: content, growing"),
    ],
)
def test_the_near_word(word: str, hint: str) -> None:
    assert strict.near(word, ("growing", "content")) == hint


def test_nothing_to_choose_from_is_said() -> None:
    assert strict.near("x", ()) == "choose from: nothing yet"


def test_a_file_is_read_as_utf_8_and_no_more_than_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("grün", "utf-8")
    assert strict.read_file(str(file)) == "grün"
    with file.open("wb") as big:
        big.truncate(strict.MAX_BYTES * 1000)
    assert len(strict.read_file(str(file))) == strict.MAX_BYTES + 1  # so that `read` refuses it


@pytest.mark.parametrize(
    ("name", "why"), [("none", "No such file or directory"), ("", "Is a directory"), ("a\0", "its name has a NUL in it")]
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        strict.read_file(f"{tmp_path}/{name}")
    assert str(refused.value).endswith(f"cannot be read: {why}")
    assert refused.value.hint == "check the name and the permissions"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes("größer".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"/f is no UTF-8 text$"):
        strict.read_file(str(tmp_path / "f"))


def built(value: Value) -> object:
    """The whole of a value, asked for as its kind says."""
    match value.kind:
        case "mapping":
            return {name: built(inner) for name, inner in value.entries().items()}
        case "sequence":
            return [built(item) for item in value.sequence()]
        case "bool":
            return value.flag()
        case "int":
            return value.number(0, 999_999_999)
        case _:
            return value.text()


PIECES = st.sampled_from(
    [*"-?:,[]{}#&*!|>'\"%@`~ \n\t", "a", "1", "no", "- ", ": ", "? ", "<<", "---\n", "...\n", "\\", "0x1", "1:2"]
)


@settings(deadline=None, max_examples=200)
@given(st.text() | st.lists(PIECES, max_size=20).map("".join))
def test_any_text_gives_a_value_or_a_named_mistake_and_never_another_value_than_yaml_sees(text: str) -> None:
    """PyYAML itself, in the variant that the reader uses, is the oracle."""
    try:
        answer = built(strict.read(text, "f.yaml"))
    except ConfigError as error:
        assert (str(error).startswith("f.yaml"), bool(error.hint)) == (True, True)  # noqa: PT017 - either is right
        return
    try:
        peer = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except PEER_SAYS_NO:
        pytest.fail("PyYAML refuses what we took")
    assert answer == stripped(peer)


def stripped(peer: object) -> object:
    """As PyYAML has it, less the line feed at the end of a block text."""
    match peer:
        case dict():
            return {stripped(name): stripped(inner) for name, inner in peer.items()}
        case list():
            return [stripped(item) for item in peer]
        case str():
            return peer.rstrip("\n")
        case _:
            return peer
