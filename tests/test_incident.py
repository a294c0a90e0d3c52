"""The incident record by its commands: what is written stays, two may write, a crash or a full disk breaks nothing."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import SOURCE, Cli
from incidents import CLEAR, HAND, HOSTILE, incident, opened, told
from incidents import kept as kept  # noqa: PLC0414 - a fixture
from incidents import key as key  # noqa: PLC0414 - a fixture

from auditkit.errors import UsageError
from auditkit.incident import cases
from auditkit.response import chain
from auditkit.response.nouns import Journal, Kind, Said

# --- open, note, show, close


def test_a_case_is_told_from_its_opening_to_its_end(cli: Cli) -> None:
    first = incident(cli, "open", "fifty failed logins", "--by", "anna")
    lines = first.out.splitlines()
    case = lines[0]
    assert (case.partition("-")[2], lines[1]) == ("001", "head, for paper (entry 1):")
    assert incident(cli, "note", case, "the log shows 52 guesses", "--at", "2026-11-24T03:10:00Z").code == 0
    assert incident(cli, "note", case, "called them", "--with", "Mr. Smith", "--by", "bert").code == 0
    assert incident(cli, "note", case, "51 guesses", "--corrects", "2").code == 0
    assert incident(cli, "close", case, "their machine was cleaned").code == 0
    shown = " ".join(incident(cli, "show", case).out.split())
    assert "observation, " in shown
    assert "[corrected by entry 4; written " in shown
    assert "contact, bert with Mr. Smith: called them" in shown
    assert "corrects entry 2, " in shown
    assert shown.index("the log shows") < shown.index("open, anna: fifty failed logins")  # it happened before that
    assert cases.found(str(cli.store), case).read().head in shown.replace(" ", "")
    assert incident(cli, "show").out == incident(cli).out
    assert f"{case}  closed" in incident(cli).out


def test_what_is_kept_is_for_its_owner_alone(cli: Cli) -> None:
    case = opened(cli)
    assert {path.stat().st_mode & 0o777 for path in (Path(case.path), *Path(case.path).iterdir()) if path.is_dir()} == {0o700}
    assert Path(case.at(cases.JOURNAL)).stat().st_mode & 0o777 == 0o600


def test_a_correction_is_an_entry_of_its_own(cli: Cli) -> None:
    case = opened(cli, "faild logins")
    incident(cli, "note", case.id, "failed logins", "--corrects", "1")
    incident(cli, "note", case.id, "fifty failed logins", "--corrects", "2")
    assert (told(cli, "show", case.id)["title"], case.read().entries[0].said.text) == ("fifty failed logins", "faild logins")
    done = incident(cli, "note", case.id, "x", "--corrects", "9")
    assert (done.code, done.err.splitlines()[0]) == (2, "auditkit: error: there is no entry 9")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("note", "1"), "missing argument 'TEXT'"),
        (("note", "1", "  "), "there is nothing to write down"),
        (("note", "9", "x"), "there is no case 9"),
        (("note", "1", "x", "--at", "2999-01-01"), "--at says when it happened, and that time is still to come"),
        (("note", "1", "x", "--at", "soon"), "soon is no time"),
        (("note", "1", "x", "--with", "anna", "--kind", "action"), "--with names whom you spoke with"),
        (("open", " "), "a case needs a title"),
        (("verify", "1", "--head", "123"), "123 is no head"),
        (("verify", "./nothing"), "./nothing is no case"),
        (("seal", "1", "--key", "/nothing"), "key /nothing cannot be read"),
        (("shw", "1"), "no such command 'shw'"),
    ],
)
def test_a_mistake_is_told_in_a_line_and_writes_nothing(cli: Cli, words: tuple[str, ...], error: str) -> None:
    case = opened(cli)
    before = case.content()
    done = incident(cli, *words)
    assert (done.code, done.err.startswith(f"auditkit: error: {error}")) == (2, True), done.err
    assert (case.content(), len(cases.all_of(str(cli.store)))) == (before, 1)


def test_a_word_that_is_nearly_a_subcommand_is_named(cli: Cli) -> None:
    assert incident(cli, "shw", "1").err.splitlines()[1] == "hint: did you mean show?"
    assert cli.run("incdent").err.splitlines()[1] == "hint: did you mean incident?"


def test_what_is_closed_takes_seals_and_nothing_else(cli: Cli, key: Path) -> None:
    case = opened(cli)
    incident(cli, "close", case.id)
    done = incident(cli, "note", case.id, "one more thing")
    assert (done.code, len(case.read().entries)) == (2, 2)
    assert "was closed on" in done.err
    assert incident(cli, "seal", case.id, "--key", str(key)).code == 0
    assert incident(cli, "note", case.id, "and one more").code == 2  # the last entry is no longer that of the end


def test_a_note_can_do_nothing_to_the_terminal(cli: Cli) -> None:
    case = opened(cli, HOSTILE)
    incident(cli, "note", case.id, HOSTILE, "--by", HOSTILE, "--with", HOSTILE)
    assert [entry.said.text for entry in case.read().entries] == [HOSTILE] * 2
    for words in (("show", case.id), ("show",), ("verify", case.id), ("show", case.id, "--format", "json")):
        out = incident(cli, *words).out
        assert all(char.isprintable() or char == "\n" for char in out)
    shown = incident(cli, "show", case.id).out.split()
    assert set(CLEAR) <= set(shown)


def test_long_notes_come_from_stdin_and_end_somewhere(cli: Cli) -> None:
    case = opened(cli)
    words = [sys.executable, "-m", "auditkit", "incident", "note", case.id, "-", "--store", str(cli.store)]
    for size, code in ((1 << 19, 0), ((1 << 20) + 1, 2)):
        text = b"line\n" * (size // 5 + 1)
        done = subprocess.run(words, input=text, env={"PYTHONPATH": SOURCE}, capture_output=True, check=False)
        assert done.returncode == code, done.stderr
    assert len(incident(cli, "show", case.id).out) < 4000
    assert incident(cli, "show", case.id, "--all").out.count("line\n") > 100_000


@pytest.mark.parametrize("name", ["/etc/passwd", "../../x", "evidence/../x", "evidence/0002-a\nb", "", 7])
def test_an_entry_that_names_what_no_case_has_is_somebody_elses(cli: Cli, name: object) -> None:
    case = opened(cli)
    case.add(HAND, Said(Kind.FILE, "x", {"file": name, "size": 0, "sha256": "0" * 64}))
    done = incident(cli, "verify", case.id)
    assert (done.code, "WRONG  entry 2: tells of a file as auditkit never does" in done.out) == (4, True), done.out


def test_a_clock_that_was_set_back_is_told(cli: Cli) -> None:
    case = opened(cli)
    case.add(replace(HAND, time=HAND.time - timedelta(hours=1)), Said(Kind.ACTION, "went on"))
    done = incident(cli, "verify", case.id)
    assert (done.code, "note   entry 2 has an earlier time than the one before" in done.out) == (0, True)


def test_a_journal_that_is_full_can_still_be_read_and_closed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    case = opened(cli)
    monkeypatch.setattr(cases, "LARGEST", cases.FOR_ITS_END + 3000)  # the true one takes too long to be filled
    case.add(HAND, Said(Kind.ACTION, "x" * 500))
    with pytest.raises(UsageError, match="as long as one may be"):
        case.add(HAND, Said(Kind.ACTION, "x" * 3000))
    assert case.add(HAND, Said(Kind.CLOSED, "x" * 3000)).seq == 3
    assert case.add(HAND, Said(Kind.SEAL, "x" * 3000)).seq == 4


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can keep others out of a store")
def test_that_cases_cannot_be_seen_does_not_mean_that_there_are_none(by_nobody: Cli) -> None:
    place = Path(cases.directory(str(by_nobody.store)))
    place.mkdir(parents=True, mode=0o700)
    done = incident(by_nobody, "show")
    assert (done.code, "Permission denied" in done.err, "no case yet" in done.out) == (2, True, False)


# --- two at once, kill -9, a full disk

WRITES = """
import sys
from datetime import UTC, datetime
from auditkit.errors import UsageError
from auditkit.incident import cases
from auditkit.response.nouns import Hand, Kind, Said
case, who, size = cases.found(sys.argv[1], sys.argv[2]), sys.argv[3], int(sys.argv[4])
hand = Hand(who, "h", "t", datetime.now(UTC))
print("writes", flush=True)
for number in range(int(sys.argv[5])):
    case.add(hand, Said(Kind.ACTION, f"{number} " + "x" * size))
