"""What hosts leave for each other: whole pages count, broken ones do not; and `scan` and `check` over several small disks."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, Outcome, build

from auditkit.ledger import Ledger, Page
from auditkit.model import Severity

SSHD = "/usr/sbin/sshd"
SERVER = ("dpkg", "debian", "openssh-server", "9.2", "amd64")
LINE = "f 755 0 0 root root 9 1.000000000 1.000000000 ? 7 1 - {} - - {}"


def block(directory: str, **names: str) -> bytes:
    """A block of a scan: names with the digests of their content."""
    return "".join(
        f"{line}\n" for line in (directory, *(LINE.format(*told) for told in ((d, n) for n, d in names.items())))
    ).encode()


def written(ledger: Ledger, word: str, digest: str, **more: Any) -> Page:
    """The page of a host that has one program."""
    page = ledger.page(word)
    page.add([block("/usr/sbin", sshd=digest)])
    page.hold(SERVER, ("/", "/usr", SSHD))
    page.finish({"machines": [], "policy": "", "whole": True, "gaps": [], "packages": 1, **more})
    return page


def odd(ledger: Ledger, *words: str) -> dict[str, int]:
    """How much of each host is not as on others."""
    return {word: told.unlike for word, told in ledger.judged(words, ()).items()}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(str(tmp_path / "ledger"))
    yield made
    made.close()


# pages


def test_the_odd_page_is_told(ledger: Ledger) -> None:
    for word, digest in {"a": "blake3:aa", "b": "blake3:aa", "evil": "blake3:bb"}.items():
        written(ledger, word, digest)
    assert odd(ledger, "a", "b", "evil") == {"a": 0, "b": 0, "evil": 1}


def test_only_whole_pages_of_hosts_that_are_named_count(ledger: Ledger) -> None:
    for word in ("a", "b", "left out"):
        written(ledger, word, "blake3:aa")
    ledger.page("cut short").add([block("/usr/sbin", sshd="blake3:bb")])
    assert odd(ledger, "a", "b", "cut short") == {"a": 0, "b": 0}
    assert ledger.judged(["a", "b"], ())["a"].compared == 0


def test_a_host_that_is_asked_again_begins_a_new_page(tmp_path: Path) -> None:
    """As a run that is resumed does, in another process."""
    first = Ledger(str(tmp_path / "ledger"))
    for word in ("a", "b", "c\udcff"):
        written(first, word, "blake3:bb" if word == "a" else "blake3:aa")
    first.close()
    second = Ledger(str(tmp_path / "ledger"))
    assert odd(second, "a", "b", "c\udcff") == {"a": 1, "b": 0, "c\udcff": 0}
    written(second, "a", "blake3:aa")
    assert odd(second, "a", "b", "c\udcff") == {"a": 0, "b": 0, "c\udcff": 0}
    second.close()


def test_a_merged_usr_and_one_that_is_not_are_the_same_places(ledger: Ledger) -> None:
    for word, at in {"a": "/usr/bin", "b": "/usr/bin", "old": "/bin"}.items():
        page = ledger.page(word)
        page.add([block(at, ls="blake3:bb" if word == "old" else "blake3:aa")])
        page.hold(SERVER, (f"{at}/ls",))
        page.finish({"machines": [], "policy": "", "whole": True, "gaps": [], "packages": 1})
    assert odd(ledger, "a", "b", "old") == {"a": 0, "b": 0, "old": 1}


def test_names_that_no_parser_likes_are_paths(ledger: Ledger) -> None:
    name = "a\\x0ab\\\\\\xff"
    for word, digest in {"a": "blake3:aa", "b": "blake3:aa", "evil": "blake3:bb"}.items():
        page = ledger.page(word)
        page.add([block("/usr/lib/x", **{name: digest})])
        page.hold(SERVER, ("/usr/lib/x/a\nb\\\udcff",))
        page.finish({"machines": [], "policy": "", "whole": True, "gaps": [], "packages": 1})
    (finding,) = ledger.judged(("a", "b", "evil"), ())["evil"].findings
    assert (finding.subject, finding.severity) == ("/usr/lib/x/a\nb\\\udcff", Severity.HIGH)


def test_a_host_with_more_paths_than_are_held_is_cut_and_knows_it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.ledger.MOST_PATHS", 2)
    page = ledger.page("a")
    page.add([block("/usr/bin", a="blake3:aa", b="blake3:aa", c="blake3:aa")])
    assert (page.paths, page.cut) == (2, True)


def test_packages_that_are_known_by_a_name_are_held_like_those_that_are_told_one_by_one(ledger: Ledger) -> None:
    def page(word: str, digest: str) -> Page:
        made = ledger.page(word)
        made.add([block("/usr/sbin", sshd=digest)])
        return made

    held = page("a", "blake3:aa")
    assert held.hold_named(b"stock") == 0
    held.hold(SERVER, ("/", "/usr", SSHD))
    held.name(b"stock")
    pages = {"a": held, "b": page("b", "blake3:aa"), "evil": page("evil", "blake3:bb"), "bare": page("bare", "blake3:cc")}
    assert [pages[word].hold_named(b"stock") for word in ("b", "evil")] == [1, 1]
    for made in pages.values():
        made.finish({"machines": [], "policy": "", "whole": True, "gaps": [], "packages": made.packages})
    assert {word: made.claims for word, made in pages.items()} == {"a": 2, "b": 2, "evil": 2, "bare": 0}
    assert odd(ledger, *pages) == {"a": 0, "b": 0, "evil": 1, "bare": 0}


def test_packages_of_a_host_that_was_cut_get_no_name(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.ledger.MOST_PATHS", 1)
    page = ledger.page("a")
    page.hold(SERVER, ("/usr", SSHD))
    page.name(b"stock")
    assert page.cut
    assert ledger.page("b").hold_named(b"stock") == 0


def test_what_lies_where_packages_put_nothing_is_not_held(ledger: Ledger) -> None:
    page = ledger.page("a")
    page.add([block(at, a="blake3:aa") for at in ("/home/anna", "/srv", "/usr/local/bin", "/rooted")])
    assert page.paths == 1


@pytest.mark.parametrize("damage", ["another file", "a directory", "emptied under us"])
def test_a_book_that_is_broken_says_so_and_stops_nobody(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "ledger"
    if damage == "another file":
        path.write_bytes(b"no database")
    if damage == "a directory":
        path.mkdir()
    ledger = Ledger(str(path))
    if damage == "emptied under us":
        sqlite3.connect(path).executescript("DROP TABLE seen")
    written(ledger, "a", "blake3:aa")
    assert ledger.broken
    assert ledger.judged(("a",), ()) == {}
    ledger.close()


# the command line over several disks


def disk(home: Path, name: str) -> Path:
    """A small Debian system with two packages."""
    root = home / name
    files = {
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
        "etc/hostname": f"{name}\n",
        "etc/os-release": "ID=debian\n",
        "etc/hello.conf": "greeting = hello\n",
        "usr/bin/hello": "#!/bin/sh\necho hello\n",
        "usr/sbin/sshd": "sshd\n",
        "var/lib/dpkg/status": "\n".join(
            f"Package: {package}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
            for package, version in {"hello": "2.10", "openssh-server": "9.2"}.items()
        ),
        "var/lib/dpkg/info/hello.list": "/.\n/usr\n/usr/bin\n/usr/bin/hello\n/etc\n/etc/hello.conf\n",
        "var/lib/dpkg/info/openssh-server.list": "/.\n/usr\n/usr/sbin\n/usr/sbin/sshd\n",
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


class Fleet:
    """Four small disks, and auditkit run over them."""

    def __init__(self, home: Path) -> None:
        self.cli = build(home)
        self.cli.watch({"path": "/etc", "level": "content"}, {"path": "/usr", "level": "content"})
        self.roots = {name: disk(home / "disks", name) for name in ("ws-1", "ws-2", "ws-3", "ws-4")}
        (home / "auditkit.yaml").write_text(f"defaults: {{policy: {self.cli.policy}}}\n")

    def words(self, *names: str) -> list[str]:
        return [f"root:{self.roots[name]}" for name in names or self.roots]

    def run(self, verb: str, *names: str, more: tuple[str, ...] = ()) -> Outcome:
        return self.cli.run(verb, *self.words(*names), "--store", str(self.cli.store), "-q", *more)

    def json(self, verb: str, *names: str, more: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
        """What the report says of each host, by the name of its disk."""
        document = json.loads(self.run(verb, *names, more=("--format", "json", *more)).out)
        SCHEMA.validate(document)
        return {str(host["host"]).rpartition("/")[2]: host for host in document["hosts"]}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def rules(hosts: Mapping[str, Mapping[str, Any]]) -> dict[str, list[tuple[str, str, str]]]:
    return {
        name: [(one["rule"], one["severity"], one["subject"]) for one in host["findings"] if "other-hosts" in one["rule"]]
        for name, host in hosts.items()
    }


def test_scan_finds_the_odd_disk_without_a_baseline_and_says_what_to_do(fleet: Fleet) -> None:
    (fleet.roots["ws-3"] / "usr/sbin/sshd").write_text("evil\n")
    told = fleet.run("scan")
    words = fleet.words()
    assert told.code == 1
    assert (
        f"  ! {SSHD}: its content is not what 3 hosts ({words[0]}, {words[1]}, {words[3]}) have in openssh-server 9.2"
        "  high  unlike-other-hosts\n"
    ) in told.out
    assert f"  auditkit check {words[2]} --against vendor\n" in told.out
    assert told.out.index("held against each other: 4 hosts with 8 packages\n") < told.out.index("  ! ")


def test_a_check_of_unchanged_disks_compares_what_their_baselines_hold(fleet: Fleet) -> None:
    """sshd was another one already when the baselines were made; the lists of packages on the disk are not read now."""
    (fleet.roots["ws-3"] / "usr/sbin/sshd").write_text("evil\n")
    assert fleet.run("baseline").code == 0
    shutil.rmtree(fleet.roots["ws-3"] / "var/lib/dpkg")
    hosts = fleet.json("check")
    assert rules(hosts) == {"ws-1": [], "ws-2": [], "ws-3": [("unlike-other-hosts", "high", SSHD)], "ws-4": []}
    assert {host["state"] for name, host in hosts.items() if name != "ws-3"} == {"ok"}
    assert all(not host["changes"] for host in hosts.values())
    counts = hosts["ws-1"]["counts"]
    assert {name: number for name, number in counts.items() if "compared" in name} == {
        "packages_compared": 2,
        "packages_not_compared": 0,
        "paths_compared": 7,
        "paths_not_compared": 0,
    }
    assert hosts["ws-1"]["facts"]["peers"] == {"hosts": 3, "unlike": 0}


def test_what_a_package_puts_elsewhere_is_its_own_also_where_the_baseline_says_what_is_installed(fleet: Fleet) -> None:
    """As dash does with /bin/sh: nothing to tell of the hosts that are unchanged, of which no list of packages is read now."""
    for root in fleet.roots.values():
        (root / "var/lib/dpkg/diversions").write_text("/usr/bin/hello\n/usr/bin/hello.distrib\nhello\n")
    assert fleet.run("baseline").code == 0
    (fleet.roots["ws-3"] / "usr/bin/hello").write_text("evil\n")
    odd = [("unlike-other-hosts", "high", "/usr/bin/hello")]
    assert rules(fleet.json("check")) == {"ws-1": [], "ws-2": [], "ws-3": odd, "ws-4": []}


def test_a_host_alone_is_compared_with_nobody_and_leaves_no_ledger(fleet: Fleet) -> None:
    host = fleet.json("scan", "ws-1")["ws-1"]
    assert "peers" not in host["facts"]
    assert not [name for name in host["counts"] if "compared" in name]
    assert fleet.cli.files() == ["logins.json"], "what the next run knows of its logs, and nothing else"
    assert sorted(path.name for path in fleet.cli.store.iterdir()) == ["baselines", "history.sqlite"]


def test_with_one_other_host_nothing_counts_as_compared(fleet: Fleet) -> None:
    hosts = fleet.json("scan", "ws-1", "ws-2")
    assert rules(hosts) == {"ws-1": [], "ws-2": []}
    assert [host["counts"]["paths_compared"] for host in hosts.values()] == [0, 0]
    assert [host["counts"]["packages_not_compared"] for host in hosts.values()] == [2, 2]


def test_a_disk_whose_packages_are_not_known_is_not_called_the_same(fleet: Fleet) -> None:
    shutil.rmtree(fleet.roots["ws-4"] / "var")
    (fleet.roots["ws-4"] / "usr/sbin/sshd").write_text("evil\n")
    host = fleet.json("scan")["ws-4"]
    assert host["facts"]["peers"] == {"hosts": 3, "unlike": 0}
    assert host["counts"]["packages_compared"] == host["counts"]["paths_compared"] == 0
    assert "its packages are not known: its files were held against no other host's" in host["notes"]


def test_a_run_that_is_resumed_holds_all_hosts_against_each_other(fleet: Fleet) -> None:
    """ws-3 could not be asked the first time, as its disk was not there."""
    (fleet.roots["ws-3"] / "usr/sbin/sshd").write_text("evil\n")
    away = fleet.roots["ws-3"].rename(fleet.cli.home / "away")
    assert rules(fleet.json("scan")) == {name: [] for name in fleet.roots}
    assert list(fleet.cli.store.glob("runs/*/ledger"))
    away.rename(fleet.roots["ws-3"])
    again = fleet.json("scan", more=("--resume", "last"))
    assert rules(again)["ws-3"] == [("unlike-other-hosts", "high", SSHD)]
    assert again["ws-1"]["notes"][0].startswith("asked at ")
    assert not list(fleet.cli.store.glob("runs/*/ledger"))


@pytest.mark.parametrize("lost", [True, False])
def test_a_run_whose_book_is_lost_or_damaged_says_what_was_not_compared(fleet: Fleet, lost: bool) -> None:
    away = fleet.roots["ws-4"].rename(fleet.cli.home / "away")
    fleet.json("scan")
    (book,) = fleet.cli.store.glob("runs/*/ledger")
    book.unlink()
    if not lost:
        book.write_bytes(b"no database")
    away.rename(fleet.roots["ws-4"])
    hosts = fleet.json("scan", more=("--resume", "last"))
    reason = "not held against them: what hosts showed could not be kept: file is not a database"
    gaps = [gap["reason"] for host in hosts.values() for gap in host["gaps"] if gap["subject"] == "other hosts"]
    notes = [note for host in hosts.values() for note in host["notes"] if note.startswith("what it showed is not at hand")]
    assert (gaps, len(notes)) == (([], 3) if lost else ([reason] * 4, 0))


def test_what_was_changed_since_the_baseline_is_told_by_both(fleet: Fleet) -> None:
    assert fleet.run("baseline").code == 0
    (fleet.roots["ws-3"] / "usr/sbin/sshd").write_text("evil\n")
    host = fleet.json("check")["ws-3"]
    assert [change["path"] for change in host["changes"]] == [SSHD]
    assert rules({"ws-3": host}) == {"ws-3": [("unlike-other-hosts", "high", SSHD)]}


def test_evidence_is_held_against_disks(fleet: Fleet, tmp_path: Path) -> None:
    (fleet.roots["ws-3"] / "usr/sbin/sshd").write_text("evil\n")
    taken = tmp_path / "ws-3.evidence"
    assert fleet.run("collect", "ws-3", more=("-o", str(taken))).code in (0, 3)
    told = fleet.cli.run(
        "scan", *fleet.words("ws-1", "ws-2"), f"evidence:{taken}", "--store", str(fleet.cli.store), "-q", "--format", "json"
    )  # fmt: skip
    (_one, _two, odd_one) = json.loads(told.out)["hosts"]
    assert ("unlike-other-hosts", SSHD) in [(one["rule"], one["subject"]) for one in odd_one["findings"]]
