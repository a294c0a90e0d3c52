"""Which baseline can be believed: the seal, the chain, and no way back to an older one."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import pytest
from trees import blocks

from auditkit import baseline, seal, store
from auditkit.errors import AuditkitError, ConfigError, FormatError, UntrustedError, UsageError
from auditkit.header import Header
from auditkit.model import Level, Policy, Watch
from auditkit.writer import Writer

HEADER = Header(
    "srv", datetime(2026, 11, 24, tzinfo=UTC), 0, None, Policy("site", (Watch("/", Level.CONTENT),)), (), (), None, "auditkit 1"
)


def add(home: Path, tree: str = "d /etc", key: str | None = None, *, remember: bool = True) -> str:
    """The next baseline of the host `srv` in a store, as the command makes it."""
    path, sequence, previous = store.place(str(home), "srv")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with Writer(path, replace(HEADER, sequence=sequence, previous=previous)) as writer:
        for block in blocks(tree):
            writer.add(block)
        writer.close((), (lambda file: seal.sign(BytesIO(file.read()), key)) if key else None)
    if remember:
        store.remember(path, sequence)
    return path


def believed(home: Path, signers: str | None = None) -> int:
    """The sequence of the newest baseline that can be believed."""
    path = store.newest(str(home), "srv")
    assert path
    return sequence_of(path, signers)


def sequence_of(path: str, signers: str | None = None, *, older: bool = False) -> int:
    trusted = store.trusted(path, signers, older=older)
    with closing(trusted.baseline):
        return trusted.facts().sequence


def refusal(home: Path, signers: str | None = None) -> str:
    with pytest.raises(UntrustedError) as error:
        believed(home, signers)
    assert str(error.value).isprintable()
    assert error.value.exit_code == 4
    return str(error.value)


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    """Three baselines, each with more in it, in the store at tmp_path."""
    return [add(tmp_path, tree) for tree in ("d /etc", "d /etc\nf /etc/a", "d /etc\nf /etc/a\nf /etc/b")]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Anna's key, a stranger's key, and the file that says only Anna may sign."""
    home = tmp_path_factory.mktemp("keys")
    for name in ("anna", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "x", "-f", home / name], check=True)
    (home / "allowed").write_text("anna@office " + (home / "anna.pub").read_text())
    return str(home / "anna"), str(home / "stranger"), str(home / "allowed")


def test_the_first_baseline_follows_none(tmp_path: Path) -> None:
    assert store.newest(str(tmp_path), "srv") is None
    path, sequence, previous = store.place(str(tmp_path), "srv")
    assert (os.path.basename(path), sequence, previous) == ("000001.baseline.zst", 1, None)


def test_each_baseline_names_the_digest_of_the_one_before(tmp_path: Path, three: list[str]) -> None:
    assert [os.path.basename(path) for path in three] == [f"00000{number}.baseline.zst" for number in (1, 2, 3)]
    for before, after in pairwise(three):
        with closing(baseline.read(after)) as base:
            assert base.header.previous == baseline.file_digest(before)
    assert believed(tmp_path) == 3


def test_hosts_do_not_know_of_each_other(tmp_path: Path, three: list[str]) -> None:
    assert store.newest(str(tmp_path), "other") is None
    assert store.place(str(tmp_path), "other")[1] == 1


def test_when_the_newest_is_gone_it_is_a_rollback(tmp_path: Path, three: list[str]) -> None:
    os.unlink(three[2])
    assert "baseline 3 of srv is gone" in refusal(tmp_path)
    with pytest.raises(UsageError, match="was known and is gone"):
        store.place(str(tmp_path), "srv")
    for path in three[:2]:
        os.unlink(path)
    assert "the newest there is none" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["000003.baseline.zst", "000004.baseline.zst", "999999.baseline.zst"])
def test_an_older_baseline_under_a_newer_name_is_a_rollback(tmp_path: Path, three: list[str], name: str) -> None:
    shutil.copy(three[1], os.path.join(os.path.dirname(three[0]), name))
    assert "is baseline 2, but 3 is known: a rollback" in refusal(tmp_path)