"""


def writer(cli: Cli, case: cases.Case, who: str, size: int, number: int) -> "subprocess.Popen[bytes]":
    """A process of its own that writes so many entries of that size."""
    words = [sys.executable, "-c", WRITES, str(cli.store), case.id, who, str(size), str(number)]
    process = subprocess.Popen(words, env={"PYTHONPATH": SOURCE}, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()  # it begins
    return process


def ended(process: "subprocess.Popen[bytes]") -> int:
    process.communicate(timeout=120)
    return process.returncode


def test_two_write_at_once_and_nothing_is_lost(cli: Cli) -> None:
    case = opened(cli)
    assert [ended(process) for process in [writer(cli, case, who, 100, 60) for who in ("anna", "bert")]] == [0, 0]
    journal = case.read()
    assert (journal.broken, journal.torn, len(journal.entries)) == (None, b"", 121)
    for who in ("anna", "bert"):
        texts = [entry.said.text.split()[0] for entry in journal.entries[1:] if entry.hand.actor == who]
        assert texts == [str(number) for number in range(60)]


def test_two_open_at_once_and_each_has_a_case_of_its_own(cli: Cli) -> None:
    runs = [cli.start("incident", "open", f"case of {who}", "--store", str(cli.store)) for who in ("anna", "bert", "carl")]
    outs = [cli.end(run) for run in runs]
    ids = {outcome.out.splitlines()[0] for outcome in outs}
    assert len(ids) == 3
    assert ids == {case.id for case in cases.all_of(str(cli.store))}
    assert all(case.read().broken is None for case in cases.all_of(str(cli.store)))


def test_whoever_is_killed_while_he_writes_leaves_a_record_that_goes_on(cli: Cli) -> None:
    case = opened(cli)
    for _ in range(12):
        before = os.stat(case.at(cases.JOURNAL)).st_size
        process = writer(cli, case, "anna", 400_000, 1000)
        while os.stat(case.at(cases.JOURNAL)).st_size == before and process.poll() is None:
            pass
        process.kill()
        assert ended(process) == -signal.SIGKILL
        assert case.read().broken is None
        assert case.add(HAND, Said(Kind.ACTION, "went on")).said.text == "went on"
        journal = case.read()
        assert (journal.broken, journal.torn) == (None, b"")
        os.truncate(case.at(cases.JOURNAL), sum(len(chain.line(entry)) for entry in journal.entries[:1]))  # keep it short
        shutil.rmtree(case.at(cases.TORN), ignore_errors=True)


@pytest.mark.parametrize("left", [b'{"seq":2,"time":"2026', b"\0" * 700, b"{"])
def test_what_a_crash_left_is_told_and_set_aside_by_whoever_writes_next(cli: Cli, left: bytes) -> None:
    case = opened(cli)
    with open(case.at(cases.JOURNAL), "ab") as file:
        file.write(left)
    found = incident(cli, "verify", case.id)
    assert (found.code, "it was not written to its end" in found.out, "WRONG" in found.out) == (3, True, False)
    assert incident(cli, "show", case.id).code == 0
    assert incident(cli, "note", case.id, "went on").code == 0
    kinds = [entry.said.kind for entry in case.read().entries]
    assert kinds == [Kind.OPENED, Kind.RECOVERY, Kind.OBSERVATION]
    assert [path.read_bytes() for path in Path(case.at(cases.TORN)).iterdir()] == [left]
    assert incident(cli, "verify", case.id).code == 0


def test_what_was_set_aside_before_a_second_crash_is_told_of_later(cli: Cli) -> None:
    case = opened(cli)
    with open(case.at(cases.JOURNAL), "ab") as file:
        file.write(b'{"seq":2,')
    incident(cli, "note", case.id, "went on")
    first = chain.line(case.read().entries[0])
    Path(case.at(cases.JOURNAL)).write_bytes(first)  # as if it had been killed right after it set the piece aside
    incident(cli, "note", case.id, "went on again")
    assert [entry.said.kind for entry in case.read().entries] == [Kind.OPENED, Kind.RECOVERY, Kind.OBSERVATION]


def test_a_torn_end_does_not_open_what_was_closed(cli: Cli) -> None:
    case = opened(cli)
    incident(cli, "close", case.id)
    with open(case.at(cases.JOURNAL), "ab") as file:
        file.write(b'{"seq":3,')
    assert incident(cli, "note", case.id, "went on").code == 2
    assert [entry.said.kind for entry in case.read().entries] == [Kind.OPENED, Kind.CLOSED, Kind.RECOVERY]


def test_a_note_that_does_not_fit_on_the_disk_is_taken_back(cli: Cli) -> None:
    case = opened(cli)
    before = case.content()
    cli.limits = ((resource.RLIMIT_FSIZE, len(before) + 200),)  # the first 200 bytes of it are written
    done = incident(cli, "note", case.id, "x" * 500)
    assert (done.code, "cannot be read or written: File too large" in done.err) == (2, True), done.err
    assert case.content() == before


def test_a_full_disk_breaks_no_record(cli: Cli, made: Callable[[Path], Path]) -> None:
    cli.store.mkdir()
    if os.geteuid() or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", made(cli.store)], check=False, capture_output=True
    ).returncode:  # fmt: skip
        pytest.skip("no tmpfs can be mounted")
    case = opened(cli)
    codes = [incident(cli, "note", case.id, f"{number}" + "x" * 9000).code for number in range(10)]
    assert codes == sorted(codes)  # once it is full it stays full
    assert set(codes) == {0, 2}
    journal = case.read()
    assert (journal.broken, journal.torn, len(journal.entries)) == (None, b"", 1 + codes.count(0))
    second = incident(cli, "open", "another")
    assert [found.read().broken for found in cases.all_of(str(cli.store))] == [None] * (2 - bool(second.code))


def test_a_case_that_was_not_opened_to_its_end_is_none(cli: Cli) -> None:
    first = opened(cli)
    half = Path(cases.directory(str(cli.store))) / ".opening"
    half.mkdir()
    (half / "journal.jsonl").write_bytes(b'{"seq":1,')
    assert opened(cli).id == first.id.replace("-001", "-002")
    assert not half.exists()


# --- verify and seal


def test_what_is_kept_is_listed_with_its_digest(cli: Cli, kept: cases.Case) -> None:
    (one,) = told(cli, "show", kept.id)["files"]
    digest = sha256(Path(kept.at("evidence/0002-auth.log")).read_bytes()).hexdigest()
    assert one == {"file": "evidence/0002-auth.log", "entry": 2, "size": 84, "sha256": digest}
    assert f"evidence/0002-auth.log  84 bytes\n    {digest}" in incident(cli, "show", kept.id, "--all").out


def verified(cli: Cli, case: cases.Case, key: Path, *words: str) -> tuple[int, str]:
    """Status and answer of a verification by somebody who knows anna's key."""
    done = incident(cli, "verify", case.id, "--signers", str(key.parent / "signers"), *words)
    return done.code, " ".join(done.out.split())


