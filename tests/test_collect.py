"""Collecting: what the probe takes of a hostile disk, what it leaves of secrets, and how it becomes evidence."""

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import collect as collecting
from auditkit.collect import collect, merged
from auditkit.errors import UntrustedError
from auditkit.hosts import Ask, Beginning, Known, Seen, taken_below
from auditkit.model import Gap, Item, Means, Need
from auditkit.probe import inside
from auditkit.probe import take as taking
from auditkit.probe.hashes import complaints_scrubbed, scrubbed
from auditkit.probe.take import reduced, take

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EARLIER = NOW - timedelta(days=30)


def had(
    root: Path, what: str, *, secret: bool = False, optional: bool = True, limit: int = 1 << 20
) -> list[tuple[str, bytes | str]]:
    """What one need gives: each path with its bytes, or with the reason for the gap."""
    told = take(os.fsencode(root), [(what.encode(), secret, optional, False)], limit)
    return [(os.fsdecode(path), why if data is None else data) for _number, path, data, why in told]


# what the probe takes


def test_a_file_is_taken_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/motd").write_bytes(b"welcome\n")
    assert had(tmp_path, "/etc/motd") == [("/etc/motd", b"welcome\n")]


def test_what_is_absent_is_a_gap_only_where_it_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert had(tmp_path, "/nowhere/motd") == had(tmp_path, "/file/motd") == had(tmp_path, "/no*") == []
    assert had(tmp_path, "/motd", optional=False) == [("/motd", "no such file or directory")]
    assert had(tmp_path, "/mo*", optional=False) == [("/mo*", "nothing matches")]


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("etc/motd", "/real/motd"),
        ("etc/motd", "../real/motd"),
        ("etc/motd", "../../../../../../../real/motd"),
        ("etc/motd", "/../../real/./motd"),
    ],
)
def test_a_link_is_followed_inside_the_root_only(tmp_path: Path, link: str, target: str) -> None:
    root = tmp_path / "disk"
    for directory in ("etc", "real"):
        (root / directory).mkdir(parents=True)
    (tmp_path / "real").mkdir()
    (tmp_path / "real/motd").write_bytes(b"outside")
    (root / "real/motd").write_bytes(b"inside")
    (root / link).symlink_to(target)
    assert had(root, "/etc/motd") == [("/etc/motd", b"inside")]


def test_a_link_to_a_directory_on_the_way_stays_inside_too(tmp_path: Path) -> None:
    root, outside = tmp_path / "disk", tmp_path / "outside"
    for directory in (root, outside):
        directory.mkdir()
    (outside / "shadow").write_bytes(b"outside")
    (root / "etc").symlink_to(outside)
    assert had(root, "/etc/shadow", secret=True) == []
    assert had(root, "/etc/*", secret=True) == []


def test_forty_links_are_followed_and_a_loop_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"end")
    for number in range(1, 42):
        (tmp_path / str(number)).symlink_to(str(number - 1))
    (tmp_path / "loop").symlink_to("loop")
    assert had(tmp_path, "/40") == [("/40", b"end")]
    assert had(tmp_path, "/41") == [("/41", "too many levels of symbolic links")]
    assert had(tmp_path, "/loop") == [("/loop", "too many levels of symbolic links")]


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "directory").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    assert [why for _path, why in had(tmp_path, "/fifo")] == [f"no regular file ({mode(tmp_path / 'fifo')})"]
    assert [why for _path, why in had(tmp_path, "/socket")] == [f"no regular file ({mode(tmp_path / 'socket')})"]
    assert had(tmp_path, "/directory") == [("/directory", "is a directory")]
    assert had(Path("/"), "/dev/null")[0][1] == f"no regular file ({mode(Path('/dev/null'))})"


def mode(path: Path) -> str:
    """The mode as ls(1) shows it."""
    return subprocess.run(["stat", "-c", "%A", path], check=True, capture_output=True, text=True).stdout.strip()


def test_a_file_swapped_for_a_fifo_after_the_look_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.touch()

    def swapping(name: bytes, flags: int, at: int) -> int:
        if name == b"log":
            path.unlink()
            os.mkfifo(path)
        return os.open(name, flags, dir_fd=at)

    monkeypatch.setattr(inside, "opened", swapping)
    assert had(tmp_path, "/log") == [("/log", f"no regular file ({mode(path)})")]


