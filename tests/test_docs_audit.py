"""The page that says how to write an audit: its code, put where it says, does what it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import surroundings
from sessions import masked, ran, session

HERE = Path(__file__).resolve().parent.parent
PAGE = (HERE / "docs/how-to/write-an-audit.md").read_text("utf-8")
FILES = dict(re.findall(r"^```python file=(\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
EDITS = re.findall(r"^```python edit=(\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SESSION = PAGE.replace("```console audit", "```console run")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """auditkit with the audit of the page in it."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("auditkit", "baselines"):
        shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    for name, line in EDITS:
        edited = folder / name
        edited.write_text(with_line(edited.read_text("utf-8"), line), "utf-8")
    return folder


def with_line(text: str, line: str) -> str:
    """A file with a line of it anew: the import of the audits, or else one more of their list."""
    if line.startswith("from "):
        return re.sub(rf"^{re.escape(line.partition(' import ')[0])} import .*\n", line, text, flags=re.MULTILINE)
    return text.replace("    ssh.AUDIT,\n", f"{line}    ssh.AUDIT,\n")


def test_its_tests_pass(copy: Path) -> None:
    made = copy.with_name("made")  # without a place of its own pytest ends by deleting what earlier runs left
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--basetemp={made}",
        "-c",
        "/dev/null",
        "tests/test_proxy.py",
    ]
    environment = surroundings(copy) | {"PYTHONPATH": str(copy)}
    done = subprocess.run(argv, cwd=copy, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_what_it_shows_is_what_it_says(copy: Path, tmp_path: Path) -> None:
    steps = list(session(SESSION))
    outputs = ran([command for command, _ in steps], tmp_path, str(copy))
    for (command, told), output in zip(steps, outputs, strict=True):
        assert masked(output) == masked(told), command


def test_it_keeps_the_rules_of_the_house(copy: Path) -> None:
    ruff = [str(Path(sys.executable).parent / "ruff"), "check", "--config", str(HERE / "pyproject.toml"), *FILES]
    done = subprocess.run(ruff, cwd=copy, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
