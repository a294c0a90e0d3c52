"""Libraries that talk whenever a program starts or ends, and ld.so about one that is gone: never an answer, never a reason.

The shell of a host may be dash, bash or that of busybox: each is put in the place of /bin/sh in a mount namespace.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from links import ShellLink, ShellPipe

from auditkit import entries
from auditkit.audits import preload
from auditkit.hosts import Seen
from auditkit.model import Gap, Item, Means, Need
from auditkit.ssh import Deadline
from auditkit.ssh.shell import Shell

TALKS = """
#include <unistd.h>
static const char words[] = "stat: I am: ignored.\\n0 find: /etc: I am here too\\n81a4 -rw-r--r-- 5)\\n";
__attribute__((constructor)) static void begins(void) { write(2, words, sizeof words - 1); }
__attribute__((destructor)) static void ends(void) { write(2, words, sizeof words - 1); }
"""
_ENTER = """#!/bin/sh
exec unshare --mount /bin/sh -c '
[ -z "{shell}" ] || mount --bind "{shell}" "$(readlink -f /bin/sh)" || exit 9
exec setpriv --bounding-set -dac_override,-dac_read_search env {variable} /bin/sh'
"""


class Noisy(ShellLink):
    """A shell of this machine, of root without his power to read all, and with a library to load."""

    def __init__(self, program: Path) -> None:
        super().__init__()
        self.program = str(program)

    def run(self, _command: str) -> ShellPipe:
        """Start it."""
        self.pipes.append(ShellPipe(self.program, self.environment))
        return self.pipes[-1]


@pytest.fixture(params=["dash", "bash", "busybox"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A shell to be /bin/sh; busybox's goes by its name, so it is a script."""
    found = shutil.which(request.param)
    if os.geteuid() or not found:
        pytest.skip(f"needs root and {request.param}")
    if request.param != "busybox":
        return Path(found)
    script = tmp_path / "ash"
    script.write_text(f'#!{found} sh\nexec {found} sh "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture(params=["gone", "talking"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A library for LD_PRELOAD."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if request.param == "talking" and not compiler:
        pytest.skip("no C compiler to build a library with")
    made = tmp_path / f"{request.param}.so"
    if request.param == "talking":
        (tmp_path / "talking.c").write_text(TALKS)
        subprocess.run([str(compiler), "-shared", "-fPIC", "-o", made, tmp_path / "talking.c"], check=True, capture_output=True)
    return made


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What can be asked of and not be seen."""
    top = tmp_path / "tree"
    (top / "closed/below").mkdir(parents=True)
    (top / "empty").mkdir()
    for name in ("plain", "refused", "passwd"):
        (top / name).write_text("root:x:0:0::/:/bin/sh\n")
    os.mkfifo(top / "fifo")
    (top / "loop").symlink_to("loop")
    (top / "refused").chmod(0)
    (top / "closed").chmod(0)
    return top


def asked(tmp_path: Path, shell: Path, variable: str, tree: Path) -> tuple[list[object], list[Item | Gap]]:
    """What is told of the tree, and of the processes."""
    program = tmp_path / f"enter{len(variable)}"
    program.write_text(_ENTER.format(shell=shell, variable=variable))
    program.chmod(0o755)
    if subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    deadline = Deadline(60)
    host = Shell("there", Noisy(program), deadline)
    names = ("", "/none", "/closed/below/none", "/plain", "/refused", "/passwd", "/fifo", "/loop", "/*", "/empty/*")
    needs = [Need(Means.FILE, f"{tree}{name}", secret="passwd" in name, optional=False) for name in names]
    told: list[object] = [
        (one.need.what, one.source, one.data) if isinstance(one, Item) else one for one in host.take(tuple(needs))
    ]
    watches = [[str(tree), "content", False, False], [f"{tree}/none", "content", False, False]]
    told += _seen(host.scan({"watches": watches, "digests": ["sha256"], "jobs": 1}))
    told += [path for path, _inode, _time in host.present([f"{tree}/plain", f"{tree}/none"])]
    told += list(host.content([f"{tree}/plain", f"{tree}/refused"]))
    line = list(host.take((preload.LINEAGE,)))
    host.close()
    return told, line


def _seen(told: Iterator[Seen]) -> Iterator[object]:
    for one in told:
        if one[0] == "blocks":
            yield from (entry for block in one[1] for entry in entries.decode(block))
        elif one[0] == "gap":
            yield one


def test_noise_is_no_answer_and_no_reason(shell: Path, library: Path, tree: Path, tmp_path: Path) -> None:
    quiet, _line = asked(tmp_path, shell, "", tree)
    noisy, line = asked(tmp_path, shell, f"LD_PRELOAD={library}", tree)
    assert noisy == quiet
    assert {why for gap in quiet if isinstance(gap, Gap) for why in [gap.reason]} == {
        "is a directory", "no such file or directory", "permission denied", "no regular file (prw-r--r--)",
        "too many levels of symbolic links", "nothing matches",
    }  # fmt: skip
    assert any(f"LD_PRELOAD={library}".encode() in one.data.split(b"\0") for one in line if isinstance(one, Item))
    assert [one for one in line if isinstance(one, Gap)] == []
