"""What a vendor signs of a suite: an InRelease, or a Release with its Release.gpg, checked, read and judged by its dates.

    -----BEGIN PGP SIGNED MESSAGE-----
    Hash: SHA256

    Codename: bookworm
    Date: Sat, 11 Jul 2026 10:16:29 UTC
    SHA256:
     d6c9c82f4e61b4662f9ba16b9ebb379c57b4943f8b7813091d1f637325ddfb79  1484322 main/binary-amd64/Packages
    -----BEGIN PGP SIGNATURE-----

The signed text of an InRelease is cut out as RFC 9580 section 7 has it, and anything around it is refused, as apt does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from auditkit.errors import FormatError, UntrustedError
from auditkit.printable import printable
from auditkit.vendor.gpgv import signers

LARGEST = 32 << 20
"""The largest InRelease that is read; Debian's are 150 kB, those of unstable 200 kB."""
MOST_FILES = 500_000
MOST_LINES = 1_000_000
"""Lines of an InRelease, each of which is held before anybody is known to have signed it; those of unstable have 3,000."""
AHEAD = timedelta(hours=1)
"""How far a vendor's clock may be ahead of ours."""
BEGIN, SIGNATURE, END = (
    b"-----%s-----" % word for word in (b"BEGIN PGP SIGNED MESSAGE", b"BEGIN PGP SIGNATURE", b"END PGP SIGNATURE")
)
_FIELD = re.compile(r"([!-,./-9;-~][!-9;-~]*):[ \t]*(.*)")
_FILE = re.compile(r"([0-9a-fA-F]{64})[ \t]+([0-9]{1,15})[ \t]+(\S+)")


@dataclass(frozen=True, slots=True)
class Release:
    """A signed release of a suite."""

    codename: str
    suite: str
    label: str
    origin: str
    date: datetime
    until: datetime | None
    """When the vendor itself says that it shall not be believed any longer; Debian's stable suites do not say."""
    keys: tuple[str, ...]
    """The fingerprints of the keys that signed it, out of those that were given."""
    files: Mapping[str, tuple[int, str]]
    """Of each file below the suite its size and its SHA-256."""

    @property
    def told(self) -> str:
        """Who says so, as a manifest's source has it."""
        words = " ".join(filter(None, (printable(self.origin), printable(self.codename or self.suite))))
        return f"InRelease of {words} of {self.date:%Y-%m-%d}, key {self.keys[0]}"


def checked(
    text: bytes,
    keyrings: Sequence[bytes],
    now: datetime | None,
    *,
    signature: bytes | None = None,
    allowed: Sequence[str] = (),
) -> Release:
    """The release in an InRelease, or in a Release with its detached `signature`, if one of the keys signed it.

    `now` is the auditor's clock; with None the dates are not judged: what was signed once stays proof of what was
    shipped then. `allowed` are fingerprints, where only some keys of the keyrings may sign (`Signed-By: FINGERPRINT`).

    Raises:
        UntrustedError: it is not signed by them, frozen, or from the future.
        FormatError: it is no such file.
    """
    if len(text) > LARGEST:
        raise _malformed(f"it is larger than {LARGEST} bytes")
    if signature is None:
        text, signature = split(text)
    keys = signers(text, signature, keyrings)
    wanted = {word.rstrip("!").upper() for word in allowed}
    if wanted and not (keys := tuple(key for key in keys if key in wanted)):
        raise UntrustedError(
            "a release is signed, but by none of the keys that its source allows", "see Signed-By of the source"
        )
    release = parse(text, keys)
    if now is not None:
        _judge(release, now)
    return release


