"""What apt is set to: the same text is read here and by apt-config itself."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.packages.aptconf import MOST, settings

TEXTS = {
    "value": 'APT::Periodic::Unattended-Upgrade "1";',
    "nested": 'APT { Periodic { Enable "0"; Update-Package-Lists "7"; }; };',
    "list": 'Unattended-Upgrade::Origins-Pattern { "origin=Debian"; "o=Vendor,l=x"; };',
    "members": 'Unattended-Upgrade::Allowed-Origins:: "a";\nUnattended-Upgrade::Allowed-Origins:: "b";',
    "comments": '// one\n/* two\n APT::x "2"; */ APT::Periodic::Enable "1"; # three\n',
    "clear": 'Unattended-Upgrade::Origins-Pattern { "a"; "b"; };\n#clear Unattended-Upgrade::Origins-Pattern;',
    "again": 'APT::Periodic::Enable "1";\nAPT::Periodic::Enable "0";',
    "in capitals": 'apt::PERIODIC::enable "5";',
    "bare word": "APT::Periodic::Enable 1;",
}


def apt_says(path: Path) -> dict[str, list[str]]:
    """All values below two settings, by name in lower case; the members of a list under its own name."""
    environment = {**os.environ, "APT_CONFIG": str(path), "LC_ALL": "C"}
    words = ["apt-config", "-o", "Dir::Etc::parts=/nowhere", "-o", "Dir::Etc::main=/nowhere", "dump", "--no-empty"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        name, _blank, value = line.partition(" ")
        if name.lower().startswith(("apt::periodic", "unattended-upgrade")):
            found.setdefault(name.lower().removesuffix("::"), []).append(value.strip('";'))
    return found


@pytest.mark.skipif(not shutil.which("apt-config"), reason="there is no apt here")
@pytest.mark.parametrize("text", TEXTS)
def test_settings_are_those_that_apt_itself_reads(text: str, tmp_path: Path) -> None:
    path = tmp_path / "apt.conf"
    path.write_text(f"{TEXTS[text]}\n")
    told, gaps = settings({"/etc/apt/apt.conf": path.read_bytes()})
    ours = {name: [value] for name, value in told.values.items()} | told.lists
    assert (ours, gaps) == (apt_says(path), ())


def test_files_of_the_directory_come_first_and_in_order() -> None:
    files = {
        "/etc/apt/apt.conf.d/20x": b'A "2";',
        "/etc/apt/apt.conf.d/10x": b'A "1";',
        "/etc/apt/apt.conf.d/30x.bak": b'A "3";',
    }
    assert settings(files)[0].value("A") == "2"
    assert settings({**files, "/etc/apt/apt.conf": b'a "4";'})[0].value("A") == "4"


@pytest.mark.parametrize(
    "text", [b'A { "x"', b'A "unclosed;\n', b"/* no end", b'{ "x"; };' * 60_000, b"{" * 99, b"/* " * 100_000]
)
def test_what_is_not_understood_is_a_gap_or_nothing(text: bytes) -> None:
    told, gaps = settings({"/etc/apt/apt.conf": text})
    assert len(gaps) <= 1
    assert sum(map(len, told.lists.values())) <= MOST


@given(st.binary(max_size=300))
def test_any_bytes_are_settings_or_a_gap(data: bytes) -> None:
    settings({"/etc/apt/apt.conf.d/x": b'A { B "1"; ' + data})
