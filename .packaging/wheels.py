"""The wheels that auditkit is made of: fetched as requirements.lock names them, each held against its hash, and its own.

Where they come from says pip's own configuration of this machine, and nothing else.
"""

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

HERE = Path(__file__).resolve().parent.parent
LOCK = HERE / "requirements.lock"
GLIBC = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")
"""The oldest first: what is built for it runs on all that are newer."""
UNUSED = frozenset(("invoke", "markdown-it-py", "mdurl", "pygments", "pycparser"))
"""Asked for by what auditkit needs, for what auditkit has no use for: `Match exec`, Markdown, coloured source, a C compiler."""

LEFT_OUT = re.compile(
    r".*\.(?:pyi|pyx|pxd|c|h)|(?:.*/)?tests?/.*|[^/]+\.data/.*|.*/RECORD|zstandard/_cffi\..*|cffi/.*"
    r"|sqlalchemy/(?:testing|dialects/(?:mssql|mysql|oracle))/.*"
)
"""What nothing of auditkit loads."""


def fetched(pythons: Sequence[str], machine: str, folder: Path) -> list[Path]:
    """The wheels of the lock for some Pythons (`3.11`), in a folder; those that are there are held against their hashes too."""
    folder.mkdir(parents=True, exist_ok=True)
    for python in pythons:
        _pip(
            "download", "--require-hashes", "--no-deps", "--only-binary", ":all:", "--implementation", "cp",
            "--python-version", python,
            *(word for glibc in GLIBC for word in ("--platform", f"{glibc}_{machine}")),
            "--find-links", str(folder), "--dest", str(folder), "--requirement", str(LOCK),
        )  # fmt: skip
    return sorted(folder.glob("*.whl"))


def own(folder: Path) -> Path:
    """The wheel of this checkout, made by the hatchling that is installed beside this Python."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (made,) = folder.glob("auditkit-*.whl")
    return made


def needed(own: Path, wheels: Iterable[Path], python: str) -> list[Path]:
    """Those of the wheels that auditkit needs when it runs with this Python: no extras, and nothing that only builds it."""
    there: dict[str, list[Path]] = {}
    for wheel in wheels:
        there.setdefault(name_of(wheel), []).append(wheel)
    surroundings = {"python_version": python, "python_full_version": f"{python}.0", "platform_python_implementation": "CPython"}
    wanted, found = list(_requires(own, surroundings)), dict[str, list[Path]]()
    while wanted:
        name = wanted.pop()
        if name not in found and name not in UNUSED:
            found[name] = [wheel for wheel in there[name] if _fits(wheel, python)]
            wanted += _requires(found[name][0], surroundings)
    return sorted(wheel for several in found.values() for wheel in several)


def content(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a wheel that something of auditkit loads, and of its licences."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if not LEFT_OUT.fullmatch(name) and not name.endswith("/"):
                yield name, archive.read(name)


def name_of(wheel: Path) -> str:
    """The name of what a wheel holds, as it is compared."""
    return canonicalize_name(wheel.name.partition("-")[0])


def _fits(wheel: Path, python: str) -> bool:
    """Whether a wheel is for this Python, whatever the machine."""
    tags = parse_wheel_filename(wheel.name)[3]
    compact = python.replace(".", "")
    return any(tag.abi in ("none", "abi3") or tag.interpreter == f"cp{compact}" for tag in tags)


def _requires(wheel: Path, surroundings: Mapping[str, str]) -> Iterator[str]:
    """Yield the name of each project that a wheel needs there."""
    with zipfile.ZipFile(wheel) as archive:
        (place,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        told = HeaderParser().parsestr(archive.read(place).decode())
    for line in told.get_all("Requires-Dist") or ():
        asked = Requirement(line)
        if asked.marker is None or asked.marker.evaluate({**surroundings, "extra": ""}):
            yield canonicalize_name(asked.name)


def _pip(*words: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-python-version-warning")
    subprocess.run([sys.executable, "-m", "pip", *words, *quiet], check=True)
