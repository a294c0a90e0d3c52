"""The probe is pushed to hosts that may have nothing newer than Python 3.6: it parses there, and it scans there.

What an old interpreter tells of a small tree is held against what this one tells of it, byte for byte.
"""

import ast
import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from auditkit.probe import probe

PACKAGE = Path(__file__).parent.parent / "auditkit"
PUSHED = sorted([PACKAGE / "__init__.py", PACKAGE / "printable.py", *(PACKAGE / "probe").glob("*.py")])
OLD = ("3.6", "3.7", "3.8", "3.9")
PASSWD = f"somebody:x:{os.getuid()}:0::/:/bin/sh\n"

PROGRAM = """
import json, socket, sys
sys.dont_write_bytecode = True
server = socket.socket()
server.listen(1)
from auditkit.probe import means, probe, take
told = json.loads(sys.argv[1])
seen = list(probe.scan(told["request"]))
needs = [(b"/etc/*", False, False, False)]
others = [("status", b"/etc/passwd"), ("command", b"/bin/echo a"), ("listeners", b"all")]
asked = [(kind, what, False, True, False) for kind, what in others]
json.dump({
    "blocks": [block.decode("utf-8") for one in seen if one[0] == "blocks" for block in one[1]],
    "others": [each for each in seen if each[0] != "blocks"],
    "beginnings": list(probe.beginnings(told["request"]["root"], told["asked"])),
    "others_taken": [(each[0], (each[2] or b"").decode("ascii")) for each in means.taken(b"/", asked)],
    "taken": [each[2].decode("ascii") for each in take.take(told["request"]["root"].encode(), needs)],
}, sys.stdout)
"""


@pytest.mark.parametrize("path", PUSHED, ids=lambda path: path.stem)
def test_it_parses_as_python_36(path: Path) -> None:
    ast.parse(path.read_text("utf-8"), feature_version=(3, 6))


def test_the_parser_knows_what_is_younger() -> None:
    with pytest.raises(SyntaxError):
        ast.parse("if (n := 1): pass", feature_version=(3, 6))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A file of each size that is read in its own way, a link, a FIFO, a directory, and names that need escapes."""
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "motd").write_text("welcome\n", "ascii")
    (etc / "passwd").write_text(PASSWD, "ascii")
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "app.log.1.gz").write_bytes(gzip.compress(b"first line\nsecond line\n"))
    (tmp_path / "log" / "app.log").write_bytes(b"third line\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "large").write_bytes(b"0123456789abcdef" * (40 << 10))
    (data / "empty").touch()
    (data / "link").symlink_to("../etc/motd")
    os.mkfifo(data / "fifo")
    Path(os.fsdecode(os.fsencode(data) + b"/\xff\x1b[31m")).write_bytes(b"odd")
    (data / "é").write_bytes(b"odd too")
    return tmp_path


@pytest.fixture
def told(tree: Path) -> dict[str, Any]:
    """What is asked of the probe."""
    watches = [["/log", "metadata", False, False], ["/data/em*", "exists", False, False], ["/", "content", True, False]]
    return {
        "request": {"root": str(tree), "watches": watches, "digests": ["sha256"], "jobs": 2},
        "asked": [["/log/app.log", 10, ["sha256"], True]],
    }


@pytest.fixture(params=OLD)
def old_python(request: pytest.FixtureRequest) -> str:
    """An interpreter of this version."""
    name = f"python{request.param}"
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on the PATH")
    # a name on the PATH may be a shim of a version manager with nothing behind it
    if subprocess.run([found, "-c", "pass"], check=False, capture_output=True).returncode:
        pytest.skip(f"{name} on the PATH does not run")
    return found


@pytest.fixture
def answer(old_python: str, told: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What that interpreter says, given the files that would be pushed and nothing else of auditkit."""
    pushed = tmp_path_factory.mktemp("pushed")
    for path in PUSHED:
        copy = pushed / path.relative_to(PACKAGE.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    # an SSH session may well have no locale but C, for which Python 3.6 takes every name as ASCII
    surroundings = {**os.environ, "PYTHONPATH": str(pushed), "LC_ALL": "C"}
    command = [old_python, "-c", PROGRAM, json.dumps(told)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=surroundings, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_an_old_python_sees_what_this_one_sees(answer: dict[str, Any], told: dict[str, Any]) -> None:
    seen = list(probe.scan(told["request"]))
    blocks = [block.decode("utf-8") for one in seen if one[0] == "blocks" for block in one[1]]
    assert answer["blocks"] == blocks
    assert [one for one in answer["others"] if one[0] == "gap"] == [list(one) for one in seen if one[0] == "gap"] == []
    assert answer["beginnings"] == [list(one) for one in probe.beginnings(told["request"]["root"], told["asked"])]
    assert answer["taken"] == ["welcome\n", PASSWD]
    others: list[list[str]] = [[] for _ in range(3)]
    for number, data in answer["others_taken"]:
        others[number].append(data)
    assert others[0][0].endswith("\x0040755 0 0 /\0")
    assert others[1] == ["0\na\n\0"]
    assert any('"listens":[["tcp","0.0.0.0",' in each for each in others[2])