def test_a_file_is_taken_up_to_the_limit_and_a_longer_one_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "fits").write_bytes(b"12345")
    (tmp_path / "long").write_bytes(b"123456")
    assert had(tmp_path, "/fits", limit=5) == [("/fits", b"12345")]
    assert had(tmp_path, "/long", limit=5) == [("/long", "longer than 5 bytes")]


def test_a_huge_sparse_file_costs_no_more_than_the_limit(tmp_path: Path) -> None:
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(10 << 30)
    assert had(tmp_path, "/huge") == [("/huge", "longer than 1048576 bytes")]


def test_a_file_of_proc_that_claims_to_be_empty_is_read() -> None:
    assert had(Path("/"), "/proc/self/status")[0][1][:5] == b"Name:"


def test_a_file_that_may_not_be_read_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shadow").touch()

    def refused(name: bytes, flags: int, at: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(inside, "opened", refused)  # root, who may run these tests, is refused nothing
    assert had(tmp_path, "/shadow") == [("/shadow", "permission denied")]
    assert had(tmp_path, "/*") == [("/", "permission denied")]


def test_a_glob_matches_by_component_in_order_of_the_bytes(tmp_path: Path) -> None:
    for name in ("home/b", "home/a", "home/.hidden", "home/none"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("home/b/keys", "home/a/keys", "home/.hidden/keys", "home/file", "home/a/kids"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "home/dangling").symlink_to("nowhere")
    (tmp_path / "home/b/kinds").mkdir()
    assert [path for path, _data in had(tmp_path, "/home/*/keys")] == [
        "/home/.hidden/keys",
        "/home/a/keys",
        "/home/b/keys",
    ]
    assert [path for path, _data in had(tmp_path, "/home/[ab]/k*")] == ["/home/a/keys", "/home/a/kids", "/home/b/keys"]


def test_a_name_of_any_bytes_is_taken(tmp_path: Path) -> None:
    name = os.fsdecode(b"new\nline\x1b[2J\xff")
    (tmp_path / name).write_bytes(b"x")
    assert had(tmp_path, "/*") == [(f"/{name}", b"x")]


def test_too_many_names_and_too_many_matches_are_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        (tmp_path / str(number)).touch()
    monkeypatch.setattr(inside, "MATCHES", 2)
    assert had(tmp_path, "/*") == [("/0", b""), ("/1", b""), ("/*", "more than 2 paths match")]
    monkeypatch.setattr(inside, "NAMES", 3)
    assert had(tmp_path, "/*") == [("/", "more than 3 names in it")]


def test_no_handle_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "a/b/c/file").touch()
    before = os.listdir("/proc/self/fd")
    assert len(had(tmp_path, "/a/*/c/*") + had(tmp_path, "/a/b/none")) == 1
    assert os.listdir("/proc/self/fd") == before


def test_the_files_of_this_machine_are_those_that_open_gives() -> None:
    assert had(Path("/"), "/etc/os-release") == [("/etc/os-release", Path("/etc/os-release").read_bytes())]


def test_the_probe_needs_nothing_but_the_standard_library() -> None:
    code = "import auditkit.probe.take, sys; print([m for m in ('blake3', 'zstandard', 'click', 'yaml') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parent.parent
    )
    assert run.stdout == "[]\n"


# what it leaves of secrets

FACTS = [
    ("", "<empty>"),
    ("x", "x"),
    ("*", "<locked *>"),
    ("!", "<locked !>"),
    ("!!", "<locked !>"),
    ("!*", "<locked !>"),
    ("*LK*", "<locked *>"),
    ("!plain secret", "<locked !>"),
    ("$6$rounds=5000$salt$hash", "<set $6$>"),
    ("$y$j9T$salt$hash", "<set $y$>"),
    ("$1$salt$hash", "<set $1$>"),
    ("$2b$12$salthash", "<set $2b$>"),
    ("$md5,rounds=904$salt$$hash", "<set $md5$>"),
    ("$secret$hash", "<set $?$>"),
    ("!$6$salt$hash", "<locked ! $6$>"),
    ("abJnggxhB/yWI", "<set des>"),
    ("abJnggxhB/yWI,A.B.", "<set des>"),
    ("_J9..K0AyUubDrfOgO4s", "<set des>"),
    ("!abJnggxhB/yWI", "<locked ! des>"),
    ("NP", "<none>"),
    ("password123", "<none>"),
]


