"""Evidence: whatever a judge says of a host it says of its evidence too; what is not as it was written is refused."""

import json
import os
import re
import resource
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from blake3 import blake3
from conftest import Cli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import blocks

from auditkit import evidence
from auditkit.collect import collect
from auditkit.config import Config
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.evidence import Header, payload, unpacked
from auditkit.hosts import NOT_TAKEN, Ask, Beginning, Known, Reach, Seen, open_host, recorded
from auditkit.hosts.recorded import Recorded
from auditkit.model import ON_DISK, Gap, Item, Means, Need
from auditkit.probe.rotation import NOT_KNOWN
from auditkit.recording import Recording, Writer

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEADER = Header("srv-01", "ssh", NOON, "auditkit 1", "site", "name: site\n", {"clock_skew": 1.5, "user": "\udcff"})
MOTD = Need(Means.FILE, "/etc/motd", "greets", optional=False)
SHADOW = Need(Means.FILE, "/etc/shadow", "passwords", secret=True)
LISTENERS = Need(Means.LISTENERS, "all", "who listens")
COMMAND = Need(Means.COMMAND, "/usr/sbin/sshd -T", "what sshd does")
BANNER = Need(Means.BANNER, "ssh")
STATUS = Need(Means.STATUS, "~/.ssh")
UNITS = Need(Means.FILE, "/etc/systemd/system/*.timer")
WATCHES = [["/etc", "content", False, False], ["/var/log/*.log", "growing", False, False]]
REQUEST = {"watches": WATCHES, "digests": ["blake3"], "jobs": 1, "seconds": None}
TREE = blocks("d /etc\nf /etc/motd\nd /etc/ssh\nf /etc/ssh/sshd_config content=x")
ASK: Ask = ("/var/log/a.log", 7, ("blake3",), False)


class Machine:
    """A host that answers what a test wants."""

    def __init__(self, told: Sequence[Seen] = (("blocks", TREE), ("gap", "/etc/secret", "no"), ("seen", 4, 99))) -> None:
        self.name = HEADER.host
        self.facts: Mapping[str, object] = HEADER.facts
        self.told = told

    def close(self) -> None:
        """Nothing is open."""

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        yield from self.told

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        for need in needs:
            if need.what == MOTD.what:
                yield Item(need, need.what, b"hello\n\xff\n", NOON, "")
            if need.what == UNITS.what:
                yield Gap("/etc/systemd/system/b.timer", "permission denied")
            if need.what == SHADOW.what:
                yield Item(need, need.what, b"root:<locked>:::::::\n", NOON, "")

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        yield from ((path, "a.log", "blake3:00") for path, *_ in asked)

    def mounts(self) -> bytes:
        return b"36 35 98:0 / / rw - ext4 /dev/vda rw\n"


def take(path: Path, machine: Machine | None = None, needs: tuple[Need, ...] = (MOTD, SHADOW, UNITS)) -> Path:
    """Evidence of a machine, asked all there is to ask."""
    with Writer(str(path), HEADER) as writer:
        recording = Recording(machine or Machine(), writer)
        list(recording.take(needs))
        recording.mounts()
        list(recording.scan(REQUEST))
        list(recording.beginnings([ASK]))
        writer.close()
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return take(tmp_path / "host.evidence.zst")


@pytest.fixture
def host(file: Path) -> Iterator[Recorded]:
    with closing(recorded.opened(evidence.read(str(file)))) as opened:
        yield opened


# the command


def test_a_file_that_is_there_is_never_written_over(cli: Cli) -> None:
    (cli.home / "e.zst").write_text("mine")
    told = cli.run("collect", cli.host, "--no-files", "-o", "e.zst")
    assert (told.code, (cli.home / "e.zst").read_text()) == (2, "mine")
    assert "is there already and is never overwritten" in told.err


def test_several_hosts_need_a_directory_and_one_that_fails_spares_the_others(cli: Cli) -> None:
    words = (cli.host, "root:/nowhere/at/all")
    assert "-o names one file for several hosts" in cli.run("collect", *words, "-o", "e.zst").err
    told = cli.run("collect", *words, "--no-files", "-o", "taken/")
    assert told.code == 3
    assert "root:/nowhere/at/all: NOTHING TAKEN" in told.out
    (made,) = (cli.home / "taken").iterdir()
    assert made.name.endswith(evidence.SUFFIX)


