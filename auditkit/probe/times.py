"""When files were last written to: of what stands in a directory by itself, without its content."""

import os

from . import inside
from .chain import Chain
from .hints import Iterator, List, Optional, Tuple
from .look import reason

Told = Tuple[bytes, Optional[bytes], str]


def times(chain: Chain, pattern: bytes) -> Iterator[Told]:
    """Yield records ended by NUL, `SECONDS PATH`, of all paths that match, as one answer; symlinks are not followed."""
    told: List[bytes] = []
    for number, (place, why, _uid) in enumerate(inside.places(chain, pattern, inside.LIMIT)):
        path = b"/" + b"/".join(place)
        if number == inside.MATCHES * 2 or why:
            yield path, None, why or "more than %d paths match" % (inside.MATCHES * 2)
            break
        try:
            it = os.stat(place[-1] if place else b".", dir_fd=chain.open(place[:-1]), follow_symlinks=False)
        except OSError as error:
            if error.errno not in inside.ABSENT:
                yield path, None, reason(error)
            continue
        told.append(b"%d %s\0" % (it.st_mtime, path))
    if told:
        yield pattern, b"".join(told), ""