@pytest.mark.parametrize(("password", "fact"), FACTS)
def test_a_password_is_reduced_to_a_fact(password: str, fact: str) -> None:
    line = f"root:{password}:20228:0:99999:7:::\n"
    assert reduced(line.encode()).decode() == f"root:{fact}:20228:0:99999:7:::\n"


def test_a_hash_where_none_belongs_is_no_more_than_other() -> None:
    table = b"root:x:0:0:$6$salt$hash:/root:\n$6$salt$hash\n# was $6$salt$hash\n$6$salt$hash:*:1\n+\n\n"
    assert reduced(table) == b"root:x:0:0:<other>:/root:\n<other>\n#<other>\n<other>:<locked *>:1\n+\n\n"


PIECES = (b"root", b"$6$salt$SECRET", b"!", b":", b":", b"\n", b" ", b"#", b"+", b"\0", b"x")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_no_arrangement_of_a_table_lets_a_hash_through_nor_moves_a_field(table: bytes) -> None:
    facts = reduced(table)
    assert b"SECRET" not in facts
    assert [line.count(b":") for line in facts.split(b"\n")] == [line.count(b":") for line in table.split(b"\n")]


@pytest.mark.parametrize("path", ["etc/shadow", "etc/shadow-", "etc/gshadow", "etc/passwd", "var/backups/shadow.bak"])
def test_a_table_of_passwords_is_reduced_whoever_asks_and_by_whatever_name(tmp_path: Path, path: str) -> None:
    table = tmp_path / path
    table.parent.mkdir(parents=True)
    table.write_bytes(b"root:$6$salt$hash:20228\n")
    (tmp_path / "etc").mkdir(exist_ok=True)
    (tmp_path / "etc/motd").symlink_to(f"/{path}")
    assert had(tmp_path, f"/{path}") == [(f"/{path}", b"root:<set $6$>:20228\n")]
    assert had(tmp_path, "/etc/motd") == [("/etc/motd", b"root:<set $6$>:20228\n")]


def test_a_secret_of_a_kind_that_cannot_be_reduced_is_not_taken_at_all(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"s3cr3t\n")
    ((path, why),) = had(tmp_path, "/tok*", secret=True)
    assert path == "/token"
    assert re.match(r"holds secrets .* nothing of it was taken", str(why))


def test_of_a_private_key_only_facts_are_taken(tmp_path: Path) -> None:
    (tmp_path / "id_ed25519").write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\n")
    assert had(tmp_path, "/id_*", secret=True) == [("/id_ed25519", b"openssh ? -\n")]
    assert had(tmp_path, "/id_*") == [("/id_ed25519", "holds a private key, so nothing of it was taken")]


@pytest.mark.parametrize(("name", "told"), [("ssh_host_ed25519_key", "openssh no"), ("own", "openssh no")])
def test_of_the_keys_of_a_host_only_facts_are_taken(tmp_path: Path, name: str, told: str) -> None:
    """Whatever they are called: HostKey of sshd_config may name any file."""
    if not shutil.which("ssh-keygen"):
        pytest.skip("needs ssh-keygen")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    public = (tmp_path / f"{name}.pub").read_text().split()[1]
    assert had(tmp_path, f"/{name}", secret=True) == [(f"/{name}", f"{told} {public}\n".encode())]
    assert had(tmp_path, f"/{name}") == [(f"/{name}", "holds a private key, so nothing of it was taken")]
    (tmp_path / "notes").write_text("a text")
    ((_path, why),) = had(tmp_path, "/notes", secret=True)
    assert why == "holds secrets of a kind that cannot be reduced to facts, so nothing of it was taken"


def test_a_shadow_file_elsewhere_is_reduced_where_the_need_says_that_it_is_secret(tmp_path: Path) -> None:
    (tmp_path / "etc/tcb/anna").mkdir(parents=True)
    (tmp_path / "etc/tcb/anna/shadow").write_bytes(b"anna:!:20228:\n")
    assert had(tmp_path, "/etc/tcb/*/shadow", secret=True) == [("/etc/tcb/anna/shadow", b"anna:<locked !>:20228:\n")]


