"""Which logs are found below a root, and what becomes of what is none: links, pipes, files of the kernel, what is swapped."""

import os
from pathlib import Path

import pytest

from auditkit.logins.nouns import Condition
from auditkit.logs import files
from auditkit.logs.files import File, found

LINE = b"Nov 24 09:54:53 vm sshd[1]: Invalid user a from 192.0.2.1 port 9\n"


def test_each_file_of_a_glob_is_a_source_with_its_facts(tmp_path: Path) -> None:
    log = tmp_path / "var/log"
    log.mkdir(parents=True)
    (log / "auth.log").write_bytes(LINE)
    (log / "auth.log.1").write_bytes(LINE * 3)
    os.utime(log / "auth.log.1", ns=(0, 5))
    os.chmod(log / "auth.log.1", 0o640)
    one, two = found(str(tmp_path), ["/var/log/auth.log*"])
    assert (one.log.name, one.log.size) == ("/var/log/auth.log", len(LINE))
    assert (two.log.name, two.log.mtime, (two.log.mode or 0) & 0o777) == ("/var/log/auth.log.1", 5, 0o640)
    assert b"".join(two.data.chunks()) == two.data.whole() == LINE * 3


def test_absent_empty_and_unreadable_are_three_things(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    told = list(found(str(tmp_path), ["/absent*", "/empty", "/pipe"]))
    assert [(one.log.name, one.log.condition) for one in told] == [
        ("/absent", Condition.ABSENT),
        ("/empty", Condition.EMPTY),
        ("/pipe", Condition.UNREADABLE),
    ]
    assert "no regular file" in told[2].log.reason
    assert [b"".join(one.data.chunks()) for one in told] == [b""] * 3


def test_no_link_leads_out_of_the_root(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"of the analyst")
    (root / "real").write_bytes(LINE)
    (root / "auth.log").symlink_to("../secret")
    (root / "auth.log.1").symlink_to(tmp_path / "secret")
    (root / "auth.log.2").symlink_to("/real")
    (root / "auth.log.3").symlink_to("auth.log.3")
    told = {one.log.name: (one.log.condition, b"".join(one.data.chunks())) for one in found(str(root), ["/auth.log*"])}
    assert told == {"/auth.log.2": (Condition.READ, LINE), "/auth.log.3": (Condition.UNREADABLE, b"")}


def test_what_holds_passwords_or_a_key_is_no_log_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/shadow").write_bytes(b"root:$6$s$h:1::::::\n")
    (tmp_path / "auth.log").write_bytes(LINE)
    os.link(tmp_path / "auth.log", tmp_path / "etc/kept")
    os.link(tmp_path / "etc/shadow", tmp_path / "auth.log.1")
    (tmp_path / "auth.log.2").write_bytes(b"-----BEGIN PRIVATE KEY-----\nx\n")
    told = {one.log.name: (one.log.condition, one.log.reason) for one in found(str(tmp_path), ["/auth.log*"])}
    refused = (Condition.UNREADABLE, "holds secrets, and is no log")
    assert told == {"/auth.log": (Condition.READ, ""), "/auth.log.1": refused, "/auth.log.2": refused}
    (tmp_path / "auth.log.1").unlink()
    (tmp_path / "auth.log.1").symlink_to("/etc/shadow")
    assert [(one.log.condition, one.log.reason) for one in found(str(tmp_path), ["/auth.log.1"])] == [refused]


def test_a_file_with_two_names_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "utmp").write_bytes(LINE)
    os.link(tmp_path / "utmp", tmp_path / "utmp.old")
    (tmp_path / "utmp.link").symlink_to("utmp")
    assert [one.log.name for one in found(str(tmp_path), ["/utmp*"])] == ["/utmp"]


def test_files_of_the_kernel_are_not_read() -> None:
    (told,) = found("/", ["/proc/self/environ"])
    assert (told.log.condition, b"".join(told.data.chunks())) == (Condition.UNREADABLE, b"")


def test_a_log_that_grows_is_read_up_to_where_it_was_found(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINE)
    (source,) = found(str(tmp_path), ["/log"])
    with open(tmp_path / "log", "ab") as log:
        log.write(LINE * 2)
    assert b"".join(source.data.chunks()) == LINE
    assert (source.data.broke, source.data.grew) == ("", 2 * len(LINE))


def test_its_length_is_right_though_it_is_read_again_before_it_was_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "auth.log").write_bytes(b"a line\n" * 400_000)
    (source,) = found(str(tmp_path), ["/auth.log"])
    pieces = source.data.chunks()
    lengths = [len(next(pieces)), sum(map(len, source.data.chunks())), sum(map(len, pieces))]
    assert lengths[0] + lengths[2] == lengths[1] == source.data.given == 2_800_000


def test_a_log_that_is_cut_or_swapped_meanwhile_says_so(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(LINE * 2)
    (source,) = found(str(tmp_path), ["/log"])
    os.truncate(tmp_path / "log", len(LINE))
    assert b"".join(source.data.chunks()) == LINE
    assert source.data.broke == files.CUT
    os.rename(tmp_path / "log", tmp_path / "log.1")
    (tmp_path / "log").write_bytes(b"x" * 100)
    assert b"".join(source.data.chunks()) == b""
    assert source.data.broke == files.SWAPPED


@pytest.mark.parametrize("mapped", [False, True])
def test_a_sparse_file_is_given_as_a_whole_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: bool) -> None:
    monkeypatch.setattr(files, "HELD", 1 << 20)
    monkeypatch.setattr(files, "MAPPED", 1 << 20)
    with open(tmp_path / "lastlog", "wb") as lastlog:
        lastlog.write(b"first")
        lastlog.truncate(1 << 40)
    (source,) = found(str(tmp_path), ["/lastlog"])
    assert isinstance(source.data, File)
    source.data.mapped = mapped
    whole = source.data.whole()
    assert bytes(whole[:6]) == b"first\0"
    assert len(whole) <= 1 << 20
    assert source.data.broke.startswith("it is longer than")
