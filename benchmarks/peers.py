"""The tools auditkit is measured against: how each is asked, and seen to have done its work."""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import zstandard
from corpora import entries
from measure import Task

LEAN = "p+u+g+s+m+c+i+n+l+ftype"
FULL = f"{LEAN}+acl+xattrs+caps+e2fsattrs"
WORKERS = 2
PASSPHRASE = "benchmark"  # guards nothing but keys made for one run


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool and its two tasks, and how many times as long as auditkit the design wants each to take at least."""

    name: str
    baseline: Task
    check: Task
    reach_baseline: float = 0.0
    reach_check: float = 0.0


# - seeing that the work was done -


def has(path: Path, pattern: bytes, wanted: int) -> Callable[[], str]:
    """A check that a file holds at least that many matches of a pattern."""

    def done() -> str:
        data = path.read_bytes() if path.exists() else b""
        found = len(re.findall(pattern, gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data, re.MULTILINE))
        return "" if found >= wanted else f"{found} of {wanted} entries"

    return done


def sealed(store: Path, wanted: int) -> Callable[[], str]:
    """A check that the newest baseline of a store ends with a footer that counts at least that many entries."""

    def done() -> str:
        paths = sorted(store.rglob("*.baseline.zst"))
        tail = b""
        with paths[-1].open("rb") if paths else nullcontext() as file:
            for text in zstandard.ZstdDecompressor().read_to_iter(file) if file else ():
                tail = (tail + text)[-(1 << 20) :]
        counted = json.loads(tail.splitlines()[-1])["entries"] if tail else 0
        return "" if counted >= wanted else f"{counted} of {wanted} entries"

    return done


def bytes_in(folder: Path, wanted: int) -> Callable[[], str]:
    """A check that the files of a folder have room for that many bytes."""

    def done() -> str:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return "" if size >= wanted else f"{size} bytes stored, and digests alone are {wanted}"

    return done


# - asking them -


def auditkit(command: tuple[str, ...], corpus: Path, scratch: Path) -> Peer:
    """auditkit itself: a new store for each baseline, no signature, no configuration file."""
    store = scratch / "store"
    policy = scratch / "policy.yaml"
    watch = {"path": str(corpus), "level": "content", "severity": "medium", "why": "benchmark"}
    policy.write_text(json.dumps({"schema": "auditkit/policy/1", "name": "bench", "watch": [watch]}))
    common = ("local", "--store", str(store), "--jobs", str(WORKERS))
    return Peer(
        "auditkit",
        Task(
            "auditkit baseline",
            (*command, "baseline", *common, "--policy", str(policy)),
            scratch / "auditkit-baseline.out",
            before=lambda: shutil.rmtree(store, ignore_errors=True),
            done=sealed(store, entries(corpus)[0]),
        ),
        Task("auditkit check", (*command, "check", *common), scratch / "auditkit-check.out"),
    )


def aide(version: str, command: tuple[str, ...], corpus: Path, scratch: Path, *, full: bool) -> Peer:
    """One AIDE, with two workers; BLAKE3 where it can, else SHA-256."""
    new = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    digest = "blake3" if new >= (0, 20) else "sha256"
    name = f"AIDE {version} {digest}{' full' if full else ''}"
    stem = scratch / name.replace(" ", "-").lower()
    database, config = stem.with_suffix(stem.suffix + ".db"), stem.with_suffix(stem.suffix + ".conf")
    config.write_text(
        f"database_in=file:{database}\ndatabase_out=file:{database}\ndatabase_attrs=sha256\ngzip_dbout=no\n"
        f"num_workers={WORKERS}\n{corpus} {FULL if full else LEAN}+{digest}\n"
    )
    count = has(database, rb"^/", entries(corpus)[0])
    ask = (*command, "--config", str(config))
    old = new < (0, 19)
    return Peer(
        name,
        Task(f"{name} --init", (*ask, "--init"), stem.with_suffix(stem.suffix + ".init.out"), done=count),
        Task(f"{name} --check", (*ask, "--check"), stem.with_suffix(stem.suffix + ".check.out"), done=count),
        reach_baseline=8.0 if old else 1.5,
        reach_check=20.0 if old else 1.5,
    )


def b3sum(corpus: Path, scratch: Path) -> Peer:
    """`find | xargs -P2 b3sum`: digests and nothing else; it reads all files for a check too."""
    out = scratch / "b3sum.out"
    script = f'find "$1" -type f -print0 | xargs -0 -P{WORKERS} -n500 b3sum --num-threads 1'
    task = Task(
        "find | xargs b3sum",
        ("sh", "-c", script, "sh", str(corpus)),
        out,
        done=has(out, rb"^[0-9a-f]{64}  ", entries(corpus)[1]),
    )
    return Peer("find | xargs -P2 b3sum (digests only)", task, task, reach_baseline=0.8, reach_check=0.8)


def b3sum_large(corpus: Path, scratch: Path) -> Peer:
    """b3sum of large files with as many threads as auditkit gets workers."""
    out = scratch / "b3sum-large.out"
    files = tuple(str(path) for path in sorted(corpus.iterdir()))
    argv = ("b3sum", "--num-threads", str(WORKERS), *files)
    task = Task("b3sum", argv, out, done=has(out, rb"^[0-9a-f]{64}  ", len(files)))
    return Peer(f"b3sum --num-threads {WORKERS}", task, task, reach_baseline=0.8, reach_check=0.8)


def hashdeep(corpus: Path, scratch: Path) -> Peer:
    """hashdeep: SHA-256 and size of each file."""
    known, audit = scratch / "hashdeep.out", scratch / "hashdeep-audit.out"
    ask = ("hashdeep", "-c", "sha256", f"-j{WORKERS}", "-r", "-l")
    return Peer(
        "hashdeep sha256",
        Task("hashdeep", (*ask, str(corpus)), known, done=has(known, rb"^\d+,[0-9a-f]{64},", entries(corpus)[1])),
        Task("hashdeep -a", (*ask, "-a", "-k", str(known), str(corpus)), audit, done=has(audit, rb"Audit passed", 1)),
    )


def mtree(corpus: Path, scratch: Path) -> Peer:
    """mtree of NetBSD: the default keywords and SHA-256."""
    spec = scratch / "mtree.out"
    count = has(spec, rb"\bsha256=", entries(corpus)[1])
    return Peer(
        "mtree sha256",
        Task("mtree -c", ("mtree", "-c", "-x", "-K", "sha256", "-p", str(corpus)), spec, done=count),
        Task("mtree", ("mtree", "-x", "-p", str(corpus), "-f", str(spec)), scratch / "mtree-check.out", done=count),
    )


def tripwire(corpus: Path, scratch: Path) -> Peer:
    """Open-source tripwire with keys of its own; the best digest it has is SHA-1."""
    home = scratch / "tripwire"
    if not (home / "tw.pol").exists():
        tripwire_home(home, corpus)
    config = ("--cfgfile", str(home / "tw.cfg"))
    out = scratch / "tripwire-check.out"
    scanned = has(out, rb"Total objects scanned:\s+%d\b" % entries(corpus)[0], 1)
    init = ("tripwire", "--init", *config, "--local-passphrase", PASSPHRASE)
    return Peer(
        "tripwire sha1",
        Task("tripwire --init", init, scratch / "tripwire-init.out", done=bytes_in(home / "db", 20 * entries(corpus)[1])),
        Task("tripwire --check", ("tripwire", "--check", *config), out, done=scanned),
    )


def tripwire_home(home: Path, corpus: Path) -> None:
    """Makes keys, configuration and policy for tripwire, as twadmin(8) says."""
    (home / "db").mkdir(parents=True, exist_ok=True)
    paths = {"POLFILE": "tw.pol", "DBFILE": "db/bench.twd", "REPORTFILE": "bench.twr", "SITEKEYFILE": "site.key"}
    config = {"ROOT": "/usr/sbin", **{name: str(home / path) for name, path in paths.items()}}
    config |= {"LOCALKEYFILE": str(home / "local.key"), "EDITOR": "/bin/false"}
    (home / "twcfg.txt").write_text("".join(f"{name}={value}\n" for name, value in config.items()))
    (home / "twpol.txt").write_text(f"{corpus} -> +pinugtsmcS ;\n")
    site = ("--site-keyfile", str(home / "site.key"), "--site-passphrase", PASSPHRASE)
    local = ("--local-keyfile", str(home / "local.key"), "--local-passphrase", PASSPHRASE)
    settings = ("--cfgfile", str(home / "tw.cfg"))
    for argv in (
        ("--generate-keys", *site, *local),
        ("--create-cfgfile", *settings, *site, str(home / "twcfg.txt")),
        ("--create-polfile", *settings, "--polfile", str(home / "tw.pol"), *site, str(home / "twpol.txt")),
    ):
        subprocess.run(("twadmin", *argv), check=True, capture_output=True)