def test_an_older_baseline_is_used_only_on_purpose(tmp_path: Path, three: list[str]) -> None:
    with pytest.raises(UntrustedError, match="a rollback"):
        sequence_of(three[0])
    assert sequence_of(three[0], older=True) == 1


def test_a_baseline_that_was_replaced_is_found(tmp_path: Path, three: list[str]) -> None:
    with closing(baseline.read(three[2])) as base:
        header = base.header
    os.unlink(three[2])
    with Writer(three[2], header) as writer:
        writer.close(())
    assert "000003.baseline.zst is not the baseline 3 that was known: it was replaced" in refusal(tmp_path)


def test_a_broken_chain_is_found(tmp_path: Path, three: list[str]) -> None:
    """Whoever replaces an older one, to have it accepted later, breaks what the newer one says of it."""
    os.unlink(three[1])
    with Writer(three[1], replace(HEADER, sequence=2)) as writer:
        writer.close(())
    assert "baseline 3 does not follow the 2 that is there" in refusal(tmp_path)


def test_older_baselines_may_be_removed(tmp_path: Path, three: list[str]) -> None:
    os.unlink(three[0])
    os.unlink(three[1])
    assert believed(tmp_path) == 3
    assert os.path.basename(add(tmp_path)) == "000004.baseline.zst"
    assert believed(tmp_path) == 4


def test_a_damaged_baseline_is_never_believed(tmp_path: Path, three: list[str]) -> None:
    data = Path(three[2]).read_bytes()
    Path(three[2]).write_bytes(data[:-7])
    assert "000003.baseline.zst" in refusal(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"sequence": 3}',
        '{"sequence": null, "digest": ""}',
        '{"sequence": 1e999, "digest": ""}',
        "[" * 4096,
        "\udcff",
    ],
)
def test_a_damaged_memory_is_never_taken_for_none(tmp_path: Path, three: list[str], text: str) -> None:
    memory = Path(three[0]).with_name("known.json")
    memory.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "known.json, which guards against rollback, is damaged" in refusal(tmp_path)
    with pytest.raises(UntrustedError):
        store.remember(three[2], 3)
    with pytest.raises(UntrustedError):
        store.place(str(tmp_path), "srv")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("known.json", "known.json, which guards against rollback, cannot be read: it is no regular file"),
        ("000003.baseline.zst", "000003.baseline.zst cannot be read: it is no regular file"),
        ("000002.baseline.zst", "000002.baseline.zst cannot be read: it is no regular file"),
        ("000003.baseline.zst.sig", "000003.baseline.zst has no signature: 000003.baseline.zst.sig: it is no regular file"),
    ],
)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, name: str, why: str, make: Callable[[Path], None]) -> None:
    place = Path([add(tmp_path) for _ in range(3)][-1]).parent / name
    place.unlink(missing_ok=True)
    make(place)
    (tmp_path / "allowed").touch()
    with pytest.raises(AuditkitError) as refused:
        believed(tmp_path, str(tmp_path / "allowed") if name.endswith(".sig") else None)
    assert str(refused.value).endswith(why)


def test_a_turn_that_is_no_file_is_some_place(three: list[str]) -> None:
    os.mkfifo(Path(three[-1]).parent / "fetched")
    assert len(store.turn(three[-1])) == 16
    store.keep_turn(three[-1], "/etc/a")
    assert store.turn(three[-1]) == "/etc/a"


def test_memory_is_never_written_through_a_link(tmp_path: Path, three: list[str]) -> None:
    (tmp_path / "srv.json").write_text('{"sequence": 1, "digest": "x"}\n')
    place = Path(three[-1]).parent / "known.json"
    place.unlink()
    place.symlink_to(tmp_path / "srv.json")
    with pytest.raises(AuditkitError, match=r"known\.json cannot be written: Too many levels of symbolic links"):
        store.remember(three[-1], 3)
    assert (tmp_path / "srv.json").read_text().count("\n") == 1