HASHES = (
    "$6$rounds=5000$saltsalt$" + "SECRET" * 14 + "ab",
    "$y$j9T$saltsaltsalt$" + "SECRET" * 7 + "a",
    "$1$saltsalt$" + "SECRET" * 3 + "abcd",
    "$2b$10$" + "SECRET" * 8 + "abcde",
    "$md5,rounds=904$salt$$" + "SECRET" * 3 + "abcd",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$" + "SECRET" * 7,
    "grub.pbkdf2.sha512.10000." + "5EC3E7" * 10 + "." + "5EC3E7" * 10,
)
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + ("SECRET" * 11 + "ab==\n") * 3 + "-----END OPENSSH PRIVATE KEY-----\n"


@pytest.mark.parametrize("hashed", HASHES)
def test_what_looks_like_a_hash_leaves_no_file_whatever_it_is_called(tmp_path: Path, hashed: str) -> None:
    """A file of the configuration of sshd may be a copy of /etc/shadow: a host names what it likes in an Include line."""
    (tmp_path / "more.conf").write_text(f"Port 22\nroot:{hashed}:20228:0:99999:7:::\nX '{hashed}'\n")
    assert had(tmp_path, "/more.conf") == [("/more.conf", b"Port 22\nroot:<hash>:20228:0:99999:7:::\nX '<hash>'\n")]


def test_old_hashes_are_told_by_the_table_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("root:SECRETSECRET1:20228:0:99999:7:::\nUser SECRETSECRET1\n")
    assert had(tmp_path, "/more.conf") == [("/more.conf", b"root:<hash>:20228:0:99999:7:::\nUser SECRETSECRET1\n")]


def test_what_opens_snmp_leaves_no_file_but_for_the_words_that_everybody_knows(tmp_path: Path) -> None:
    lines = {
        "agentaddress udp:161": "agentaddress udp:161",
        "rocommunity public default": "rocommunity public default",
        " rwcommunity6\tSECRET 10.0.0.0/8": " rwcommunity6\t<secret> 10.0.0.0/8",
        'ROCommunity "SECRET SECRET" x': "ROCommunity <secret> x",
        "rocommunity publicSECRET": "rocommunity <secret>",
        "com2sec -Cn ctx ro default SECRET": "com2sec -Cn ctx ro default <secret>",
        "com2sec ro 10.0.0.0/8 private": "com2sec ro 10.0.0.0/8 private",
        "trap2sink host SECRET": "trap2sink host <secret>",
        "createUser bob SHA SECRET AES": "createUser <secret>",
        "# community": "# community",
    }
    (tmp_path / "snmpd.conf").write_text("\n".join(lines))
    assert had(tmp_path, "/snmpd.conf") == [("/snmpd.conf", "\n".join(lines.values()).encode())]


def test_a_private_key_leaves_no_file_that_has_more_in_it(tmp_path: Path) -> None:
    remark = f"# {'long ' * 20}\n"
    (tmp_path / "more.conf").write_text(f"{remark}{KEY}Port 22\n")
    ((_path, data),) = had(tmp_path, "/more.conf")
    assert isinstance(data, bytes)
    assert data.decode() == f"{remark}{KEY}Port 22\n".replace("SECRET" * 11 + "ab==", "<private key>")
    (tmp_path / "more.ppk").write_text("PuTTY-User-Key-File-3: ssh-ed25519\nSECRET\n")
    assert had(tmp_path, "/more.ppk") == [("/more.ppk", "holds a private key, so nothing of it was taken")]


def test_no_word_about_keys_hides_what_stands_behind_it(tmp_path: Path) -> None:
    """What sshd takes for a remark must not make us pass over the lines that it reads."""
    text = f"# {'long ' * 20}\n# -----BEGIN PRIVATE KEY-----\nPasswordAuthentication=yes\n"
    text += "awk '{print $1,$2,$3,$4,$5,$6,$7}' $6$HOME\n"
    (tmp_path / "more.conf").write_text(text)
    assert had(tmp_path, "/more.conf") == [("/more.conf", text.encode())]


TEXTS = st.lists(st.one_of(st.sampled_from([*HASHES, KEY, "\n", ":", "'", '"', " ", "#"]), st.text("$6a.:\n ", max_size=5)))