def test_what_is_sealed_is_believed_and_nothing_else_where_signers_are_named(cli: Cli) -> None:
    assert cli.run("keygen", "-o", "key", "--comment", "anna").code == 0
    (cli.home / "signers").write_text(f"anna {(cli.home / 'key.pub').read_text()}")
    unsealed = cli.run("collect", cli.host, "--no-files", "-o", "e.zst", "--signers", "signers")
    assert (unsealed.code, "add --key FILE" in unsealed.err) == (2, True)
    assert cli.run("collect", cli.host, "--no-files", "-o", "e.zst", "--signers", "signers", "--key", "key").code == 0
    word, reach = f"evidence:{cli.home}/e.zst", Reach(Config(signers=str(cli.home / "signers")))
    open_host(word, reach).close()
    (cli.home / "e.zst.sig").unlink()
    with pytest.raises(UntrustedError, match=r"e\.zst has no signature"):
        open_host(word, reach)
    open_host(word, Reach()).close()
    assert cli.run("audit", word, "--signers", "signers").code == 4


def test_a_seal_is_of_one_file(tmp_path: Path, cli: Cli) -> None:
    assert cli.run("keygen", "-o", "key", "--comment", "anna").code == 0
    (cli.home / "signers").write_text(f"anna {(cli.home / 'key.pub').read_text()}")
    for name in ("one", "two"):
        assert cli.run("collect", cli.host, "--no-files", "-o", name, "--key", "key").code == 0
    with closing(evidence.read(str(cli.home / "one"), str(cli.home / "signers"))) as good:
        assert (good.signer or "").startswith("anna SHA256:")
    shutil.copy(cli.home / "two.sig", cli.home / "one.sig")
    with pytest.raises(UntrustedError, match="does not fit the content"):
        evidence.read(str(cli.home / "one"), str(cli.home / "signers"))


# what is asked again


def test_what_was_taken_is_had_again(host: Recorded) -> None:
    assert (host.name, host.facts, host.file.header) == (HEADER.host, HEADER.facts, HEADER)
    (item,) = host.take((MOTD,))
    assert isinstance(item, Item)
    assert (item.need, item.data, item.digest) == (MOTD, b"hello\n\xff\n", f"blake3:{blake3(item.data).hexdigest()}")
    assert item.taken.tzinfo is UTC
    assert host.mounts() == Machine().mounts()
    seen = list(host.scan(REQUEST))
    assert [block for told in seen if told[0] == "blocks" for block in told[1]] == TREE
    assert [told for told in seen if told[0] != "blocks"] == [("gap", "/etc/secret", "no"), ("seen", 4, 99)]
    assert list(host.beginnings([ASK])) == [("/var/log/a.log", "a.log", "blake3:00")]


def test_what_was_not_asked_then_is_a_gap_now(host: Recorded) -> None:
    other = Need(Means.FILE, "/etc/issue")
    way = Need(Means.STATUS, "/etc/issue")
    assert list(host.take((other, way))) == [Gap("/etc/issue", NOT_TAKEN)] * 2
    assert list(host.take((LISTENERS, COMMAND))) == [], "a judge does without what only a running machine has"
    assert list(host.take((replace(COMMAND, optional=False),))) == [Gap(COMMAND.what, NOT_TAKEN)]
    assert [host.gives(need) for need in (MOTD, other, way, LISTENERS, COMMAND)] == [True, False, False, False, False]
    assert list(host.beginnings([("/var/log/a.log", 8, ("blake3",), False)])) == [("/var/log/a.log", "", NOT_KNOWN)]


def test_a_judge_can_tell_what_was_not_asked_from_what_is_not_there(host: Recorded) -> None:
    """One gap for all files that the evidence is too old for, and none for what a judge does without."""
    asked = [Need(Means.FILE, f"/etc/{number}") for number in range(7)]
    told = collect(host, [MOTD, LISTENERS, COMMAND, *asked], lambda: NOON)
    assert [item.source for item in told.items] == ["/etc/motd"]
    more = "/etc/0, /etc/1, /etc/2, /etc/3, /etc/4 and 2 more"
    assert told.gaps == (Gap("evidence", f"is older than what is asked for today: {more}; take it again"),)
    assert [told.was_asked(need) for need in (MOTD, LISTENERS, COMMAND, asked[0])] == [True, False, False, False]


class Runs(Machine):
    """A machine that runs something."""

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        for need in needs:
            if need.means is not Means.FILE:
                yield Item(need, f"of {need.means}", b"0\n\0\xff{\n", NOON, "")


