"""Which paths a need means, for machines that are made of words: tests of judges meet no machine that would find them."""

import re
from fnmatch import fnmatchcase


def fits(path: str, what: str) -> bool:
    """Whether a need means a path: `~/` is /root and each directory of /home."""
    pattern = re.sub("^~", "@", what)
    name = re.sub("^(/root|/home/[a-z]+)(?=/)", "@", path) if pattern.startswith("@") else path
    return name.count("/") == pattern.count("/") and all(map(fnmatchcase, name.split("/"), pattern.split("/")))
