"""The baseline file: written once, read as it was written, and refused when a single bit of it is another."""

import errno
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest
import zstandard
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import blocks, stream, trees

from auditkit import baseline, entries
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.header import Header
from auditkit.model import Entry, Gap, Kind, Level, Mount, Policy, Severity, Watch
from auditkit.writer import Writer

YAML = "schema: auditkit/policy/1\nname: site\nwatch:\n  - {path: /etc, level: content}\n"
POLICY = Policy(
    "site",
    (Watch("/etc", Level.CONTENT, Severity.HIGH, "settings", True, False, 4), Watch("~/.ssh", Level.EXISTS)),
    ("blake3", "sha256"),
    YAML,
)
HEADER = Header(
    host="srv-01",
    made=datetime(2026, 11, 24, 12, 30, 0, 125, tzinfo=UTC),
    sequence=3,
    previous="blake3:00ff",
    policy=POLICY,
    homes=("/root", "/home/\udcff"),
    mounts=(Mount("/", "ext4", "/dev/vda", "/", "254:0", "rw"),),
    packages={"bash:amd64": "5.2-1"},
    tool="auditkit 1",
    reason="after the upgrade",
)
TREE = """
d /etc
f /etc/passwd content=one
f /etc/shadow content=two mode=640
d /etc/ssh
f /etc/ssh/sshd_config
d /srv
"""
GAPS = (Gap("/srv/\udcff", "permission denied"), Gap("/x\n", "it kept changing while it was read"))
Seal = Callable[[IO[bytes]], bytes]


def write(path: Path, tree: list[bytes], header: Header = HEADER, seal: Seal | None = None) -> Path:
    with Writer(str(path), header) as writer:
        for block in tree:
            writer.add(block)
        writer.close(GAPS, seal)
    return path