def split(inrelease: bytes) -> tuple[bytes, bytes]:
    """The signed text of a clear-signed message and its armoured signature.

    Raises:
        FormatError: it is not one message and nothing else.
    """
    if inrelease.count(b"\n") > MOST_LINES:
        raise _malformed(f"it has more than {MOST_LINES} lines")
    lines = [line.rstrip(b" \t\r") for line in inrelease.split(b"\n")]
    if lines[0] != BEGIN:
        raise _malformed("it does not begin with a signed message")
    try:
        start, middle = lines.index(b"") + 1, lines.index(SIGNATURE)
        last = lines.index(END)
    except ValueError:
        raise _malformed("its signature is cut off") from None
    if any(not line.startswith(b"Hash: ") for line in lines[1 : start - 1]) or not start <= middle < last:
        raise _malformed("its signed message is not as it should be")
    if any(lines[last + 1 :]):
        raise _malformed("something stands after the signature")
    return b"\n".join(map(_undashed, lines[start:middle])), b"\n".join([*lines[middle : last + 1], b""])


def _undashed(line: bytes) -> bytes:
    if line.startswith(b"- "):
        return line[2:]
    if line.startswith(b"-"):
        raise _malformed("a line of its signed text begins with a dash")
    return line


def parse(text: bytes, keys: tuple[str, ...]) -> Release:
    """The release that a signed text tells of.

    Raises:
        FormatError: it is none.
    """
    fields = _fields(text.decode("utf-8", "replace"))
    return Release(
        codename=fields.get("codename", "")[:200],
        suite=fields.get("suite", "")[:200],
        label=fields.get("label", "")[:200],
        origin=fields.get("origin", "")[:200],
        date=_date(fields.get("date", "")),
        until=_date(fields["valid-until"]) if "valid-until" in fields else None,
        keys=keys,
        files=_files(fields.get("sha256", "")),
    )


def _fields(text: str) -> dict[str, str]:
    """The fields of one paragraph; the lines of a field that has several follow its first one."""
    fields, name, lines = dict[str, str](), "", list[str]()
    for line in [*text.rstrip().split("\n"), "end:"]:
        if line[:1] in (" ", "\t") and name:
            lines.append(line)
            continue
        match = _FIELD.fullmatch(line.rstrip())
        if match is None:
            raise _malformed(f"a line of it is no field: {printable(line[:100])}")
        if name in fields:
            raise _malformed(f"it has two fields {printable(name[:100])}")
        if name:
            fields[name] = "\n".join(lines)
        name, lines = match[1].lower(), [match[2]]
    return fields


def _date(written: str) -> datetime:
    try:
        date = parsedate_to_datetime(written[:100])
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise _malformed(f"its date cannot be read: {printable(written[:100])}") from error


def _files(listed: str) -> dict[str, tuple[int, str]]:
    files = dict[str, tuple[int, str]]()
    for line in listed.split("\n", MOST_FILES + 1):
        if not line.strip():
            continue
        match = _FILE.fullmatch(line.strip())
        if match is None or len(files) == MOST_FILES:
            raise _malformed(f"a line of its SHA256 is not understood: {printable(line[:100])}")
        told = int(match[2]), match[1].lower()
        if files.setdefault(match[3], told) != told:
            raise _malformed(f"it says two things of {printable(match[3][:200])}")
    if not files:
        raise _malformed("it names no SHA-256 of any file")
    return files


def _judge(release: Release, now: datetime) -> None:
    if release.date > now + AHEAD:
        raise UntrustedError(
            f"the release of {printable(release.codename)} is from the future: {release.date:%Y-%m-%d %H:%M} UTC",
            "set the clock of this machine",
        )
    if release.until is not None and release.until < now:
        raise UntrustedError(
            f"the release of {printable(release.codename)} of {release.date:%Y-%m-%d} was to be believed until "
            f"{release.until:%Y-%m-%d %H:%M} UTC only: somebody may be holding back newer ones",
            "fetch the lists anew: run apt update where they come from",
        )


def _malformed(why: str) -> FormatError:
    return FormatError(f"a release of a vendor cannot be read: {why}", "fetch the lists anew: run apt update")
