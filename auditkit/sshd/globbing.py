"""Whether a glob(7) names a path, as OpenSSH has it: no wildcard stands for `/` or for a dot at the start of a name."""

from collections.abc import Callable

Item = Callable[[str], bool] | None
"""A test of one character; None is a `*`."""


def globbed(path: str, glob: str) -> bool:
    """Whether a glob names a path; in time that no glob can drive up."""
    names, globs = path.split("/"), glob.split("/")
    return len(names) == len(globs) and all(map(_component, names, globs))


def _component(name: str, glob: str) -> bool:
    """Whether one component of a glob matches a name."""
    if name.startswith(".") and glob[:1] in ("*", "?", "["):
        return False
    items = _items(glob)
    at = i = 0
    star = mark = -1
    while at < len(name):
        item = items[i] if i < len(items) else _nothing
        if item is None:
            star, mark, i = i, at, i + 1
        elif item(name[at]):
            at, i = at + 1, i + 1
        elif star >= 0:
            mark += 1
            at, i = mark, star + 1
        else:
            return False
    return all(item is None for item in items[i:])


def _items(glob: str) -> list[Item]:
    """The parts of a component, each of which stands for one character, or any number of them."""
    out: list[Item] = []
    at = 0
    while at < len(glob):
        c, at = glob[at], at + 1
        if c == "*":
            out.append(None)
        elif c == "?":
            out.append(lambda _: True)
        elif c == "[" and (end := glob.find("]", at + 1 + (glob[at : at + 1] == "!"))) > 0:
            out.append(_class(glob[at:end]))
            at = end + 1
        elif c == "\\" and at < len(glob):
            out.append(glob[at].__eq__)
            at += 1
        else:
            out.append(c.__eq__)
    return out


def _class(inside: str) -> Callable[[str], bool]:
    """A bracket: characters and ranges, all but these after a `!`."""
    no, body = inside.startswith("!"), inside.removeprefix("!")
    ranges = []
    while body:
        wide = len(body) > 2 and body[1] == "-"
        ranges.append((body[0], body[2] if wide else body[0]))
        body = body[3 if wide else 1 :]
    return lambda c: any(low <= c <= high for low, high in ranges) != no


def _nothing(_: str) -> bool:
    return False