def test_a_record_is_as_it_was_written_and_somebody_vouches_for_it(cli: Cli, kept: cases.Case, key: Path) -> None:
    code, out = verified(cli, kept, key)
    assert code == 0
    assert f"good case {kept.id}: 4 entries hang together" in out
    assert "good 1 file as it was when kept" in out
    assert "good sealed up to entry 2 by anna SHA256:" in out
    assert "; 1 entry came since, for which that does not vouch" in out


def test_stock_ssh_keygen_takes_the_seal(kept: cases.Case, key: Path) -> None:
    head = Path(kept.at("heads/000002.head"))
    words = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-n",
        "auditkit",
        "-I",
        "anna",
        "-f",
        str(key.parent / "signers"),
        "-s",
        f"{head}.sig",
    ]
    assert subprocess.run(words, input=head.read_bytes(), capture_output=True, check=False).returncode == 0


def test_nobody_vouches_for_what_is_not_sealed(cli: Cli, key: Path) -> None:
    case = opened(cli)
    done = incident(cli, "verify", case.id)
    assert done.code == 0
    assert "Nobody vouches for this record: whoever could write all of it anew could have done so" in " ".join(done.out.split())
    code, out = verified(cli, case, key)
    assert (code, "nobody has sealed this record" in out) == (3, True)
    code, _out = verified(cli, case, key, "--head", case.read().head)
    assert code == 0  # it is on paper