class OnDisk(Machine):
    """A machine of which only the disk is there."""

    def gives(self, need: Need) -> bool:
        return need.means in ON_DISK


ALL = (STATUS, LISTENERS, COMMAND, BANNER)


def test_what_is_no_file_is_had_again(tmp_path: Path) -> None:
    none = Need(Means.COMMAND, "/usr/bin/none")
    with closing(recorded.opened(evidence.read(str(take(tmp_path / "e", Runs(), ALL))))) as host:
        told = collect(host, (*ALL, none), lambda: NOON)
    assert [(item.need, item.source, item.data) for item in told.items] == [
        (need, f"of {need.means}", b"0\n\0\xff{\n") for need in ALL
    ]
    assert (told.gaps, told.unasked) == ((), (none,))


def test_evidence_of_a_disk_knows_that_nothing_ran(tmp_path: Path) -> None:
    live = collect(OnDisk(), ALL, lambda: NOON)
    with closing(recorded.opened(evidence.read(str(take(tmp_path / "e", OnDisk(), ALL))))) as host:
        later = collect(host, ALL, lambda: NOON)
    assert live.unasked == later.unasked == (LISTENERS, COMMAND, BANNER)
    assert live.gaps == later.gaps == ()
    assert later.was_asked(STATUS)


def test_what_was_not_there_is_a_gap_for_who_must_have_it(tmp_path: Path) -> None:
    need = Need(Means.FILE, "/etc/issue")
    must = Need(Means.FILE, "/etc/issue", optional=False)
    with closing(recorded.opened(evidence.read(str(take(tmp_path / "e", needs=(need,)))))) as host:
        assert list(host.take((need,))) == []
        assert list(host.take((must,))) == [Gap("/etc/issue", recorded.NOT_THERE)]


def test_a_gap_answers_only_the_question_it_came_with(host: Recorded) -> None:
    gap = Gap("/etc/systemd/system/b.timer", "permission denied")
    assert list(host.take((UNITS,))) == [gap]
    assert gap not in list(host.take((MOTD, SHADOW)))


@pytest.mark.parametrize(
    ("need", "subject", "answers"),
    [
        (LISTENERS, "/proc/net/tcp", True),
        (LISTENERS, "/proc/812", True),
        (LISTENERS, "/proc", True),
        (LISTENERS, "/proc/self/mountinfo", False),
        (BANNER, "127.0.0.1:22", True),
        (BANNER, "[::1]:22", True),
        (BANNER, "/etc/motd", False),
        (COMMAND, COMMAND.what, True),
        (COMMAND, "/usr/sbin/sshd", False),
        (STATUS, "/home/anna/.ssh", True),
        (Need(Means.STATUS, "/etc/ssh/*"), "/etc/ssh", True),
        (Need(Means.STATUS, "/etc/ssh/*"), "/etc/motd", False),
    ],
)
def test_a_gap_answers_the_needs_that_it_is_of(need: Need, subject: str, answers: bool) -> None:
    assert recorded.concerns(need, subject) is answers


def test_what_is_secret_today_and_was_taken_as_it_is_is_not_handed_out(host: Recorded) -> None:
    careful = Need(Means.FILE, "/etc/motd", secret=True)
    assert list(host.take((careful,))) == [Gap("/etc/motd", recorded.UNREDUCED)]


def test_what_was_reduced_stays_so(host: Recorded) -> None:
    (item,) = host.take((Need(Means.FILE, "/etc/shadow"),))
    assert isinstance(item, Item)
    assert item.data == b"root:<locked>:::::::\n"


@pytest.mark.parametrize(
    ("asked", "recorded_then", "places"),
    [
        ("/etc content", "/etc content", []),
        ("/etc content", "/etc metadata", ["/etc"]),
        ("/etc metadata", "/etc content", []),
        ("/etc content", "/ content", []),
        ("/ content", "/etc content", ["/"]),
        ("/etc/ssh content", "/etc/shadow exists; /etc content", []),
        ("/etc content", "/etc/shadow exists; /etc content", ["/etc"]),
        ("/etc/shadow exists; /etc content", "/etc/shadow exists; / content", []),
        ("/var/cache ignore; / content", "/var/cache ignore; / content; /opt content", []),
        ("/var/*.log growing", "/var content", []),
        ("/var/*.log growing; /var content", "/var content", []),
        ("/var content", "/var/*.log growing; /var content", []),
        ("/var content", "/var/*.log exists; /var content", ["/var"]),
        ("/var/log/*.log growing", "/var/log/*.gz growing", ["/var/log"]),
        ("/home/a/.ssh content; /home/b/.ssh content", "/home/a/.ssh content", ["/home/b/.ssh"]),
        ("/srv/**/x content", "/srv/**/x content; /a content", []),
        ("/srv/**/x content", "/srv/y content", ["/srv"]),
        ("/srv content cross", "/srv content", ["/srv"]),
        ("/a ignore", "/b content", []),
    ],
)
def test_a_place_that_the_evidence_shows_less_of_is_named(asked: str, recorded_then: str, places: list[str]) -> None:
    assert list(recorded.unseen(watches(asked), watches(recorded_then))) == places