def held(path: Path) -> list[bytes]:
    """The blocks of a baseline that is verified first."""
    with closing(baseline.read(str(path))) as base:
        return list(base.blocks())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "000003.baseline.zst", blocks(TREE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all examples of a property."""
    return tmp_path_factory.mktemp("baselines")


def test_what_was_written_is_read(file: Path) -> None:
    with closing(baseline.read(str(file))) as base:
        assert list(base.blocks()) == blocks(TREE)
        assert list(base.blocks()) == blocks(TREE), "it may be read again"
        assert base.header == HEADER
        assert (base.footer.entries, base.footer.gaps) == (6, GAPS)
        assert base.file_digest == "blake3:" + blake3(file.read_bytes()).hexdigest() == baseline.file_digest(str(file))


def test_a_baseline_may_be_empty_and_know_little(tmp_path: Path) -> None:
    bare = replace(HEADER, previous=None, packages=None, homes=(), mounts=(), reason="")
    file = write(tmp_path / "empty", [], bare)
    with closing(baseline.read(str(file))) as base:
        assert (base.header, list(base.blocks()), base.footer.entries) == (bare, [], 0)


def test_a_host_may_have_any_bytes_in_its_name_and_text(tmp_path: Path) -> None:
    odd = replace(HEADER, host='srv "1"\n\udcff/é', reason="\x1b[2J", homes=("/\ud83d".encode("utf-8", "replace").decode(),))
    with closing(baseline.read(str(write(tmp_path / "odd", [], odd)))) as base:
        assert base.header == odd


@given(trees(), st.integers(1, 3))
@settings(max_examples=80, deadline=None)
def test_any_tree_is_read_as_it_was_written(folder: Path, tree: tuple[Entry, ...], size: int) -> None:
    path = folder / "any"
    path.unlink(missing_ok=True)
    write(path, stream(tree, size))
    assert held(path) == stream(tree, size)


def test_a_large_baseline_is_read_block_by_block(tmp_path: Path) -> None:
    """Blocks end anywhere in the chunks that are read."""
    tree = blocks("\n".join(f"d /{number:04}\nf /{number:04}/{'x' * (number % 97)}" for number in range(3000)))
    assert held(write(tmp_path / "large", tree)) == tree


def test_directories_whose_names_look_like_the_ends_of_the_file_are_kept(tmp_path: Path) -> None:
    tree = blocks('d /a\nd /{\nf /{/x\nd /{"entries":1}\nf /{"entries":1}/{"entries":')
    assert held(write(tmp_path / "odd", tree)) == tree


def test_kept_text_that_looks_like_the_ends_of_the_file_is_text(tmp_path: Path) -> None:
    entry = Entry("/x", Kind.FILE, content='one\n{"entries":3}\n/etc\n=\n')
    assert held(write(tmp_path / "odd", stream([entry]))) == stream([entry])


def test_zstdcat_shows_it_and_grep_finds_a_path(file: Path) -> None:
    if not shutil.which("zstdcat"):
        pytest.skip("there is no zstdcat here")
    text = subprocess.run(["zstdcat", file], capture_output=True, check=True).stdout
    first, *middle, last = text.decode().splitlines()
    head = json.loads(first)
    assert (head["schema"], head["host"], head["sequence"]) == ("auditkit/baseline/1", "srv-01", 3)
    assert (head["made"], head["policy"]["text"]) == ("2026-11-24T12:30:00.000125Z", YAML)
    assert json.loads(last)["entries"] == 6
    assert json.loads(last)["blake3"] == blake3(body(text)).hexdigest()
    found = subprocess.run(["grep", "-c", "sshd_config$"], input=text, capture_output=True, check=True).stdout
    assert found == b"1\n"
    assert "\n".join(middle) + "\n" == b"".join(blocks(TREE)).decode()


def test_a_name_that_is_taken_is_never_written_over(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(AuditkitError, match="is there already and is never overwritten"):
        write(file, [])
    assert (file.read_bytes(), os.listdir(file.parent)) == (before, [file.name])


def test_a_name_that_is_taken_keeps_its_seal(file: Path) -> None:
    seal = file.with_name(file.name + ".sig")
    seal.write_bytes(b"the old seal")
    with pytest.raises(AuditkitError, match="is there already"):
        write(file, [], seal=lambda _file: b"a new seal")
    assert seal.read_bytes() == b"the old seal"


def test_what_is_not_closed_leaves_nothing(tmp_path: Path) -> None:
    with Writer(str(tmp_path / "x"), HEADER) as writer:
        writer.add(blocks(TREE)[0])
    assert os.listdir(tmp_path) == []


def test_a_seal_is_made_of_the_whole_file_and_lies_beside_it(tmp_path: Path) -> None:
    file = write(tmp_path / "x", blocks(TREE), seal=lambda sealed: blake3(sealed.read()).digest())
    assert (tmp_path / "x.sig").read_bytes() == blake3(file.read_bytes()).digest()


def test_a_seal_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def refuse(_file: IO[bytes]) -> bytes:
        raise UntrustedError("no such key")

    with pytest.raises(UntrustedError):
        write(tmp_path / "x", blocks(TREE), seal=refuse)
    assert os.listdir(tmp_path) == []


def test_a_file_system_without_nameless_files_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def without(path: str, flags: int, *rest: int, **named: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", without)
    file = write(tmp_path / "x", blocks(TREE), seal=lambda sealed: sealed.read())
    assert held(file) == blocks(TREE)
    assert (tmp_path / "x.sig").read_bytes() == file.read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["x", "x.sig"]


@pytest.mark.parametrize("place", ["nowhere/x", "file/x"])
def test_where_nothing_can_be_written_an_error_says_so(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuditkitError, match="cannot be written"):
        Writer(str(tmp_path / place), HEADER)


def refused(path: Path) -> AuditkitError:
    with pytest.raises((UntrustedError, FormatError)) as error:
        held(path)
    assert str(error.value).isprintable()
    return error.value


def test_every_cut_is_found(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        assert isinstance(refused(file), UntrustedError), length


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_flipped_bit_is_found_or_changes_nothing_that_was_written(file: Path, data: st.DataObject) -> None:
    """zstd leaves a few bits without a meaning; what they say must be the same then."""
    whole = file.read_bytes()
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    other = file.with_name("flipped")
    other.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
    try:
        assert held(other) == blocks(TREE)
    except (UntrustedError, FormatError) as error:
        assert isinstance(error, UntrustedError)  # noqa: PT017 - either answer is right


def rewritten(file: Path, change: Callable[[bytes], bytes], *, honest: bool = False) -> Path:
    """The file with another text; if honest, its footer agrees with that."""
    text = change(zstandard.ZstdDecompressor().stream_reader(file.read_bytes()).read())
    if honest:
        told = {**json.loads(text[len(body(text)) :]), "blake3": blake3(body(text)).hexdigest()}
        text = body(text) + json.dumps(told, separators=(",", ":")).encode() + b"\n"
    file.write_bytes(zstandard.ZstdCompressor().compress(text))
    return file


def body(text: bytes) -> bytes:
    """All before the footer."""
    return text[: text.rindex(b'\n{"entries":') + 1]


def swapped(text: bytes) -> bytes:
    head, *lines = text.split(b"\n")
    lines[1], lines[2] = lines[2], lines[1]
    return b"\n".join([head, *lines])


TAMPERED = {
    "a mode": lambda text: text.replace(b" 640 ", b" 644 "),
    "a swapped line": swapped,
    "a line less": lambda text: b"".join(line for line in text.splitlines(keepends=True) if b"shadow" not in line),
    "a line twice": lambda text: text.replace(b"/srv\n", b"/srv\n" + blocks(TREE)[0].split(b"\n")[2] + b"\n"),
    "the host": lambda text: text.replace(b"srv-01", b"srv-02"),
    "the policy": lambda text: text.replace(b'"content"', b'"ignore"', 1),
    "a footer twice": lambda text: text + text[len(body(text)) :],
    "something behind it": lambda text: text + b"x",
    "no footer": body,
    "no last newline": lambda text: text[:-1],
    "a footer that is no object": lambda text: body(text) + b'{"entries":1}\n',
    "a footer that is too deep": lambda text: body(text) + b'{"entries":' + b"[" * 100_000 + b"\n",
    "a footer without a number": lambda text: text.replace(b'{"entries":6', b'{"entries":1e999'),
}


@pytest.mark.parametrize("change", TAMPERED.values(), ids=TAMPERED)
def test_whoever_changes_the_text_is_found_out(file: Path, change: Callable[[bytes], bytes]) -> None:
    assert isinstance(refused(rewritten(file, change)), UntrustedError)


def headed(**changes: object) -> Callable[[bytes], bytes]:
    def change(text: bytes) -> bytes:
        head, _, rest = text.partition(b"\n")
        return json.dumps({**json.loads(head), **changes}).encode() + b"\n" + rest

    return change


RULES = {"name": "x", "digests": [], "text": ""}
HOSTILE = {
    "another format": headed(schema="auditkit/report/1"),
    "a later version": headed(schema="auditkit/baseline/2"),
    "a version with terminal escapes": headed(schema="auditkit/baseline/\x1b[2J"),
    "no time": headed(made="yesterday"),
    "a time that is no text": headed(made=5),
    "a sequence that is no number": headed(sequence="x"),
    "a sequence without an end": headed(sequence=float("inf")),
    "no policy": headed(policy=None),
    "a policy of another level": headed(policy={**RULES, "watches": [["/", "all", "low", False, False, 0, ""]]}),
    "a policy with too few columns": headed(policy={**RULES, "watches": [["/", "content"]]}),
    "mounts that are none": headed(mounts=[["/"]]),
    "a host that is no text": headed(host="\ud800"),
    "packages that are none": headed(packages=["bash"]),
    "no object": lambda text: b"[]\n" + text.partition(b"\n")[2],
    "nested too deeply": lambda text: b"[" * 100_000 + b"\n" + text.partition(b"\n")[2],
    "directories out of order": lambda text: text.replace(b"\n/srv\n", b"\n/e\x1b\n"),
    "a bad escape in a path": lambda text: text.replace(b"\n/srv\n", b"\n/srv\\\n"),
}  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_baseline_whose_digest_is_right_is_refused(file: Path, change: Callable[[bytes], bytes]) -> None:
    refused(rewritten(file, change, honest=True))


@pytest.mark.parametrize(
    "data", [b"", b"no baseline", zstandard.compress(b""), zstandard.compress(b"text\n"), b"\x28\xb5\x2f\xfd"]
)
def test_what_is_no_baseline_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    refused(tmp_path / "x")
    assert isinstance(refused(tmp_path / "none"), FormatError)
    assert isinstance(refused(tmp_path), FormatError)


def test_a_file_that_changes_after_it_was_verified_is_found(file: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", blocks(TREE.replace("content=one", "content=six")))
    with closing(baseline.read(str(file))) as base:
        file.write_bytes(other.read_bytes())
        with pytest.raises(UntrustedError):
            list(base.blocks())


@pytest.mark.parametrize("most", [0, 1 << 20], ids=["read again", "held"])
def test_each_time_its_blocks_are_the_same(file: Path, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "HELD", most)
    with closing(baseline.read(str(file))) as base:
        first = list(base.blocks())
        assert first
        assert [first, first] == [list(base.blocks()), list(base.blocks())]


def test_a_large_file_that_changes_after_it_was_read_once_is_found(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline, "HELD", 0)
    other = write(tmp_path / "other", blocks(TREE.replace("content=one", "content=six")))
    with closing(baseline.read(str(file))) as base:
        assert list(base.blocks())
        file.write_bytes(other.read_bytes())
        with pytest.raises(UntrustedError):
            list(base.blocks())


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "SLACK", 1 << 20)
    (tmp_path / "x").write_bytes(zstandard.compress(b"0" * (8 << 20)))
    assert "expands to more than a baseline can hold" in str(refused(tmp_path / "x"))


def test_a_footer_says_how_many_entries_there_are(file: Path) -> None:
    with closing(baseline.read(str(file))) as base:
        assert base.footer == baseline.Footer(sum(map(entries.count, blocks(TREE))), GAPS, base.footer.digest)


@pytest.mark.parametrize("host", ["srv-01", "root:/mnt/disk", "ssh://a@b:22", "..", ".", "", "a/../b", "\udcff", "~", "a\nb"])
def test_every_host_has_its_own_directory_in_the_store(host: str) -> None:
    place = baseline.folder("/store", host)
    assert os.path.dirname(os.path.normpath(place)) == "/store/baselines"
    assert all(place != baseline.folder("/store", other) for other in ("other", "%", "%2e") if other != host)


def test_only_files_that_are_named_as_baselines_count(tmp_path: Path) -> None:
    for name in ("000001.baseline.zst", "000012.baseline.zst", "1.baseline.zst", "000003.baseline.zst.sig", "x", ".000004.tmp"):
        (tmp_path / name).touch()
    found = baseline.sequences(str(tmp_path))
    assert found == {1: str(tmp_path / "000001.baseline.zst"), 12: str(tmp_path / "000012.baseline.zst")}
    assert baseline.sequences(str(tmp_path / "none")) == {}
