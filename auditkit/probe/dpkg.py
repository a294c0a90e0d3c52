"""What dpkg says is there: the paragraphs of its table, and of the files that images without dpkg have in its place."""

import errno
import re

from . import inside
from .chain import Chain
from .hints import Dict, Iterator

STATUS, IMAGE = (b"var", b"lib", b"dpkg", b"status"), b"/var/lib/dpkg/status.d/*"
_FIELD = re.compile(rb"^(Package|Status|Version|Architecture):[ \t]*([!-~][ -~]*)$", re.MULTILINE | re.IGNORECASE)


def packages(chain: Chain) -> Iterator[Dict[bytes, bytes]]:
    """Yield of each package that has a paragraph `package`, `status`, `version`, `architecture`, as far as it says so.

    Raises:
        OSError: there is a table that cannot be read.
    """
    images = [place for place, why, _uid in inside.places(chain, IMAGE, 0) if not why]
    for place in (STATUS, *images):
        for paragraph in text(chain, place).split(b"\n\n"):
            fields: Dict[bytes, bytes] = {}
            for name, value in _FIELD.findall(paragraph):
                fields.setdefault(name.lower(), value.strip())
            if fields:
                yield fields


def text(chain: Chain, place: inside.Names) -> bytes:
    """A whole file; nothing where it is not there, or a directory.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return inside.read(chain, inside.resolved(chain, place), 4 * inside.LIMIT)
    except OSError as error:
        if error.errno in (*inside.ABSENT, errno.EISDIR):
            return b""
        raise
