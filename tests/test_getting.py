"""Ways to get auditkit: what is in the wheel and the sdist, the file for a rescue stick, and what stands in for compiled parts.

.ci/packages does more, in systems of their own: it builds the Debian package too, and takes minutes.
"""

import csv
import importlib.util
import io
import random
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path
from types import ModuleType
from typing import Any

import blake3
import pytest
import zstandard
from conftest import SOURCE, Cli, surroundings
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import __version__
from auditkit.policy import shipped

PACKAGING = Path(SOURCE, ".packaging")
PYTHON = "{}.{}".format(*sys.version_info)
HERE_TOO = (
    "py.typed", "report/schema.json", "commands/completion.json", "commands/completion.bash", "baselines/linux.yaml",
)  # fmt: skip
"""Files beside the modules that must be there."""


# --- wheel and sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the wheel and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    hatched("-t", "sdist", "-t", "wheel", "-d", str(folder))
    return folder


def hatched(*words: str, top: str = SOURCE) -> None:
    """Build with hatchling, as every installer does."""
    command = [sys.executable, "-m", "hatchling", "build", *words]
    subprocess.run(command, cwd=top, env=surroundings(Path(top)), check=True, capture_output=True)


def only(folder: Path, pattern: str) -> Path:
    """The one file of that pattern."""
    (found,) = folder.glob(pattern)
    return found


def test_the_wheel_holds_all_of_auditkit_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    checkout = {str(path.relative_to(SOURCE)) for path in Path(SOURCE, "auditkit").rglob("*") if path.is_file()}
    here = {name for name in checkout if "__pycache__" not in name and not name.endswith(".pyc")}
    policies = {f"auditkit/baselines/{path.name}" for path in Path(SOURCE, "baselines").iterdir() if path.is_file()}
    assert names == here | policies
    assert {f"auditkit/baselines/{name}.yaml" for name in shipped()} <= policies


def test_the_wheel_says_what_it_is_and_what_it_needs(built: Path) -> None:
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        place = f"auditkit-{__version__}.dist-info"
        told = HeaderParser().parsestr(wheel.read(f"{place}/METADATA").decode())
        entries = wheel.read(f"{place}/entry_points.txt").decode()
        recorded = [row[0] for row in csv.reader(io.StringIO(wheel.read(f"{place}/RECORD").decode()))]
        assert sorted(recorded) == sorted(wheel.namelist())
    assert (told["Name"], told["Version"], told["Requires-Python"]) == ("auditkit", __version__, ">=3.11")
    assert "auditkit = auditkit.commands:main" in entries
    needed = {line.partition(";")[0].strip(): ";" in line for line in told.get_all("Requires-Dist", ())}
    assert {name.partition(">")[0] for name, extra in needed.items() if not extra} == {
        "blake3", "click", "cryptography", "jinja2", "packaging", "paramiko", "platformdirs", "psutil", "pyyaml", "rich",
        "sqlalchemy", "zstandard",
    }  # fmt: skip


def test_the_sdist_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    with tarfile.open(only(built, "*.tar.gz")) as sdist:
        sdist.extractall(tmp_path, filter="data")
    hatched("-t", "wheel", "-d", str(tmp_path), top=str(tmp_path / f"auditkit-{__version__}"))
    assert only(tmp_path, "*.whl").read_bytes() == only(built, "*.whl").read_bytes()