def test_a_head_on_paper_tells_how_far_it_vouches(cli: Cli, kept: cases.Case, key: Path) -> None:
    entries = kept.read().entries
    paper = entries[1].hash.upper()
    groups = " ".join(paper[at : at + 4] for at in range(0, 64, 4))
    for typed in (paper, groups, groups[:24]):
        code, out = verified(cli, kept, key, "--head", typed)
        assert (code, "on paper is the head of entry 2; 1 entry came since" in out) == (0, True), out
    slip = ("0" if paper[5] != "0" else "1").join((paper[:5], paper[6:]))
    code, out = verified(cli, kept, key, "--head", slip)
    assert (code, "that of entry 2 is nearly the same: read the paper once more" in out) == (4, True), out
    code, out = verified(cli, kept, key, "--head", "0123" * 16)
    assert (code, "what was written up to the day of the paper is not what stands here now" in out) == (4, True), out


def test_between_two_heads_on_paper_it_is_told_from_where_on_the_record_differs(cli: Cli, kept: cases.Case, key: Path) -> None:
    entries = kept.read().entries
    last = Journal(entries[:3])
    Path(kept.at(cases.JOURNAL)).write_bytes(
        b"".join(map(chain.line, entries[:3])) + chain.line(chain.following(last, HAND, Said(Kind.ACTION, "I was not there")))
    )
    code, out = verified(cli, kept, key, "--head", entries[2].hash, "--head", entries[3].hash)
    assert (code, "up to entry 3 it is as it was, and differs from a later one on" in out) == (4, True), out
    code, out = verified(cli, kept, key, "--head", entries[3].hash)
    assert (code, "up to entry 2 it is as it was, and differs from a later one on" in out) == (4, True), out  # the seal fits


