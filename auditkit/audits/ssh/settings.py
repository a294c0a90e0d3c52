"""What a server is set to, whether its own sshd or only its files tell."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.access.nouns import Login, Server
from auditkit.printable import printable
from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import Effective
from auditkit.sshd.reading import Statement

OPENSSH = "openssh"


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds of one keyword."""

    value: tuple[str, ...] | None
    """None: nobody can tell."""
    set_by: tuple[str, ...] = ()
    """`FILE:LINE`; nothing where it is the default."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of a list with commas."""
        return tuple(name for text in self.value or () for name in text.split(",") if name)

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return ", ".join(map(printable, self.set_by)) or "by default"


NOT_KNOWN = Setting(None)


def setting(server: Server, keyword: str) -> Setting:
    """What a keyword comes to that cannot stand in a Match block, so that it is the same for everybody."""
    if server.treated:
        return _of(server.treated[0].effective, keyword)
    return NOT_KNOWN if server.configuration is None else _of(server.configuration.of(Connection()), keyword)


def settings(server: Server, keyword: str, login: Login) -> tuple[Setting, ...]:
    """What a keyword comes to for an account: one for each way in which its connections are treated."""
    told = [one.effective for one in server.treated if any(who.name == login.name for who, _source in one.who)]
    if not told and server.configuration is not None:
        told = [server.configuration.of(Connection(user=login.name, groups=login.groups))]
    return tuple(dict.fromkeys(_of(effective, keyword) for effective in told)) or (NOT_KNOWN,)


def _of(effective: Effective, keyword: str) -> Setting:
    effect = effective.effects.get(keyword)
    return NOT_KNOWN if effect is None else Setting(effect.value, tuple(map(str, effect.set_by)))


def statements(server: Server, *keywords: str) -> Iterator[Statement]:
    """Yield each line of its files with one of these keywords, in Match blocks too, which hold for somebody."""
    if server.configuration is not None:
        for read in server.configuration.files.read.values():
            for statement in read if isinstance(read, tuple) else ():
                if statement.keyword is not None and statement.keyword.name in keywords and not statement.refused:
                    yield statement