@settings(max_examples=100, deadline=None)
@given(TEXTS.map(lambda parts: "\n".join(parts).encode()))
def test_no_text_lets_a_hash_through_nor_moves_a_line(text: bytes) -> None:
    told = complaints_scrubbed(text)
    assert b"SECRETSECRET" not in told
    assert b"5EC3E75EC3E7" not in told
    assert told.count(b"\n") == text.count(b"\n")


# how it becomes evidence


class Told:
    """A host that gives what it is told to give, and remembers what it was asked."""

    name = "srv-01"

    def __init__(self, *answers: Item | Gap) -> None:
        self.answers = answers
        self.asked: tuple[Need, ...] = ()
        self.facts: Mapping[str, object] = {}

    def close(self) -> None:
        """Nothing is open."""

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """The answers, whatever was asked."""
        self.asked = needs
        return iter(self.answers)

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Nothing."""
        return iter(())

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Nothing."""
        return iter(())

    def mounts(self) -> bytes:
        """Nothing."""
        return b""


MOTD = Need(Means.FILE, "/etc/motd", "for one audit")


def item(need: Need, data: bytes = b"welcome\n", taken: datetime = NOW, digest: str = "") -> Item:
    """An item as a host gives it."""
    return Item(need, need.what, data, taken, digest)


def test_an_item_gets_its_time_and_our_digest() -> None:
    evidence = collect(Told(item(MOTD, taken=EARLIER)), [MOTD], lambda: NOW)
    assert (evidence.host, evidence.taken, evidence.gaps) == ("srv-01", NOW, ())
    assert evidence.items == (item(MOTD, digest=f"blake3:{blake3(b'welcome' + bytes([10])).hexdigest()}"),)


def test_what_was_recorded_before_keeps_its_time_and_must_fit_its_digest() -> None:
    good = item(MOTD, taken=EARLIER, digest=f"blake3:{blake3(b'welcome' + bytes([10])).hexdigest()}")
    assert collect(Told(good), [MOTD], lambda: NOW).items == (good,)
    with pytest.raises(UntrustedError, match="the evidence of /etc/motd is not what its digest says"):
        collect(Told(item(MOTD, b"changed", EARLIER, good.digest)), [MOTD], lambda: NOW)


def test_two_audits_that_want_the_same_ask_once_and_the_more_careful_one_decides() -> None:
    careful = Need(Means.FILE, "/etc/motd", "for another", secret=True, optional=False)
    asked = Need(Means.FILE, "/etc/motd", "for one audit; for another", secret=True, optional=False)
    host = Told(item(asked))
    evidence = collect(host, [MOTD, careful, MOTD], lambda: NOW)
    assert host.asked == (asked,)
    assert [len(evidence.of(need)) for need in (MOTD, careful)] == [1, 1]


def test_a_file_and_a_command_of_the_same_words_are_two_needs() -> None:
    needs = (MOTD, Need(Means.COMMAND, "/etc/motd"))
    assert merged(needs) == {need: (need,) for need in needs}


def test_a_gap_is_kept_once_and_an_answer_to_no_question_is_a_gap() -> None:
    gap = Gap("/etc/motd", "permission denied")
    evidence = collect(Told(gap, gap, item(Need(Means.FILE, "/etc/hosts"))), [MOTD], lambda: NOW)
    assert evidence.items == ()
    assert evidence.gaps == (gap, Gap("/etc/hosts", "the host sent it without being asked, so it is left out"))


class Shell(Told):
    """A host without Python: it is asked through its shell."""

    def gives(self, need: Need) -> bool:
        """It shows files alone."""
        return need.means is Means.FILE


def test_that_nobody_saw_what_runs_is_said_by_itself_and_not_among_seventy_other_things() -> None:
    host = Shell(item(MOTD))
    host.facts = {"shell": "gnu"}
    others = [Need(Means.LISTING, f"/etc/{number}", f"thing {number}") for number in range(70)]
    running = Need(Means.PROCESSES, "all", "what runs")
    evidence = collect(host, [MOTD, *others, running], lambda: NOW)
    takes = "it takes Python on the host to see"
    named = ", ".join(f"thing {number}" for number in range(5))
    assert evidence.gaps == (
        Gap("processes", f"{takes} what runs"),
        Gap("evidence", f"{takes} {named}, and 65 things more"),
    )


