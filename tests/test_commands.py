"""The front of the command line: help, mistakes, a reader that goes away, a terminal that knows no UTF-8."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest
from conftest import SOURCE, Cli
from loaded import Asked, Run

from auditkit.commands import COMMANDS, HOSTS, front_page, hosts_page, sealing
from auditkit.config import Config, HostConfig
from auditkit.hosts import HOSTS as KINDS
from auditkit.hosts import kind_of, named
from auditkit.model import Gap


def run(*words: str) -> subprocess.CompletedProcess[str]:
    with Run(Asked(words, os.getcwd(), {**os.environ, "PYTHONPATH": SOURCE})) as asked:
        out, err = asked.communicate(timeout=120)
    return subprocess.CompletedProcess(words, asked.returncode, out.decode(), err.decode())


@pytest.mark.parametrize("words", [(), ("-h",), ("--help",)])
def test_the_front_page_names_every_command(words: tuple[str, ...]) -> None:
    told = run(*words)
    assert (told.returncode, told.stdout) == (0, front_page() + "\n")
    assert all(f"\n  {name} " in told.stdout for name in COMMANDS)


def test_every_word_for_a_host_is_one_and_stands_in_the_help_of_each_command_that_takes_it() -> None:
    device = HostConfig("printer", ports=(80,))  # a name of auditkit.yaml like any other
    config = Config(hosts={"NAME": HostConfig("NAME", groups=("GROUP",)), "printer": device})
    words = [form.replace("[user@]", "").replace("[:port]", "") for forms in HOSTS for form in forms.split(", ")]
    assert {kind_of(word, config) for word in named(words, config)} == set(KINDS)
    for name in ("scan", "baseline", "check", "accept", "audit", "collect", "hosts", "policy"):
        assert indent(hosts_page(), "  ") in run(name, "--help").stdout
    assert hosts_page() in front_page()


def test_what_reads_packages_is_loaded_only_where_something_changed(cli: Cli) -> None:
    """A check that finds no change does not pay for it."""
    (cli.tree / "var/lib/dpkg").mkdir(parents=True)
    (cli.tree / "var/lib/dpkg/status").touch()
    cli.baseline()
    watched = "import sys, runpy; sys.argv[0] = 'auditkit'\ntry: runpy.run_module('auditkit', run_name='__main__')\nfinally: "
    watched += "print(*sys.modules, file=sys.stderr)"
    words = [sys.executable, "-c", watched, "check", cli.host, "--store", str(cli.store)]
    for name, is_loaded in (("passwd", False), ("new", True)):
        (cli.tree / "etc" / name).touch() if name == "new" else None
        told = subprocess.run(words, env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, check=False)
        assert ("auditkit.packages" in told.stderr.split()) == is_loaded


def test_the_front_page_loads_no_library() -> None:
    """It is what a tired person waits for: no click, no yaml, no cryptography."""
    loaded = "import sys, auditkit.commands as c; sys.argv = ['auditkit']; c.main(); print(*sys.modules, file=sys.stderr)"
    told = subprocess.run(
        [sys.executable, "-c", loaded], env={"PYTHONPATH": SOURCE}, capture_output=True, text=True, check=True
    )
    assert not {
        "click",
        "yaml",
        "rich",
        "cryptography",
        "zstandard",
        "blake3",
        "paramiko",
        "dataclasses",
        "auditkit.model",
    } & set(told.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_page(name: str) -> None:
    told = run(name, "--help")
    assert told.returncode == 0
    assert told.stdout.startswith(f"Usage: auditkit {name}")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("chek",), "no such command 'chek'", "did you mean check?"),
        (("check", "--fail-on", "hgh"), "invalid value for '--fail-on': 'hgh' is not one of", "see `auditkit COMMAND --help`"),
        (("check", "ftp://x"), "ftp://x is no host that auditkit knows how to reach", "name `local`, a host of"),
        (("check", "root:mnt"), "root:mnt names no directory", "write root:/mnt/disk with the full path"),
        (("check", "root:/"), "root:/ is this machine itself", "write `local`"),
        (("policy", "linx"), "linx is no policy that auditkit ships", "check the spelling: did you mean linux?"),
        (("scan", "--since", "someday"), "someday is no time", "write it like"),
        (
            ("check", "local", "--against", "vendor", "--policy", "full"),
            "--against vendor looks at what packages ship, and at nothing else",
            "leave --policy and --since out",
        ),
        (
            ("check", "local", "--policy", "full"),
            "--policy says what to compare with --against; a check goes by the policy sealed in the baseline",
            "leave --policy out, or make",
        ),
        (
            ("check", "local", "--against", "/", "--baseline", "b"),
            "--baseline and --against are two things to compare with",
            "leave one of them out",
        ),
        (("accept", "local"), "name what to accept: paths, ports, or --all", "see the changes first"),
        (
            ("accept", "local", "--port", "80/tcp", "--all"),
            "name what to accept: paths, ports, or --all",
            "see the changes first",
        ),
        (("accept", "local", "--port", "80"), "80 is no port", "name its number and protocol: --port 8080/tcp"),
        (("accept", "local", "--port", "65536/udp"), "65536/udp is no port", "name its number and protocol"),
        (("accept", "local", "--port", "\u0661/tcp"), "\u0661/tcp is no port", "name its number and protocol"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(words: tuple[str, ...], error: str, hint: str, tmp_path: Path) -> None:
    store = ("--store", str(tmp_path)) if words[0] in ("check", "scan") else ()
    told = run(*words, *store)
    first, second = told.stderr.splitlines()
    assert first.startswith(f"auditkit: error: {error}")
    assert second.startswith(f"hint: {hint}")
    assert (told.returncode, told.stdout) == (2, "")


def test_a_terminal_without_utf_8_gets_escapes(cli: Cli) -> None:
    (cli.tree / "tool").write_text("x")
    (cli.tree / "tool").chmod(0o755)
    assert cli.baseline().code == 0
    (cli.tree / "tool").chmod(0o4755)
    words = [sys.executable, "-m", "auditkit", "check", cli.host, "--store", str(cli.store)]
    environment = {**os.environ, "PYTHONPATH": SOURCE, "PYTHONIOENCODING": "latin-1"}
    told = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert "mode 0755 \\u2192 4755" in told.stdout
    assert told.returncode == 1


def test_what_a_file_lacks_is_told_without_escaping_what_was_escaped_before() -> None:
    gaps = [Gap("/a\x1b", "not seen to the end: the probe failed there: ValueError: \\x1b[31m")]
    assert list(sealing.lacks(gaps, "path", "")) == [
        "  gap  /a\\x1b: not seen to the end: the probe failed there: ValueError: \\x1b[31m",
        "INCOMPLETE: 1 path could not be seen",
    ]
