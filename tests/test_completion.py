"""Words that a shell offers: what completes a line, what is left out, and what real shells make of it."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import PATIENCE, SOURCE, Cli, surroundings
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.commands import completing, completion

CONFIG = """\
networks: [192.168.10.0/24]
hosts:
  srv-01: {address: 192.168.10.2, groups: [servers]}
  ws-03:  {address: 192.168.10.3}
"""
HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "a b",
    "new\nline",
    "esc\x1b[2J",
    "*",
    "~",
    "-rf",
    "'",
    '"',
    "a\\",
)
TABLE = completing.table()


def offered(*words: str) -> list[str]:
    """What the last of these words may become, and what the shell is asked for."""
    return [word or what for word, what in completing.completed(TABLE, words)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with an auditkit.yaml, where a person stands who has a home of his own."""
    (tmp_path / "auditkit.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AUDITKIT_CONFIG", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sca", "scan"),
        ("scan --form", "--format"),
        ("scan --format ma", "markdown"),
        ("scan --format=ma", "--format=markdown"),
        ("scan -q --fail-on hi", "high"),
        ("scan s", "ssh:// srv-01"),
        ("scan ws-03 @", "@all @servers"),
        ("incident op", "open"),
        ("incident open --no-n", "--no-neighbour"),
        ("explain setuid-g", "setuid-gained"),
        ("audit --only per", "persistence"),
        ("baseline --policy li", "linux :file"),
        ("baseline --key ag", "agent :file"),
        ("check --against v", "vendor :dir"),
        ("scan --store ", ":dir"),
        ("report ", ":file"),
        ("completion z", "zsh"),
        ("explain setuid-gained x", ""),
        ("no-command x", ""),
        ("scan --since ", ""),
        ("scan -- --for", ""),
        ("scan -- ", "local ssh:// root:/ evidence: @all @servers srv-01 ws-03"),
    ],
)
def test_a_line_is_completed(place: Path, line: str, words: str) -> None:
    assert sorted(offered(*line.split(" "))) == sorted(words.split())


def test_commands_are_those_there_are() -> None:
    from auditkit.commands import COMMANDS

    assert offered("") == list(COMMANDS)


def test_what_lies_below_a_mounted_disk_is_offered_but_for_names_that_a_shell_would_read_otherwise(tmp_path: Path) -> None:
    for name in ("disk", "disk.old", *HOSTILE):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    below = [f"root:{tmp_path}/{name}/" for name in ("-rf", "disk.old", "disk")]
    assert sorted(offered("scan", f"root:{tmp_path}/")) == below
    assert offered("scan", f"root:{tmp_path}/nothing/here/") == []
    assert f"evidence:{tmp_path}/file" in offered("scan", f"evidence:{tmp_path}/")


def test_cases_are_offered_with_their_titles_and_nothing_in_a_title_is_a_sign_of_the_shell(tmp_path: Path) -> None:
    case = tmp_path / "cases" / "2026-001"
    case.mkdir(parents=True)
    (case / "journal.jsonl").write_text('{"text": "odd $(touch x) `y` \\u001b[2J \\n z"}\n')
    (tmp_path / "cases" / "$(touch x)").mkdir()
    ran = answered("incident", "show", "--store", str(tmp_path), "")
    assert ran == "2026-001\todd  (touch x)  y   [2J   z\n"


def test_runs_that_are_kept_are_offered_with_what_they_were(cli: Cli) -> None:
    cli.run("audit", cli.host, "--only", "preload", "--store", str(cli.store))
    (line,) = answered("history", "--store", str(cli.store), "2").splitlines()
    assert re.fullmatch(r"(\d{8}T\d{6}Z-[0-9a-f]{6})\taudit of \d{4}-.*Z", line)
    assert answered("diff", "--store", str(cli.store), "") == f"{line}\n:file\n"


def test_a_broken_configuration_leaves_the_words_that_need_none(place: Path) -> None:
    (place / "auditkit.yaml").write_text("hosts: [")
    assert offered("scan", "") == ["local", "ssh://", "root:/", "evidence:"]


@given(
    st.lists(st.text(max_size=12) | st.sampled_from(("scan", "incident", "--format", "--", "-", "=", "explain")), max_size=5)
)
@settings(max_examples=60)
def test_whatever_is_typed_nothing_but_plain_words_comes_of_it(words: list[str]) -> None:
    for word, what in completing.completed(TABLE, [*words, ""]):
        assert completing._PLAIN.fullmatch(word) if word else what in (completing.FILES, completing.FOLDERS)


