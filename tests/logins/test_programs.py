"""What programs write of logins, and what is understood of it: the tables in `lines/`, and that nobody can write into them.

A table has a line as a log has it, `program: message`, and below it what it says: what happened and the fields that are given,
or `nothing` for a program that tells nothing of logins.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.logins.grammar import PROGRAMS, said_by_any
from auditkit.logins.nouns import Said, What

LINES = Path(__file__).parent / "lines"
EMPTY = Said(What.NOISE)._asdict()
TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
"""Any text, with lone surrogates: what was no UTF-8."""

CHOSEN = [line for line in (LINES / "chosen.list").read_text().split("\n") if line and not line.startswith("#")]
"""Lines with `NAME` for what a client chose, each of a failure of 192.0.2.1."""
PIECES = ["\n", *(LINES / "pieces.list").read_text().split("\n")]
"""What imitates the rest of a line of one program or another."""
HOSTILE = st.lists(
    st.one_of(st.sampled_from(PIECES), TEXT, st.sampled_from(PIECES).map(lambda piece: piece * 99)), max_size=6
).map("".join)


def rows() -> Iterator[tuple[str, str]]:
    for table in sorted(LINES.glob("*.txt")):
        lines = [line for line in table.read_text().split("\n") if line and not line.startswith("#")]
        yield from zip(lines[::2], lines[1::2], strict=True)


def told(program: str, message: str) -> str:
    answer = said_by_any(program, message)
    if answer is None:
        return "nothing"
    fields = answer._asdict()
    return " ".join([fields.pop("what"), *(f"{name}={value}" for name, value in fields.items() if value != EMPTY[name])])


@pytest.mark.parametrize(("line", "says"), list(rows()))
def test_a_line_says(line: str, says: str) -> None:
    program, _, message = line.partition(": ")
    assert told(program, message) == says.removeprefix("    ")


@given(st.sampled_from([*PROGRAMS, "sshd(pam_unix)", "x"]), TEXT)
def test_no_text_breaks_a_grammar(program: str, message: str) -> None:
    answer = said_by_any(program, message)
    assert answer is None or isinstance(answer, Said)


@given(st.sampled_from(CHOSEN), HOSTILE)
def test_whatever_a_client_calls_itself_it_is_not_let_in_and_no_other_is_blamed(line: str, name: str) -> None:
    program, _, message = line.partition(": ")
    answer = said_by_any(program, message.replace("NAME", name))
    assert answer is not None
    assert answer.what in (What.FAILED, What.INVALID_USER, What.EXCEEDED, What.CLOSED, What.SCANNED, What.UNKNOWN, What.NOISE)
    assert answer.address in (None, "192.0.2.1")


@given(TEXT, TEXT, TEXT)
def test_no_directory_variable_or_argument_makes_sudo_name_another_caller_or_account(pwd: str, env: str, words: str) -> None:
    line = f"mallory : TTY=pts/0 ; PWD=/{pwd} ; USER=root ; ENV=A={env} ; COMMAND=/bin/id {words}"
    answer = said_by_any("sudo", line)
    assert answer is not None
    assert answer.actor == "mallory"
    assert answer.user in ("root", None)
    assert "/bin/id " + words in answer.detail
