"""sudoers as we read it, against the real cvtsudoers: random files, most of them sound, some with a mistake."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sudoers_made import ours, sudoers, told

from auditkit.sudoers import reading
from auditkit.sudoers.grammar import LONGEST, entries
from auditkit.sudoers.lexing import Lexer
from auditkit.sudoers.nouns import Broken, Rule

PIECES = (
    '"',
    "\\",
    "\n",
    "#",
    "=",
    ":",
    ",",
    "(",
    ")",
    "ALL",
    "Defaults",
    " ",
    "@include /x",
    "Cmnd_Alias A",
    "/bin/x",
    "^a$",
    "sha256:",
)


@pytest.mark.skipif(not Path("/usr/bin/cvtsudoers").exists(), reason="asks cvtsudoers of Debian's sudo")
@pytest.mark.parametrize("start", [0, 250])
def test_a_file_says_what_it_says_to_sudo(start: int, tmp_path: Path) -> None:
    sound = 0
    for seed in range(start, start + 250):
        text = sudoers(Random(seed))
        try:
            real = told(text, tmp_path)
        except ValueError:  # what cvtsudoers writes of some options is no JSON
            continue
        assert ours(text) == real, (seed, text)
        sound += real is not None
    assert sound > 120


@given(st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_any_text_is_read_to_its_end_and_no_line_is_lost(text: str) -> None:
    list(Lexer(text).tokens())
    read = list(entries("sudoers", text))
    assert all(isinstance(each, Broken) or not each.quote.text.startswith("\n") for each in read)


def test_a_line_with_a_mistake_costs_itself_and_no_other() -> None:
    first, broken, last = entries("sudoers", "anna ALL = ALL\nbernd ALL = (\ncora ALL = NOPASSWD: ALL")
    assert isinstance(first, Rule)
    assert isinstance(broken, Broken)
    assert broken.quote.line == 2
    assert isinstance(last, Rule)
    assert (last.tags, last.quote.line, last.quote.text) == (("NOPASSWD",), 3, "cora ALL = NOPASSWD: ALL")


FILES: dict[str, bytes | str] = {
    "/etc/sudoers": b"a ALL=ALL\n@includedir sudoers.d\n#include /etc/more\nz ALL=ALL\n",
    "/etc/sudoers.d/20-c": b"c ALL=ALL\n",
    "/etc/sudoers.d/10-b": b'b ALL=ALL\n@include "/etc/%h"\n',
    "/etc/sudoers.d/x.dpkg-old": b"evil ALL=ALL\n",
    "/etc/sudoers.d/y~": b"evil ALL=ALL\n",
    "/etc/srv-01": b"host ALL=ALL\n",
    "/etc/more": "Permission denied",
}
ASKED = frozenset({"/etc/sudoers", "/etc/sudoers.d/*", "/etc/srv-01", "/etc/more"})


def test_files_that_others_include_stand_in_their_place() -> None:
    policy = reading.policy(FILES, ASKED, "srv-01.lan")
    assert [rule.users[0].text for rule in policy.rules] == ["a", "b", "host", "c", "z"]
    assert policy.skipped == ("/etc/sudoers.d/x.dpkg-old", "/etc/sudoers.d/y~")
    assert policy.unread == (("/etc/more", "Permission denied"),)


def test_what_was_not_asked_for_is_wanted() -> None:
    policy = reading.policy({"/etc/sudoers": FILES["/etc/sudoers"]}, frozenset({"/etc/sudoers"}))
    assert policy.wanted == ("/etc/sudoers.d/*", "/etc/more")


def test_files_that_include_each_other_end() -> None:
    policy = reading.policy({"/etc/sudoers": b"@include /etc/sudoers\n"}, frozenset({"/etc/sudoers"}))
    assert dict(policy.unread) == {"/etc/sudoers": "files that include each other, or too many of them"}


def test_a_file_too_long_is_not_read() -> None:
    policy = reading.policy({"/etc/sudoers": b"#" * (LONGEST + 1)}, frozenset({"/etc/sudoers"}))
    assert policy.unread == (("/etc/sudoers", "it is longer than 1048576 bytes"),)