def changed(case: cases.Case) -> None:
    path = Path(case.at("evidence/0002-auth.log"))
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"Failed", b"failed"))


def shorter(case: cases.Case) -> None:
    os.truncate(case.at("evidence/0002-auth.log"), 5)


def linked(case: cases.Case) -> None:
    os.rename(case.at("evidence/0002-auth.log"), case.at("../other"))
    os.symlink(case.at("../other"), case.at("evidence/0002-auth.log"))


def cut_off(case: cases.Case) -> None:
    entries = case.read().entries
    Path(case.at(cases.JOURNAL)).write_bytes(chain.line(entries[0]))


def anew(case: cases.Case) -> None:
    """All of it once more by somebody who knows how, with one word less."""
    journal = Journal()
    for entry in case.read().entries:
        said = Said(entry.said.kind, entry.said.text.replace("failed ", ""), entry.said.data)
        journal = Journal((*journal.entries, chain.following(journal, entry.hand, said)))
    Path(case.at(cases.JOURNAL)).write_bytes(b"".join(map(chain.line, journal.entries)))


def anew_with_its_head(case: cases.Case) -> None:
    anew(case)
    head = Path(case.at("heads/000002.head"))
    head.chmod(0o600)
    head.write_text(head.read_text("utf-8")[:-65] + case.read().entries[1].hash + "\n", "utf-8")