def test_memory_never_goes_back(tmp_path: Path, three: list[str]) -> None:
    store.remember(three[0], 1)
    known = store.known(os.path.dirname(three[0]))
    assert known == store.Known(3, baseline.file_digest(three[2]))
    left = [name for name in os.listdir(os.path.dirname(three[0])) if "known" in name]
    assert left == ["known.json"], "nothing half-written is left"


def test_memory_is_a_small_file_that_anybody_can_read(tmp_path: Path, three: list[str]) -> None:
    *_, last = Path(three[0]).with_name("known.json").read_text().splitlines()
    told = json.loads(last)
    assert told == {"sequence": 3, "digest": baseline.file_digest(three[2])}


def test_a_baseline_elsewhere_stands_for_itself(tmp_path: Path, three: list[str]) -> None:
    """One that was copied away, as to a USB stick, has no neighbours to be compared with."""
    (tmp_path / "stick").mkdir()
    copy = shutil.copy(three[1], tmp_path / "stick")
    assert sequence_of(str(copy)) == 2


def test_a_good_seal_tells_who_made_it(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    anna, _stranger, allowed = keys
    path = add(tmp_path, key=anna)
    trusted = store.trusted(path, allowed)
    with closing(trusted.baseline):
        facts = trusted.facts()
    shown = subprocess.run(["ssh-keygen", "-lf", anna], check=True, capture_output=True, text=True).stdout.split()[1]
    assert (facts.signer, facts.file, facts.entries, facts.policy) == (f"anna@office {shown}", path, 1, "site")


def test_without_signers_nobody_is_asked(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    trusted = store.trusted(add(tmp_path, key=keys[0]), None)
    with closing(trusted.baseline):
        assert trusted.signer is None


def test_no_seal_is_no_trust_where_signers_are_named(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    add(tmp_path)
    assert (
        refusal(tmp_path, keys[2]) == "000001.baseline.zst has no signature: 000001.baseline.zst.sig: No such file or directory"
    )


def test_the_seal_of_a_stranger_is_none(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    add(tmp_path, key=keys[1])
    assert refusal(tmp_path, keys[2]).startswith("000001.baseline.zst: ")


@pytest.mark.parametrize(
    "data", [b"", b"no signature", b"\x1b[2J" * 100, b"-----BEGIN SSH SIGNATURE-----\n" + b"A" * (2 << 20)]
)
def test_what_is_no_seal_is_none(tmp_path: Path, keys: tuple[str, str, str], data: bytes) -> None:
    Path(add(tmp_path, key=keys[0]) + ".sig").write_bytes(data)
    refusal(tmp_path, keys[2])


def test_the_seal_of_another_baseline_is_none(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    first, second = add(tmp_path, key=keys[0]), add(tmp_path, "d /srv", key=keys[0])
    assert believed(tmp_path, keys[2]) == 2
    shutil.copy(first + ".sig", second + ".sig")
    refusal(tmp_path, keys[2])


def test_a_rollback_is_found_however_well_it_is_sealed(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    first, second = add(tmp_path, key=keys[0]), add(tmp_path, "d /srv", key=keys[0])
    shutil.copy(first, second)
    shutil.copy(first + ".sig", second + ".sig")
    assert "is baseline 1, but 2 is known: a rollback" in refusal(tmp_path, keys[2])


def test_a_file_that_is_swapped_after_its_seal_was_verified_is_found(
    tmp_path: Path, keys: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = add(tmp_path / "store", key=keys[0], remember=False), add(tmp_path / "other", "d /evil", remember=False)
    read = baseline.read

    def late(name: str) -> baseline.Baseline:
        os.replace(other, path)
        return read(name)

    monkeypatch.setattr(baseline, "read", late)
    assert "is not the file whose seal was verified just now" in refusal(tmp_path / "store", keys[2])


def test_what_cannot_be_read_is_no_question_of_trust(tmp_path: Path, keys: tuple[str, str, str]) -> None:
    with pytest.raises(FormatError, match="cannot be read"):
        store.trusted(str(tmp_path / "none"), None)
    with pytest.raises(AuditkitError, match="is not there"):
        store.trusted(str(tmp_path / "none"), keys[2])
    with pytest.raises(ConfigError):
        store.trusted(add(tmp_path), str(tmp_path / "no-signers"))
