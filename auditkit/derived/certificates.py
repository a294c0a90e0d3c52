"""What update-ca-certificates makes: links to certificates that packages ship, links by the hash of their subject, the bundle.

Format: openssl-rehash(1); the hash is X509_NAME_hash of OpenSSL: SHA-1 over the subject in its canonical form.
"""

import re
from binascii import a2b_base64
from collections.abc import Iterator
from hashlib import sha1

from auditkit.derived import Known, is_same, led
from auditkit.model import Change, ChangeKind, Entry, Kind, Means, Need

FOLDER = "/etc/ssl/certs"
BUNDLE = f"{FOLDER}/ca-certificates.crt"
SHIPPED, LOCAL = "/usr/share/ca-certificates/", "/usr/local/share/ca-certificates/"
SHIPPED_ONES = Need(Means.FILE, f"{SHIPPED}*/*.crt", "which certificates the links in /etc/ssl/certs lead to")
LOCAL_ONES = Need(Means.FILE, f"{LOCAL}*.crt", "which certificates of the admin's the links in /etc/ssl/certs lead to")
"""Not /etc/ssl/certs itself, where private keys may lie too."""
JOINED = Need(Means.FILE, BUNDLE, "whether it holds the certificates that are linked beside it, and no others")
CONFIGURATION = "/etc/ca-certificates.conf"
CHOSEN = Need(Means.FILE, CONFIGURATION, "which certificates are chosen")
NOT_KEPT = "nothing tells what it chose before: a policy with keep: true has it in the baseline"
MAKER = "update-ca-certificates made it"
_HASH = re.compile(re.escape(FOLDER) + r"/([0-9a-f]{8})\.[0-9]+")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
VERSION = 0xA0
"""The tag of what stands before the serial number in nearly all certificates, RFC 5280."""
_END = b"-----END CERTIFICATE-----"
_TEXTS = {12: "utf-8", 19: "latin-1", 20: "latin-1", 22: "latin-1", 26: "latin-1", 28: "utf-32-be", 30: "utf-16-be"}
"""The kinds of text in a name that the canonical form has in UTF-8, by their tags in DER."""


def asked(known: Known) -> Iterator[Need]:
    """Yield what to take where something changed there."""
    if _open(known):
        yield SHIPPED_ONES
        yield LOCAL_ONES
        yield CHOSEN
    if any(change.path == BUNDLE for change in known.open()):
        yield JOINED


def folders(known: Known) -> set[str]:
    """Where certificates are, and the links to them."""
    targets = (entry.target for change in known.changes.values() if (entry := change.after) and _is_link(change.path, entry))
    above = {led(f"{FOLDER}/x", target or "").rpartition("/")[0] for target in targets}
    return {"/etc", FOLDER, f"{SHIPPED}mozilla", LOCAL.rstrip("/"), *above} if _open(known) else set()


def judge(known: Known) -> None:
    """Explain first what is chosen, then links to that, for links by hash lead to them, and the bundle is made of them."""
    for change in _open(known):
        if change.path == CONFIGURATION and change.after and change.after.kind is Kind.FILE:
            _choice(change, known)
    chosen = _chosen(known.source(CONFIGURATION) or b"")
    for change in _open(known):
        if change.path.endswith(".pem"):
            _pem(change, chosen, known)
    for change in _open(known):
        if _HASH.fullmatch(change.path):
            _hash(change, known)
    for change in _open(known):
        if change.path == BUNDLE and change.after and change.after.kind is Kind.FILE:
            known.explain(BUNDLE, MAKER, _joined(known))


def _open(known: Known) -> list[Change]:
    return [change for change in known.open() if change.path.startswith(FOLDER + "/") or change.path == CONFIGURATION]


def _chosen(configuration: bytes) -> set[str]:
    """The certificates of packages that are chosen."""
    lines = configuration.decode("utf-8", "surrogateescape").split("\n")
    return {SHIPPED + line for line in lines if line and not line.startswith(("#", "!"))}


def _choice(change: Change, known: Known) -> None:
    """The configuration: the choice of old, but for certificates that came or left with a package; the admin's stands."""
    was, now = change.before.content if change.before else None, known.content(CONFIGURATION)
    if is_same(change):
        known.settle(CONFIGURATION, "written again", "local")
    elif was is None:
        known.note(CONFIGURATION, NOT_KEPT)
    elif now is not None:
        old, new = was.removesuffix("\n").split("\n"), now.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
        known.explain(CONFIGURATION, "certificates came or left", _reasons(old, new, known))


