"""Compiled modules out of the archive: each is loaded from memory when it is first asked for, and nothing is written to a disk.

In the archive a text stands in the place of each compiled module, and this is what it calls. A file without a name in memory
(memfd_create(2)) is gone with the process, whatever ends it. Where there is none, or no /proc to reach it by, one is made in
/run, /dev/shm or TMPDIR that only its owner can read, and unlinked as soon as it is loaded.
"""

import os
import sys
import tempfile
from importlib import import_module
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from types import ModuleType

FIRST = "blake3"
"""The first that is needed, and small: where it can be loaded, the others can."""
COSTS = {
    "blake3": "content is hashed by SHA-256, which is not compared with BLAKE3: that is a gap where a baseline has only BLAKE3",
    "cryptography": "no signature is checked or made, and no host is reached over SSH",
    "psutil": "`auditkit init` does not find the networks of this machine",
    "zstandard": "it is done by libzstd of this system",
}
"""What each costs where it cannot be had."""
_loaded: list[str] = []


def prepare(archive: str) -> None:
    """Let what is compiled be found: that of the archive where it fits, else that of this system, else what does without."""
    machine, tag = os.uname().machine, f"cp{sys.version_info.major}{sys.version_info.minor}"
    fitting = [os.path.join(archive, "native", machine, abi) for abi in (tag, "abi3")]
    sys.path[1:1] = fitting
    if why := _tried(archive):
        sys.path[1:3] = []
        _without(archive, why)


def _tried(archive: str) -> str:
    """Why what is compiled in the archive cannot be loaded; nothing if it can."""
    try:
        first = import_module(FIRST)
    except ModuleNotFoundError:
        first = None
    except (ImportError, OSError) as error:
        return f"they cannot be loaded: {error}"
    if first and str(first.__file__).startswith(archive):
        return ""
    return f"there are none for Python {sys.version_info.major}.{sys.version_info.minor} on {os.uname().machine}"


def _without(archive: str, why: str) -> None:
    """Put what does without behind all that this system has, and let auditkit tell of what is missed."""
    for name in [name for name in sys.modules if name.partition(".")[0] in COSTS]:
        del sys.modules[name]
    missed = [name for name in COSTS if find_spec(name) is None]
    sys.path.append(os.path.join(archive, "without"))
    import auditkit

    told = [f"without {name}: {COSTS[name]}" for name in missed]
    auditkit.__without__ = (f"the compiled parts of {os.path.basename(archive)} are not used: {why}", *told) if told else ()


def become(name: str, file: str) -> None:
    """Load the compiled module that belongs in the place of `name`: the content of `file`, below the package.

    Raises:
        ImportError: it cannot be loaded here.
    """
    instead = sys.modules[name]
    assert instead.__spec__
    assert instead.__spec__.loader
    data = instead.__spec__.loader.get_data(os.path.join(os.path.dirname(str(instead.__file__)), file))  # type: ignore[attr-defined]
    try:
        module = _from_memory(name, data)
    except (OSError, ImportError):
        module = _from_file(name, data)
    sys.modules[name] = module


def _from_memory(name: str, data: bytes) -> ModuleType:
    with open(os.memfd_create(name, os.MFD_CLOEXEC), "wb", buffering=0) as file:
        _written(file.fileno(), data)
        # the linker knows what it has loaded by its path: that of a number used again would be taken for the earlier one
        return _from_path(name, f"/proc/self/{'./' * len(_loaded)}fd/{file.fileno()}")


def _from_file(name: str, data: bytes) -> ModuleType:
    kept: Exception = ImportError("no directory to load it from")
    for folder in ("/run", "/dev/shm", os.environ.get("TMPDIR") or "/tmp"):  # never where somebody happens to stand
        try:
            number, path = tempfile.mkstemp(".so", "auditkit-", folder)
        except OSError as error:
            kept = error
            continue
        try:
            _written(number, data)
            return _from_path(name, path)
        except (OSError, ImportError) as error:
            kept = error
        finally:
            os.close(number)
            os.unlink(path)
    raise ImportError(str(kept), name=name) from kept


def _written(number: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]


def _from_path(name: str, path: str) -> ModuleType:
    spec = spec_from_file_location(name, path, loader=ExtensionFileLoader(name, path))
    assert spec
    assert spec.loader
    _loaded.append(name)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
