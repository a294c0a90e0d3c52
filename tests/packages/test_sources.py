"""Where apt gets packages from, in both forms of sources.list(5), and what a hostile host may write there."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from damage import mutated

from auditkit.model import Gap
from auditkit.packages.sources import Suite, suites

LINES = b"""\
# deb http://old.example/debian buster main
deb http://mirror.example/debian bookworm main contrib  # the usual
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64,i386 signed-by=/usr/share/keyrings/x.gpg] https://apt.example/ stable main
deb cdrom:[Debian GNU/Linux 12 _Bookworm_]/ bookworm main
deb http://flat.example/repo ./
"""
STANZAS = b"""\
# Debian itself
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://off.example/debian
Suites: sid
Components: main
Enabled: no

types: deb-src
uris: http://src.example/debian
suites: sid
components: main
"""
ONE, TWO = "/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources"
MIRROR = "http://mirror.example/debian"


def test_lines_name_suites() -> None:
    assert list(suites({ONE: LINES})) == [
        Suite(MIRROR, "bookworm", ("main", "contrib"), ()),
        Suite("https://apt.example/", "stable", ("main",), ("amd64", "i386")),
        Suite("http://flat.example/repo", "./", (), ()),
    ]


def test_stanzas_name_suites_unless_they_are_off_or_of_sources_only() -> None:
    assert list(suites({TWO: STANZAS})) == [
        Suite(MIRROR, "bookworm", ("main",), ()),
        Suite(MIRROR, "bookworm-updates", ("main",), ()),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"deb http://mirror.example/debian",
        b"rpm http://mirror.example/debian bookworm main",
        b"deb http://mirror.example/debian ../../secret main",
        b"deb http://mirror.example/debian bookworm main/../..",
        b"deb http://mirror.example/debian book\x1bworm main",
        b"deb http://mirror.example/\xff bookworm main",
    ],
)
def test_what_is_no_source_is_told_and_hides_no_other(line: bytes) -> None:
    gap, suite = suites({ONE: line + b"\ndeb http://mirror.example/debian bookworm main\n"})
    assert isinstance(gap, Gap)
    assert gap.subject == f"{ONE} line 1"
    assert suite == Suite(MIRROR, "bookworm", ("main",), ())


@pytest.mark.parametrize(
    "stanza",
    [
        b"Types: deb\nURIs: http://a/\nSuites: x\nComponents:" + b" main" * 20_000,
        b"Types: deb\nURIs: http://a/\nSuites: x\nComponents: ..\nArchitectures:" + b" i386" * 20_000,
        b"Types: deb\nSuites:" + b" a" * 20_000 + b"\nURIs:" + b" http://a/" * 100_000,
        b"Types: deb\nURIs: http://a/\nSuites: x\nComponents:" + b"\n a" * 50_000,
    ],
)
def test_what_no_apt_would_have_costs_one_gap(stanza: bytes) -> None:
    (gap,) = suites({TWO: stanza})
    assert gap == Gap(f"{TWO} line 1", "a source of apt with more than 64 addresses, suites, components or architectures")


def test_no_password_is_told() -> None:
    lines = b"deb http://me:secret@a.example/ x..y main\ndeb http://me:sec/ret@a.example/\nnone http://me:secret@a.example/ x\n"
    stanza = b"Types: deb\nURIs: http://me:secret@a.example/\nSuites: ../x\nComponents: main\n"
    told = list(suites({ONE: lines, TWO: stanza}))
    assert all(isinstance(gap, Gap) for gap in told)
    assert [str(gap).count("//a.example/") for gap in told] == [1] * 4


def test_other_files_are_not_read() -> None:
    assert list(suites({"/etc/passwd": LINES})) == []


def test_damaged_sources_are_sources_or_gaps() -> None:
    chance = random.Random(7)
    for _ in range(300):
        for told in suites({ONE: mutated(LINES, chance), TWO: mutated(STANZAS, chance)}):
            assert isinstance(told, Gap) or (".." not in told.name and not told.name.startswith("/"))


@pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")
def test_apt_means_the_same_suites(tmp_path: Path) -> None:
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / ONE[1:]).write_bytes(LINES)
    (tmp_path / TWO[1:]).write_bytes(STANZAS.replace(b"\nSigned-By:", b"\nX-Key:"))
    (tmp_path / "state").mkdir()
    options = (f"Dir={tmp_path}", f"Dir::State={tmp_path}/state", "APT::Architecture=amd64", "APT::Architectures::=amd64")
    asked = ["apt-get", "indextargets", "--no-release-info", *(word for option in options for word in ("-o", option))]
    asked += ["--format", "$(SITE) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    ours = [one for one in suites({ONE: LINES, TWO: STANZAS}) if isinstance(one, Suite)]
    said = {(f"{one.uri.rstrip('/')}", one.name, part) for one in ours for part in one.components or ("",)}
    known = [line.replace("$(COMPONENT)", "").split(" ") for line in told if "cdrom" not in line]  # a flat one has none
    assert {(uri.rstrip("/"), *rest) for uri, *rest in known} == said
