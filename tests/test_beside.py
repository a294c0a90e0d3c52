"""Several processes for the tests: all that went wrong in any of them is told, and no test is lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BESIDE = Path(__file__).with_name("beside.py")
SAYS_WHO = """
import os, time
def test_who():
    open(f'by-{os.getpid()}', 'w').close()
    while len([name for name in os.listdir() if name.startswith('by-')]) < PROCESSES:
        time.sleep(0.01)
"""


def run(folder: Path, tests: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """pytest on these files, in several processes."""
    shutil.copy(BESIDE, folder)
    (folder / "conftest.py").write_text("from beside import pytest_addoption, pytest_runtestloop\n")
    for name, text in tests.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    made = folder.with_name(f"{folder.name}-made")  # without a place of its own pytest ends by deleting what earlier runs left
    plugins = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    words = [sys.executable, "-m", "pytest", *plugins, "-ra", f"--basetemp={made}", *options, "."]
    return subprocess.run(words, cwd=folder, env=os.environ, capture_output=True, text=True, check=False, timeout=120)


BAD = """
import pytest
def test_bad():
    print('said NAME')
    assert 1 == 2
def test_not():
    pytest.skip('a reason of NAME')
@pytest.fixture
def thing():
    yield
    raise OSError('broken by NAME')
def test_good(thing):
    pass
"""


def test_what_happens_in_either_is_told_as_ever(tmp_path: Path) -> None:
    told = run(tmp_path, {"one/test_a.py": BAD.replace("NAME", "a"), "test_b.py": BAD.replace("NAME", "b")})
    assert told.returncode == 1
    assert "2 failed, 2 passed, 2 skipped, 2 errors" in told.stdout
    for name in ("a", "b"):
        words = (f"\nsaid {name}\n", f"a reason of {name}", f"OSError: broken by {name}")
        assert [word for word in words if word not in told.stdout] == []
    assert told.stdout.count("E       assert 1 == 2") == 2


@pytest.mark.parametrize(("options", "processes"), [((), 3), (("--one-by-one",), 1), (("-s",), 1)])
def test_they_run_in_three_processes_or_in_one(tmp_path: Path, options: tuple[str, ...], processes: int) -> None:
    says = SAYS_WHO.replace("PROCESSES", str(processes))
    files = {"one/test_a.py": says, "test_b.py": says, "two/test_c.py": says, "two/test_d.py": "def test_d(): pass\n"}
    assert run(tmp_path, files, *options).returncode == 0
    assert len(list(tmp_path.glob("by-*"))) == processes


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_a_process_that_ends_early_is_no_success(tmp_path: Path, end: str) -> None:
    ends = f"import os\ndef test_a(): pass\ndef test_b(): {end}\ndef test_c(): pass\n"
    told = run(tmp_path, {"one/test_a.py": ends, "test_d.py": "def test_d(): pass\n"})
    assert told.returncode not in (0, 1)
    assert "one/test_a.py::test_b has no report" in told.stdout + told.stderr


WAITS = """
import time
def test_a():
    try:
        open('begun', 'w').close()
        time.sleep(50)
    finally:
        open('tidied', 'w').close()
"""
FAILS = """
import os
def test_b():
    while not os.path.exists('begun'):
        pass
    assert 0
"""


def test_the_first_failure_may_end_both(tmp_path: Path) -> None:
    told = run(tmp_path, {"one/test_a.py": WAITS, "test_b.py": FAILS}, "-x")
    assert told.returncode == 1
    assert (tmp_path / "tidied").exists()