def answered(*words: str) -> str:
    """What auditkit writes for a shell; neither click nor a command may be loaded for it."""
    told = (
        "import sys; from auditkit import commands; code = commands.main();"
        "assert not {'click', 'rich', 'paramiko', 'auditkit.commands.options'} & set(sys.modules); sys.exit(code)"
    )
    environment = surroundings(Path.cwd()) | {"_AUDITKIT_COMPLETE": "bash"}
    ran = subprocess.run([sys.executable, "-c", told, *words], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


# --- real shells


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with an auditkit on the PATH, hosts, files and a hostile disk."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    (home / "bin/auditkit").write_text(f'#!/bin/sh\nexec {sys.executable} -m auditkit "$@"\n')
    (home / "bin/auditkit").chmod(0o755)
    (home / "auditkit.yaml").write_text(CONFIG)
    (home / "report.json").touch()
    for name in ("disk1", *HOSTILE):
        (home / "mnt" / name).mkdir(parents=True)
    for shell in completion.SHELLS:
        (home / f"completion.{shell}").write_text(completion.script(shell))
    return home


STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ". ./completion.bash; bind 'set enable-bracketed-paste off'"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; . ./completion.zsh; unsetopt zle_bracketed_paste"),
}
LINES = [
    ("auditkit sca\t", "auditkit scan "),
    ("auditkit scan @ser\t", "auditkit scan @servers "),
    ("auditkit scan --format=mark\t", "auditkit scan --format=markdown "),
    ("auditkit scan root:mnt/di\t", "auditkit scan root:mnt/disk1/"),
    ("auditkit scan ssh\t", "auditkit scan ssh://"),
    ("auditkit explain setuid-g\t", "auditkit explain setuid-gained "),
    ("auditkit report rep\t", "auditkit report report.json "),
    ("auditkit scan $(touch pwned) root:mnt/\t\t", "auditkit scan $(touch pwned) root:mnt/"),
]
"""What is typed, and what the line is then. In the last a hostile disk is shown, and a hostile word stands before it."""


@pytest.mark.parametrize("shell", STARTS)
def test_a_person_at_a_terminal_has_the_words_in_his_line(shell: str, home: Path) -> None:
    needs(shell)
    words, start = STARTS[shell]
    with at_a_terminal(words, home) as terminal:
        terminal.type(f"PS1='# '; {start}; echo be''gun\n")
        terminal.wait("begun\r\n")
        for typed, line in LINES:
            terminal.type(typed)
            terminal.wait(line)
            terminal.type("\x15")  # Ctrl-U: the line is not run
        terminal.type("echo en''ded\n")
        terminal.wait("ended\r\n")
    assert not list(home.rglob("pwned"))


def test_fish_completes_the_same(home: Path) -> None:
    needs("fish")
    lines = [typed.strip("\t") for typed, _line in LINES]
    script = "\n".join(["source completion.fish", *(f"complete -C '{line}'; echo END" for line in lines)])
    ran = subprocess.run(
        ["fish", "-N", "-c", script],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    told = [sorted(line.partition("\t")[0] for line in part.splitlines() if line) for part in ran.stdout.split("END\n")[:-1]]
    assert told == [
        ["scan"], ["@servers"], ["--format=markdown"], ["root:mnt/disk1/"], ["ssh://"], ["setuid-gained"], ["report.json"],
        ["root:mnt/-rf/", "root:mnt/disk1/"],
    ]  # fmt: skip
    assert not list(home.rglob("pwned"))


def test_what_the_command_prints_is_what_the_shell_reads(home: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "auditkit", "completion", "bash"],
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == (home / "completion.bash").read_text()


def needs(shell: str) -> None:
    """Skip where a shell is not installed."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")


def environment(home: Path) -> dict[str, str]:
    """That of a person who has auditkit on the PATH."""
    return surroundings(home) | {"PATH": f"{home}/bin:{os.environ['PATH']}", "TERM": "dumb", "PYTHONPATH": SOURCE}


class Terminal:
    """A terminal with a shell on it."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.handle, text.encode())

    def wait(self, text: str) -> None:
        """Read until a text is there."""
        seen, end = "", time.monotonic() + PATIENCE
        while text not in seen:
            ready, _, _ = select.select([self.handle], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} is not in {seen!r}"
            seen += os.read(self.handle, 4096).decode("utf-8", "replace")


@contextmanager
def at_a_terminal(words: list[str], home: Path) -> Iterator[Terminal]:
    """A shell on a terminal of its own, which ends with it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        words, cwd=home, env=environment(home), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        yield Terminal(ours)
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            os.close(ours)