def without_its_seal(case: cases.Case) -> None:
    for path in Path(case.at("heads")).iterdir():
        path.unlink()


def renamed(case: cases.Case) -> None:
    os.rename(case.at("heads/000002.head"), case.at("heads/000001.head"))
    os.rename(case.at("heads/000002.head.sig"), case.at("heads/000001.head.sig"))


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (changed, "WRONG evidence/0002-auth.log (entry 2): its content was changed (as long as it was)"),
        (shorter, "WRONG evidence/0002-auth.log (entry 2): its content was changed (5 bytes now, 84 when it was kept)"),
        (lambda case: os.unlink(case.at("evidence/0002-auth.log")), "WRONG evidence/0002-auth.log (entry 2): it is missing"),
        (cut_off, "WRONG heads/000002.head: there were 2 entries, now there are 1: the last ones were cut off"),
        (anew, "WRONG heads/000002.head: entry 2 is not the one that was sealed: the record was written anew"),
        (anew_with_its_head, "WRONG heads/000002.head: the signature by anna does not fit the content"),
        (without_its_seal, "WRONG heads/000002.head: entry 3 tells of this seal, and it is gone"),
        (lambda case: os.unlink(case.at("heads/000002.head.sig")), "WRONG heads/000002.head: it has no signature"),
        (renamed, "WRONG heads/000001.head: it is the head of entry 2, by another name"),
    ],
)
def test_what_was_done_to_a_record_is_named(
    cli: Cli, kept: cases.Case, key: Path, harm: Callable[[cases.Case], None], reason: str
) -> None:
    harm(kept)
    code, out = verified(cli, kept, key)
    assert (code, reason in out) == (4, True), out


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda case: Path(case.at("evidence/0009-more.log")).touch(), "evidence/0009-more.log: nothing tells of it"),
        (lambda case: Path(case.at("re\x1bad")).touch(), r"re\x1bad: nothing tells of it"),
        (linked, "evidence/0002-auth.log: it cannot be read: Too many levels of symbolic links"),
    ],
)
def test_what_cannot_be_told_is_a_gap(
    cli: Cli, kept: cases.Case, key: Path, harm: Callable[[cases.Case], None], reason: str
) -> None:
    harm(kept)
    code, out = verified(cli, kept, key)
    assert (code, f"gap {reason}" in out) == (3, True), out


def test_a_case_in_the_place_of_another_is_told(cli: Cli, kept: cases.Case, key: Path) -> None:
    other = opened(cli)
    shutil.rmtree(other.path)
    shutil.copytree(kept.path, other.path)
    code, out = verified(cli, other, key)
    assert (code, f"in the place of case {other.id} lies the record of case {kept.id}" in out) == (4, True), out
    assert incident(cli, "verify", kept.path, "--signers", str(key.parent / "signers")).code == 0


def test_a_broken_record_is_shown_up_to_where_it_can_be_believed_and_takes_nothing(
    cli: Cli, kept: cases.Case, key: Path
) -> None:
    content = kept.content()
    broken = content.replace(b"sealed entry", b"Sealed entry")
    Path(kept.at(cases.JOURNAL)).write_bytes(broken)
    code, out = verified(cli, kept, key)
    assert (code, "WRONG entry 3: its content does not have the hash that it names: it was changed" in out) == (4, True), out
    assert incident(cli, "note", kept.id, "x").code == 4
    assert incident(cli, "seal", kept.id, "--key", str(key)).code == 4
    assert kept.content() == broken
    shown = incident(cli, "show", kept.id)
    assert (shown.code, "entry 3 and what follows cannot be believed" in shown.out) == (4, True)
    assert (incident(cli).code, "BROKEN" in incident(cli).out) == (4, True)
