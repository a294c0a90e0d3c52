"""Which keys open which account at a server, from where: for rules that ask whether there is a way in at all.

The keys themselves are judged in keys.py; here one counts unless it surely has no effect.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditkit.access.nouns import Login, Server, Treated
from auditkit.audits.ssh.accesses import Access, accesses, admitted
from auditkit.keys.authorized import Line
from auditkit.model import Evidence
from auditkit.sshd.effective import Effective


@dataclass(frozen=True, slots=True)
class Opened:
    """An account that keys open, from where, and what holds for it."""

    login: Login
    lines: tuple[Line, ...]
    sources: tuple[str, ...]
    effective: Effective

    @property
    def sure(self) -> bool:
        """Whether what decides whether the server takes the keys is known."""
        deciding = ("PubkeyAuthentication", "AuthorizedKeysFile", *(("PermitRootLogin",) if self.login.root else ()))
        return all(self.effective.effects[name].value is not None for name in deciding)


def opened(server: Server, evidence: Evidence) -> Iterator[Opened]:
    """Yield the accounts that a key may open at a server."""
    by_login = defaultdict[Login, list[Access]](list)
    for access in accesses(evidence):
        if isinstance(access, Access) and access.alive and access.treated:
            by_login[access.login].append(access)
    for login, several in by_login.items():
        here = [(one, lines) for one in server.treated if (lines := _lines(several, one))]
        where = ((one, source, let_in) for one, _lines_of in here for source, let_in in admitted(server, login, one))
        places = [(one, source) for one, source, let_in in where if let_in is not False]
        if places:
            alive = tuple(dict.fromkeys(line for _one, lines in here for line in lines))
            yield Opened(login, alive, tuple(source.name for _one, source in places), places[0][0].effective)


def _lines(several: Sequence[Access], one: Treated) -> list[Line]:
    """The lines that count where connections are treated so."""
    return [access.line for access in several if any(each is one or each == one for each in access.treated)]


def named(line: Line, evidence: Evidence) -> str:
    """A key as people know it: whose it is where known_keys says so, else its fingerprint."""
    return dict(evidence.office.known_keys).get(line.key.fingerprint, line.key.fingerprint)


def keys_of_root(evidence: Evidence, servers: Sequence[Server]) -> frozenset[tuple[str, str, int]]:
    """Account, file and line of each key of root that opens one of these servers."""
    found = (each for server in servers if server.configuration for each in opened(server, evidence) if each.login.root)
    return frozenset((each.login.name, line.file, line.number) for each in found for line in each.lines)
