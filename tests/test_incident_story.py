"""The story from end to end: guesses, the verdict, the record, what others are told, the archive; then bytes of it change."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import Cli, build
from hypothesis import given, settings
from hypothesis import strategies as st
from incidents import incident
from incidents import key as key  # noqa: PLC0414 - a fixture

from auditkit import signers
from auditkit.incident import cases, holdings
from auditkit.report import record
from auditkit.response import chain, checked

SUSPECT = "192.88.99.7"
"""On the internet, and nobody's own: a relay that was given up (RFC 7526)."""
NAMES = ("root", "admin", "<script>alert(1)</script>", "$(reboot)", "\x1b[2Jx", "x: {y", "'; drop", "a\u202eb", "`id`")
"""What was typed in the place of names."""


def log() -> Iterator[str]:
    for second, name in enumerate(NAMES * 6):
        at, port = f"2026-11-24T03:{second:02}:00+00:00 srv-01 sshd[{800 + second}]:", 40_000 + second
        yield f"{at} Failed password for invalid user {name} from {SUSPECT} port {port} ssh2"
        yield f"{at} Connection closed by invalid user {name} {SUSPECT} port {port} [preauth]"


def written(path: Path) -> None:
    path.write_text("\n".join(log()) + "\n", "utf-8")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, key: Path) -> Cli:
    """A store with the case of that night, and beside it all that was made of it."""
    cli = build(tmp_path_factory.mktemp("night"))
    written(cli.home / "auth.log")
    signers = ("--signers", str(key.parent / "signers"))
    words: tuple[tuple[str, ...], ...] = (
        ("open", "failed logins at srv-01", "--address", SUSPECT, "--no-neighbour", "--by", "anna"),
        ("note", "1", *NAMES, "--by", NAMES[4]),
        ("brief", "1", "-o", str(cli.home / "brief.html")),
        ("brief", "1", "-o", str(cli.home / "brief.md")),
        ("abuse", "1", SUSPECT, "-o", str(cli.home / "letter"), "--reporter", "Anna", "--contact", "anna@example.org"),
        ("block", "1", SUSPECT, "--tool", "nft", "--allow", "192.0.2.10", "-o", str(cli.home / "block.txt")),
        ("seal", "1", "--key", str(key)),
        ("close", "1", "over"),
        ("seal", "1", "--key", str(key)),
        ("export", "1", "-o", str(cli.home / "case.tar"), "--key", str(key), *signers),
    )
    for command in words:
        done = incident(cli, *command)
        assert done.code == 0, (command, done.err)
        if command[0] == "open":
            verdict = cli.run("logins", str(cli.home / "auth.log"), "--case", "1", "--store", str(cli.store), "--by", "anna")
            assert "no success seen in auth.log" in " ".join(verdict.out.split())
    subprocess.run(["tar", "-xf", str(cli.home / "case.tar"), "-C", str(cli.home)], check=True)
    return cli


def test_who_reads_the_archive_finds_the_story(told: Cli, key: Path) -> None:
    (case,) = cases.all_of(str(told.store))
    place = told.home / case.id
    assert told.run("incident", "verify", str(place), "--signers", str(key.parent / "signers")).code == 0
    assert incident(told, "verify", "1", "--signers", str(key.parent / "signers")).code == 0
    story = (place / "journal.txt").read_text("utf-8")
    for part in (
        f"guesses begin from {SUSPECT}",
        "open, anna: failed logins",
        "letter, ",
        "proposal, ",
        "close, ",
        "what is kept",
    ):
        assert part in story
    kept = " ".join(path.name for path in (place / "evidence").iterdir())
    assert all(name in kept for name in ("auth.log", "logins.json", "brief.html", "brief.md"))
    assert incident(told, "show", "1").out.rstrip().splitlines()[-1].startswith("  ")  # the head: nothing is left to be done


def test_no_name_that_was_typed_can_do_anything_in_what_was_made(told: Cli) -> None:
    (case,) = cases.all_of(str(told.store))
    made = [told.home / "brief.html", told.home / "brief.md", told.home / "block.txt", *(told.home / "letter").iterdir()]
    made += [told.home / case.id / name for name in ("journal.txt", "README.txt")]
    for path in made:
        text = path.read_bytes().decode()
        assert all(char.isprintable() or char in "\n\r" for char in text), path
        assert "<script>" not in text or path.suffix == ".txt", path
    assert not any(name in (told.home / "block.txt").read_text("utf-8") for name in NAMES[2:])


def test_of_an_archive_nobody_is_told_what_to_do(told: Cli) -> None:
    (case,) = cases.all_of(str(told.store))
    done = told.run("incident", "show", str(told.home / case.id), "--format", "json")
    assert json.loads(done.out)["steps"] == []


@given(st.data())
@settings(max_examples=60)
def test_no_archive_makes_the_verifier_fail_or_its_words_do_anything(told: Cli, key: Path, data: st.DataObject) -> None:
    """Bytes of hostile files: what they say is told, wrong, and never good."""
    (place,) = told.home.glob("20*-001")
    names = sorted(path for path in place.rglob("*") if path.is_file() and path.name != "allowed_signers")
    path = data.draw(st.sampled_from(names))
    before = path.read_bytes()
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, min(len(before), start + 40)))
    content = before[:start] + data.draw(st.binary(max_size=60)) + before[end:]
    path.chmod(0o600)
    path.write_bytes(content)
    try:
        seen = holdings.seen(cases.found("", str(place)), signers.read(str(key.parent / "signers")), datetime.now(UTC))
        verdict = checked.verdict(seen, (), asked=True)
        lines = list(record.verified(seen.called, seen.journal, verdict, 100))
    finally:
        path.write_bytes(before)
    assert all(char.isprintable() for line in lines for char in line)
    spelled_otherwise = path.suffix == ".sig"  # line ends in the armor
    assert (checked.code(verdict) == 0) <= (content == before or spelled_otherwise)


def test_whatever_is_changed_in_a_record_is_found(told: Cli, key: Path) -> None:
    """One byte in each line of the journal, and in each other file; put back afterwards."""
    (case,) = cases.all_of(str(told.store))
    journal = Path(case.at("journal.jsonl"))
    content, at = journal.read_bytes(), 0
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        for place in (at, at + len(line) // 2, at + len(line) - 3):
            broken = chain.read(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]).broken
            assert broken
            assert broken.seq == number
        at += len(line)
    for path in sorted(path for path in Path(case.path).rglob("*") if path.is_file()):
        before = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(before[:-9] + bytes([before[-9] ^ 1]) + before[-8:])
        done = incident(told, "verify", "1", "--signers", str(key.parent / "signers"))
        path.write_bytes(before)
        assert (done.code, "WRONG" in done.out) == (4, True), path
    assert incident(told, "verify", "1", "--signers", str(key.parent / "signers")).code == 0
