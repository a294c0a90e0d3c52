"""Which package owned which path when a baseline was made: a file beside it, named by its digest, which the seal covers.

zstd text: a line of JSON that says what it is, then each package as a line of JSON with its paths below, as a scan finds
them and as baselines write names. It is what tells later that a file left with its package.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from blake3 import blake3

from auditkit.baseline import Hashed, unpacked
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.explain import Claim
from auditkit.opening import regular
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.layout import Layout
from auditkit.printable import escape, printable, unescape
from auditkit.writer import Unnamed

SCHEMA = "auditkit/owners/1"
SUFFIX = ".owners.zst"
_SOURCE = "the host's own database when the baseline was made"
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def keep(folder: str, manifests: Iterable[Manifest], layout: Layout) -> str | None:
    """Write who owns what into a folder, once; gives `blake3:HEX` of the text, None where there are no packages.

    Raises:
        AuditkitError: it cannot be written.
    """
    text = b"".join(_written(manifests, layout))
    if not text:
        return None
    text = _line({"schema": SCHEMA}) + text
    digest = blake3(text).hexdigest()
    path = _path(folder, digest)
    if not os.path.lexists(path):
        file = Unnamed(path, level=6)
        try:
            file.write(text)
            file.finish(b"", None)
        except AuditkitError:
            if not os.path.lexists(path):  # or another run has just written the same
                raise
        finally:
            file.drop()
    return f"blake3:{digest}"


def _written(manifests: Iterable[Manifest], layout: Layout) -> Iterator[bytes]:
    for manifest in manifests:
        one = manifest.package
        yield _line({"system": one.system, "name": one.name, "version": one.version, "arch": one.arch})
        places = (layout.place(file.path, one.name) for file in manifest.files if file.path != "/")
        yield from (escape(place.encode("utf-8", "surrogateescape")) + b"\n" for place in places)


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _path(folder: str, digest: str) -> str:
    return os.path.join(folder, digest[:32] + SUFFIX)


def is_there(folder: str, digest: str) -> bool:
    """Whether the list that a baseline was sealed with still lies beside it."""
    return os.path.lexists(_path(folder, digest.partition(":")[2]))


def claims(folder: str, digest: str, paths: set[str]) -> dict[str, list[Claim]]:
    """Who owned these paths then; nothing where the file is not there any more.

    Raises:
        UntrustedError: it is not what the baseline was sealed with.
        FormatError: it is of no kind that is known here.
    """
    path = _path(folder, digest.partition(":")[2])
    name = printable(os.path.basename(path))
    with suppress(OSError), open(path, "rb", opener=regular) as file:
        found = _found(b"".join(unpacked(Hashed(file), name)), digest, name)
        return _wanted(found, paths, name)
    return {}


def packages(folder: str, digest: str) -> Iterator[tuple[Package, list[str]]]:
    """Yield each package of then with its paths; nothing where the file is not there any more.

    Raises:
        UntrustedError: it is not what the baseline was sealed with.
        FormatError: it is of no kind that is known here, or damaged.
    """
    path = _path(folder, digest.partition(":")[2])
    name = printable(os.path.basename(path))
    text = b""
    with suppress(OSError), open(path, "rb", opener=regular) as file:
        text = _found(b"".join(unpacked(Hashed(file), name)), digest, name)
    yield from _grouped(text, name)


def _grouped(text: bytes, name: str) -> Iterator[tuple[Package, list[str]]]:
    package, paths = None, list[str]()
    try:
        for line in text.split(b"\n")[1:-1]:
            if line.startswith(b"{"):
                if package:
                    yield package, paths
                package, paths = Package(**json.loads(line)), []
            else:
                paths.append(unescape(line).decode("utf-8", "surrogateescape"))
    except _MALFORMED as error:
        raise FormatError(f"{name} is damaged", "take a good copy of it") from error
    if package:
        yield package, paths


def _found(text: bytes, digest: str, name: str) -> bytes:
    if f"blake3:{blake3(text).hexdigest()}" != digest:
        raise UntrustedError(f"{name} is not what the baseline was sealed with", "take a good copy of it")
    if not text.startswith(_line({"schema": SCHEMA})):
        raise FormatError(f"{name} is of a kind that this auditkit does not know", "use a newer auditkit")
    return text


def _wanted(text: bytes, paths: set[str], name: str) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    manifest: Manifest | None = None
    try:
        for line in text.split(b"\n")[1:-1]:
            if line.startswith(b"{"):
                manifest = Manifest(
                    Package(**json.loads(line)), (), "local", "the host's own database, when the baseline was made"
                )
            elif manifest and (path := unescape(line).decode("utf-8", "surrogateescape")) in paths:
                found.setdefault(path, []).append(Claim(manifest, Shipped(path, None)))
    except _MALFORMED as error:
        raise FormatError(f"{name} is damaged", "take a good copy of it") from error
    return found
