"""SHA256SUMS: a line `DIGEST  NAME` for each file of an archive, as sha256sum(1) writes and checks it. Pure."""

import re
from collections.abc import Mapping

from auditkit.errors import FormatError

NAME, LONGEST = "SHA256SUMS", 16 << 20
"""The name of the file, and the bytes of it that are read."""
_LINE = re.compile(
    r"([0-9a-f]{64})  ((?:[A-Za-z0-9][A-Za-z0-9._+@=~,-]{0,255}/)?[A-Za-z0-9][A-Za-z0-9._+@=~,-]{0,255})", re.ASCII
)


def text(digests: Mapping[str, str]) -> bytes:
    """The file of these digests by name, in the order of the names."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode("ascii")


def parsed(content: bytes) -> dict[str, str]:
    """Digests by name. A name that no archive of ours has is refused, as are two digests of one file.

    Raises:
        FormatError: it is not as auditkit writes it.
    """
    try:
        lines = [_LINE.fullmatch(line) for line in content.decode("ascii").splitlines()]
    except UnicodeDecodeError as error:
        raise FormatError("it is not as auditkit writes it") from error
    digests = {found[2]: found[1] for found in lines if found}
    if text(digests) != content:
        raise FormatError("it is not as auditkit writes it")
    return digests