def watches(text: str) -> list[list[Any]]:
    lines = (line.split() for line in text.split("; "))
    return [[path, level, False, bool(more)] for path, level, *more in lines]


# the file


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode), st.sampled_from([b"\0" * 200_000, b"\n" * 9])))
def test_any_bytes_are_had_again(data: bytes) -> None:
    lines = payload(data)
    assert (unpacked(lines) if lines else b"") == data
    assert all(line[:1] in (b"=", b"+") for line in lines.split(b"\n")[:-1])
    assert lines.decode("utf-8").replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (b"=a\n+YQ==\n", "lines of two sorts"),
        (b"=a\nb\n", "lines of two sorts"),
        (b"x\n", "a line of no sort"),
        (b"+Y\n", "Invalid base64|Incorrect padding"),
        (b"+Y Q=\n", "Only base64 data"),
        (b"=\\q\n", "escapes nothing"),
        (b"=\\x0\n", "escapes nothing"),
    ],
)
def test_lines_that_were_never_written_are_refused(lines: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        unpacked(lines)


def whole(path: Path) -> list[evidence.Told]:
    """All that a file tells, to a host that answers with it too."""
    with closing(recorded.opened(evidence.read(str(path)))) as host:
        list(host.scan(REQUEST))
        return list(host.file.told())


def forged(path: Path, text: bytes) -> Path:
    """A file with any text, and the digest that fits it."""
    footer = {"records": text.count(b"\n{"), "blake3": blake3(text).hexdigest()}
    path.write_bytes(zstandard.compress(text + json.dumps(footer, separators=(",", ":")).encode() + b"\n"))
    return path


HEAD = evidence.line(evidence.document(HEADER))
NEED = b'{"need":["file","/etc/motd","",false,true]}\n'
SCAN = b'{"scan":{"watches":[],"digests":["blake3"]}}\n'
EMPTY = blake3(b"").hexdigest().encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HEAD + b'{"need":["phone","/etc/motd","",false,true]}\n', "its record need is malformed"),
        (HEAD + b'{"need":[]}\n', "its record need is malformed"),
        (HEAD + b'{"need":null}\n', "its record need is malformed"),
        (HEAD + b'{"weather":1}\n', "a record that is not known here: weather"),
        (HEAD + b"{}\n", "a line in it is no record"),
        (HEAD + b"{" + b"[" * 100_000 + b"\n", "a line in it is no record"),
        (HEAD + b'{"need":["file","\\ud83d","",false,true]}\n', "a line in it is no record"),
        (HEAD + b"=text\n", "lines that belong to no record"),
        (HEAD + SCAN + NEED, "its record need is out of order"),
        (HEAD + SCAN + SCAN, "its record scan is out of order"),
        (HEAD + b'{"unseen":["/","x"]}\n', "its record unseen is out of order"),
        (HEAD + b'{"scanned":[0,0]}\n', "its record scanned is out of order"),
        (HEAD + b'{"mounts":null}\n=a\nb\n', "its record mounts is malformed"),
        (
            HEAD + NEED + b'{"item":{"need":1,"source":"/","taken":"2026-11-24T00:00:00Z","digest":"blake3:"}}\n',
            "record item is",
        ),
        (
            HEAD + NEED + b'{"item":{"need":0,"source":"/","taken":"2026-11-24","digest":"blake3:' + EMPTY + b'"}}\n',
            "item is mal",
        ),
        (HEAD + SCAN + b"etc\nf x\n", "no block of entries"),
        (HEAD + SCAN + b"/etc\nf x\n", "no block of entries"),
        (HEAD + SCAN + TREE[1] + TREE[0], "paths out of order"),
        (HEAD + b'{"broke":["scan","why","","asleep"]}\n', "its record broke is malformed"),
        (HEAD + b'{"records":1}\n', "its record records is out of order"),
        (HEAD.replace(b"evidence/1", b"evidence/2"), "auditkit/evidence/2, which this auditkit does not know"),
        (HEAD.replace(b"evidence/1", b"baseline/1"), "is no evidence but auditkit/baseline/1"),
        (HEAD.replace(b'"taken"', b'"took"'), "its first line is not a header"),
        (b"[1]\n", "its first line is not a header"),
    ],
)
def test_a_file_that_says_what_none_does_is_refused(tmp_path: Path, text: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        whole(forged(tmp_path / "e", text))


def test_a_file_that_lacks_records_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e"
    text = HEAD + NEED
    path.write_bytes(zstandard.compress(text + b'{"records":2,"blake3":"' + blake3(text).hexdigest().encode() + b'"}\n'))
    with pytest.raises(FormatError, match="lost records"):
        whole(path)


def test_fields_that_are_not_known_are_passed_over(tmp_path: Path) -> None:
    head = HEAD.replace(b'"schema"', b'"weather":"fine","schema"')
    assert whole(forged(tmp_path / "e", head + b'{"scan":{"watches":[],"digests":[],"more":1},"weather":1}\n'))


@pytest.mark.parametrize("left", [0, 1, 4, 60, 200, -40, -1])
def test_a_file_that_was_cut_is_refused(file: Path, left: int) -> None:
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(AuditkitError) as told:
        whole(file)
    assert isinstance(told.value, UntrustedError) or left < len(evidence.MAGIC)


@given(at=st.integers(0), mask=st.integers(1, 255))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_byte_that_is_another_is_found(file: Path, at: int, mask: int) -> None:
    """Or it stood where zstd itself does not care."""
    good, told = file.read_bytes(), whole(file)
    changed = bytearray(good)
    changed[at % len(good)] ^= mask
    other = file.with_name("other")
    other.write_bytes(changed)
    with suppress(FormatError, UntrustedError):
        assert whole(other) == told


@given(at=st.integers(0), mask=st.integers(1, 255))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_byte_of_the_text_that_is_another_is_an_error_of_ours(file: Path, at: int, mask: int) -> None:
    """The digest is made to fit, as a forger would."""
    with file.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as stream:
        text = bytearray(stream.read())
    del text[text.rindex(b"\n", 0, -1) + 1 :]
    text[at % len(text)] ^= mask
    with suppress(FormatError, UntrustedError):
        whole(forged(file.with_name("other"), bytes(text)))


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "SLACK", 1 << 20)
    path = tmp_path / "e"
    path.write_bytes(zstandard.compress(HEAD + b"\n" * (64 << 20)))
    with pytest.raises(UntrustedError, match="expands to more than evidence can hold"):
        evidence.read(str(path))


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "LONGEST", 1 << 20)
    path = tmp_path / "e"
    path.write_bytes(zstandard.compress(HEAD + b"=" * (8 << 20)))
    with pytest.raises(UntrustedError, match="a line longer than any can be"):
        evidence.read(str(path))


