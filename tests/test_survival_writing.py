"""Writing a baseline when the disk is full, the run is killed or another writes too: whole files or none, old ones intact."""

import contextlib
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, text_of

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")


@pytest.fixture
def grown(cli: Cli) -> Cli:
    """A tree whose baseline takes more than a few blocks of the disk."""
    for at in range(60):
        (cli.tree / f"dir{at:02}").mkdir()
        for number in range(40):
            (cli.tree / f"dir{at:02}/file{number:02}").write_text(f"{at} {number}\n", "utf-8")
    return cli


def digests(cli: Cli) -> dict[str, str]:
    """What is in the store: every file by its name, with a digest."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in cli.store.glob("baselines/*/*")}


def whole(cli: Cli) -> None:
    """Insist that every file in the store is a whole one and that the newest is believed."""
    for path in cli.baselines():
        assert text_of(path)[-2].startswith('{"entries":')
    assert not [name for name in cli.files() if not name.endswith((".baseline.zst", "known.json", ".sig"))]


def failed(cli: Cli, *words: str) -> str:
    """What a baseline says that could not be written; it leaves what was there."""
    before = digests(cli)
    told = cli.baseline(*words)
    assert told.code == 2, told
    assert not told.out
    first, *rest = told.err.strip().split("\n")
    assert first.startswith("auditkit: error: ")
    assert all(line.startswith("hint: ") for line in rest)
    assert len(rest) < 2
    assert digests(cli) == before
    return first


@pytest.mark.parametrize("most", [0, 100, 4096, 20_000, 60_000])
def test_a_limit_of_file_size_leaves_what_was_there(grown: Cli, most: int) -> None:
    assert grown.baseline().code == 0
    grown.limits = ((resource.RLIMIT_FSIZE, most),)
    assert "too large" in failed(grown)
    grown.limits = ()
    assert grown.check().code == 0
    assert grown.baseline().code == 0
    assert len(grown.baselines()) == 2


@pytest.fixture
def small_disk(grown: Cli, made: Callable[[Path], Path]) -> Cli:
    """A store on a disk of its own that is nearly full."""
    grown.store.mkdir()
    told = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(grown.store)], capture_output=True, check=False
    )
    if told.returncode:
        pytest.skip("nothing can be mounted here")
    made(grown.store)
    return grown


@ROOT
def test_a_full_disk_leaves_what_was_there(small_disk: Cli) -> None:
    cli = small_disk
    assert cli.baseline().code == 0
    filler = cli.store / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    assert "No space left on device" in failed(cli)
    assert cli.check().code == 0
    filler.unlink()
    assert cli.baseline().code == 0
    whole(cli)


def test_a_baseline_is_never_written_over(grown: Cli) -> None:
    place = grown.home / "mine.baseline.zst"
    assert grown.baseline("-o", str(place)).code == 0
    before = place.read_bytes()
    told = grown.baseline("-o", str(place))
    assert told.code == 2
    assert "never overwritten" in told.err
    assert place.read_bytes() == before


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_the_seal_of_a_baseline_outlives_the_attempt_to_write_over_it(grown: Cli) -> None:
    key = grown.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    place = grown.home / "mine.baseline.zst"
    assert grown.baseline("-o", str(place), "--key", str(key)).code == 0
    seal = place.with_name(place.name + ".sig").read_bytes()
    assert grown.baseline("-o", str(place), "--key", str(key)).code == 2
    assert place.with_name(place.name + ".sig").read_bytes() == seal


@ROOT
@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_no_seal_is_left_of_a_baseline_that_could_not_be_written(small_disk: Cli) -> None:
    key = small_disk.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    for size in range(200 << 10, 256 << 10, 4096):
        (small_disk.store / "filler").write_bytes(bytes(size))
        told = small_disk.baseline("--key", str(key))
        if told.code:
            break
        assert len(small_disk.files()) == 3
        shutil.rmtree(small_disk.store / "baselines")
    else:
        pytest.fail("the disk was never full")
    assert not [name for name in small_disk.files() if name.endswith(".sig")]


@ROOT
def test_a_file_system_without_unnamed_files_and_hard_links(grown: Cli, made: Callable[[Path], Path]) -> None:
    image = grown.home / "image"
    image.touch()
    os.truncate(image, 8 << 20)
    grown.store.mkdir()
    for command in (["mkfs.vfat", str(image)], ["mount", "-o", "loop", str(image), str(grown.store)]):
        if shutil.which(command[0]) is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("no such file system can be made here")
    made(grown.store)
    assert grown.baseline().code == 0
    assert grown.check().code == 0
    whole(grown)


def test_kill_9_at_any_moment_leaves_whole_baselines_only(grown: Cli) -> None:
    began = time.monotonic()
    assert grown.baseline().code == 0
    length = time.monotonic() - began
    before = digests(grown)
    moments = random.Random(7)
    made = 0
    for _ in range(25):
        process = grown.start("baseline", grown.host, "--policy", str(grown.policy), "--store", str(grown.store), "--jobs", "2")
        try:
            process.communicate(timeout=moments.uniform(0.3, 1.1) * length)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        after = digests(grown)
        assert {name: after[name] for name in before if name != "known.json"} == {
            name: digest for name, digest in before.items() if name != "known.json"
        }
        whole(grown)
        made += len(after) > len(before)
        before = after
    told = grown.check()
    assert told.code == 0
    assert told.host["baseline"]["sequence"] == len(grown.baselines())
    assert grown.baseline().code == 0


def test_two_baselines_at_once_follow_one_another(grown: Cli) -> None:
    words = ("baseline", grown.host, "--policy", str(grown.policy), "--store", str(grown.store), "--jobs", "2")
    for told in [grown.end(process) for process in [grown.start(*words) for _ in range(3)]]:
        assert told.code == 0
    assert grown.files() == [f"00000{number}.baseline.zst" for number in (1, 2, 3)] + ["known.json"]
    told = grown.check()
    assert told.code == 0
    assert told.host["baseline"]["sequence"] == 3


def test_two_checks_and_a_baseline_at_once(grown: Cli) -> None:
    assert grown.baseline().code == 0
    words = ("check", grown.host, "--store", str(grown.store), "--jobs", "2", "--format", "json")
    making = ("baseline", grown.host, "--policy", str(grown.policy), "--store", str(grown.store), "--jobs", "2")
    processes = [grown.start(*words) for _ in range(3)] + [grown.start(*making)] + [grown.start(*words) for _ in range(2)]
    for told in [grown.end(process) for process in processes]:
        assert told.code == 0, told
    whole(grown)


def test_a_store_that_nobody_may_write_is_told_in_a_line(by_nobody: Cli) -> None:
    by_nobody.store.mkdir()
    by_nobody.store.chmod(0o555)
    if by_nobody.user is not None:
        os.chown(by_nobody.store, by_nobody.user, by_nobody.user)
    assert "permission denied" in failed(by_nobody).lower()


def test_a_store_that_is_read_only_is_checked_all_the_same(by_nobody: Cli) -> None:
    """As on a stick that went round the office: nothing can be remembered there, and the report says so."""
    assert by_nobody.baseline().code == 0
    folder = by_nobody.baselines()[0].parent
    (folder / "known.json").unlink()
    folder.chmod(0o555)
    told = by_nobody.check()
    folder.chmod(0o755)
    assert told.code == 0
    assert any("a rollback to an older one would not be seen" in note for note in told.host["notes"])