def test_a_host_that_sends_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "LARGEST", 2 << 20)

    def endless() -> Iterator[Item | Gap]:
        while True:
            yield item(MOTD, bytes(1 << 20))

    host = Told()
    monkeypatch.setattr(host, "take", lambda needs: endless())
    evidence = collect(host, [MOTD], lambda: NOW)
    assert len(evidence.items) == 2
    assert evidence.gaps == (Gap("evidence", "more than 2 MiB; what came after that is left out"),)


def write_more(file: Path) -> None:
    with file.open("ab") as more:
        more.write(b"more")


def replace_it(file: Path) -> None:
    (file.parent / "new").write_bytes(file.read_bytes())
    (file.parent / "new").replace(file)


@pytest.mark.parametrize("change", [write_more, replace_it, Path.unlink])
@pytest.mark.parametrize("name", ["database", "log"])
def test_a_long_file_that_changes_before_all_were_read_is_a_gap(
    tmp_path: Path, name: str, change: Callable[[Path], None]
) -> None:
    """A database and its log must be of one moment."""
    (tmp_path / "database").write_bytes(bytes(taking.PIECE + 1))
    (tmp_path / "log").write_bytes(bytes(9))
    told = []
    for number, path, data, why in take(
        os.fsencode(tmp_path), [(b"/database", False, True, True), (b"/log", False, True, True)]
    ):
        told.append((number, path, why if data is None else len(data)))
        if len(told) == 3:
            change(tmp_path / name)
    assert told[:3] == [(0, b"/database", taking.PIECE), (0, b"/database", 1), (1, b"/log", 9)]
    assert told[-1] == (["database", "log"].index(name), b"/" + name.encode(), taking.CHANGED)


@pytest.mark.parametrize(
    "line",
    [
        "export API_TOKEN=%s",
        'Environment="DB_PASSWORD=%s"',
        "AWS_SECRET_ACCESS_KEY='%s'",
        "curl -u bob:%s http://h",
        "wget https://bob:%s@h/x",
        '{"client_secret": "%s"}',
        "mysql --password=%s x",
        "tool --token %s",
        "* * * * * root PGPASSWORD=%s pg_dump",
    ],
)
def test_a_secret_that_is_called_one_stays_on_the_host(line: str) -> None:
    assert scrubbed((line % "s3cr3tW0rd+x").encode()) == (line % "<secret>").encode()


def test_tokens_are_known_by_their_look() -> None:
    for token in (b"ghp_" + b"a" * 36, b"AKIA" + b"A" * 16, b"eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abcdefghijkl"):
        assert scrubbed(b"x " + token + b" y") == b"x <secret> y"
    assert scrubbed(b"Authorization: Bearer abcdefghijklmnopqrst") == b"Authorization: Bearer <secret>"


@pytest.mark.parametrize(
    "line",
    [
        "PasswordAuthentication=yes",
        "PermitRootLogin=prohibit-password",
        "GSSAPIStoreCredentialsOnRekey=no",
        "passwd: compat [SUCCESS=return] systemd",
        "Defaults passwd_tries=3, passwd_timeout=0.5",
        "password [success=1 default=ignore] pam_unix.so obscure yescrypt",
        "account [success=1 new_authtok_reqd=done authtok_err=die authtok_expired=bad default=ignore] pam_unix.so",
        "TOKEN=$(cat /run/token)",
        "PASSWORD=${X}",
        "GIT_ASKPASS=/usr/bin/x",
        "deb [signed-by=/usr/share/keyrings/x.gpg] http://mirror.example/debian bookworm main",
        "Description: Bearer Tokens",
    ],
)
def test_what_a_judge_reads_stays_as_it_is(line: str) -> None:
    assert scrubbed(line.encode()) == line.encode()


@given(st.binary(max_size=300))
def test_no_line_is_lost_with_a_secret(data: bytes) -> None:
    assert scrubbed(data).count(b"\n") == data.count(b"\n")


def test_what_is_held_against_a_package_keeps_every_word(tmp_path: Path) -> None:
    text = "token=default\n"
    for name in ("usr/lib/python3/shlex.py", "usr/local/x", "etc/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    needs = tuple(Need(Means.FILE, f"/{name}") for name in ("usr/lib/python3/shlex.py", "usr/local/x", "etc/x"))
    told = [one.data.decode() for one in taken_below(os.fsencode(tmp_path), needs) if isinstance(one, Item)]
    assert told == [text, *["token=<secret>\n"] * 2]
