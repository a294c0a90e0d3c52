"""Documentation that moves with the code: pages made from it are fresh, sessions shown are real, links lead somewhere.

A session is the blocks that open with three backticks and `console run`: a command stands behind `$ `, its other lines
behind `> `, and below it what it writes. All blocks of one page run in one shell, in a directory of their own.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from conftest import surroundings

from auditkit.commands import pages
from auditkit.policy import shipped

HERE = Path(__file__).resolve().parent.parent
DOCS = HERE / "docs"
FOLDER = "/tmp/tutorial"
"""Where the sessions say they run: columns are as wide as paths are long, so that a test's own has as many characters."""
TOOLS = {"zstdcat", "b3sum", "ssh-keygen"}
PROMPT, MORE = "$ ", "> "
VOLATILE = (
    (r"( \d+){2}( \S+){2} \d+( \d+\.\d{9}){2} (\d+\.\d{9}|\?) \d+ \d+ \S+", " OWNER, SIZE, TIMES, INODE, LINKS, FLAGS"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\d{4}-\d\d-\d\d( \d\d:\d\d [+-]\d{4})?", "TIME"),
    (r"\b\d\d:\d\d(:\d\d)?Z", "TIME"),
    (r"\b20\d\d-(\d{3})\b", r"CASE-\1"),
    (r"\b([0-9a-f]{4} ){7}[0-9a-f]{4}\b", "HEAD"),
    (r"entries, \d+ bytes", "entries, SIZE"),
    (r"SHA256:\S+", "FINGERPRINT"),
    (r"AAAA\S+", "KEY"),
    (r"\b[0-9a-f]{8,}(\.\.\.|\b)", "DIGEST"),
    (r"\b(0[0-7]{3}) \S+:\S+,", r"\1 OWNER,"),
    (r"\d+:\d+ \.", "DEVICE ."),
    (r"auditkit: what .* is kept for later checks\n", ""),  # where apt of this machine has packages
    (r" +", " "),
)
"""What differs from run to run and from machine to machine."""

Step = tuple[str, str]
"""A command and what it writes."""


def session(text: str) -> Iterator[Step]:
    """Yield the steps of all sessions of a page."""
    for block in re.findall(r"^```console run\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *rest = part.splitlines()
            more = list(takewhile(lambda line: line.startswith(MORE), rest))
            command = "\n".join((first, *(line.removeprefix(MORE) for line in more)))
            yield command, "\n".join(rest[len(more) :])


def ran(commands: list[str], home: Path) -> list[str]:
    """What each command writes, on stdout and stderr alike, in one shell that has the auditkit under test and no terminal."""
    wrapper = home / "bin" / "auditkit"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -m auditkit "$@"\n')
    wrapper.chmod(0o755)
    script = "umask 022\n" + "\n".join(f"{command}\nstatus=$?; printf '\\0'; (exit $status)" for command in commands)
    file = home / "session.sh"
    file.write_text(script)
    place = Path(tempfile.mkdtemp(prefix="", dir="/tmp"))
    assert len(str(place)) == len(FOLDER)
    environment = surroundings(home) | {"PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
    try:
        done = subprocess.run(
            ["bash", str(file)], cwd=place, env=environment, text=True, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(place)
    return [output.strip("\n") for output in done.stdout.replace(place.name, "tutorial").split("\0")[:-1]]


def masked(text: str) -> list[str]:
    """The lines of an output without what differs from run to run."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return [line.strip() for line in text.strip().splitlines()]


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


def test_there_are_sessions() -> None:
    assert {page.name for page in SESSIONS} >= {"tutorial.md", "baseline-format.md"}


@pytest.mark.parametrize("name", pages.pages())
def test_pages_made_from_the_code_are_fresh(name: str) -> None:
    there = (HERE / name).read_text("utf-8")
    assert there == pages.pages()[name](), f"{name} is stale: write it anew with {pages.COMMAND}"


def test_pages_are_written_where_they_belong(tmp_path: Path) -> None:
    assert pages.main(str(tmp_path)) == 0
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(pages.pages())


@pytest.mark.parametrize("words", ["mandoc -Tlint", "man --warnings -E UTF-8 -l -Tutf8 -Z"])
@pytest.mark.parametrize("page", sorted((DOCS / "man").iterdir()), ids=lambda page: page.name)
def test_manual_pages_are_sound(page: Path, words: str) -> None:
    command = words.split()
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    ran = subprocess.run([*command, str(page)], env=environment, capture_output=True, text=True, check=False)
    told = ran.stdout if command[0] == "mandoc" else ran.stderr
    assert (ran.returncode, told) == (0, "")


PAGES = [HERE / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_policy_page_names_every_shipped_policy() -> None:
    text = (DOCS / "reference" / "policy.md").read_text("utf-8")
    assert [name for name in shipped() if f"`{name}`" not in text] == []
