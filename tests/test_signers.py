"""The allowed_signers file: read as ssh-keygen reads it, and every mistake is named."""

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import seal, signers
from auditkit.errors import ConfigError, UntrustedError
from auditkit.keys.patterns import among

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTENT = b"content\n"
LINES = [
    "anna {key}",
    "  anna\t{key} a comment",
    '"anna" {key}',
    "!bob {key}",
    ", {key}",
    "*,!bob {key}",
    "# anna {key}",
    "anna",
    "anna {kind}",
    "anna ssh-none AAAA",
    "anna ssh-rsa {base64}",
    "anna {kind} AAAA",
    'anna namespaces="auditkit" {key}',
    'anna NameSpaces="git,auditkit" {key}',
    'anna namespaces="audit*" {key}',
    'anna namespaces="a?ditkit" {key}',
    'anna namespaces="*,!auditkit" {key}',
    'anna namespaces="git" {key}',
    'anna namespaces="" {key}',
    "anna namespaces=auditkit {key}",
    'anna namespaces="auditkit {key}',
    'anna namespaces="auditkit",namespaces="auditkit" {key}',
    'anna namespaces="auditkit",valid-after="20200101" {key}',
    'anna namespaces="auditkit", {key}',
    'anna namespaces="auditkit"valid-after="20200101" {key}',
    'anna namespaces="with space,auditkit" {key}',
    'anna valid-after="20261124Z" {key}',
    'anna valid-after="202611241200Z" {key}',
    'anna valid-after="20261124120001Z" {key}',
    'anna valid-before="20261124120000Z" {key}',
    'anna valid-before="20261124115959Z" {key}',
    'anna valid-before="202611241201UTC" {key}',
    'anna valid-before="2026112412" {key}',
    'anna valid-before="20261332" {key}',
    'anna valid-before="never" {key}',
    'anna valid-before="19700101Z" {key}',
    'anna valid-after="20280101",valid-before="20270101" {key}',
    'anna valid-after="20250101Z",valid-before="20270101Z" {key}',
    "anna cert-authority {key}",
    "anna no-such-option {key}",
    'anna no-such-option="x" {key}',
]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


def filled(line: str, key: Path) -> bytes:
    kind, base64 = Path(f"{key}.pub").read_text().split()[:2]
    return line.format(key=f"{kind} {base64}", kind=kind, base64=base64).encode() + b"\n"


@pytest.mark.parametrize("line", LINES)
def test_a_line_allows_what_ssh_keygen_says_it_allows(line: str, key: Path, tmp_path: Path) -> None:
    (tmp_path / "allowed").write_bytes(filled(line, key))
    (tmp_path / "sig").write_bytes(seal.sign(io.BytesIO(CONTENT), str(key)))
    oracle = subprocess.run(
        ["ssh-keygen", "-Y", "verify", "-n", "auditkit", "-I", "anna", "-f", tmp_path / "allowed", "-s",
         tmp_path / "sig", "-Overify-time=20261124120000Z"], input=CONTENT, capture_output=True, check=False,
    )  # fmt: skip
    try:
        known = signers.read(str(tmp_path / "allowed"))
        seal.verify(io.BytesIO(CONTENT), (tmp_path / "sig").read_bytes(), known, NOW)
        good = True
    except (ConfigError, UntrustedError):
        good = False
    assert good is (oracle.returncode == 0), oracle.stderr


@pytest.mark.parametrize(
    ("text", "patterns", "covered"),
    [
        ("anna", "anna", True),
        ("anna", "bob,an?a", True),
        ("anna@office", "*@office", True),
        ("anna@office", "*@office,!anna*", False),
        ("anna@office", "!anna*,*", False),
        ("anna", "!bob", False),
        ("a[b]", "a[b]", True),
        ("ab", "a[b]", False),
        ("", "", False),
    ],
)
def test_patterns_are_those_of_ssh_config(text: str, patterns: str, covered: bool) -> None:
    assert among(text, patterns) is covered


def test_a_mistake_is_named_with_its_file_and_line(key: Path) -> None:
    with pytest.raises(ConfigError, match="office, line 3: valid-before is no time") as caught:
        signers.parse(b"# ours\n" + filled("anna {key}", key) + filled('bob valid-before="soon" {key}', key), "office")
    assert caught.value.hint.startswith("write it like")


def test_dates_without_z_are_of_the_zone_given(key: Path) -> None:
    known = signers.parse(filled('anna valid-after="20260701" {key}', key), "f", ZoneInfo("Europe/Berlin"))
    assert known.lines[0].after == datetime(2026, 6, 30, 22, tzinfo=UTC)


def test_large_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="larger than"):
        signers.parse(b"#" * (signers.LIMIT + 1), "f")
    with pytest.raises(ConfigError, match="cannot be read"):
        signers.read(str(tmp_path / "none"))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text('an "\\=,!*\nZ09vlid-beforsh[', max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    try:
        signers.parse(data, "f", UTC)
    except ConfigError as error:
        said = str(error)
    else:
        said = ""
    assert said.isprintable()


def test_quotes_and_backslashes_cost_no_time_of_the_square(key: Path) -> None:
    for hostile in (b'\\"' * 400_000, b'"' * 900_001, b"a," * 400_000, b'namespaces="' + b"\\" * 900_000):
        with pytest.raises(ConfigError):
            signers.parse(b"anna " + hostile, "f")