def _reasons(old: list[str], new: list[str], known: Known) -> list[str]:
    """The certificates that came or left for which a line is otherwise; nothing if a line is so without a reason."""
    other = [(before, line) for before, line in zip(old, new, strict=False) if before != line]
    gone = [SHIPPED + before for before, _line in other]
    come = [SHIPPED + line.removeprefix("!") for line in new[len(old) :]]
    is_right = len(new) >= len(old) and all(line == f"!{before}" for before, line in other)
    return [*gone, *come] if is_right and all(map(known.left, gone)) and all(_came(path, known) for path in come) else []


def _came(path: str, known: Known) -> bool:
    change = known.changes.get(path)
    return change is not None and change.change is ChangeKind.ADDED and known.end(path) is not None


def _is_link(path: str, entry: Entry | None) -> bool:
    return path.startswith(FOLDER + "/") and entry is not None and entry.kind is Kind.SYMLINK


def _pem(change: Change, chosen: set[str], known: Known) -> None:
    """A link to a certificate: as long as that is verified, and chosen; gone when one of that is over."""
    entry = change.after or change.before
    if not entry or not _is_link(change.path, entry):
        return
    target = led(change.path, entry.target or "")
    name = re.sub(r"[ ,]", "_", re.sub("[()]", "=", target.rpartition("/")[2].removesuffix(".crt")))
    is_local = target.startswith(LOCAL)
    if not target.startswith((SHIPPED, LOCAL)) or not target.endswith(".crt") or change.path != f"{FOLDER}/{name}.pem":
        return
    if change.after is None:
        if known.left(target):
            known.explain(change.path, MAKER, [target])
        elif chosen and not is_local and target not in chosen:
            known.explain(change.path, MAKER, [CONFIGURATION])
    elif known.end(target) and (is_local or target in chosen):
        known.explain(change.path, MAKER, [target] if is_local else [target, CONFIGURATION])


def _hash(change: Change, known: Known) -> None:
    """A link by the hash of a subject, to a link to a certificate that has this subject."""
    entry = change.after or change.before
    found = _HASH.fullmatch(change.path)
    if not entry or not found or not _is_link(change.path, entry):
        return
    link = led(change.path, entry.target or "")
    is_right = link.rpartition("/")[0] == FOLDER and link.endswith(".pem")
    if is_right and (known.left(link) if change.after is None else subject_hash(known.source(link) or b"") == found[1]):
        known.explain(change.path, MAKER, [link])


def _joined(known: Known) -> list[str]:
    """The verified links to what the bundle is made of, if it is just that; nothing otherwise."""
    places = {*known.entries, *(path for path in known.changes if path.startswith(FOLDER))}
    links = [path for path in places if path.endswith(".pem") and _is_made(path, known)]
    bundle = known.content(BUNDLE)
    parts = {link: known.source(link) for link in links}
    if bundle is None or None in parts.values():
        return []
    return links if _pieces(bundle) == sorted(piece for data in parts.values() for piece in _pieces(data or b"")) else []


def _is_made(path: str, known: Known) -> bool:
    entry = known.now(path)
    if not entry or not _is_link(path, entry):
        return False
    return led(path, entry.target or "").startswith((SHIPPED, LOCAL)) and known.end(path) is not None


def _pieces(data: bytes) -> list[bytes]:
    """Each certificate of a text with what stands before it, in order of their bytes."""
    return sorted(piece for part in data.split(_END) if (piece := part.strip()))


def subject_hash(data: bytes) -> str:
    """The hash by which OpenSSL looks for the first certificate of a PEM text; empty where that is none."""
    found = _PEM.search(data)
    try:
        (_tag, whole), *_rest = _parts(a2b_base64(found[1] if found else b""))
        (_tag, signed), *_rest = _parts(whole)
        _serial, _algorithm, _issuer, _validity, (_tag, subject), *_rest = (
            part for part in _parts(signed) if part[0] != VERSION
        )
        canonical = b"".join(_set(content) for _tag, content in _parts(subject))
    except (ValueError, IndexError):
        return ""
    return sha1(canonical, usedforsecurity=False).digest()[3::-1].hex()


def _set(content: bytes) -> bytes:
    return _der(0x31, b"".join(sorted(_attribute(inner) for _tag, inner in _parts(content))))


def _attribute(content: bytes) -> bytes:
    """An attribute of a name with its text in lower case, and no more blanks than one between words."""
    (kind, name), (tag, value) = _parts(content)
    if tag in _TEXTS:
        text = value.decode(_TEXTS[tag]).encode()
        tag, value = 12, b" ".join(text.translate(_LOWER).split())
    return _der(0x30, _der(kind, name) + _der(tag, value))


_LOWER = bytes(byte + 32 if 65 <= byte <= 90 else byte for byte in range(256))


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of each value of a DER text.

    Raises:
        ValueError: it is cut off.
    """
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + length > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + length]
        at += length


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (bytes([size]) if size < 0x80 else bytes([0x80 | len(octets)]) + octets) + content
