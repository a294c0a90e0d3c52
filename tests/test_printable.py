"""The one way foreign text is shown: one line of printable text, and back to the same bytes."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditkit.printable import escape, printable, unescape


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"sshd_config", "sshd_config"),
        (b"with space", "with space"),
        ("Büro-Müller".encode(), "Büro-Müller"),
        ("日本".encode(), "日本"),
        (b"", ""),
        (b"back\\slash", "back\\\\slash"),
        (b"not\\x1ban escape", "not\\\\x1ban escape"),
        (b"two\nlines", "two\\x0alines"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"nul\0", "nul\\x00"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"latin \xfc", "latin \\xfc"),
        (b"half \xc3", "half \\xc3"),
        (b"surrogate \xed\xb3\xbf", "surrogate \\xed\\xb3\\xbf"),
        ("exe\u202etxt.".encode(), "exe\\xe2\\x80\\xaetxt."),
        ("zero\u200bwidth".encode(), "zero\\xe2\\x80\\x8bwidth"),
        ("no-break\u00a0space".encode(), "no-break\\xc2\\xa0space"),
        ("line\u2028separator".encode(), "line\\xe2\\x80\\xa8separator"),
        (b"c1 \xc2\x9b31m", "c1 \\xc2\\x9b31m"),
    ],
)
def test_what_is_printable_stands_and_all_else_is_written_byte_by_byte(name: bytes, shown: str) -> None:
    assert escape(name).decode() == shown
    assert printable(name.decode("utf-8", "surrogateescape")) == shown
    assert unescape(shown.encode()) == name


@given(st.one_of(st.binary(), st.text().map(str.encode), st.text(alphabet="\\x0a1b\n").map(str.encode)))
@example(bytes(range(256)))
@settings(max_examples=500, deadline=None)
def test_any_bytes_come_back_from_one_line_of_printable_text(name: bytes) -> None:
    shown = escape(name)
    assert unescape(shown) == name
    text = shown.decode("utf-8")
    assert text.isprintable()
    assert len(text.splitlines()) <= 1


@given(st.text(), st.sampled_from(["Cc", "Cf", "Zl", "Zp", "Co"]))
@settings(max_examples=200, deadline=None)
def test_no_character_that_acts_on_a_terminal_is_left(text: str, category: str) -> None:
    assert not any(unicodedata.category(char) == category for char in printable(text))


@given(st.binary(), st.binary())
@settings(max_examples=200, deadline=None)
def test_two_names_never_look_the_same(one: bytes, other: bytes) -> None:
    assert (escape(one) == escape(other)) == (one == other)


@pytest.mark.parametrize("line", [b"\\", b"\\n", b"\\x", b"\\x1", b"\\x1G", b"\\xFF", b"a\\ b", b"\\\\\\"])
def test_a_backslash_that_escape_never_writes_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="backslash"):
        unescape(line)
