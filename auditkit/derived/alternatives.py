"""Links of update-alternatives to a program that came with a package, as the signed script of that package registers them.

The groups in dpkg's database are the word of the host, where a link may be made up by which anything leads to anything.
"""

from collections.abc import Iterator

from auditkit.derived import Known
from auditkit.explain import SIGNED
from auditkit.model import Change, ChangeKind, Kind, Need
from auditkit.packages.dpkgrules import ALTERNATIVES, LINKS, Group, alternatives
from auditkit.scripts import registers

MAKER = "update-alternatives leads to what its package registers"


def asked(known: Known) -> Iterator[Need]:
    """Yield the groups, where a link that may be one of theirs changed."""
    if any(_is_link(change) for change in known.open()):
        yield ALTERNATIVES


def folders(known: Known) -> set[str]:
    """Where the links are that say what is chosen."""
    return {LINKS.rstrip("/")} if any(_is_link(change) for change in known.open()) else set()


def judge(known: Known) -> None:
    """Explain links that lead where a signed script lets them, to a program that came, and that is best of its group.

    What somebody chose by hand, and who else is in a group, nobody signs: it is the host's word that nobody did, and who is.
    """
    groups = [group for group in alternatives(known.files) if isinstance(group, Group)]
    links = {link: told for group in groups for link, *told in _links(group, known)}
    for change in known.open():
        target, chosen, real = links.get(change.path, ("", "", ""))
        is_right = _is_link(change) and change.after and change.after.target == target
        if is_right and not known.account.claims(change.path) and known.end(chosen) and known.end(real):
            known.settle(change.path, MAKER, "local")


def _is_link(change: Change) -> bool:
    entry = change.after or change.before
    return entry is not None and entry.kind is Kind.SYMLINK and (LINKS in change.path or LINKS in (entry.target or ""))


def _links(group: Group, known: Known) -> Iterator[tuple[str, str, str, str]]:
    """Yield the links that a signed script registers: where each leads, what is chosen, and what it leads to in the end."""
    entry = known.now(LINKS + group.name)
    choice = group.best
    if choice is None or not group.automatic or entry is None or entry.target != choice.path or not _came(choice.path, known):
        return
    told = [claim.manifest.scripts for claim in known.account.claims(choice.path) if claim.proof == SIGNED]
    along = ((name, link, target) for (name, link), target in zip(group.slaves, choice.slaves, strict=True) if target)
    for name, link, real in ((group.name, group.link, choice.path), *along):
        if any(registers(script, link, name, real) for script in told):
            yield link, LINKS + name, choice.path, real
            yield LINKS + name, real, choice.path, real


def _came(path: str, known: Known) -> bool:
    change = known.changes.get(path)
    return change is not None and change.change is ChangeKind.ADDED and known.proof(path) == SIGNED
