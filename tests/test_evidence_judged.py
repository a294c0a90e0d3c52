"""Evidence judged: here or elsewhere, today or later, a judge says of it what it said of the host."""

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Outcome, text_of, without_past

from auditkit import baseline, distrust, evidence, packaged, scan
from auditkit.commands import auditing, integrity
from auditkit.errors import HostError
from auditkit.header import Header
from auditkit.hosts import Ask, Beginning, Host, Known, Seen, recorded
from auditkit.hosts.recorded import Recorded
from auditkit.hosts.root import Root
from auditkit.model import Audit, Evidence, Gap, HostReport, Item, Level, Means, Need, Office, Policy, State, Watch
from auditkit.probe.take import PIECE
from auditkit.recording import Recording, Writer

SAID = ("host", "status", "state", "counts", "changes", "findings", "gaps", "untrusted")
"""What is said of a host, without how it was reached and what it rests on."""
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ONE, OTHER = "0123456789abcdef0123456789abcdef\n", "fedcba9876543210fedcba9876543210\n"
"""Two machine-ids."""


def said(told: Outcome) -> dict[str, Any]:
    return {key: without_past(told.host[key]) for key in SAID}


def is_machine(tree: Path, machine_id: str) -> None:
    (tree / "etc/machine-id").write_text(machine_id)


# the same judges, the same words


def moved(cli: Cli, home: Path) -> Cli:
    """Another machine to judge on, to which the baseline and the evidence were brought."""
    shutil.copy(cli.baselines()[-1], home / "base.zst")
    shutil.copy(cli.home / "e.zst", home / "e.zst")
    return Cli(home, home / "none", home / "none")


@pytest.mark.parametrize("hidden", [False, True])
def test_another_machine_says_the_same_of_a_disk(cli: Cli, hider: Path, tmp_path_factory: Any, hidden: bool) -> None:
    planted(cli)
    (cli.tree / "srv").mkdir()
    (cli.tree / "srv/evil.so").write_text("x")
    if hidden:
        cli.environment["LD_PRELOAD"] = str(hider)
    taken = cli.run("collect", cli.host, "--store", str(cli.store), "-o", "e.zst", "--jobs", "1")
    live = judged(cli, "scan", cli.host)
    other = moved(cli, tmp_path_factory.mktemp("elsewhere"))
    shutil.rmtree(cli.tree)
    shutil.rmtree(cli.store)
    later = judged(other, "scan", "evidence:e.zst", "--baseline", "base.zst")
    assert (taken.code, later.code, said(later)) == (3, live.code, said(live))
    assert ("name-hidden" in {finding["rule"] for finding in live.host["findings"]}) == hidden
    assert live.host["state"] == ("lied" if hidden else "findings")
    assert live.host["counts"]["explained"] == 3, "one log grew, one was rotated into another"
    assert live.rules["/var/log/loses.log"] == "log-rewritten"


def test_what_a_file_names_is_asked_for_round_by_round_and_evidence_has_it_too(cli: Cli) -> None:
    """The configuration names a file, that one another, and the last one where the keys are."""
    package = "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n\n"
    key = b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"k" * 32).decode()
    files = {
        "etc/passwd": "anna:x:1000:1000::/home/anna:/bin/sh\n",
        "etc/shadow": "anna:*:20000::::::\n",
        "etc/ssh/sshd_config": "Include /srv/one.conf\n",
        "srv/one.conf": "Include /srv/two.conf\n",
        "srv/two.conf": "AuthorizedKeysFile /srv/keys/%u\nUsePAM no\n",
        "srv/keys/anna": f"ssh-ed25519 {key}\n",
        "var/lib/dpkg/status": package,
    }
    for name, text in files.items():
        (cli.tree / name).parent.mkdir(parents=True, exist_ok=True)
        (cli.tree / name).write_text(text)
    asked = ("--only", "ssh", "--format", "json")
    live = cli.run("audit", cli.host, *asked)
    assert cli.run("collect", cli.host, "--no-files", "-o", "e.zst").code in (0, 3)
    later = cli.run("audit", "evidence:e.zst", *asked)
    for told in (live, later):
        assert [(key["file"], key["server"]) for key in told.host["facts"]["ssh"]["keys"]] == [
            ("/srv/keys/anna", "/etc/ssh/sshd_config")
        ]