@pytest.fixture
def sealed(cli: Cli) -> Cli:
    """With evidence that is sealed, and the signers who count."""
    assert cli.run("keygen", "-o", "key", "--comment", "anna").code == 0
    (cli.home / "auditkit.yaml").write_text("signers: signers\n")
    (cli.home / "signers").write_text(f"anna {(cli.home / 'key.pub').read_text()}")
    (cli.tree / "etc/motd").write_text("welcome\n" * 5000)
    assert cli.run("collect", cli.host, "--policy", str(cli.policy), "-o", "e.zst", "--key", "key").code == 0
    return cli


def damaged(good: bytes, how: str) -> bytes:
    """A file as it may come: cut, with a bit turned, as a bomb, as another file, or with more behind its end."""
    match how:
        case "cut":
            return good[: len(good) // 2]
        case "without its last line":
            text = zstandard.ZstdDecompressor().decompressobj().decompress(good)
            return zstandard.compress(text[: text.rindex(b"\n", 0, -1) + 1])
        case "bit":
            return bytes((*good[: len(good) // 2], good[len(good) // 2] ^ 4, *good[len(good) // 2 + 1 :]))
        case "bomb":
            packer = zstandard.ZstdCompressor().compressobj()
            return b"".join((packer.compress(HEAD), *(packer.compress(b"\n" * (1 << 20)) for _ in range(800)), packer.flush()))
        case "empty":
            return b""
        case "more":
            return good + zstandard.compress(NEED)
    return how.encode()


@pytest.mark.parametrize("verb", ["scan", "audit"])
@pytest.mark.parametrize(
    ("how", "code", "error"),
    [
        ("cut", 4, "is cut off or damaged: its last line is no footer|is empty or cut off: its last line is missing"),
        ("without its last line", 4, "is cut off or damaged: its last line is no footer"),
        ("bit", 4, "is damaged: it does not unpack|is not as it was written"),
        ("bomb", 4, "expands to more than evidence can hold"),
        ("more", 4, "is cut off or damaged: its last line is no footer"),
        ("empty", 2, "is no evidence"),
        ("a text", 2, "is no evidence"),
    ],
)
def test_a_hostile_file_is_one_line_and_a_hint(sealed: Cli, verb: str, how: str, code: int, error: str) -> None:
    """Without a seal, which would tell all of these alike; in bounded memory and time."""
    (sealed.home / "auditkit.yaml").unlink()
    path = sealed.home / "e.zst"
    path.write_bytes(damaged(path.read_bytes(), how))
    sealed.limits = ((resource.RLIMIT_AS, 1 << 30),)
    told = sealed.run(verb, "evidence:e.zst", "--store", str(sealed.store))
    assert (told.code, told.out) == (code, "")
    first, hint = told.err.splitlines()
    assert re.fullmatch(rf"auditkit: error: e\.zst ({error}).*", first)
    assert re.match(r"hint: (take|name) ", hint)
    several = sealed.run(verb, "evidence:e.zst", sealed.host, "--store", str(sealed.store), "-q")
    assert (several.code, "e.zst " in several.out) == (4 if code == 4 else 3, True)


@pytest.mark.parametrize("how", ["cut", "bit", "more", "another's seal", "no seal", "a stranger's seal"])
def test_where_a_seal_is_asked_for_nothing_else_is_looked_at(sealed: Cli, how: str) -> None:
    path, seal = sealed.home / "e.zst", sealed.home / "e.zst.sig"
    assert sealed.run("audit", "evidence:e.zst").code in (1, 3)
    match how:
        case "another's seal":
            assert sealed.run("collect", sealed.host, "--no-files", "-o", "f.zst", "--key", "key").code == 0
            shutil.copy(sealed.home / "f.zst.sig", seal)
        case "no seal":
            seal.unlink()
        case "a stranger's seal":
            assert sealed.run("keygen", "-o", "stranger").code == 0
            seal.unlink()
            path.unlink()
            assert sealed.run("collect", sealed.host, "--no-files", "-o", "e.zst", "--key", "stranger").code == 0
        case _:
            path.write_bytes(damaged(path.read_bytes(), how))
    told = sealed.run("scan", "evidence:e.zst", "--store", str(sealed.store))
    assert (told.code, told.out) == (4, "")
    assert [line.split(": ")[0] for line in told.err.splitlines()] == ["auditkit", "hint"]


def test_what_a_killed_collection_leaves_is_never_taken_for_evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system cannot write a file without a name; elsewhere nothing is left at all."""
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)
    with Writer(str(tmp_path / "e"), HEADER) as writer:
        told = Recording(Machine([("gap", f"/{os.urandom(200).hex()}", "no") for _ in range(5000)]), writer).scan(REQUEST)
        (left,) = tmp_path.iterdir()
        while left.stat().st_size < 4096:
            next(told)
        shutil.copy(left, tmp_path / "copy")
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]
    assert left.name.startswith(".e.")
    with pytest.raises(UntrustedError, match="cut off"):
        evidence.read(str(tmp_path / "copy"))


def test_a_file_that_changes_while_it_is_read_is_refused(file: Path, host: Recorded) -> None:
    with file.open("r+b") as other:
        other.write(zstandard.compress(HEAD + b'{"records":0}\n'))
        other.truncate()
    with pytest.raises(UntrustedError, match="changed while it was read"):
        list(host.take((MOTD,)))


def test_leaving_without_an_end_leaves_nothing(tmp_path: Path) -> None:
    with Writer(str(tmp_path / "e"), HEADER) as writer:
        writer.record("mounts", None, b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("word", ["evidence:", "evidence:/nowhere/e.zst", "evidence:/etc", "evidence:/etc/passwd"])
def test_what_is_no_evidence_is_one_line_and_a_hint(cli: Cli, word: str) -> None:
    told = cli.run("check", word, "--store", str(cli.store))
    assert (told.code, told.out) == (2, "")
    assert [line.split(":")[0] for line in told.err.splitlines()] == ["auditkit", "hint"]
