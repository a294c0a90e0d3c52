"""The Pythons of this machine compile sources of others: each source is compiled, and nothing of it is run.

It is done in a process of its own, bounded in memory and time, for a source may be made to break the compiler.
"""

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import MAGIC_NUMBER

from auditkit.derived import Compiled, Task

PATIENCE = 60
AT_ONCE = 4
SHARE = 32
"""From so many sources on it pays to start one more process."""
WORKER = """
import marshal, resource, struct, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from importlib.util import MAGIC_NUMBER, source_hash
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
def tell(text):
    write(struct.pack("<I", len(text)) + text)
sys.stderr = None
tell(MAGIC_NUMBER)
tell(sys.version.split()[0].encode())
while True:
    head = read(12)
    if len(head) < 12:
        break
    level, name, size = struct.unpack("<III", head)
    name, text = read(name).decode("utf-8", "surrogateescape"), read(size)
    try:
        code = compile(text, name, "exec", dont_inherit=True, optimize=level)
        code = marshal.dumps(code)  # held by a name, as the compilers of packages do: marshal marks what is held twice
    except Exception:
        code = b""
    tell(source_hash(text))
    tell(code)
"""
"""Told: the magic number and the version of this Python, then of each source its hash and its code."""


def compiled(tasks: Iterable[Task]) -> dict[Task, Compiled]:
    """What each source compiles to, by the kind of Python that is asked for, as far as one is here."""
    kinds: dict[tuple[bytes, str], list[Task]] = {}
    for task in tasks:
        kinds.setdefault((task.magic, task.python), []).append(task)
    found: dict[Task, Compiled] = {}
    for (magic, tag), group in kinds.items():
        python = _python(magic, tag)
        if python:
            found.update(_shared(python, group))
    return found


def _python(magic: bytes, tag: str) -> str | None:
    """The Python that makes code of this kind: the one that runs this, or one of the PATH."""
    if magic == MAGIC_NUMBER:
        return sys.executable if tag == sys.implementation.cache_tag else None
    kind, _, version = tag.partition("-")
    is_known = kind == "cpython" and version.isascii() and version.isdigit() and version[:1] == "3"
    return shutil.which(f"python3.{version[1:]}") if is_known else None


def _shared(python: str, tasks: Sequence[Task]) -> Mapping[Task, Compiled]:
    """What the sources compile to, some processes working at once."""
    count = max(1, min(AT_ONCE, os.cpu_count() or 1, len(tasks) // SHARE))
    with ThreadPoolExecutor(count) as pool:
        parts = pool.map(lambda at: dict(_worked(python, tasks[at::count])), range(count))
    return {task: code for part in parts for task, code in part.items()}


def _worked(python: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Compiled]]:
    """Yield what one process makes of its sources, as far as it gets."""
    asked = b"".join(map(_asked, tasks))
    argv = [python, "-I", "-S", "-B", "-X", "utf8", "-W", "ignore", "-c", WORKER]
    try:
        ended = subprocess.run(argv, input=asked, capture_output=True, check=False, timeout=PATIENCE, cwd="/", env={})  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return
    told = list(_frames(ended.stdout))
    if len(told) >= 2 and all(told[0] == task.magic for task in tasks):
        version = told[1].decode("ascii", "replace")
        for task, hash_, code in zip(tasks, told[2::2], told[3::2], strict=False):
            yield task, Compiled(code, hash_, version)


def _asked(task: Task) -> bytes:
    name = task.source.encode("utf-8", "surrogateescape")
    return struct.pack("<III", task.level, len(name), len(task.text)) + name + task.text


def _frames(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 4 <= len(data):
        size = struct.unpack_from("<I", data, at)[0]
        if at + 4 + size > len(data):
            return
        yield data[at + 4 : at + 4 + size]
        at += 4 + size
