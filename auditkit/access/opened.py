"""Which keys open which account, as far as its sshd reads them: for rules that ask whether there is a way in at all.

The keys themselves are judged elsewhere (audits/ssh/keys.py); here one counts unless it surely has no effect.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.access import classes, ways
from auditkit.access.nouns import Login, Server, Treated
from auditkit.keys import authorized, use
from auditkit.keys.authorized import Line
from auditkit.model import Evidence, Gap, Means
from auditkit.sshd import doors
from auditkit.sshd.effective import Effective


@dataclass(frozen=True, slots=True)
class Opened:
    """An account that keys open, from where, and what holds for it."""

    login: Login
    lines: tuple[Line, ...]
    sources: tuple[str, ...]
    effective: Effective


def opened(server: Server, evidence: Evidence) -> Iterator[Opened]:
    """Yield the accounts that a key may open at a server."""
    by_file = _files(evidence)
    lines: dict[tuple[str, ...], tuple[Line, ...]] = {}
    told: dict[str, Opened] = {}
    asked = ways.ways(evidence)
    for one in server.treated:
        for login, source in one.who:
            paths = tuple(_paths(login, one.effective))
            if paths not in lines:
                lines[paths] = tuple(line for path in paths for line in _lines(by_file.get(path), path, evidence))
            alive = tuple(line for line in lines[paths] if _counts(line, login, one.effective))
            if alive and asked.account(login, one.effective).opens is not False and _may(server, one, login, source.address):
                before = told.get(login.name, Opened(login, alive, (), one.effective))
                told[login.name] = Opened(login, before.lines, (*before.sources, source.name), before.effective)
    yield from told.values()


def _files(evidence: Evidence) -> dict[str, bytes]:
    found = (item for item in evidence.items if item.need.means is Means.FILE)
    return {item.source: item.data for item in found if item.data.find(b"ssh-") >= 0 or item.data.find(b"ecdsa-") >= 0}


def _paths(login: Login, effective: Effective) -> Iterator[str]:
    """Yield the files of keys of an account: sshd_config(5), AuthorizedKeysFile."""
    for name in effective.effects["AuthorizedKeysFile"].value or (".ssh/authorized_keys", ".ssh/authorized_keys2"):
        path = name.replace("%%", "\0").replace("%h", login.home).replace("%u", login.name).replace("%U", str(login.uid))
        path = path.replace("\0", "%")
        if name != "none":
            yield path if path.startswith("/") else f"{login.home.rstrip('/')}/{path}"


def _lines(data: bytes | None, path: str, evidence: Evidence) -> Iterator[Line]:
    for line in authorized.parse(data, path) if data is not None else ():
        if not isinstance(line, Gap) and use.effect(line, use.Server(evidence.taken)).effective is not False:
            yield line


def _counts(line: Line, login: Login, effective: Effective) -> bool:
    """Whether a line counts for root: with forced-commands-only one that says what runs."""
    forced = effective.effects["PermitRootLogin"].value == ("forced-commands-only",)
    return not (login.root and forced) or line.options.command is not None


def _may(server: Server, one: Treated, login: Login, address: str) -> bool:
    """Whether nothing but the key is asked, as far as is known."""
    effects = one.effective.effects
    if effects["PubkeyAuthentication"].value == ("no",):
        return False
    if login.root and effects["PermitRootLogin"].value == ("no",):
        return False
    by_name = effects["UseDNS"].value != ("no",)
    source = doors.Source("", address)
    who = classes.connection(login, source, one.where, by_name=by_name)
    return server.version is not None and doors.admitted(one.effective, who, server.version) is not False


def named(line: Line, evidence: Evidence) -> str:
    """A key as people know it: whose it is where known_keys says so, else its fingerprint."""
    return dict(evidence.office.known_keys).get(line.key.fingerprint, line.key.fingerprint)