def test_what_was_installed_runs_with_all_its_files(built: Path, tmp_path: Path) -> None:
    place = tmp_path / "there"
    pip("install", "--no-deps", "--no-index", "--no-compile", "--target", str(place), str(only(built, "*.whl")))
    assert [name for name in HERE_TOO if not (place / "auditkit" / name).is_file()] == []
    environment = surroundings(tmp_path) | {"PYTHONPATH": str(place)}
    for words in ([str(place / "bin/auditkit")], [sys.executable, "-m", "auditkit"]):
        ran = subprocess.run(
            [*words, "policy", "linux"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("linux is sound")


def pip(*words: str) -> None:
    """Run pip, which goes where its own configuration sends it."""
    subprocess.run([sys.executable, "-m", "pip", *words, "--quiet"], check=True, capture_output=True, timeout=300)


# --- the file for a rescue stick


@pytest.fixture(scope="module")
def zipapp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """auditkit.pyz for the Python of these tests, and beside it without.pyz, in which nothing is compiled."""
    folder = tmp_path_factory.mktemp("stick")
    whole, part = folder / "auditkit.pyz", folder / "without.pyz"
    command = [sys.executable, str(PACKAGING / "zipapp"), "--quick", "-o", str(whole), "--python", PYTHON]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if made.returncode and "pip" in made.stderr:
        pytest.skip(f"pip of this machine does not get the wheels of requirements.lock: {made.stderr.strip().splitlines()[-1]}")
    assert made.returncode == 0, made.stderr
    with zipfile.ZipFile(whole) as there, zipfile.ZipFile(part, "w") as copy:
        for member in there.infolist():
            if not member.filename.startswith("native/"):
                copy.writestr(member, there.read(member))
    return folder


@pytest.fixture
def stick(zipapp: Path, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs a file of the stick with a Python that has nothing but its own library; gives exit status and all that was said."""

    def run(name: str, *words: str | Path) -> tuple[int, str]:
        command = [sys.executable, "-ISB", zipapp / name, *words]
        ran = subprocess.run(command, cwd=tmp_path, env=surroundings(tmp_path), capture_output=True, text=True, check=False)
        assert "Traceback" not in ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    return run


def test_the_stick_says_the_same_as_what_is_installed_and_without_its_compiled_parts_what_it_cannot_tell(
    stick: Callable[..., tuple[int, str]], cli: Cli
) -> None:
    where, key = (cli.host, "--store", str(cli.store)), str(cli.home / "key")
    cli.run("keygen", "-o", key)
    (cli.home / "signers").write_text(f"anna {Path(f'{key}.pub').read_text()}")
    signers = ("--signers", str(cli.home / "signers"))
    assert cli.baseline("--key", key).code == 0

    code, told = stick("without.pyz", "check", *where)
    assert code == 3, told
    assert "gap  /etc/passwd: no digest that both the baseline and this scan have" in told
    assert "without blake3: content is hashed by SHA-256" in told

    (cli.tree / "etc/passwd").write_text("root::0:0:root:/root:/bin/sh\n")
    code, told = stick("auditkit.pyz", "check", *where, *signers)
    assert code == 1, told
    assert "signed by anna" in told
    assert "M /etc/passwd" in told
    assert "without" not in told

    code, told = stick("without.pyz", "check", *where, *signers)
    assert code == 4, told
    assert "the signature cannot be checked" in told
    assert "nothing was compared" in told


# --- what stands in


def standing_in(name: str) -> ModuleType:
    """The module that takes the place of a compiled one."""
    spec = importlib.util.spec_from_file_location(f"without_{name}", PACKAGING / f"zipapp/without/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SLOW: Any = standing_in("blake3")
BY_LIBRARY: Any = standing_in("zstandard") if shutil.which("apt") else None
"""libzstd.so.1 is where apt is."""


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3072, 5000, 8192, 8193, 31744])
def test_blake3_in_python_is_blake3(size: int) -> None:
    data = random.Random(size).randbytes(size)
    pieces = SLOW.blake3(data[: size // 3])
    pieces.update(data[size // 3 :])
    for made in (SLOW.blake3(data), pieces):
        assert made.hexdigest() == blake3.blake3(data).hexdigest()
        assert made.digest(length=16) == blake3.blake3(data).digest(length=16)
        assert made.digest(150) == blake3.blake3(data).digest(150)


@given(st.binary(max_size=400), st.integers(1, 3000), st.integers(1, 5000))
@settings(max_examples=30)
def test_zstd_by_the_library_reads_and_writes_what_the_package_does(data: bytes, times: int, piece: int) -> None:
    if not BY_LIBRARY:
        pytest.skip("libzstd.so.1 is not there")
    text = data * times
    packed, theirs = BY_LIBRARY.compress(text, 3), zstandard.ZstdCompressor(level=3).compress(text)
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == text
    for one in (packed, theirs):
        reader = BY_LIBRARY.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            io.BytesIO(one + one), read_across_frames=True
        )
        assert b"".join(iter(lambda: reader.read(piece), b"")) == text + text  # noqa: B023 - read at once
        frame = BY_LIBRARY.ZstdDecompressor().decompressobj()
        assert frame.decompress(one + b"more") == text
        assert (frame.eof, frame.unused_data) == (True, b"more")


@given(st.binary(max_size=60))
@settings(max_examples=60)
def test_what_is_no_zstd_is_an_error_or_nothing_as_it_is_for_the_package(data: bytes) -> None:
    if not BY_LIBRARY:
        pytest.skip("libzstd.so.1 is not there")
    packed = zstandard.ZstdCompressor().compress(b"text " * 100)
    for one in (data, packed[: len(data)] + data, packed[:-1] + data):
        assert told(BY_LIBRARY, one) == told(zstandard, one)


def told(module: Any, data: bytes) -> bytes | str:
    """What a damaged file unpacks to."""
    try:
        return bytes(module.ZstdDecompressor(max_window_size=1 << 27).stream_reader(data).read(1 << 20))
    except module.ZstdError:
        return "error"


@pytest.mark.parametrize("name", ["zstandard", "psutil"])
def test_what_stands_in_has_all_that_auditkit_asks_of_it(name: str) -> None:
    texts = (path.read_text("utf-8") for path in Path(SOURCE, "auditkit").rglob("*.py"))
    asked = {found for text in texts for found in re.findall(rf"^[^#\n]*\b{name}\.(\w+)", text, re.MULTILINE)}
    assert asked
    assert [one for one in asked if not hasattr(standing_in(name), one)] == []


def test_names_that_are_imported_where_no_signature_can_be_checked_are_those_that_auditkit_imports() -> None:
    """The stand-in for cryptography has every name that a module imports at its top, or the command would not even start."""
    loaded = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules.pop('cryptography', None)\n"
        "import auditkit.seal, auditkit.agent, auditkit.commands.check, auditkit.commands.incident\n"
        "assert 'without' in sys.modules['cryptography'].__file__"
    )
    command = [sys.executable, "-c", loaded, str(PACKAGING / "zipapp/without")]
    subprocess.run(command, env=surroundings(Path(SOURCE)), check=True)