@pytest.mark.parametrize(("length", "asked", "left"), [(0, 0, 0), (2, 2, 0), (4, 4, 0), (9, 4, 1)])
def test_there_is_a_round_as_long_as_something_is_new_and_what_is_left_was_not_asked(
    length: int, asked: int, left: int
) -> None:
    """Each file names the next one, and says that it wants the first again."""
    chain = [Need(Means.FILE, f"/{number}") for number in range(length + 1)]

    def follow(taken: Evidence) -> tuple[Need, ...]:
        return tuple(chain[: len(taken.items) + 1])

    rounds: list[tuple[Need, ...]] = []

    def ask(needs: tuple[Need, ...]) -> Evidence:
        rounds.append(needs)
        return Evidence("it", NOON, tuple(Item(need, need.what, b"", NOON, "") for need in needs))

    audit = Audit("chain", "a chain", (chain[0],), (), lambda _taken: iter(()), None, follow)
    told = auditing.followed(ask((chain[0],)), ask, (audit,))
    assert rounds == [(need,) for need in chain[: asked + 1]]
    assert told.unasked == tuple(chain[asked + 1 : asked + 1 + left])
    assert [item.source for item in told.items] == [need.what for need in chain[: asked + 1]]


def planted(cli: Cli) -> None:
    """A machine with odd accounts and logs, its baseline, and what has happened since."""
    tree = cli.tree
    (tree / "var/log").mkdir(parents=True)
    is_machine(tree, ONE)
    (tree / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/home/toor:/bin/sh\n+::::::\n")
    (tree / "etc/shadow").write_text("root:$6$salt$hash:20000::::::\ntoor::20000::::::\n")
    (tree / "home/toor/.ssh").mkdir(parents=True)
    (tree / "home/toor/.ssh/authorized_keys").write_text("one\n")
    for name in ("grows.log", "turns.log", "loses.log", "settings", "gone"):
        (tree / "var/log" / name).write_text(f"old {name}\n")
    cli.watch(
        {"path": "/var/log/turns.log*", "level": "rotated", "severity": "high"},
        {"path": "/var/log/*.log", "level": "growing", "severity": "high"},
        {"path": "~/.ssh", "level": "content", "severity": "critical"},
        {"path": "/", "level": "content", "keep": True},
    )
    assert cli.baseline().code == 0
    with (tree / "var/log/grows.log").open("a") as log:
        log.write("new\n")
    (tree / "var/log/loses.log").write_text("x\n")
    (tree / "var/log/turns.log").rename(tree / "var/log/turns.log.1")
    (tree / "var/log/turns.log").write_text("new\n")
    (tree / "var/log/settings").write_text("other\n")
    (tree / "var/log/gone").unlink()
    (tree / "home/toor/.ssh/authorized_keys").write_text("one\ntwo\n")
    os.mkfifo(tree / "etc/nsswitch.conf")
    (tree / "etc/tool").write_text("x")
    (tree / "etc/tool").chmod(0o4755)
    (tree / os.fsdecode(b"etc/\xff\n")).write_text("x")


def judged(cli: Cli, verb: str, word: str, *more: str) -> Outcome:
    limit = () if verb == "audit" else ("--jobs", "1")
    return cli.run(verb, word, "--store", str(cli.store), "--format", "json", *limit, *more)


@pytest.mark.parametrize("verb", ["check", "audit", "scan"])
def test_a_judge_says_the_same_of_a_host_and_of_its_evidence(cli: Cli, verb: str) -> None:
    planted(cli)
    live = judged(cli, verb, cli.host)
    taken = cli.run("collect", cli.host, "--store", str(cli.store), "-o", "e.zst", "--jobs", "1")
    assert taken.code == 3, "what could not be taken is said"
    shutil.rmtree(cli.tree)
    later = judged(cli, verb, "evidence:e.zst")
    assert live.code == later.code == 1
    note, *rest = later.host["notes"]
    first = [told for told in live.host["notes"] if told.startswith("no earlier run on these logs is known")]  # now one is
    hosts = [without_past(told) for told in ({**later.host, "notes": [*rest, *first]}, live.host)]
    for told in hosts:
        told["facts"].pop("before", None)  # which baseline there was: one of evidence is looked for elsewhere
    assert hosts[0] == hosts[1]
    assert note.startswith("judged as it was at ")
    assert note.endswith("Z, by evidence whose seal was not verified, for no signers are named")
    assert later.host["gaps"] or verb == "check", "it does not ask for what was no file"
    assert {finding["rule"] for finding in later.host["findings"]} >= (
        {"uid-zero-twin"} if verb == "audit" else {"log-rewritten", "setuid-gained", "content-changed", "path-removed"}
    )


def test_a_baseline_can_be_made_of_evidence_and_holds_the_same_blocks(cli: Cli) -> None:
    (cli.tree / "etc/motd").write_text("hello\n")
    policy = ("--policy", str(cli.policy), "--store", str(cli.store), "--jobs", "1")
    assert cli.run("collect", cli.host, "-o", "e.zst", *policy).code == 0
    assert cli.run("baseline", "evidence:e.zst", *policy).code == 0
    assert cli.check().host["counts"]["changes"] == 0


def test_evidence_without_files_is_no_pass(cli: Cli) -> None:
    assert cli.baseline().code == 0
    assert cli.run("collect", cli.host, "--store", str(cli.store), "--no-files", "-o", "e.zst").code == 0
    told = judged(cli, "check", "evidence:e.zst")
    assert (told.code, told.gaps, told.host["changes"]) == (3, {"/": recorded.NO_SCAN}, [])


def test_a_policy_that_shows_less_is_no_pass(cli: Cli) -> None:
    (cli.tree / "srv").mkdir()
    (cli.tree / "srv/page").write_text("one")
    assert cli.baseline().code == 0
    (cli.tree / "srv/page").write_text("two")
    cli.watch({"path": "/srv", "level": "exists"}, {"path": "/", "level": "content"})
    taken = cli.run("collect", cli.host, "--store", str(cli.store), "--policy", str(cli.policy), "-o", "e.zst")
    assert taken.code == 0
    told = judged(cli, "check", "evidence:e.zst")
    assert (told.code, told.gaps["/"]) == (3, recorded.LESS)


def test_a_log_that_was_not_asked_for_is_a_gap_and_neither_a_pass_nor_an_alarm(cli: Cli) -> None:
    """The evidence was taken where there was no baseline that told how long the logs were."""
    planted(cli)
    assert cli.run("collect", cli.host, "--store", "none", "--policy", str(cli.policy), "-o", "e.zst").code == 3
    told = judged(cli, "check", "evidence:e.zst")
    assert told.gaps.keys() == {"/var/log/grows.log", "/var/log/turns.log"}
    assert not told.gaps.keys() & told.changes.keys()
    assert told.rules["/var/log/loses.log"] == "log-rewritten", "it is shorter than it was: no question is needed"


# another time


class Liar(Root):
    """A machine over a network that says of every file that it is as it was, and whose bytes say otherwise."""

    silent = ""
    """The question over which it falls silent."""

    def heard(self, what: str) -> None:
        if what == self.silent:
            raise HostError("the link broke", "look at the cable", State.TIMEOUT)

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        for told in super().scan(request, known):
            yield told
            self.heard("scan")

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        yield from super().beginnings(asked)
        self.heard("beginnings")

    def present(self, paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Even what it calls removed answers to its name."""
        self.heard("present")
        for path in paths:
            place = Path(self.root + path)
            yield (path, place.stat().st_ino, place.stat().st_ctime_ns) if place.exists() else (path, 1, 1)

    def content(self, paths: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for path in paths:
            yield path, ("blake3:00", "sha256:00")
        self.heard("content")


@pytest.mark.parametrize("hours", [0, 1, 9601])
def test_a_host_that_lied_has_lied_for_ever(cli: Cli, hours: int) -> None:
    """Whose turn it was to be fetched is what the evidence says, not what another run would draw."""
    for number in range(40):
        (cli.tree / f"{number}").mkdir()
        (cli.tree / f"{number}/file").write_text("x")
    assert cli.baseline().code == 0
    (cli.tree / "0/file").unlink()
    host, taken = Liar("srv-01", str(cli.tree)), datetime.now(UTC) - timedelta(hours=hours)
    with closing(baseline.read(str(cli.baselines()[-1]))) as base:
        with Writer(str(cli.home / "e"), evidence.Header("srv-01", "ssh", taken, "auditkit 1")) as writer:
            live = compared(Recording(host, writer), base)
            writer.close()
        with closing(opened(cli.home / "e")) as again:
            assert compared(again, base) == replace(live, last="")
    assert live.state is State.LIED
    assert {finding.rule.id for finding in live.findings} >= {"content-contradicted"}
    assert Gap("/0/file", "it was not there when its directory was read, and is there now: check again") in live.gaps


@pytest.mark.parametrize(
    ("question", "over", "so"),
    [
        ("", "", ""),
        ("scan", "/", "not seen to the end"),
        ("beginnings", "logs", "whether they only grew was not told"),
        ("present", "second look", "what it calls removed or unchanged was not held against another look"),
        ("content", "second look", "what it calls removed or unchanged was not held against another look"),
    ],
)
def test_a_host_that_fell_silent_falls_silent_there_again(cli: Cli, question: str, over: str, so: str) -> None:
    planted(cli)
    host = Liar("srv-01", str(cli.tree))
    host.silent = question
    with closing(baseline.read(str(cli.baselines()[-1]))) as base:
        with Writer(str(cli.home / "e"), evidence.Header("srv-01", "ssh", datetime.now(UTC), "auditkit 1")) as writer:
            live = compared(Recording(host, writer), base)
            writer.close()
        with closing(opened(cli.home / "e")) as again:
            assert compared(again, base) == replace(live, last="")
            none = Audit("none", "", (), (), lambda _evidence: iter(()))
            report = auditing.added(again, HostReport("srv-01", state=live.state), [none], Office())
    broken = [gap for gap in live.gaps if gap.reason.endswith("; look at the cable")]
    assert broken == ([Gap(over, f"{so}: the link broke; look at the cable")] if question else [])
    assert (live.state is State.TIMEOUT) == bool(question)
    assert report.counts["audits"] == 1, "what came before is judged"


def opened(path: Path) -> Recorded:
    return recorded.opened(evidence.read(str(path)))


def compared(host: Host, base: baseline.Baseline) -> integrity.Compared:
    stands = scan.ground(host, base.header.policy, base.header.homes)
    asked = scan.Scan(host, stands, 1, lambda _entries, _read: None)
    return integrity.with_baseline(base, asked, distrust.Turn(b"key", ""), packaged.nobody)


def test_an_audit_judges_by_the_time_of_the_evidence(tmp_path: Path) -> None:
    taken = datetime(2020, 2, 29, tzinfo=UTC)
    with Writer(str(tmp_path / "e"), evidence.Header("srv-01", "ssh", taken, "auditkit 1")) as writer:
        writer.close()
    seen: list[Evidence] = []

    def judge(evidence: Evidence) -> Iterator[Gap]:
        seen.append(evidence)
        yield from ()

    with closing(opened(tmp_path / "e")) as host:
        auditing.added(host, HostReport("srv-01"), [Audit("clock", "the time", (), (), judge)], Office())
    assert [evidence.taken for evidence in seen] == [taken]


@pytest.mark.parametrize("shell", ["gnu", "busybox", "python"])
def test_what_a_lesser_look_leaves_out_is_said_of_whatever_is_made_of_it(cli: Cli, shell: str) -> None:
    """Whoever breaks Python there for a moment gets a baseline without capabilities: nobody shall make it unawares."""
    host, facts = Liar("srv-01", str(cli.tree)), {"shell": shell}
    with Writer(str(cli.home / "e"), evidence.Header("srv-01", "ssh", datetime.now(UTC), "auditkit 1", facts=facts)) as writer:
        recorder = Recording(host, writer)
        stands = scan.ground(recorder, Policy("site", (Watch("/", Level.CONTENT),)))
        recorder.mounts()
        list(scan.Scan(recorder, stands, 1, lambda _entries, _read: None))
        writer.close()
    policy = ("--policy", str(cli.policy), "--store", str(cli.store), "--jobs", "1")
    made, taken = cli.run("baseline", "evidence:e", *policy), cli.run("collect", "evidence:e", "-o", "e2", *policy)
    none = cli.run("collect", "evidence:e", "-o", "e3", "--no-files", "--store", str(cli.store))
    less = distrust.LESS.get(shell)
    for each in (made, taken):
        assert [line for line in each.out.splitlines() if "  note  " in line] == ([f"  note  {less}"] if less else [])
    assert "note" not in none.out, "there is no scan in it"


def test_a_baseline_of_evidence_is_as_old_as_it_and_says_so(cli: Cli) -> None:
    policy = ("--policy", str(cli.policy), "--store", str(cli.store), "--jobs", "1")
    assert cli.run("collect", cli.host, "-o", "e.zst", *policy).code == 0
    with closing(evidence.read(str(cli.home / "e.zst"))) as file:
        taken = file.header.taken
    assert cli.run("baseline", "evidence:e.zst", *policy).code == 0
    with closing(baseline.read(str(cli.baselines()[-1]))) as base:
        assert base.header.made == taken


# another machine


def test_evidence_of_one_machine_is_not_held_against_the_baseline_of_another(cli: Cli) -> None:
    """Both are called the same, as every machine calls itself `local`."""
    is_machine(cli.tree, OTHER)
    assert cli.baseline().code == 0
    theirs = shutil.copy(cli.baselines()[-1], cli.home / "theirs.zst")
    assert cli.run("collect", cli.host, "--store", str(cli.store), "-o", "e.zst", "--jobs", "1").code == 0
    shutil.rmtree(cli.store)
    is_machine(cli.tree, ONE)
    (cli.tree / "etc/motd").write_text("mine")
    assert cli.baseline().code == 0
    told = judged(cli, "scan", "evidence:e.zst")
    assert (told.code, told.changes, told.host["baseline"]) == (3, {}, None)
    assert told.gaps["integrity"].endswith("so nothing was compared: name its own with --baseline FILE")
    assert told.host["counts"]["audits"] > 0
    told = judged(cli, "check", "evidence:e.zst", "--baseline", str(theirs))
    assert (told.code, told.changes, told.gaps) == (0, {}, {})
    other = "the baseline is of another machine, or its machine-id(5) or name has changed"
    told = judged(cli, "check", "evidence:e.zst", "--baseline", str(cli.baselines()[-1]))
    assert (told.changes.keys() >= {"/etc/motd", "/etc/machine-id"}, other in told.host["notes"]) == (True, True)
    for words in (("baseline", "evidence:e.zst"), ("accept", "evidence:e.zst", "--all")):
        refused = cli.run(*words, "--store", str(cli.store), "--jobs", "1")
        assert refused.code == 2
        assert "here are of another machine than this evidence\nhint: name a store of its own: --store DIR" in refused.err
    assert len(cli.baselines()) == 1


@pytest.mark.parametrize(("name", "more"), [("local", " --store DIR"), ("srv-01", "")])
def test_of_evidence_without_a_baseline_one_is_to_be_made_of_the_evidence(cli: Cli, name: str, more: str) -> None:
    """The machine that has its name here is another one, or no longer what it was."""
    for place in ("e", "f"):
        with Writer(str(cli.home / place), evidence.Header(name, "local", datetime.now(UTC), "auditkit 1")) as writer:
            writer.close()
    store = ("--store", str(cli.store))
    assert json.loads(cli.run("scan", "evidence:e", "--format", "json", *store).out)["next"] == [
        f"auditkit baseline evidence:e{more}"
    ]
    both = ["evidence:e evidence:f"] if not more else [f"evidence:e{more}", f"evidence:f{more}"]
    told = cli.run("check", "evidence:e", "evidence:f", "--format", "json", *store)
    assert json.loads(told.out)["next"][: len(both)] == [f"auditkit baseline {words}" for words in both]
    for words in (("check", "evidence:e"), ("accept", "evidence:e", "--all")):
        assert f"hint: make one: auditkit baseline evidence:e{more}\n" in cli.run(*words, *store).err


def test_evidence_is_no_baseline_and_says_so(cli: Cli) -> None:
    (cli.tree / "etc/motd").write_text("hello\n")
    assert cli.run("collect", cli.host, "--store", str(cli.store), "-o", "e.zst").code == 0
    for words in (("check", cli.host, "--baseline", "e.zst"), ("diff", "e.zst", "e.zst")):
        told = cli.run(*words, "--store", str(cli.store))
        assert told.code == 2
        assert told.err == (
            "auditkit: error: e.zst is evidence, no baseline\nhint: name it as the HOST that is looked at: evidence:FILE\n"
        )


def test_a_machine_that_is_another_now_is_compared_and_that_is_said(cli: Cli) -> None:
    """Whoever changes its id must not end the comparison by that."""
    is_machine(cli.tree, ONE)
    assert cli.baseline().code == 0
    is_machine(cli.tree, OTHER)
    told = cli.check()
    assert (told.code, set(told.changes) >= {"/etc/machine-id"}) == (1, True)
    assert "the baseline is of another machine, or its machine-id(5) or name has changed" in told.host["notes"]


def test_a_baseline_that_does_not_say_of_which_machine_it_is_is_compared_and_that_is_said(cli: Cli) -> None:
    assert cli.baseline().code == 0
    assert cli.run("collect", cli.host, "--store", str(cli.store), "-o", "e.zst", "--jobs", "1").code == 0
    told = judged(cli, "check", "evidence:e.zst")
    note = "whether the baseline is of the same machine as the evidence is not known: one does not say of which it is"
    assert (told.code, note in told.host["notes"]) == (0, True)


def test_neither_id_nor_name_of_a_machine_is_in_its_baseline(cli: Cli) -> None:
    is_machine(cli.tree, ONE)
    (cli.tree / "etc/hostname").write_text("secret-name\n")
    assert cli.baseline().code == 0
    header = text_of(cli.baselines()[-1])[0]
    assert '"machine":"blake3:' in header
    assert (ONE.strip() in header, "secret-name" in header) == (False, False)


@pytest.mark.parametrize(
    ("name", "here", "there", "foreign"),
    [
        ("local", "a", "b", True),
        ("root:/mnt", "a", "b", True),
        ("srv-01", "a", "b", False),
        ("local", "a", "a", False),
        ("local", None, "b", False),
        ("local", "a", None, False),
    ],
)
def test_only_a_name_that_every_machine_has_is_doubted(
    tmp_path: Path, name: str, here: str | None, there: str | None, foreign: bool
) -> None:
    with Writer(str(tmp_path / "e"), evidence.Header(name, "x", datetime.now(UTC), "auditkit 1")) as writer:
        writer.close()
    with closing(opened(tmp_path / "e")) as host:
        stands = scan.Ground(Policy("", ()), Policy("", ()), (), (), here)
        base = Header(name, datetime.now(UTC), 1, None, Policy("", ()), (), (), None, "auditkit 1", machine=there)
        assert integrity.is_foreign(host, stands, base) is foreign
        assert not integrity.is_foreign(Root(name, str(tmp_path)), stands, base), "it is there to be looked at"


def test_a_long_file_is_written_piece_by_piece_and_whole_again(cli: Cli) -> None:
    data = os.urandom(2 * PIECE + 1)
    (cli.tree / "database").write_bytes(data)
    need = Need(Means.FILE, "/database", long=True)
    host = Root("srv-01", str(cli.tree))
    with Writer(str(cli.home / "e"), evidence.Header("srv-01", "root", datetime.now(UTC), "auditkit 1")) as writer:
        live = list(Recording(host, writer).take((need,)))
        writer.close()
    with closing(opened(cli.home / "e")) as again:
        told = [one for one in again.take((need,)) if isinstance(one, Item)]
    assert [len(one.data) for one in told] == [PIECE, PIECE, 1]
    assert b"".join(one.data for one in told) == data
    assert told == live
