"""Whether nobody else is in a group: Debian's sshd takes a file that such a group may write to (user-group-modes.patch)."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditkit import answers
from auditkit.access import accounts, needs
from auditkit.access.needs import SSHD
from auditkit.access.nouns import Login, Server
from auditkit.access.passwd import lines_of
from auditkit.answers import Step
from auditkit.model import Evidence

_PATCHED = ("Debian", "Ubuntu")


@dataclass(frozen=True, slots=True)
class Groups:
    """Who is in which group, as the files of a host say."""

    members: Mapping[int, tuple[str, ...]]
    """The names that stand in a group, by its number; of two with the same number the first."""
    primary: Mapping[int, frozenset[int]]
    """The accounts whose own group one is, by its number."""
    names: Mapping[int, str]
    """The first name of each account, by its number."""
    whole: bool
    """Whether there are no others: both files are there, and no directory service adds to them."""

    def alone(self, step: Step, login: Login) -> bool | None:
        """Whether nobody but an account is in the group of a file: secure_permissions() of Debian; None: not known."""
        own, names = self.primary.get(step.gid, frozenset()), self.members.get(step.gid)
        if own - {login.uid} or (names and names != (self.names.get(step.uid),)):
            return False
        fits = names is not None and (bool(own) or bool(names))
        return fits if self.whole else None


def groups(evidence: Evidence, logins: tuple[Login, ...]) -> Groups:
    """Who is in which group."""
    text = needs.text(evidence, needs.GROUP)
    members: dict[int, tuple[str, ...]] = {}
    for line in lines_of(needs.GROUP.what, text or "")[0]:
        if line.group is not None:
            members.setdefault(line.group, tuple(name for name in "".join(line.fields[3:4]).split(",") if name))
    primary: dict[int, frozenset[int]] = {}
    names: dict[int, str] = {}
    for login in logins:
        primary[login.gid] = primary.get(login.gid, frozenset()) | {login.uid}
        names.setdefault(login.uid, login.name)
    elsewhere = accounts.directories(evidence, "passwd", "group") - accounts.LOCAL
    return Groups(members, primary, names, whole=text is not None and not elsewhere)


def takes_groups(evidence: Evidence, server: Server) -> bool | None:
    """Whether a server is Debian's, which takes files of a group with nobody else in it; None: not known."""
    if any(name in server.banner for name in _PATCHED):
        return True
    told = next(needs.read(evidence, needs.VERSION, answers.ran), None)
    itself = (told.out + told.complaints).decode("utf-8", "replace") if isinstance(told, answers.Ran) else ""
    packaged = "Package: openssh-server\n" in (needs.text(evidence, needs.DPKG) or "")
    ours = server.program in ("", SSHD) and (packaged or any(name in itself for name in _PATCHED))
    return True if ours else None
