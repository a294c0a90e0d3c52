"""Hosts held against each other: who is odd, who is not, and whom nobody can accuse or clear.

A host is written down as what it shows: its packages with their paths, and each path as a fact (auditkit/facts.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit import peers, unlike
from auditkit.facts import fact, shown, values
from auditkit.model import Finding, Severity
from auditkit.peers import CONFIGURATION, DIVERTED, MOVED, OVERRIDDEN, Judge, Package, Peer, Release, Sight, Told
from auditkit.quorum import Voter, one_by_one, split

GOOD, BAD, WORSE = (f"f 755 0 0 root root blake3:{letter * 8} -" for letter in "abc")
SSHD, SSH, CONF = "/usr/sbin/sshd", "/usr/bin/ssh", "/etc/ssh/moduli"
SERVER: Package = ("dpkg", "debian", "openssh-server", "9.2", "amd64")


@dataclass(frozen=True)
class Shows:
    """One host: what its packages say is theirs, and what is there."""

    files: Mapping[str, str] = field(default_factory=lambda: {SSHD: GOOD})
    packages: Mapping[tuple[str, ...], Sequence[str]] = field(default_factory=lambda: {SERVER: (SSHD, SSH, CONF)})
    meant: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    machine: str = ""
    believed: bool = True
    policy: str = "linux"
    gaps: frozenset[str] = frozenset()

    def but(self, path: str, told: str) -> "Shows":
        """The same host with another path."""
        return replace(self, files={**self.files, path: told})


def judged(hosts: Mapping[str, Shows]) -> dict[str, Told]:
    """What is said of each host, by its word."""
    numbers: dict[int, str] = dict(enumerate(hosts, 1))
    lists: dict[tuple[tuple[str, ...], tuple[str, ...]], list[int]] = {}
    facts: dict[str, dict[str, list[int]]] = {}
    for number, word in numbers.items():
        for package, paths in hosts[word].packages.items():
            lists.setdefault((package, tuple(sorted(paths))), []).append(number)
        for path, told in hosts[word].files.items():
            facts.setdefault(path, {}).setdefault(told, []).append(number)
    releases = {at: Release(package, tuple(held)) for at, ((package, _paths), held) in enumerate(lists.items())}
    sights = [
        Sight(
            path.encode(),
            tuple((told.encode(), tuple(held)) for told, held in facts[path].items()),
            tuple(at for at, (_package, paths) in enumerate(lists) if path in paths),
        )
        for path in sorted(facts)
    ]
    known = {
        number: Peer(
            word, frozenset({one.machine} - {""}), one.believed, one.policy, gaps=one.gaps, packages=len(one.packages)
        )
        for number, word in numbers.items()
        for one in [hosts[word]]
    }  # fmt: skip
    meant = {(number, path.encode()): what for number, word in numbers.items() for path, what in hosts[word].meant.items()}
    found = Judge(known, releases, meant).judge(sight for sight in sights if sight.lists)
    return {numbers[number]: one for number, one in found.items()}


def said(hosts: Mapping[str, Shows]) -> list[str]:
    """Every finding in a line: host, rule, severity, subject."""
    told = judged(hosts).items()
    return sorted(f"{word} {one.rule.id} {one.severity.word} {one.subject}" for word, all_ in told for one in all_.findings)


def office(number: int = 9, **odd: Shows) -> dict[str, Shows]:
    """So many workstations that are as they should be, and some that are not."""
    return {**{f"ws-{at:02}": Shows() for at in range(1, number + 1)}, **odd}


def only(hosts: Mapping[str, Shows], word: str) -> Finding:
    (finding,) = judged(hosts)[word].findings
    return finding


# who is odd


def test_one_of_ten_has_another_program_and_it_is_said_what_the_others_have() -> None:
    hosts = office(evil=Shows({SSHD: BAD}))
    assert said(hosts) == [f"evil unlike-other-hosts high {SSHD}"]
    finding = only(hosts, "evil")
    assert finding.message == "its content is not what 9 hosts (ws-01, ws-02, ws-03 and 6 more) have in openssh-server 9.2"
    assert [(quote.source, quote.text) for quote in finding.quotes] == [
        ("evil", "blake3:bbbbbbbb"),
        ("9 others", "blake3:aaaaaaaa"),
    ]


def test_one_of_three_is_odd_and_of_two_nobody_is_known_to_be_right() -> None:
    assert said(office(2, evil=Shows({SSHD: BAD}))) == [f"evil unlike-other-hosts high {SSHD}"]
    hosts = office(1, evil=Shows({SSHD: BAD}))
    assert said(hosts) == [f"evil hosts-disagree high {SSHD}", f"ws-01 hosts-disagree high {SSHD}"]
    message = "its content is not the same on hosts with openssh-server 9.2, 1 against 1: none is known to be right"
    assert {only(hosts, word).message for word in hosts} == {message}


def test_two_against_two_and_three_against_two_are_no_clear_case() -> None:
    for number in (2, 3):
        hosts = office(number, x=Shows({SSHD: BAD}), y=Shows({SSHD: BAD}))
        assert said(hosts) == sorted(f"{word} hosts-disagree high {SSHD}" for word in hosts)
    assert said(office(4, x=Shows({SSHD: BAD}), y=Shows({SSHD: BAD}))) == [
        f"x unlike-other-hosts high {SSHD}",
        f"y unlike-other-hosts high {SSHD}",
    ]


def test_three_that_all_differ_are_no_case_against_any_of_them() -> None:
    hosts = {"a": Shows({SSHD: GOOD}), "b": Shows({SSHD: BAD}), "c": Shows({SSHD: WORSE})}
    assert said(hosts) == sorted(f"{word} hosts-disagree high {SSHD}" for word in hosts)


CASES = {
    "the content of a setuid program": ("f 4755 0 0 root root blake3:bb -", "unlike-other-hosts critical"),
    "setuid where others have it not": ("f 4755 0 0 root root blake3:aaaaaaaa -", "unlike-other-hosts high"),
    "writable for all": ("f 757 0 0 root root blake3:aaaaaaaa -", "unlike-other-hosts high"),
    "stricter": ("f 700 0 0 root root blake3:aaaaaaaa -", "unlike-other-hosts low"),
    "another group": ("f 755 0 42 root shadow blake3:aaaaaaaa -", "unlike-other-hosts medium"),
    "another owner": ("f 755 1000 0 anna root blake3:aaaaaaaa -", "unlike-other-hosts high"),
    "an owner of no name": ("f 755 1000 0 ? root blake3:aaaaaaaa -", "unlike-other-hosts high"),
    "an owner who calls himself root": ("f 755 1000 0 root root blake3:aaaaaaaa -", "unlike-other-hosts high"),
    "capabilities": ("f 755 0 0 root root blake3:aaaaaaaa security.capability=0x01", "unlike-other-hosts high"),
    "a link": ("l 0 0 root root - /tmp/sshd", "unlike-other-hosts high"),
    "a directory": ("d 755 0 0 root root -", "unlike-other-hosts high"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs_decides_how_bad_it_is(case: str) -> None:
    told, expected = CASES[case]
    (finding,) = said(office(evil=Shows({SSHD: told})))[:1]
    assert finding == f"evil {expected} {SSHD}"


def test_content_and_mode_are_two_findings() -> None:
    evil = Shows({SSHD: "f 777 0 0 root root blake3:bb -"})
    assert said(office(evil=evil)) == [f"evil unlike-other-hosts high {SSHD}"] * 2


def test_numbers_of_accounts_differ_from_host_to_host() -> None:
    one, other = (f"f 750 {number} 0 messagebus root blake3:aa -" for number in (104, 107))
    assert said({"a": Shows({SSHD: one}), "b": Shows({SSHD: one}), "c": Shows({SSHD: other})}) == []


def test_what_a_host_cannot_show_is_not_held_against_it() -> None:
    bare = Shows({SSHD: "f 755 0 0 ? ? ? ?"})
    hosts = office(busybox=bare)
    assert said(hosts) == []
    told = judged(hosts)["busybox"]
    assert (told.compared, told.paths) == (0, 1)


# digests of two kinds


def digests(*names: str, letter: str = "a") -> Shows:
    return Shows({SSHD: f"f 755 0 0 root root {','.join(f'{name}:{letter * 8}' for name in names)} -"})


def test_digests_of_two_algorithms_are_never_compared_and_it_is_counted() -> None:
    hosts = {"a": digests("blake3"), "b": digests("blake3"), "c": digests("blake3"), "old": digests("sha256", letter="f")}
    assert said(hosts) == []
    told = judged(hosts)
    assert [(told[word].compared, told[word].unread) for word in hosts] == [(1, 0), (1, 0), (1, 0), (0, 1)]


def test_where_a_policy_asks_for_both_the_common_one_is_compared() -> None:
    hosts = {
        "a": digests("blake3", "sha256"),
        "b": digests("sha256"),
        "c": digests("sha256"),
        "d": digests("sha256", letter="f"),
    }
    assert said(hosts) == [f"d unlike-other-hosts high {SSHD}"]


def test_a_host_with_two_digests_does_not_speak_for_those_with_one() -> None:
    """b says that what a has by BLAKE3 is not what c and d have by SHA-256: that is his word alone."""
    lying = Shows({SSHD: "f 755 0 0 root root blake3:aaaaaaaa,sha256:ffffffff -"})
    hosts = {"a": digests("blake3"), "a2": digests("blake3"), "b": lying, "c": digests("sha256"), "d": digests("sha256")}
    assert said(hosts) == [f"b unlike-other-hosts high {SSHD}"]


# what differs legitimately


def test_configuration_is_a_remark_about_the_odd_one_and_none_about_others() -> None:
    plain, other = (f"f 644 0 0 root root blake3:{letter * 8} -" for letter in "ab")
    same = Shows({CONF: plain})
    hosts = {"a": same, "b": same, "c": Shows({CONF: other})}
    assert said(hosts) == [f"c configuration-unlike-other-hosts info {CONF}"]
    assert said({"a": same, "c": Shows({CONF: other})}) == []
    assert judged(hosts)["c"].unlike == 0


def test_no_host_alone_makes_a_program_a_matter_of_taste() -> None:
    evil = Shows({SSHD: BAD}, meant={SSHD: {CONFIGURATION: "openssh-server"}})
    assert said(office(evil=evil)) == [f"evil unlike-other-hosts high {SSHD}"]
    assert f"evil hosts-disagree high {SSHD}" in said(office(1, evil=evil))


def test_what_most_packages_call_configuration_is_so_outside_of_etc_too() -> None:
    path = "/var/lib/app/settings"
    plain = Shows({path: "f 644 0 0 root root blake3:aa -"}, {SERVER: (path,)}, {path: {CONFIGURATION: "app"}})
    hosts = {"a": plain, "b": plain, "c": plain.but(path, "f 644 0 0 root root blake3:bb -")}
    assert said(hosts) == [f"c configuration-unlike-other-hosts info {path}"]


def test_a_mode_that_dpkg_statoverride_sets_is_low_unless_it_is_setuid() -> None:
    meant = {SSHD: {OVERRIDDEN: "root:root 0750"}}
    hosts = office(evil=Shows({SSHD: "f 750 0 42 root shadow blake3:aaaaaaaa -"}, meant=meant))
    assert said(hosts) == [f"evil unlike-other-hosts low {SSHD}"]
    assert only(hosts, "evil").message.endswith("; this host's dpkg-statoverride says so: root:root 0750")
    gained = Shows({SSHD: "f 4755 0 0 root root blake3:aaaaaaaa -"}, meant=meant)
    assert said(office(evil=gained)) == [f"evil unlike-other-hosts high {SSHD}"]
    replaced = Shows({SSHD: BAD}, meant=meant)
    assert said(office(evil=replaced)) == [f"evil unlike-other-hosts high {SSHD}"]


def test_a_diverted_file_is_told_as_diverted() -> None:
    moved = f"{SSHD}.distrib"
    meant = {SSHD: {DIVERTED: ""}, moved: {MOVED: SSHD}}
    hosts = office(ours=Shows({SSHD: BAD, moved: GOOD}, meant=meant))
    assert said(hosts) == [f"ours diverted-unlike-other-hosts medium {SSHD}"]
    every = {word: Shows({SSHD: told, moved: GOOD}, meant=meant) for word, told in zip("abc", (GOOD, GOOD, BAD), strict=True)}
    assert said(every) == []


def test_a_diversion_is_low_where_two_hosts_have_it_for_a_package_with_a_file_there() -> None:
    dash: Package = ("dpkg", "debian", "dash", "1", "amd64")
    meant = {SSHD: {DIVERTED: "dash"}}
    packages: dict[Package, Sequence[str]] = {SERVER: (f"{SSHD}.distrib", SSH, CONF), dash: (SSHD,)}
    ours = Shows({SSHD: BAD}, packages, meant)
    assert said(office(ours=ours, too=ours)) == [f"{word} diverted-unlike-other-hosts low {SSHD}" for word in ("ours", "too")]
    without = Shows({SSHD: BAD}, {**packages, dash: ()}, meant)
    assert f"ours diverted-unlike-other-hosts medium {SSHD}" in said(office(ours=without, too=without))
    assert said(office(evil=ours)) == [f"evil diverted-unlike-other-hosts medium {SSHD}"]  # it may have made the package up


def test_labels_that_each_host_puts_on_its_files_do_not_count() -> None:
    line = b"f 755 0 0 root root 9 1.000000000 1.000000000 ? 7 1 - blake3:aa {} - sshd"
    labels = b"security.evm=0x0305,security.ima=0x0404,security.selinux=0x7379"
    plain, labelled = (fact(line.replace(b"{}", field).split(b" ", 16)) for field in (b"-", labels))
    assert plain == labelled == b"f 755 0 0 root root blake3:aa -"
    capable = fact(line.replace(b"{}", labels + b",security.capability=0x01").split(b" ", 16))
    assert values(capable)["xattrs"] == "security.capability=0x01"


# what is not there


def test_a_file_that_is_gone_from_one_host_is_said_once() -> None:
    whole = Shows({SSHD: GOOD, SSH: GOOD})
    hosts = {**dict.fromkeys(("a", "b", "c"), whole), "d": Shows({SSHD: GOOD})}
    assert said(hosts) == ["d missing-unlike-other-hosts medium packages"]
    assert only(hosts, "d").message.endswith(f"with the same version: {SSH}")


@pytest.mark.parametrize("how", [{"gaps": frozenset((SSH,))}, {"gaps": frozenset(("/usr",))}, {"policy": "web"}])
def test_what_a_host_was_not_seen_of_is_neither_missing_nor_the_same(how: dict[str, object]) -> None:
    whole = Shows({SSHD: GOOD, SSH: GOOD})
    hosts = {**dict.fromkeys(("a", "b", "c"), whole), "d": replace(Shows({SSHD: GOOD}), **how)}  # type: ignore[arg-type]
    assert said(hosts) == []
    told = judged(hosts)["d"]
    assert (told.paths, told.compared) == (2, 1)


def test_documents_may_be_left_out() -> None:
    path = "/usr/share/doc/openssh-server/README"
    whole = Shows({SSHD: GOOD, path: GOOD}, {SERVER: (SSHD, path)})
    assert said({**dict.fromkeys("abc", whole), "d": replace(whole, files={SSHD: GOOD})}) == []


# who lies


def test_a_host_that_says_it_has_another_version_is_compared_with_nobody_and_it_is_said() -> None:
    other: Package = (*SERVER[:3], "9.3", "amd64")
    hosts = office(evil=Shows({SSHD: BAD}, {other: (SSHD,)}))
    assert said(hosts) == ["evil version-of-no-other-host info packages"]
    assert only(hosts, "evil").message == "compared with no other host's: openssh-server 9.3 (9 hosts have 9.2)"
    told = judged(hosts)["evil"]
    assert (told.packages, told.held, told.compared, told.paths) == (0, 1, 0, 1)


def test_a_package_taken_out_of_the_database_leaves_its_program_as_nobodys() -> None:
    other = ("dpkg", "debian", "bash", "5", "amd64")
    evil = Shows({SSHD: BAD}, {other: ("/bin/bash",)})
    assert said(office(evil=evil)) == ["evil unowned-unlike-other-hosts medium packages"]
    assert said(office(evil=evil.but(SSHD, GOOD))) == []


def test_a_path_taken_out_of_a_list_is_compared_all_the_same() -> None:
    evil = Shows({SSHD: BAD}, {SERVER: (SSH, CONF)})
    assert said(office(evil=evil)) == [
        "evil package-list-unlike-other-hosts medium package openssh-server 9.2",
        f"evil unlike-other-hosts high {SSHD}",
    ]  # fmt: skip


def test_made_up_paths_accuse_nobody_but_who_made_them_up() -> None:
    made_up = [f"/opt/app/{number}" for number in range(1000)]
    hosts = {word: replace(one, files={**one.files, **dict.fromkeys(made_up, GOOD)}) for word, one in office(3).items()}
    evil = Shows(dict.fromkeys([SSHD, *made_up], BAD) | {SSHD: GOOD}, {SERVER: (SSHD, SSH, CONF, *made_up)})
    assert said({**hosts, "evil": evil}) == ["evil package-list-unlike-other-hosts medium package openssh-server 9.2"]


def test_made_up_packages_accuse_nobody() -> None:
    own: dict[Package, Sequence[str]] = {("dpkg", "debian", f"p{number}", "1", "amd64"): (SSHD, SSH) for number in range(300)}
    evil = Shows({SSHD: GOOD, SSH: BAD}, {SERVER: (SSHD, SSH, CONF), **own})
    hosts = {word: one.but(SSH, GOOD) for word, one in office(3).items()}
    assert said({**hosts, "evil": evil}) == [f"evil unlike-other-hosts high {SSH}"]


def test_a_machine_named_twice_has_one_vote() -> None:
    """The compromised server is `local` and `srv-01`: that makes no majority against the only other host."""
    evil = Shows({SSHD: BAD}, machine="m1")
    hosts = {"local": evil, "srv-01": evil, "ws-01": Shows(machine="m2")}
    assert said(hosts) == sorted(f"{word} hosts-disagree high {SSHD}" for word in hosts)
    assert [told.compared for told in judged(hosts).values()] == [0, 0, 0]


def test_hosts_that_are_known_to_be_one_machine_by_anything_are_one() -> None:
    known = {1: {"id a"}, 2: {"10.0.0.2 22"}, 3: {"id a", "10.0.0.3 22"}, 4: {"10.0.0.3 22"}, 5: set[str]()}
    assert one_by_one(known) == {1: 1, 2: 2, 3: 1, 4: 1, 5: 5}


def test_who_says_to_be_another_machine_takes_nothing_from_its_vote() -> None:
    good = [Shows(machine=f"m{number}") for number in range(2)]
    hosts = {"a": good[0], "b": good[1], "evil": Shows({SSHD: BAD}, machine="m0")}
    assert said(hosts) == [f"evil unlike-other-hosts high {SSHD}"]


def test_a_host_that_was_caught_lying_has_no_vote() -> None:
    liars = {f"liar-{number}": Shows({SSHD: BAD}, believed=False) for number in range(5)}
    assert said(office(2, **liars)) == [f"{word} unlike-other-hosts high {SSHD}" for word in liars]
    assert said(office(1, **liars)) == [f"{word} hosts-disagree high {SSHD}" for word in liars]


def test_very_many_findings_are_counted_and_the_worst_kind_is_not_crowded_out() -> None:
    paths = [f"/usr/lib/app/{number:05}" for number in range(1000)]
    packages: dict[Package, Sequence[str]] = {SERVER: (*paths, SSHD)}
    good, bad = dict.fromkeys([*paths, SSHD], GOOD), dict.fromkeys(paths, "f 700 0 0 root root blake3:aaaaaaaa -")
    same = Shows(good, packages)
    told = judged({"a": same, "b": same, "evil": Shows({**bad, SSHD: BAD}, packages)})["evil"]
    assert told.unlike == 1001
    assert len(told.findings) == peers.MOST_TOLD + 2
    assert [one.severity for one in told.findings if one.subject == SSHD] == [Severity.HIGH]
    assert [one.message for one in told.findings if one.subject == "packages"] == ["and 800 more that are not named"]


# what holds for all fleets

NAMES = st.sampled_from([SSHD, SSH, CONF, "/usr/share/doc/x/y"])
FACTS = st.sampled_from([GOOD, BAD, "f 4755 0 0 root root sha256:aa -", "d 755 0 0 root root -", "l 0 0 root root - x"])
VERSIONS = st.sampled_from([SERVER, (*SERVER[:3], "9.3", "amd64"), ("apk", "alpine", "openssh", "9", "x86_64")])
HOSTS = st.builds(
    Shows,
    st.dictionaries(NAMES, FACTS, max_size=4),
    st.dictionaries(VERSIONS, st.lists(NAMES, unique=True), max_size=3),
    st.dictionaries(NAMES, st.dictionaries(st.sampled_from([DIVERTED, MOVED, CONFIGURATION, OVERRIDDEN]), st.just(""))),
    st.sampled_from(["", "m1", "m2"]),
    st.booleans(),
    st.sampled_from(["linux", "web"]),
)
FLEETS = st.dictionaries(st.sampled_from([f"ws-{number}" for number in range(6)]), HOSTS, max_size=6)


def outline(hosts: Mapping[str, Shows]) -> dict[str, list[tuple[str, str, int]]]:
    """What is said of each host, without the names of others."""
    told = judged(hosts)
    return {word: sorted((one.rule.id, one.subject, int(one.severity)) for one in told[word].findings) for word in told}


@given(FLEETS, st.randoms())
def test_the_order_of_hosts_does_not_matter(hosts: dict[str, Shows], chance: Random) -> None:
    shuffled = list(hosts.items())
    chance.shuffle(shuffled)
    assert judged(dict(shuffled)) == judged(hosts)


@given(FLEETS)
def test_other_names_for_the_hosts_change_the_names_and_nothing_else(hosts: dict[str, Shows]) -> None:
    renamed = {f"srv-{9 - int(word[3:])}": one for word, one in hosts.items()}
    assert {f"srv-{9 - int(word[3:])}": told for word, told in outline(hosts).items()} == outline(renamed)


@given(HOSTS)
def test_a_host_alone_is_neither_accused_nor_cleared(host: Shows) -> None:
    for hosts in ({"a": host}, {"a": replace(host, machine="m"), "b": replace(host, machine="m")}):
        assert set(map(str, [word for word, all_ in outline(hosts).items() if all_])) == set()
        assert {(told.compared, told.packages) for told in judged(hosts).values()} == {(0, 0)}


@given(HOSTS, st.integers(2, 4))
def test_one_host_never_accuses_those_that_agree(evil: Shows, number: int) -> None:
    """Whatever it shows and says: of hosts that are the same nothing is said but that a version is rare."""
    same = Shows({SSHD: GOOD, SSH: GOOD, CONF: GOOD})
    hosts = {f"ws-{at}": same for at in range(number)}
    told = outline({**hosts, "evil": evil})
    assert [told[word] for word in hosts] == [[]] * number


@given(HOSTS, st.integers(3, 5))
def test_one_host_never_hides_what_is_wrong_with_another(evil: Shows, number: int) -> None:
    same = {f"ws-{at}": Shows({SSHD: GOOD, SSH: GOOD}, machine=f"m{at}") for at in range(number)}
    told = outline({**same, "odd": Shows({SSHD: BAD, SSH: GOOD}), "evil": evil})
    assert [rule for rule, subject, severity in told["odd"] if subject == SSHD and severity >= Severity.HIGH] in (
        ["unlike-other-hosts"],
        ["hosts-disagree"],  # where evil sides with it
    )


@given(st.dictionaries(st.integers(0, 8), st.sampled_from("abc")), st.sets(st.integers(0, 8)))
def test_a_split_names_as_odd_fewer_than_agree(shown_by: dict[int, str], liars: set[int]) -> None:
    found = split(shown_by, {host: Voter(host, host not in liars) for host in shown_by})
    if found and found.most is not None:
        agreeing = {host for host, value in shown_by.items() if value == found.most} - liars
        assert len(agreeing) >= 2
        assert len(agreeing) >= 2 * len({host for host in found.odd if host not in liars})


@given(st.text())
def test_a_fact_is_read_whatever_a_host_writes(text: str) -> None:
    told = text.replace("\n", "").encode("utf-8", "surrogateescape") if text.isascii() else b"f " + text.encode()
    assert "kind" in values(told)
    shown(told, {"kind", "mode", "target", "xattrs"})


def test_every_rule_is_used() -> None:
    assert len({rule.id for rule in unlike.RULES}) == len(unlike.RULES)
