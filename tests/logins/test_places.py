"""Where machines keep what they know of logins: each place is found below a root or directory, and read as what it is."""

from pathlib import Path

from records_given import MACHINES, record
from test_lastlog import tally
from test_logind import SESSION
from test_wtmpdb import SESSIONS, WTMP, database

from auditkit.logins import places
from auditkit.logins.nouns import Condition
from auditkit.logs import named
from auditkit.logs.files import Source, found
from auditkit.logs.reading import readings
from auditkit.logs.zones import Machine

NOW = 1_800_000_000 * 10**9
USER_PROCESS, AT = 7, 1_700_000_000
DATABASE = database(WTMP, rows=SESSIONS)
KEPT = {
    "/run/systemd/sessions/3": (SESSION, "logind"),
    "/run/systemd/sessions/c1": (SESSION.replace(b"CLASS=user", b"CLASS=greeter"), "logind"),
    "/run/utmps/utmp": (record(USER_PROCESS, AT, b"anna", b"pts/0", machine=tuple(MACHINES)[-1]), "utmp"),
    "/var/lib/wtmpdb/wtmp.db": (DATABASE, "wtmpdb"),
    "/var/lib/wtmpdb/wtmp_20261101.db": (DATABASE, "wtmpdb"),
    "/var/log/tallylog": (tally((b"192.0.2.7", 12, AT)), "tallylog"),
    "/var/log/faillog": (bytes(4096), "faillog"),
}


def tree(root: Path) -> None:
    for path, (data, _format) in KEPT.items():
        place = root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    (root / "var/log/wtmp.db").symlink_to("../lib/wtmpdb/wtmp.db")  # as Debian 13 has it
    (root / "run/systemd/sessions/3.ref").symlink_to("/dev/null")


def told(sources: tuple[Source, ...]) -> dict[str, str | None]:
    """Name of each source that is there to the format that it was read as."""
    there = tuple(source for source in sources if source.log.condition is not Condition.ABSENT)
    return {one.log.name: one.format.name if one.format else None for one in readings(there, Machine(NOW))}


def test_each_place_is_looked_at_once_and_read_as_what_it_is(tmp_path: Path) -> None:
    tree(tmp_path)
    got = told(tuple(found(str(tmp_path), [need.what for need in places.LOGS])))
    link = got.pop("/var/log/wtmp.db", None)
    assert {**got, "/var/lib/wtmpdb/wtmp.db": link} == {path: form for path, (_data, form) in KEPT.items()}


def test_a_directory_that_is_named_has_them_all(tmp_path: Path) -> None:
    tree(tmp_path)
    sources, _notes = named.sources([str(tmp_path)])
    got = {name.removeprefix(str(tmp_path)): form for name, form in told(sources).items()}
    assert {path: got.get(path) for path in KEPT} == {path: form for path, (_data, form) in KEPT.items()}
