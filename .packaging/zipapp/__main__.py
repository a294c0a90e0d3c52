"""auditkit as one file: `.venv/bin/python .packaging/zipapp` makes auditkit.pyz, the same bytes from the same checkout."""

import argparse
import importlib.util
import marshal
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(1, str(HERE.parent))

import wheels  # noqa: E402 - it is found only now

SHEBANG = b"#!/usr/bin/python3 -I\n"
"""Nothing of the environment or of the user's own packages takes part."""
PYTHONS = ("3.11", "3.13")
"""Those of Debian 12 and 13."""
MACHINE = "x86_64"
WHEN = (1980, 1, 1, 0, 0, 0)
QUICK_WITHOUT = ("markupsafe", "pyyaml", "sqlalchemy")
"""What is compiled only to be faster: it is left out, and the text runs."""
COMPILED = re.compile(r"(.*?)\.(?:cpython-\d+-[\w-]+|abi3)\.so")
OTHERS = re.compile(rf"native/[^/]+/(?!abi3|cp{sys.version_info.major}{sys.version_info.minor})")
"""What only another Python than this one loads."""
STUB = "import _loaded\n\n_loaded.become(__name__, {file!r})\n"
"""Stands in the place of a compiled module."""

Files = dict[str, bytes]


def main(words: Sequence[str] | None = None) -> int:
    """Make the file."""
    parser = argparse.ArgumentParser(prog=".packaging/zipapp", description=__doc__)
    parser.add_argument("-o", dest="output", type=Path, default=Path("auditkit.pyz"), help="[default: auditkit.pyz]")
    parser.add_argument(
        "--python", action="append", metavar="X.Y", help=f"runs at full speed with it [default: {', '.join(PYTHONS)}]"
    )
    parser.add_argument("--machine", default=MACHINE, help=f"as `uname -m` says [default: {MACHINE}]")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="keep what is fetched there, for the next time")
    parser.add_argument("--quick", action="store_true", help="for a try: compress little, compile nothing")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as made:
        files = collected(asked.python or PYTHONS, asked.machine, asked.wheels or Path(made, "wheels"), Path(made))
    written(asked.output, files if asked.quick else files | dict(compiled(files)), level=1 if asked.quick else 9)
    sys.stdout.write(f"{asked.output}: {asked.output.stat().st_size} bytes\n")
    return 0


def collected(pythons: Sequence[str], machine: str, folder: Path, scratch: Path) -> Files:
    """All files of the archive by their names in it."""
    there, own = wheels.fetched(pythons, machine, folder), wheels.own(scratch)
    files = dict(content(own, ""))
    for wheel in sorted({wheel for python in pythons for wheel in wheels.needed(own, there, python)}):
        files |= content(wheel, place(wheel, machine))
    for source in sorted((HERE / "without").rglob("*.py")):
        files[str(source.relative_to(HERE))] = source.read_bytes()
    files |= {"__main__.py": (HERE / "start.py").read_bytes(), "_loaded.py": (HERE / "_loaded.py").read_bytes()}
    return files


def place(wheel: Path, machine: str) -> str:
    """Where the content of a wheel goes: what is compiled for one kind of Python stands apart."""
    if wheel.name.endswith("-any.whl") or wheels.name_of(wheel) in QUICK_WITHOUT:
        return ""
    _name, _version, python, abi, _platform = wheel.stem.split("-")
    return f"native/{machine}/{abi if abi == 'abi3' else python}/"


def content(wheel: Path, place: str) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a wheel; each compiled module with what stands in its place."""
    for name, data in wheels.content(wheel):
        found = COMPILED.fullmatch(name)
        if found and not place:
            continue
        if found:
            yield f"{place}{found[1]}.py", STUB.format(file=os.path.basename(name)).encode()
        yield place + name, data


def compiled(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield each module as this Python compiles it: it need not do so at every start. Another one takes the text."""
    for name, data in sorted(files.items()):
        if name.endswith(".py") and not OTHERS.match(name):
            code = compile(data, f"auditkit.pyz/{name}", "exec", dont_inherit=True)
            # a header of PEP 552 that says: believe it. Twice through marshal, so that no reference depends on what ran before
            body = marshal.dumps(marshal.loads(marshal.dumps(code)))
            yield (
                f"{name}c",
                importlib.util.MAGIC_NUMBER + (0b01).to_bytes(4, "little") + importlib.util.source_hash(data) + body,
            )


def written(path: Path, files: Mapping[str, bytes], level: int) -> None:
    """Write the archive, whole or not at all."""
    temporary = path.with_name(f"{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
            for name, data in sorted(files.items()):
                member = zipfile.ZipInfo(name, WHEN)
                member.external_attr, member.compress_type = 0o100644 << 16, zipfile.ZIP_DEFLATED
                archive.writestr(member, data)
    temporary.chmod(0o755)
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
