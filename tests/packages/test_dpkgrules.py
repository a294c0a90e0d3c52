"""What a Debian host is told to do otherwise than packages say, and where paths are found then."""

import os
import random
from pathlib import Path

import pytest
from damage import mutated

from auditkit.model import Gap
from auditkit.packages import dpkgrules
from auditkit.packages.dpkgrules import Choice, Filter, Group, Override
from auditkit.packages.layout import Diversion, Layout

DIVERSIONS = b"/bin/sh\n/bin/sh.distrib\ndash\n/usr/sbin/nginx\n/usr/sbin/nginx.real\n:\n"
OVERRIDES = b"root ssl-cert 710 /etc/ssl/private\n#0 #42 4754 /usr/lib/with space\n"
AWK = b"""auto
/usr/bin/awk
awk.1.gz
/usr/share/man/man1/awk.1.gz
nawk
/usr/bin/nawk

/usr/bin/mawk
5
/usr/share/man/man1/mawk.1.gz
/usr/bin/mawk
/usr/bin/busybox
-1

/bin/busybox

"""
FOLDER = "/var/lib/dpkg/alternatives/"


def test_diversions_name_the_package_that_keeps_the_path_or_nobody() -> None:
    assert list(dpkgrules.diversions(DIVERSIONS)) == [
        Diversion("/bin/sh", "/bin/sh.distrib", "dash"),
        Diversion("/usr/sbin/nginx", "/usr/sbin/nginx.real", ""),
    ]
    assert [what.local for what in dpkgrules.diversions(DIVERSIONS) if isinstance(what, Diversion)] == [False, True]


def test_a_cut_or_odd_diversion_is_a_gap() -> None:
    assert list(dpkgrules.diversions(b"/a\n/../b\ndash\n/a\n/b\n")) == [
        Gap("/var/lib/dpkg/diversions line 1", "not a path that a package may ship: /../b"),
        Gap("/var/lib/dpkg/diversions", "the last diversion is cut off"),
    ]
    assert list(dpkgrules.diversions(b"")) == []


def test_overrides_have_owners_by_name_or_number() -> None:
    assert list(dpkgrules.overrides(OVERRIDES + b"root root 999 /x\nroot\n")) == [
        Override("/etc/ssl/private", "root", "ssl-cert", 0o710),
        Override("/usr/lib/with space", "0", "42", 0o4754),
        Gap("/var/lib/dpkg/statoverride line 3", "invalid literal for int() with base 8: '999': root root 999 /x"),
        Gap("/var/lib/dpkg/statoverride line 4", "not enough values to unpack (expected 4, got 1): root"),
    ]


DOCKER = b"# path-exclude=/x\npath-exclude=/usr/share/doc/*\npath-include='/usr/share/doc/*/copyright'\n"
FILTERS: dict[str, bytes] = {
    "/etc/dpkg/dpkg.cfg": b"no-debsig\npath-exclude /opt/last\n",
    "/etc/dpkg/dpkg.cfg.d/docker": DOCKER,
    "/etc/dpkg/dpkg.cfg.d/zz": b"path-exclude=/usr/[^a]in/*\npath-exclude /a\\*b\n",
    "/etc/dpkg/dpkg.cfg.d/docker.dpkg-old": b"path-exclude=/*\n",
}


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/usr/share/doc/tar/README", "docker"),
        ("/usr/share/doc/tar/copyright", None),
        ("/usr/bin/ls", "zz"),
        ("/usr/ain/ls", None),
        ("/a*b", "zz"),
        ("/axb", None),
        ("/opt/last", "dpkg.cfg"),
        ("/etc/passwd", None),
    ],
)
def test_the_last_filter_that_speaks_of_a_path_decides(path: str, by: str | None) -> None:
    rules = tuple(what for what in dpkgrules.filters(FILTERS) if isinstance(what, Filter))
    found = dpkgrules.left_out(path, rules)
    assert (found and found.source.rpartition("/")[2]) == by


def test_a_pattern_that_would_take_for_ever_does_not() -> None:
    rule = Filter(False, "*a" * 500, "x")
    assert not rule.matches("/" + "a" * 400 + "b")


