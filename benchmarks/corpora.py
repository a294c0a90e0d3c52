"""Builds the trees that are measured: from a seed and nothing else, so that they are the same on every machine."""

import json
import math
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

WORDS = ("admin", "backup", "cache", "daemon", "editor", "filter", "gateway", "header", "index", "journal", "kernel")
ENDINGS = (".h", ".py", ".so.1", ".mo", ".conf", ".html", ".png", ".txt", ".service", "")
LARGEST = 128 * 1024
FILES, DIRECTORIES, LINKS = 120_000, 15_000, 4_000
MANY_ENTRIES = FILES + DIRECTORIES + LINKS + 1


def kept(folder: Path, facts: dict[str, int], build: Callable[[Path], None]) -> Path:
    """The folder, built only if it was not yet, or from other facts; they stand in a file beside it."""
    note = folder.with_suffix(".json")
    wanted = json.dumps(facts, sort_keys=True)
    if not note.exists() or note.read_text() != wanted:
        print(f"building {folder.name} ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build(folder)
        note.write_text(wanted)
    return folder


def many(work: Path, files: int = FILES) -> Path:
    """A tree like a system's /usr: 120,000 files of 8 KB on average, 15,000 directories, 4,000 symbolic links."""

    def build(folder: Path) -> None:
        rng = random.Random(20)
        directories = nested(folder, rng, files * DIRECTORIES // FILES)
        paths = [os.path.join(rng.choice(directories), name_of(rng, number)) for number in range(files)]
        for path in paths:
            Path(path).write_bytes(rng.randbytes(small(rng)))
        for number in range(files * LINKS // FILES):
            os.symlink(os.path.basename(rng.choice(paths)), os.path.join(rng.choice(directories), f"link-{number}"))

    return kept(work / "many", {"version": 1, "files": files}, build)


def nested(folder: Path, rng: random.Random, count: int) -> list[str]:
    """Makes that many directories, at most eight deep, and names them all."""
    made = [(str(folder), 0)]
    while len(made) <= count:
        parent, depth = rng.choice(made)
        if depth < 8:
            path = os.path.join(parent, name_of(rng, len(made)))
            os.mkdir(path)
            made.append((path, depth + 1))
    return [path for path, _ in made]


def name_of(rng: random.Random, number: int) -> str:
    """A name as long as names are, and never the same twice."""
    return f"{rng.choice(WORDS)}-{number}{rng.choice(ENDINGS)}"


def small(rng: random.Random) -> int:
    """A size as those of a system's files: half below 2.5 KB, a few large, 8 KB on average, 128 KiB at most."""
    return min(LARGEST, int(2500 * math.exp(1.65 * rng.gauss(0, 1))))


def large(work: Path, mib: int) -> Path:
    """Four files of that many MiB of noise each."""

    def build(folder: Path) -> None:
        rng = random.Random(4)
        for number in range(4):
            with (folder / f"image-{number}").open("wb") as file:
                for _ in range(mib):
                    file.write(rng.randbytes(1024 * 1024))

    return kept(work / "large", {"version": 1, "mib": mib}, build)


def tiny(work: Path, count: int) -> Path:
    """That many files of at most seven bytes, a hundred to a directory: nothing but entries."""

    def build(folder: Path) -> None:
        for number in range(count):
            directory = folder / f"{number // 10_000:03}" / f"part-{number // 100 % 100:02}"
            if number % 100 == 0:
                directory.mkdir(parents=True)
            (directory / f"a-file-with-a-name-as-long-as-most-{number}").write_bytes(b"%d" % number if number % 2 else b"")

    return kept(work / f"tiny-{count}", {"version": 1, "count": count}, build)


def entries(folder: Path) -> tuple[int, int]:
    """How many entries a tree has, itself counted, and how many of them are regular files."""
    everything, files = 1, 0
    for top, directories, names in os.walk(folder):
        everything += len(directories) + len(names)
        files += sum(not os.path.islink(os.path.join(top, name)) for name in names)
    return everything, files
