"""What systemd itself says of units that are not installed: are they sound, and how exposed would a service be?

`systemd-analyze verify` and `systemd-analyze security --offline=yes` read files and change nothing.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping

PROGRAM = "systemd-analyze"
PATIENCE = 60
LONGEST = 300
_OVERALL = re.compile(r"Overall exposure level for \S+: ([0-9.]+) ([A-Z]+)")


def told(units: Mapping[str, str]) -> Iterator[str]:
    """Yield a line on each service of these units, by name and text; or why nothing can be said."""
    program = shutil.which(PROGRAM)
    if program is None:
        yield f"exposure: not known, for {PROGRAM} is not installed here"
        return
    try:
        with tempfile.TemporaryDirectory(prefix="auditkit-") as folder:
            for name, text in units.items():
                with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                    file.write(text)
            yield from _said(program, folder, list(units))
    except (OSError, subprocess.TimeoutExpired) as error:
        yield f"exposure: not known: {getattr(error, 'strerror', None) or f'{PROGRAM} did not end'}"


def _said(program: str, folder: str, names: list[str]) -> Iterator[str]:
    faults = _run(program, "verify", *(os.path.join(folder, name) for name in names))
    own = [line for line in faults.splitlines() if any(name in line for name in names)]
    yield from (f"systemd-analyze verify: {line.replace(f'{folder}/', '')[:LONGEST]}" for line in own)
    for name in names:
        if name.endswith(".service"):
            yield _exposure(name, _run(program, "security", "--offline=yes", "--no-pager", os.path.join(folder, name)))


def _exposure(name: str, said: str) -> str:
    found = _OVERALL.search(said)
    return f"{name}: exposure {found[1]} {found[2]} (0 is best, 10 is worst)" if found else f"{name}: exposure not known"


def _run(program: str, *words: str) -> str:
    """What it writes; an old one knows no offline analysis and says so."""
    done = subprocess.run(  # noqa: S603 - no shell, and files of our own
        [program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"},
    )
    return done.stdout.decode("utf-8", "replace")