def test_a_group_of_alternatives_gives_its_links_for_each_choice() -> None:
    (group,) = dpkgrules.alternatives({FOLDER + "awk": AWK})
    assert group == Group(
        "awk",
        automatic=True,
        link="/usr/bin/awk",
        slaves=(("awk.1.gz", "/usr/share/man/man1/awk.1.gz"), ("nawk", "/usr/bin/nawk")),
        choices=(
            Choice("/usr/bin/mawk", 5, ("/usr/share/man/man1/mawk.1.gz", "/usr/bin/mawk")),
            Choice("/usr/bin/busybox", -1, ("", "/bin/busybox")),
        ),
    )
    assert group.best == group.choices[0]
    assert group.links("/usr/bin/busybox") == {
        "/usr/bin/awk": "/etc/alternatives/awk",
        "/etc/alternatives/awk": "/usr/bin/busybox",
        "/usr/bin/nawk": "/etc/alternatives/nawk",
        "/etc/alternatives/nawk": "/bin/busybox",
    }
    assert group.links("/tmp/evil") == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"maybe\n/x\n", "neither auto nor manual: maybe"),
        (b"auto\n/usr/bin/awk\n", "the group of alternatives is cut off"),
        (AWK[:-40], "the group of alternatives is cut off"),
        (AWK.replace(b"5", b"five"), "not a number: five"),
    ],
)
def test_an_odd_group_is_a_gap_and_the_others_are_told(data: bytes, reason: str) -> None:
    found = list(dpkgrules.alternatives({FOLDER + "odd": data, FOLDER + "awk": AWK}))
    assert found[0] == Gap(FOLDER + "odd", reason)
    assert isinstance(found[1], Group)


@pytest.mark.skipif(not Path(FOLDER).is_dir(), reason="looks at this machine's own alternatives, and it has none")
def test_every_link_of_this_machines_alternatives_is_as_its_group_says() -> None:
    files = {str(path): path.read_bytes() for path in Path(FOLDER).iterdir()}
    groups = [what for what in dpkgrules.alternatives(files) if isinstance(what, Group)]
    assert len(groups) == len(files)
    checked = 0
    for group in groups:
        for link, target in group.links(os.readlink(f"/etc/alternatives/{group.name}")).items():
            checked += os.path.islink(link)
            assert not os.path.islink(link) or os.readlink(link) == target
    assert checked >= len(groups)


MERGED = {"/bin": "usr/bin", "/lib": "/usr/lib", "/usr/lib/x": "../lib/../share/y", "/a": "b", "/b": "a"}


@pytest.mark.parametrize(
    ("path", "package", "place"),
    [
        ("/bin/ls", "coreutils", "/usr/bin/ls"),
        ("/bin", "base-files", "/bin"),
        ("/binary/x", "x", "/binary/x"),
        ("/lib/x/f", "x", "/usr/share/y/f"),
        ("/a/f", "x", "/a/f"),
        ("/", "x", "/"),
        ("/bin/sh", "bash", "/usr/bin/sh.distrib"),
        ("/bin/sh", "dash", "/usr/bin/sh"),
        ("/usr/sbin/nginx", "nginx", "/usr/sbin/nginx.real"),
    ],
)
def test_a_path_is_found_where_links_and_diversions_put_it(path: str, package: str, place: str) -> None:
    diversions = [what for what in dpkgrules.diversions(DIVERSIONS) if isinstance(what, Diversion)]
    assert Layout(MERGED, diversions).place(path, package) == place


def test_bytes_flipped_at_random_break_nothing() -> None:
    chance = random.Random(6)
    for _ in range(300):
        found = [
            *dpkgrules.diversions(mutated(DIVERSIONS, chance)),
            *dpkgrules.overrides(mutated(OVERRIDES, chance)),
            *dpkgrules.alternatives({FOLDER + "awk": mutated(AWK, chance)}),
            *dpkgrules.filters({name: mutated(data, chance) for name, data in FILTERS.items()}),
        ]
        rules = tuple(what for what in found if isinstance(what, Filter))
        assert dpkgrules.left_out("/usr/share/doc/x", rules) in (None, *rules)
