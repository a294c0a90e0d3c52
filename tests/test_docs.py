"""Documentation that moves with the code: pages made from it are fresh, sessions shown are real, links lead somewhere."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sessions import TOOLS, anew, masked, ran, session

from auditkit.commands import pages, roff
from auditkit.policy import shipped

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


PAGES = [HERE / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_policy_page_names_every_shipped_policy() -> None:
    text = (DOCS / "reference" / "policy.md").read_text("utf-8")
    assert [name for name in shipped() if f"`{name}`" not in text] == []
