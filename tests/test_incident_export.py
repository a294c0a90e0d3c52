"""A case in one archive: stock tools unpack and verify it, and whoever changes anything in it is found out by them as by us."""

import json
import re
import resource
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Cli
from hypothesis import given
from hypothesis import strategies as st
from incidents import CLEAR, HOSTILE, incident, opened
from incidents import kept as kept  # noqa: PLC0414 - a fixture
from incidents import key as key  # noqa: PLC0414 - a fixture

from auditkit.errors import FormatError, UntrustedError
from auditkit.incident import archive, cases
from auditkit.response import chain, sums
from auditkit.response.nouns import Kind

WHEN = datetime(2026, 11, 24, tzinfo=UTC)
if not shutil.which("zstd"):
    pytest.skip("no zstd for tar", allow_module_level=True)


def exported(cli: Cli, case: cases.Case, key: Path, name: str = "out.tar.zst", *words: str) -> Path:
    """The directory that stock tar unpacks of an export that is signed."""
    signing = ("--key", str(key), "--signers", str(key.parent / "signers"))
    done = incident(cli, "export", case.id, "-o", str(cli.home / name), *(words or signing))
    assert done.code == 0, done.err
    subprocess.run(["tar", "-xf", str(cli.home / name), "-C", str(cli.home)], check=True)
    return cli.home / case.id


def verified(cli: Cli, place: Path, key: Path) -> tuple[int, str]:
    done = cli.run("incident", "verify", str(place), "--signers", str(key.parent / "signers"))
    return done.code, " ".join(done.out.split())


def commands(place: Path) -> str:
    """All that README.txt says to run."""
    lines = (place / "README.txt").read_text("utf-8").splitlines()
    return "\n".join(line for line in lines if line.startswith("     ") and not re.fullmatch(r"     ([0-9a-f]{4} ?){8}", line))


def by_hand(place: Path) -> str:
    """What the commands of README.txt come to."""
    words = ["bash", "-c", commands(place)]
    return subprocess.run(words, cwd=place, text=True, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, check=False).stdout


@pytest.mark.parametrize("name", ["out.tar", "out.tar.gz", "out.tgz", "out.tar.zst"])
def test_stock_tools_unpack_it_and_we_verify_it(cli: Cli, kept: cases.Case, key: Path, name: str) -> None:
    place = exported(cli, kept, key, name)
    code, out = verified(cli, place, key)
    assert code == 0
    assert "this archive was signed by anna SHA256:" in out
    assert (place / "journal.jsonl").read_bytes() + chain.line(kept.read().entries[-1]) == kept.content()
    assert (place / "evidence/0002-auth.log").read_bytes() == Path(kept.at("evidence/0002-auth.log")).read_bytes()
    last = kept.read().entries[-1]
    digest = sha256((cli.home / name).read_bytes()).hexdigest()
    assert (last.said.kind, last.said.data["sha256"], last.said.data["to"]) == (Kind.EXPORT, digest, str(cli.home / name))


def test_what_its_readme_says_to_run_says_that_it_is_good(cli: Cli, kept: cases.Case, key: Path) -> None:
    place = exported(cli, kept, key)
    head = kept.read().entries[3].hash
    said = by_hand(place).splitlines()
    assert said[0] == "good"
    assert sum(line.startswith('Good "auditkit" signature for anna') for line in said) == 2  # SHA256SUMS and a seal
    assert f"the head of entry 4 is {head}" in said
    assert said[-1] == "1"  # the line that was sealed
    groups = " ".join((place / "README.txt").read_text("utf-8").split())
    assert " ".join(head[at : at + 4] for at in range(0, 64, 4)) in groups


@pytest.mark.parametrize(
    "name", ["journal.jsonl", "journal.txt", "README.txt", "evidence/0002-auth.log", "heads/000002.head", "SHA256SUMS"]
)
def test_whatever_is_changed_in_it_is_found_by_stock_tools_and_by_us(cli: Cli, kept: cases.Case, key: Path, name: str) -> None:
    place = exported(cli, kept, key)
    said = commands(place)
    path = place / name
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    code, out = verified(cli, place, key)
    assert (code, f"WRONG {name}" in out) == (4, name != "journal.jsonl" or "WRONG entry" in out), out
    told = subprocess.run(["bash", "-c", said], cwd=place, text=True, capture_output=True, check=False)
    assert "FAILED" in told.stdout or "Could not verify" in told.stderr or "incorrect signature" in told.stderr


def smuggled(place: Path) -> None:
    """A file that no entry tells of, and SHA256SUMS does, which is not signed any more."""
    (place / "evidence/0009-x").write_text("x", "utf-8")
    digests = sums.parsed((place / "SHA256SUMS").read_bytes()) | {"evidence/0009-x": sha256(b"x").hexdigest()}
    (place / "SHA256SUMS").write_bytes(sums.text(digests))
    (place / "SHA256SUMS.sig").unlink()


def swapped(place: Path) -> None:
    """A link in the place of the directory of evidence, which is not followed."""
    (place / "evidence").rename(place.parent / "elsewhere")
    (place / "evidence").symlink_to(place.parent / "elsewhere")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda place: (place / "journal.txt").unlink(), (4, "WRONG journal.txt: it is missing, and SHA256SUMS names it")),
        (lambda place: (place / "evidence/0009-x").touch(), (3, "gap evidence/0009-x: nothing tells of it")),
        (lambda place: (place / "SHA256SUMS.sig").write_text("no"), (4, "WRONG SHA256SUMS: the signature is malformed")),
        (smuggled, (3, "gap evidence/0009-x: nothing tells of it")),
        (swapped, (4, "WRONG evidence/0002-auth.log (entry 2): it is missing")),
    ],
)
def test_what_is_missing_or_came_is_named(
    cli: Cli, kept: cases.Case, key: Path, harm: Callable[[Path], object], told: tuple[int, str]
) -> None:
    place = exported(cli, kept, key)
    for path in place.rglob("*"):
        path.chmod(0o700)
    harm(place)
    found, out = verified(cli, place, key)
    assert (found, told[1] in out) == (told[0], True), out


