"""Documentation that moves with the code: pages made from it are fresh, sessions shown are real, links lead somewhere."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from importlib import import_module
from itertools import takewhile
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import TOOLS, anew, masked, ran, session

from auditkit.commands import COMMANDS, pages, roff
from auditkit.commands.pages import fields_of_report
from auditkit.model import Level
from auditkit.policy import KEYS, WATCH_KEYS, shipped

HERE = Path(__file__).resolve().parent.parent
DOCS = HERE / "docs"
SESSIONS = [path for path in sorted(DOCS.rglob("*.md")) if "```console run" in path.read_text("utf-8")]


@pytest.mark.parametrize("page", SESSIONS, ids=lambda page: page.stem)
def test_a_session_shows_what_happens(page: Path, tmp_path: Path) -> None:
    steps = list(session(page.read_text("utf-8")))
    lacking = {tool for tool in TOOLS if any(tool in command for command, _ in steps) and not shutil.which(tool)}
    if lacking:
        pytest.skip(f"{', '.join(lacking)} not installed")
    outputs = ran([command for command, _ in steps], tmp_path)
    for (command, told), output in zip(steps, outputs, strict=True):
        assert masked(output) == masked(told), command


def test_a_session_is_read_as_written() -> None:
    text = "x\n```console run\n$ cat <<END\n> a\n> END\na\n$ true\n```\n```console\n$ not run\n```\n"
    assert list(session(text)) == [("cat <<END\na\nEND", "a"), ("true", "")]


def test_a_page_is_written_anew_where_more_differs_than_what_always_does(tmp_path: Path) -> None:
    text = "x\n```console run\n$ echo a \\\n>   b\nstale\n$ date -u +%FT%TZ\n2026-11-24T01:02:03Z\n$ cd .\n```\ny\n"
    assert anew(text, tmp_path) == text.replace("stale", "a b")


def test_there_are_sessions() -> None:
    assert {page.name for page in SESSIONS} >= {"tutorial.md", "baseline-format.md"}


@pytest.mark.parametrize("name", pages.pages())
def test_pages_made_from_the_code_are_fresh(name: str) -> None:
    there = (HERE / name).read_text("utf-8")
    assert there == pages.pages()[name](), f"{name} is stale: write it anew with {pages.COMMAND}"


def test_pages_are_written_where_they_belong(tmp_path: Path) -> None:
    assert pages.main(str(tmp_path)) == 0
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(pages.pages())


@given(st.text(alphabet=".'\\-~^`*\n !a", max_size=60))
def test_no_text_is_a_request_of_roff(told: str) -> None:
    for made in (roff.filled(roff.marked(told)), roff.filled(roff.text(told))):
        assert not re.search(r"^[.']|\\(?![e(&f-])", made, re.MULTILINE), made


@pytest.mark.parametrize("words", ["mandoc -Tlint", "man --warnings -E UTF-8 -l -Tutf8 -Z"])
@pytest.mark.parametrize("page", sorted((DOCS / "man").iterdir()), ids=lambda page: page.name)
def test_manual_pages_are_sound(page: Path, words: str) -> None:
    command = words.split()
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    checked = subprocess.run([*command, str(page)], env=environment, capture_output=True, text=True, check=False)
    told = checked.stdout if command[0] == "mandoc" else checked.stderr
    assert (checked.returncode, told) == (0, "")


def test_each_field_of_the_report_has_its_meaning() -> None:
    """Behind it on the page of fields, or on the page of the report."""
    prose = re.sub(r"^```.*?^```$", "", (DOCS / "reference/report.md").read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    explained = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`([^`\n]+)`", prose))))
    rows = re.findall(r"^\| `(?:\S+\.)?([a-z_]+)` \|.*\|([^|]*)\|$", fields_of_report(), re.MULTILINE)
    assert len(rows) > 300
    assert [name for name, meaning in rows if not meaning.strip() and name not in explained] == []


def test_each_key_of_a_policy_is_explained() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", (DOCS / "reference/policy.md").read_text("utf-8"), re.MULTILINE)
    assert [key for key in (*KEYS, *WATCH_KEYS, *Level) if key not in rows] == []


PAGES = [HERE / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_design_has_a_place_for_every_module() -> None:
    drawn = (DOCS / "explanation" / "design.md").read_text("utf-8").split("```")[1].split()
    named = [path for path in (HERE / "auditkit").iterdir() if path.name[0] not in "._"]
    tree = {f"{path.name}/" if path.is_dir() else path.name for path in named}
    assert tree - {*drawn, "py.typed"} == set()
    assert {word for word in drawn if word.endswith((".py", "/"))} - tree == {"auditkit/"}


def test_the_design_leads_to_every_decision() -> None:
    page = (DOCS / "explanation" / "design.md").read_text("utf-8")
    assert [path.name for path in sorted((DOCS / "adr").glob("*.md")) if f"../adr/{path.name}" not in page] == []


def test_the_policy_page_names_every_shipped_policy() -> None:
    text = (DOCS / "reference" / "policy.md").read_text("utf-8")
    assert [name for name in shipped() if f"`{name}`" not in text] == []


def commands_of(text: str) -> Iterator[str]:
    """Yield the command lines of auditkit in the blocks of a page."""
    for language, block in re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"^(?:[#$] )?(auditkit .*)", block, re.MULTILINE):
            if language.partition(" ")[0] in {"", "sh", "console"}:
                yield line


def words_of(line: str) -> list[str]:
    """The words of its first command, as a shell takes them apart."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(takewhile(lambda word: not set(word) <= set("();<>|&"), lexer))


def options_of(words: list[str]) -> set[str]:
    """The options of the command that a line begins with, or of the one below it that it names."""
    command: click.Command = import_module(f"auditkit.commands.{words[1]}").command
    if isinstance(command, click.Group) and words[2:]:
        below = command.get_command(click.Context(command), words[2])
        command = below or command
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {
        "-h",
        "--help",
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_pages_show_exist_and_so_do_their_options(page: Path) -> None:
    wrong = []
    for line in commands_of(page.read_text("utf-8")):
        words = words_of(line)
        if words[1:2] and words[1] in COMMANDS:
            known = options_of(words)
            wrong += [f"{word}: {line}" for word in words[2:] if word.startswith("-") and word.partition("=")[0] not in known]
        elif words[1:2] and not (words[1].isupper() or words[1].startswith("-")):
            wrong.append(line)
    assert wrong == []
