"""Hashes of passwords, told by their look: crypt(5)."""

import re

CRYPT_ID = re.compile(rb"\$([0-9A-Za-z]{1,16})[$,]")
_DES = re.compile(rb"[./0-9A-Za-z]{13,178}(,.*)?\Z|_[./0-9A-Za-z]{19}\Z", re.DOTALL)
# crypt(5) of libxcrypt 4.4 and passlib's list
_KNOWN_IDS = frozenset(b"1 2 2a 2b 2x 2y 3 5 6 7 gy md5 sha1 sm3 y".split())


def scheme(bare: bytes) -> bytes:
    """`$6$` and the like, `des`, `$?$` for an id that is not known, nothing where it is no hash."""
    found = CRYPT_ID.match(bare)
    if found:
        return b"$%s$" % found.group(1) if found.group(1) in _KNOWN_IDS else b"$?$"
    return b"des" if _DES.match(bare) else b""