def test_without_a_key_it_says_that_it_is_not_signed(cli: Cli, kept: cases.Case, key: Path) -> None:
    place = exported(cli, kept, key, "out.tar", "--quiet")
    assert "2. SHA256SUMS is not signed" in (place / "README.txt").read_text("utf-8")
    assert not (place / "SHA256SUMS.sig").exists()
    assert verified(cli, place, key)[0] == 0  # there is the seal


def test_a_seal_without_a_signature_is_exported_as_it_lies_there(cli: Cli, kept: cases.Case, key: Path) -> None:
    Path(kept.at("heads/000002.head.sig")).unlink()
    place = exported(cli, kept, key, "out.tar", "--quiet")
    assert verified(cli, place, key)[0] == 4
    assert incident(cli, "export", kept.id, "-o", str(cli.home / "b.tar"), "--signers", str(key.parent / "signers")).code == 4


def test_hostile_notes_do_nothing_in_what_is_for_reading(cli: Cli, key: Path) -> None:
    case = opened(cli, HOSTILE)
    incident(cli, "note", case.id, HOSTILE + "\r\n" * 3 + "end", "--by", HOSTILE, "--with", HOSTILE)
    place = exported(cli, case, key)
    for name in ("journal.txt", "README.txt"):
        text = (place / name).read_bytes().decode()
        assert all(char.isprintable() or char == "\n" for char in text)
    assert set(CLEAR) <= set((place / "journal.txt").read_text("utf-8").split())
    assert verified(cli, place, key)[0] == 0
    assert f"the head of entry 2 is {case.read().entries[1].hash}" in by_hand(place)


def test_what_nothing_tells_of_is_left_out_and_that_is_said(cli: Cli, kept: cases.Case, key: Path) -> None:
    Path(kept.at("evidence/0009-more")).touch()
    done = incident(cli, "export", kept.id, "-o", str(cli.home / "out.tar"))
    assert "auditkit: left out: evidence/0009-more: nothing tells of it" in done.err
    assert (
        "0009"
        not in subprocess.run(["tar", "-tf", str(cli.home / "out.tar")], capture_output=True, text=True, check=True).stdout
    )


def test_only_what_is_as_it_was_kept_is_exported(cli: Cli, kept: cases.Case) -> None:
    path = Path(kept.at("evidence/0002-auth.log"))
    path.chmod(0o600)
    path.write_text("something else", "utf-8")
    done = incident(cli, "export", kept.id, "-o", str(cli.home / "out.tar"))
    assert (done.code, "its content was changed" in done.err, (cli.home / "out.tar").exists()) == (4, True, False)
    assert kept.read().entries[-1].said.kind is not Kind.EXPORT


def test_where_it_cannot_be_written_there_is_nothing_and_it_is_not_told_of(cli: Cli, kept: cases.Case) -> None:
    (cli.home / "there.tar").touch()
    for name in ("there.tar", "out.zip", "nowhere/out.tar", f"store/cases/{kept.id}/out.tar"):
        assert incident(cli, "export", kept.id, "-o", str(cli.home / name)).code == 2
    before = sorted(cli.home.rglob("*"))
    cli.limits = ((resource.RLIMIT_FSIZE, 5000),)
    assert incident(cli, "export", kept.id, "-o", str(cli.home / "out.tar")).code == 2
    assert sorted(cli.home.rglob("*")) == before
    assert kept.read().entries[-1].said.kind is not Kind.EXPORT


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.zst"])
def test_the_same_is_packed_to_the_same(kept: cases.Case, tmp_path: Path, ending: str) -> None:
    journal = Path(kept.at("journal.jsonl")).read_bytes()
    members = [archive.made("a", b"x" * 5000), archive.Member("journal.jsonl", len(journal), sha256(journal).hexdigest())]
    content = archive.Content(kept, "2026-001", members, WHEN)
    both = [archive.pack(str(tmp_path / f"{name}{ending}"), content) for name in "ab"]
    assert both[0].sha256 == both[1].sha256


def test_a_file_that_changes_while_it_is_packed_is_no_evidence(kept: cases.Case, tmp_path: Path) -> None:
    for size in (5, 5_000_000):
        members = [archive.Member("journal.jsonl", size, "0" * 64)]
        with pytest.raises(UntrustedError, match="changed while it was packed"):
            archive.pack(str(tmp_path / "out.tar"), archive.Content(kept, "2026-001", members, WHEN))
    assert not (tmp_path / "out.tar").exists()


@given(st.binary(max_size=200))
def test_sums_are_read_only_as_we_write_them(content: bytes) -> None:
    with suppress(FormatError):
        assert sums.text(sums.parsed(content)) == content
    for name in ("../x", "/etc/passwd", "a/b/c", "-x", "a\\b"):
        with pytest.raises(FormatError):
            sums.parsed(f"{'0' * 64}  {name}\n".encode())


def test_a_program_is_told_what_was_written(cli: Cli, kept: cases.Case) -> None:
    done = incident(cli, "export", kept.id, "-o", str(cli.home / "out.tgz"), "--format", "json")
    answer = json.loads(done.out)
    assert answer["sha256"] == sha256((cli.home / "out.tgz").read_bytes()).hexdigest()
    assert (answer["entry"], answer["head"]) == (5, kept.read().head)
