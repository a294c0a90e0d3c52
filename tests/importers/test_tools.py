"""The real tools as oracles: what they write of a tree made now is compared with the tree itself."""

import hashlib
import io
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from auditkit.importers import read
from auditkit.model import Entry

NAMES = [
    b"plain",
    b"a b",
    b"comma,x",
    b"back\\slash",
    b"100%",
    b"#hash",
    b"bad\xff",
    "\u00e4\u202e".encode(),
    b"x*[y",
    b"tab\tesc\x1b",
]


@pytest.fixture
def tree(tmp_path: Path) -> str:
    """A tree of files with odd names, some in a directory below."""
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    for directory in (root, root / "sub"):
        for name in NAMES:
            (directory / os.fsdecode(name)).write_bytes(b"content of " + name)
    (root / "plain").chmod(0o4750)
    return str(root)


def run(tree: str, *command: str) -> bytes:
    program = shutil.which(command[0])
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run([program, *command[1:]], cwd=tree, capture_output=True, check=True).stdout


def imported(data: bytes, tree: str, form: str | None = None) -> dict[str, Entry]:
    found = list(read(io.BytesIO(data), form, tree))
    entries = {what.path: what for what in found if isinstance(what, Entry)}
    assert len(entries) == len(found)
    files = {os.path.join(top, name) for top, _, names in os.walk(tree) for name in names}
    assert files <= entries.keys() <= files | {tree, f"{tree}/sub"}
    return entries


def assert_true(entries: dict[str, Entry], unit_ns: int = 1) -> None:
    """Everything that an entry claims is so on the disk."""
    for path, entry in entries.items():
        told = os.lstat(path)
        assert entry.mode in (None, stat.S_IMODE(told.st_mode))
        assert entry.uid in (None, told.st_uid)
        assert entry.gid in (None, told.st_gid)
        assert entry.size in (None, told.st_size)
        assert entry.inode in (None, told.st_ino)
        assert entry.links in (None, told.st_nlink)
        assert entry.mtime_ns in (None, told.st_mtime_ns // unit_ns * unit_ns)
        for digest in entry.digests or ():
            name, _, value = digest.partition(":")
            assert value == hashlib.new(name, Path(path).read_bytes()).hexdigest()


def test_what_aide_writes_is_read_as_it_is(tree: str) -> None:
    Path(tree, "../aide.conf").write_text(
        f"database_out=file:{tree}/../aide.db\n{tree} ftype+p+i+n+u+g+s+m+c+md5+sha1+sha256+sha512\n"
    )
    run(tree, "aide", f"--config={tree}/../aide.conf", "--init")
    entries = imported(Path(tree, "../aide.db").read_bytes(), tree)
    assert_true(entries, 1_000_000_000)
    assert all(len(entry.digests or ()) == 4 for path, entry in entries.items() if not os.path.isdir(path))


def test_what_netbsd_mtree_writes_is_read_as_it_is(tree: str) -> None:
    try:
        data = run(tree, "mtree", "-c", "-k", "type,mode,uid,gid,size,time,nlink,sha256,sha1,md5", "-p", ".")
    except subprocess.CalledProcessError:
        pytest.skip("mtree is another one than NetBSD's")
    assert_true(imported(data, tree))


def test_what_bsdtar_writes_is_read_as_it_is(tree: str) -> None:
    data = run(tree, "bsdtar", "-cf", "-", "--format=mtree", "--options=mtree:sha256,mtree:md5,mtree:nlink", ".")
    assert_true(imported(data, tree))


def test_what_hashdeep_writes_is_read_as_it_is(tree: str) -> None:
    assert_true(imported(run(tree, "hashdeep", "-r", "-l", "."), tree))


@pytest.mark.parametrize("options", [(), ("--tag",), ("-b",), ("-z",)])
def test_what_sha256sum_writes_is_read_as_it_is(tree: str, options: tuple[str, ...]) -> None:
    files = [os.path.relpath(os.path.join(top, name), tree) for top, _, names in os.walk(tree) for name in names]
    assert_true(imported(run(tree, "sha256sum", *options, "--", *files), tree, "sha256sum"))
