"""auditkit as a package of Debian: `.venv/bin/python .packaging/deb.py -o DIR` builds it with dpkg-buildpackage.

All that needs a network, which is the wheels of requirements.lock, is fetched before; the build itself only lays out files.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import wheels

HERE = Path(__file__).resolve().parent
TOP = HERE.parent
SHELLS = {"bash": "auditkit", "zsh": "_auditkit", "fish": "auditkit.fish"}
"""What each shell wants the file to be called that completes a command."""
CHANGELOG = """\
auditkit ({version}-{revision}) unstable; urgency=medium

  * What changed is in /usr/share/doc/auditkit/changelog.gz.

 -- auditkit <auditkit@mirror.example>  {date}
"""


def main(words: Sequence[str] | None = None) -> int:
    """Build the package."""
    parser = argparse.ArgumentParser(prog=".packaging/deb.py", description=__doc__)
    parser.add_argument(
        "-o", dest="output", type=Path, default=Path("dist"), metavar="DIR", help="where it goes [default: dist]"
    )
    parser.add_argument(
        "--python", default="{}.{}".format(*sys.version_info), metavar="X.Y", help="/usr/bin/python3 where it will run"
    )
    parser.add_argument(
        "--revision", type=int, default=1, metavar="N", help="of the package, where auditkit is the same [default: 1]"
    )
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="keep what is fetched there, for the next time")
    asked = parser.parse_args(words)
    asked.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        tree = Path(made, "auditkit")
        laid_out(tree, asked.python, asked.revision, asked.wheels or Path(made, "wheels"))
        for package in built(tree):
            shutil.copy(package, asked.output)
            sys.stdout.write(f"{asked.output / package.name}\n")
    return 0


def laid_out(tree: Path, python: str, revision: int, folder: Path) -> None:
    """Make the tree that dpkg-buildpackage runs in."""
    there, own = wheels.fetched([python], os.uname().machine, folder), wheels.own(tree.parent)
    shutil.copytree(HERE / "debian", tree / "debian")
    for wheel in (own, *wheels.needed(own, there, python)):
        for name, data in wheels.content(wheel):
            _put(tree / "vendor" / name, data)
    for shell, name in SHELLS.items():
        _put(tree / "completion" / shell / name, (TOP / f"auditkit/commands/completion.{shell}").read_bytes())
    shutil.copytree(TOP / "docs/man", tree / "man")
    shutil.copytree(TOP / "docs", tree / "docs", ignore=shutil.ignore_patterns("man", "_*", "conf.py"))
    for name in ("README.md", "CHANGELOG.md"):
        _put(tree / name, (TOP / name).read_bytes())
    _put(tree / "bin/auditkit", (tree / "debian/launcher").read_bytes())
    told = {"version": own.name.split("-")[1], "revision": revision, "date": format_datetime(_when())}
    _put(tree / "debian/changelog", CHANGELOG.format(**told).encode())
    # compiled parts are for one Python, so the package is too
    major, minor = map(int, python.split("."))
    _put(tree / "bundled.mk", f"PYTHON_DEPENDS = python3 (>= {python}), python3 (<< {major}.{minor + 1})\n".encode())


def built(tree: Path) -> list[Path]:
    """The packages that come of a tree."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(int(_when().timestamp())), "LC_ALL": "C.UTF-8"}
    command = ["dpkg-buildpackage", "--build=binary", "--no-sign"]
    ran = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False, errors="replace")
    if ran.returncode:
        raise SystemExit((ran.stdout + ran.stderr)[-4000:])
    return sorted(tree.parent.glob("*.deb"))


def _when() -> datetime:
    """The time that stands in the package: that of the last commit, so that the same checkout makes the same bytes."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(given), UTC)
    asked = subprocess.run(["git", "-C", TOP, "log", "-1", "--format=%ct"], capture_output=True, text=True, check=False)
    return datetime.fromtimestamp(int(asked.stdout or 1580601600), UTC)


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
