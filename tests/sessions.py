"""Sessions shown in the docs: what is typed and what a program writes, run again by test_docs, written anew by this file.

A session is the blocks that open with three backticks and `console run`: a command stands behind `$ `, its other lines
behind `> `, and below it what it writes. All blocks of one page run in one shell, in a directory of their own.
`python tests/sessions.py PAGE...` runs them, and writes into the page what differs by more than what is masked here.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from conftest import SOURCE, surroundings

FOLDER = "/tmp/tutorial"
"""Where the sessions say they run: columns are as wide as paths are long, so that a test's own has as many characters."""
TOOLS = {"zstdcat", "b3sum", "ssh-keygen"}
PROMPT, MORE = "$ ", "> "
BLOCK = re.compile(r"^```console run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VOLATILE = (
    (r"( \d+){2}( \S+){2} \d+( \d+\.\d{9}){2} (\d+\.\d{9}|\?) \d+ \d+ \S+", " OWNER, SIZE, TIMES, INODE, LINKS, FLAGS"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\d{4}-\d\d-\d\d( \d\d:\d\d [+-]\d{4})?", "TIME"),
    (r"\b\d\d:\d\d(:\d\d)?Z", "TIME"),
    (r"\b20\d\d-(\d{3})\b", r"CASE-\1"),
    (r"\b([0-9a-f]{4} ){7}[0-9a-f]{4}\b", "HEAD"),
    (r"\b\d+ days?\b", "DAYS"),
    (r"entries, \d+ bytes", "entries, SIZE"),
    (r"SHA256:\S+", "FINGERPRINT"),
    (r"AAAA\S+", "KEY"),
    (r"\b[0-9a-f]{8,}(\.\.\.|\b)", "DIGEST"),
    (r"\b(0[0-7]{3}) \S+:\S+,", r"\1 OWNER,"),
    (r"\d+:\d+ \.", "DEVICE ."),
    (r"auditkit: what .* is kept for later checks\n", ""),  # where apt of this machine has packages
    (r" +", " "),
)
"""What differs from run to run and from machine to machine."""

Step = tuple[str, str]
"""A command and what it writes."""


def session(text: str) -> Iterator[Step]:
    """Yield the steps of all sessions of a page."""
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            first, *rest = part.splitlines()
            more = list(takewhile(lambda line: line.startswith(MORE), rest))
            command = "\n".join((first, *(line.removeprefix(MORE) for line in more)))
            yield command, "\n".join(rest[len(more) :])


def ran(commands: list[str], home: Path, source: str = SOURCE) -> list[str]:
    """What each command writes, on stdout and stderr alike, in one shell that has the auditkit under test and no terminal."""
    wrapper = home / "bin" / "auditkit"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -m auditkit "$@"\n')
    wrapper.chmod(0o755)
    script = "umask 022\n" + "\n".join(f"{command}\nstatus=$?; printf '\\0'; (exit $status)" for command in commands)
    file = home / "session.sh"
    file.write_text(script)
    place = Path(tempfile.mkdtemp(prefix="", dir="/tmp"))
    assert len(str(place)) == len(FOLDER)
    environment = surroundings(home) | {"PYTHONPATH": source, "PATH": f"{wrapper.parent}:{os.environ['PATH']}"}
    command = [*_apart(), "bash", str(file)]
    try:
        done = subprocess.run(
            command, cwd=place, env=environment, text=True, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(place)
    return [output.strip("\n") for output in done.stdout.replace(place.name, "tutorial").split("\0")[:-1]]


def _apart() -> list[str]:
    """The words before a command that shall see no packages and no store of this machine, and leave none there."""
    folders = [folder for folder in ("/var/cache/apt/archives", "/var/lib") if os.path.isdir(folder)]
    mounts = "".join(f"mount -t tmpfs none {folder}; " for folder in folders)
    return ["unshare", "--mount", "sh", "-ec", f'{mounts}exec "$@"', "sh"] if os.geteuid() == 0 else []


def masked(text: str) -> list[str]:
    """The lines of an output without what differs from run to run."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return [line.strip() for line in text.strip().splitlines()]


def anew(text: str, home: Path) -> str:
    """A page with what its commands write now; what is the same but for what is masked stays as it is."""
    steps = list(session(text))
    outputs = ran([command for command, _ in steps], home)
    shown = iter([told if masked(told) == masked(output) else output for (_, told), output in zip(steps, outputs, strict=True)])

    def block(match: re.Match[str]) -> str:
        told = (
            f"{_typed(command)}\n{output}".strip("\n") for (command, _), output in zip(session(match[0]), shown, strict=False)
        )
        return "```console run\n" + "\n".join(told) + "\n```"

    return BLOCK.sub(block, text)


def _typed(command: str) -> str:
    return PROMPT + command.replace("\n", f"\n{MORE}")


def main(pages: list[str]) -> int:
    """Write pages anew."""
    for page in map(Path, pages):
        with tempfile.TemporaryDirectory() as home:
            page.write_text(anew(page.read_text("utf-8"), Path(home)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
