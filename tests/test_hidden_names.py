"""Names that a preloaded library hides: the kernel still tells them, and then the host lies."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCE, Cli, build, fill

from auditkit.probe import names


def test_the_kernel_tells_the_same_names_as_the_library_where_nobody_lies(tmp_path: Path) -> None:
    for at in range(700):
        (tmp_path / f"a name of some length, to fill the buffer, {at}").touch()
    (tmp_path / os.fsdecode(b"\xff\n")).touch()
    reader = names.reader()
    assert reader
    handle = os.open(tmp_path, os.O_RDONLY)
    assert sorted(reader.listed(handle)) == sorted(os.fsencode(name) for name in os.listdir(handle))
    assert reader.count(handle) == 701
    os.close(handle)


SEEN = """
import json, sys
from auditkit.probe import probe
print(json.dumps([told for told in probe.scan({"root": sys.argv[1], "watches": [["/", "content", False, False]],
                  "digests": ["sha256"], "jobs": 1}) if told[0] == "gap"]))
"""


def test_a_hidden_file_is_a_gap_with_its_name(tmp_path: Path, hider: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    fill(tree, 3)
    (tree / "dir01/evil.so").write_bytes(b"\x7fELF")
    environment = {"LD_PRELOAD": str(hider), "PYTHONPATH": SOURCE}
    told = subprocess.run(
        [sys.executable, "-c", SEEN, tree], env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert told.strip() == f'[["gap", "/dir01/evil.so", "{names.HIDDEN}"]]'


def test_check_says_that_this_host_lies(tmp_path: Path, hider: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli: Cli = build(tmp_path)
    fill(cli.tree, 3)
    assert cli.baseline().code == 0
    (cli.tree / "dir01/evil.so").write_bytes(b"\x7fELF")
    cli.environment["LD_PRELOAD"] = str(hider)
    told = cli.check()
    (finding,) = told.host["findings"]
    assert (finding["rule"], finding["subject"], finding["severity"]) == ("name-hidden", "/dir01/evil.so", "critical")
    assert told.code == 1
    assert told.host["state"] == "lied"


_WITHOUT = """
import os, sys, types
import ctypes
hidden = {"the core of ctypes": {"_ctypes": types.ModuleType("_ctypes")}, "ctypes": {"_ctypes": None, "ctypes": None}}
sys.modules.update(hidden.get(sys.argv[1], {}))
from auditkit.probe import names, stat
told = stat.reader()(os.open(sys.argv[2], os.O_PATH))
print(told[6:8], names.reader() is not None)
"""


@pytest.mark.parametrize("without", ["nothing", "the core of ctypes", "ctypes"])
def test_the_c_library_is_asked_whatever_python_has_of_ctypes(without: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("seven..")
    argv = [sys.executable, "-c", _WITHOUT, without, str(tmp_path / "file")]
    told = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=SOURCE).stdout
    assert told == f"{((tmp_path / 'file').stat().st_ino, 7)} {without != 'ctypes'}\n"  # without it nobody asks for names
