"""The probe as one piece of data, to be sent over a pipe, and the loader that makes modules of it on the other side.

Where the Python there is of the same kind as this one it gets compiled code and need not compile; any other gets the text.
Nothing is written on the host: the modules live in the memory of one process.
"""

import importlib.util
import marshal
import threading
import zlib
from functools import cache
from importlib.resources import files

_ONE_AT_A_TIME = threading.Lock()
"""Hosts that are reached together all want the same, which is made once."""
MAGIC = importlib.util.MAGIC_NUMBER.hex()

LATER = frozenset((
    *("changelogs", "commands", "dpkg", "libraries", "listeners", "listing", "lists", "logs", "owned", "privileged"),
    *("processes", "status", "streams", "times", "unpacked"),
))  # fmt: skip
"""Modules for other evidence than files: a host is not sent them for a scan."""

LOADER = """
import sys
if sys.version_info < (3, 6): sys.exit("auditkit: too old")
import os, marshal, zlib
try: from _frozen_importlib_external import MAGIC_NUMBER as magic
except ImportError: from importlib.util import MAGIC_NUMBER as magic
def exactly(n):
    data = b""
    while len(data) < n:
        more = os.read(0, n - len(data))
        if not more: os._exit(0)
        data += more
    return data
def line(text): os.write(1, ("\\n" + text + "\\n").encode("ascii", "backslashreplace"))
nonce = "%s" + "%s"
line(nonce + "p " + magic.hex())
modules = marshal.loads(zlib.decompress(exactly(int(exactly(10)))))
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in modules:
            return type(sys.__spec__)(name, self, origin="auditkit", is_package=modules[name][0])
    def create_module(self, spec): return None
    def exec_module(self, module):
        code = modules[module.__name__][1]
        exec(compile(code, module.__name__, "exec", 0, True) if isinstance(code, str) else code, module.__dict__)
sys.meta_path.insert(0, Finder())
from auditkit.probe import serve
line(serve.greeting(nonce + "r"))
serve.serve(%d)
"""
"""Run by `python3 -c`; holds no single quote, so that a shell takes it as one word. The nonce comes in halves: a shell that
only echoes what it is sent never says the whole."""


def loader(nonce: str, seconds: int) -> str:
    """The loader with its nonce and its time."""
    half = len(nonce) // 2
    return LOADER % (nonce[:half], nonce[half:], seconds)


def archive(magic: str) -> bytes:
    """What the loader reads: the length in ten digits, and the modules of a scan for a Python with that magic number."""
    with _ONE_AT_A_TIME:
        packed = _packed(magic == MAGIC)
    return b"%010d" % len(packed) + packed


def more(magic: str) -> bytes:
    """The modules of all other evidence, which `serve` takes in with the first question for some."""
    with _ONE_AT_A_TIME:
        return _marshalled(magic == MAGIC, later=True)


@cache
def _packed(compiled: bool) -> bytes:
    return zlib.compress(_marshalled(compiled, later=False), 6)


@cache
def _marshalled(compiled: bool, later: bool) -> bytes:
    made = {
        name: (package, _code(name, text) if compiled else text)
        for name, (package, text) in texts().items()
        if (name.rpartition(".")[2] in LATER) == later
    }
    return marshal.dumps(made, 4 if compiled else 2)


def _code(name: str, text: str) -> object:
    return compile(text, name, "exec", dont_inherit=True, optimize=2)


def texts() -> dict[str, tuple[bool, str]]:
    """Whether it is a package, and the text, of every module that the probe is made of."""
    root = files("auditkit")
    found = {"auditkit": (True, ""), "auditkit.probe": (True, "")}
    found["auditkit.printable"] = (False, root.joinpath("printable.py").read_text("utf-8"))
    for file in sorted(root.joinpath("probe").iterdir(), key=lambda file: file.name):
        name, _dot, kind = file.name.partition(".")
        if kind == "py" and name != "__init__":
            found[f"auditkit.probe.{name}"] = (False, file.read_text("utf-8"))
    return found
