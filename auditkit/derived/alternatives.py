"""Links of update-alternatives: one that leads to a registered program now that came with a package, or whose program left."""

from collections.abc import Iterator

from auditkit.derived import Known
from auditkit.explain import BY
from auditkit.model import Change, Gap, Kind, Need
from auditkit.packages.dpkgrules import ALTERNATIVES, LINKS, Group, alternatives

MAKER = "update-alternatives leads to what is registered"


def asked(known: Known) -> Iterator[Need]:
    """Yield the groups, where a link that may be one of theirs changed."""
    if any(_is_link(change) for change in known.open()):
        yield ALTERNATIVES


def folders(known: Known) -> set[str]:
    """Where the links are that say what is chosen."""
    return {LINKS.rstrip("/")} if any(_is_link(change) for change in known.open()) else set()


def judge(known: Known) -> None:
    """Explain links that lead where their group says, to a program that a package brought since the baseline."""
    groups = [group for group in alternatives(known.files) if not isinstance(group, Gap)]
    links = {link: (target, chosen) for group in groups for link, target, chosen in _links(group, known)}
    for change in known.open():
        target, chosen = links.get(change.path, ("", ""))
        if _is_link(change) and change.after and change.after.target == target and _came(chosen, known):
            known.explain(change.path, MAKER, [chosen])


def _is_link(change: Change) -> bool:
    entry = change.after or change.before
    return entry is not None and entry.kind is Kind.SYMLINK and (LINKS in change.path or LINKS in (entry.target or ""))


def _links(group: Group, known: Known) -> Iterator[tuple[str, str, str]]:
    """Yield the links of a group with where each leads, and what is chosen."""
    entry = known.now(LINKS + group.name)
    chosen = entry.target or "" if entry else ""
    yield from ((link, target, chosen) for link, target in group.links(chosen).items())


def _came(path: str, known: Known) -> bool:
    change = known.changes.get(path)
    return change is not None and change.explanation is not None and change.explanation.by in BY
