"""All formats of records beside each other: each file is known by one of them, and what is read of it travels."""

import pickle
import sqlite3
import struct
from pathlib import Path

import pytest
from held import Held
from records_given import NOW, record

from auditkit.logins.formats import FORMATS, recognised
from auditkit.logins.nouns import Log, Setting
from auditkit.logins.reading import read

DATA = Path(__file__).parent / "data"
T = 1_700_000_000


def database(table: str) -> bytes:
    """A database with such a table."""
    made = sqlite3.connect(":memory:")
    made.execute(table)
    return made.serialize()


FILES = {
    "wtmp": ("/var/log/wtmp.1", record(7, T, b"anna", b"tty1")),
    "btmp": ("/var/log/btmp", (DATA / "btmp").read_bytes()),
    "utmp": ("/run/utmp", record(2, T, b"reboot", b"~")),
    "lastlog": ("/var/log/lastlog", struct.pack("<I32s256s", T, b"tty1", b"")),
    "faillock": ("/run/faillock/anna", struct.pack("<52sHHQ", b"192.0.2.7", 0, 3, T)),
    "tallylog": ("/var/log/tallylog", struct.pack("<52sHHQ", b"192.0.2.7", 0, 3, T)),
    "faillog": ("/var/log/faillog", struct.pack("<hh12sqq", 3, 0, b"tty1", T, 0)),
    "wtmpdb": ("/var/lib/wtmpdb/wtmp.db", database("CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, User TEXT)")),
    "lastlog2": ("/var/lib/lastlog/lastlog2.db", database("CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER)")),
    "audit": ("/var/log/audit/audit.log", (DATA / "audit.sshd-9.2.log").read_bytes()),
    "logind": ("/run/systemd/sessions/1", b"# This is private data. Do not parse.\nUID=0\nUSER=root\nLEADER=1\nREALTIME=1\n"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_of_one_format_and_its_reading_can_be_sent(name: str) -> None:
    path, data = FILES[name]
    known = [form.name for form in FORMATS if form.recognises(path, data[:4096])]
    assert known[0] == name
    result = pickle.loads(pickle.dumps(read(Log(path), Held(data), Setting(NOW))))
    assert (result.format.name, result.log.condition, result.notes.malformed) == (name, "read", 0)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_name_is_no_other_format(name: str) -> None:
    """By a name that says nothing, a file is of its own format, or of none: most records do not say what they are."""
    form = recognised("evidence", FILES[name][1][:4096])
    assert form is None or form.name == name or (form.name, name) in {("wtmp", "utmp"), ("faillock", "tallylog")}


@pytest.mark.parametrize("path", [path for path, _data in FILES.values()])
def test_a_text_log_of_such_a_name_is_no_record(path: str) -> None:
    form = recognised(path, b"Nov 24 09:54:53 vm sshd[1]: Server listening on 192.0.2.1 port 22.\n" * 50)
    assert form is None or form.name not in FILES
