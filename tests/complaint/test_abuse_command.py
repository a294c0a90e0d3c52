"""`auditkit incident abuse` as a person runs it: from a log to a letter that lies in a folder, and in the case."""

import json
import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import xarf as library
from conftest import Cli, Outcome
from letters_given import SUSPECT, guesses
from registries_given import ARIN, LACNIC, book

from auditkit.commands.cases.abuse import _destination
from auditkit.response.complaint import Destination

WHO = ("--reporter", "Anna Admin", "--contact", "it@office.example.org", "--organisation", "Office")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A case with the report of an auth.log in it, for tests that only add to it."""
    return with_case(Cli(tmp_path_factory.mktemp("abuse"), Path("/nonexistent"), Path("/nonexistent")))


def with_case(cli: Cli) -> Cli:
    (cli.home / "auth.log").write_text("".join(f"{line}\n" for line in guesses()))
    assert run(cli, "incident", "open", "guesses at night").code == 0
    run(cli, "logins", "./auth.log", "--case", "1", "-q")
    return cli


def run(cli: Cli, *words: str) -> Outcome:
    return cli.run(*words, "--store", str(cli.store))


def abuse(cli: Cli, *words: str, address: str = SUSPECT) -> Outcome:
    return run(cli, "incident", "abuse", "1", address, *words)


def journal(cli: Cli) -> list[dict[str, Any]]:
    (path,) = cli.store.glob("cases/*/journal.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_letter_lies_in_the_folder_and_in_the_case_and_nothing_was_sent(opened: Cli) -> None:
    told = abuse(opened, "-o", "letter", *WHO, "--destination", "8.8.4.4:22")
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith(
        "Nothing was sent. letter.txt, xarf.json, report.eml and evidence.log are in letter, and in the case."
    )
    folder = opened.home / "letter"
    assert sorted(os.listdir(folder)) == ["evidence.log", "letter.txt", "report.eml", "xarf.json"]
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    assert library.parse(json.loads((folder / "xarf.json").read_text())).errors == []
    entry = journal(opened)[-1]
    assert (entry["kind"], entry["text"]) == ("letter", f"a letter about {SUSPECT}; not sent")
    kept = [entry["data"], *entry["data"]["also"]]
    for told_of, name in zip(kept, ("letter.txt", "xarf.json", "report.eml", "evidence.log"), strict=True):
        content = (folder / name).read_bytes()
        assert told_of["file"].endswith(f"-{name}")
        assert told_of["sha256"] == sha256(content).hexdigest()
        assert next(opened.store.glob(f"cases/*/{told_of['file']}")).read_bytes() == content
    assert run(opened, "incident", "verify", "1").code == 0


def test_a_rehearsal_with_an_address_for_documentation_is_called_one(tmp_path: Path) -> None:
    cli = Cli(tmp_path, Path("/nonexistent"), Path("/nonexistent"))
    (cli.home / "auth.log").write_text("".join(f"{line}\n".replace(SUSPECT, "203.0.113.9") for line in guesses()))
    assert run(cli, "incident", "open", "guesses at night").code == 0
    run(cli, "logins", "./auth.log", "--case", "1", "-q")
    told = abuse(cli, "-o", "letter", *WHO, "--destination", "192.0.2.4:22", address="203.0.113.9")
    assert told.code == 0, told.err
    assert "203.0.113.9 is an address for documentation, which is nobody's: this is a rehearsal" in told.out
    letter = (cli.home / "letter/letter.txt").read_text()
    assert "Destination: 192.0.2.4, port 22" in letter, letter


def test_a_copy_whose_stamps_have_no_zone_takes_one_that_is_named(tmp_path: Path) -> None:
    """As rsyslog wrote them for decades: 03:10 of Berlin's winter is 02:10 UTC."""
    cli = Cli(tmp_path, Path("/nonexistent"), Path("/nonexistent"))
    said = "Failed password for root from"
    lines = (f"Nov 24 03:{at}:01 srv-01 sshd[9{at}]: {said} {SUSPECT} port 40{at} ssh2\n" for at in range(10, 40))
    (cli.home / "auth.log").write_text("".join(lines))
    assert run(cli, "incident", "open", "guesses at night").code == 0
    run(cli, "logins", "./auth.log", "--case", "1", "-q")
    refused = abuse(cli, "-o", "letter", *WHO)
    assert (refused.code, "the zone of the stamps" in refused.err, "--zone" in refused.err) == (2, True, True)
    assert run(cli, "logins", "./auth.log", "--case", "1", "-q", "--zone", "Europe/Berlin").code != 2
    assert abuse(cli, "-o", "letter", *WHO).code == 0
    assert "-11-24 02:10:01 UTC" in (cli.home / "letter/letter.txt").read_text()
    for name in ("Europe/Nowhere", "../../etc/passwd", "/etc/passwd", ""):
        told = run(cli, "logins", "./auth.log", "--zone", name)
        assert (told.code, "Traceback" in told.err) == (2 if name else told.code, False)
    assert run(cli, "logins", "local", "--zone", "UTC").code == 2


def test_what_the_writer_does_not_say_is_not_made_up(opened: Cli) -> None:
    told = abuse(opened, "-o", "bare")
    assert sorted(os.listdir(opened.home / "bare")) == ["evidence.log", "letter.txt"]
    assert "There is no xarf.json: it must name who complains: --contact MAIL and --organisation ORG" in told.out
    assert f"auditkit incident note 1 'wrote to ... about {SUSPECT}' --kind contact --store {opened.store}\n" in told.out
    assert "put your name, organisation and e-mail address into letter.txt" in told.out
    assert "It may go to: the abuse desk of that network, which its registry names: --online asks it" in told.out


def test_a_saved_answer_of_a_registry_says_to_whom_it_may_go_and_is_kept(opened: Cli) -> None:
    (opened.home / "rdap.json").write_text(json.dumps(ARIN))
    told = abuse(opened, "-o", "saved", "--rdap", "rdap.json", *WHO)
    assert "It may go to: abuse@provider.example, the contact for abuse of 45.148.10.0 to 45.148.10.255" in told.out
    assert "To: abuse@provider.example\r\n" in (opened.home / "saved/report.eml").read_bytes().decode()
    letter, file = journal(opened)[-1], journal(opened)[-2]
    assert (letter["data"]["to"], letter["data"]["guess"]) == ("abuse@provider.example", False)
    assert (file["kind"], file["data"]["file"][-10:]) == ("file", "-rdap.json")
    assert file["text"].startswith(f"what a registry says of {SUSPECT}: ")
    (opened.home / "lacnic.json").write_text(json.dumps(LACNIC))
    told = abuse(opened, "-o", "guess", "--rdap", "lacnic.json")
    assert "abuse@provider.example, a guess (RFC 2142): lacnic.json of " in told.out
    assert "abuse@lacnic.net is the registry's own, which it puts in where it knows nobody" in told.out


def test_an_answer_that_was_kept_is_used_and_said_to_be_old(opened: Cli) -> None:
    folder = opened.store / "registries"
    folder.mkdir()
    kept = {"time": datetime.now(UTC).isoformat(), "whence": "https://rdap.arin.net/registry/ip/45.148.10.7", "document": ARIN}
    (folder / "45.148.10.7.json").write_text(json.dumps(kept))
    before = len(journal(opened))
    told = abuse(opened, "-o", "kept", "--online")
    assert told.code == 0
    assert "abuse@provider.example, the contact for abuse of" in told.out
    assert "which was kept since" in told.out
    assert [entry["kind"] for entry in journal(opened)[before:]] == ["letter"]  # nobody was asked


def test_where_no_registry_may_be_asked_the_letter_is_there_all_the_same(opened: Cli) -> None:
    """The tables name a server that is no registry: it is not asked, and no network is needed to find that out."""
    folder = opened.store / "registries"
    folder.mkdir(exist_ok=True)
    (folder / "45.148.10.7.json").unlink(missing_ok=True)
    kept = {"time": datetime.now(UTC).isoformat(), "whence": "data.iana.org", "document": book("https://evil.example")}
    (folder / "who-is-asked.json").write_text(json.dumps(kept))
    told = abuse(opened, "-o", "nobody", "--online")
    assert told.code == 3
    assert "no registry answers for 45.148.10.7" in told.out
    assert (opened.home / "nobody/letter.txt").exists()


def test_a_letter_that_somebody_may_have_worked_on_is_not_written_over(opened: Cli) -> None:
    (opened.home / "mine").mkdir()
    (opened.home / "mine/letter.txt").write_text("Dear Anna")
    before = journal(opened)
    told = abuse(opened, "-o", "mine")
    assert (told.code, told.out) == (2, "")
    assert told.err == "auditkit: error: mine has a letter.txt already\nhint: name another directory with -o\n"
    assert (opened.home / "mine/letter.txt").read_text() == "Dear Anna"
    assert journal(opened) == before


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("-o", "x", "--contact", "a@b.example\nBcc: c@d.example"), "a@b.example\\x0aBcc: c@d.example is no e-mail address"),
        (("-o", "x", "--contact", "nobody"), "nobody is no e-mail address"),
        (("-o", "x", "--reporter", "A\nB"), "--reporter takes a name of one line, of at most 200 characters"),
        (("-o", "x", "--organisation", "x" * 300), "--organisation takes a name of one line, of at most 200 characters"),
        (("-o", "x", "--destination", "10.0.0.1"), "10.0.0.1 is a private address, which the other side does not know"),
        (("-o", "x", "--destination", "host.example:22"), "host.example:22 is no address"),
        (("-o", "x", "--destination", "8.8.4.4:99999"), "8.8.4.4:99999 is no address"),
        (("-o", "x", "--rdap", "none.json"), "none.json cannot be read: No such file or directory"),
        (("-o", "auth.log/x"), "auth.log/x cannot be made: Not a directory"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(opened: Cli, words: tuple[str, ...], error: str) -> None:
    before = journal(opened)
    told = abuse(opened, *words)
    assert told.code == 2
    assert told.err.splitlines()[0] == f"auditkit: error: {error}"
    assert told.err.splitlines()[1].startswith("hint: ")
    assert journal(opened) == before


def test_where_the_logs_do_not_support_a_letter_there_is_none(opened: Cli) -> None:
    told = abuse(opened, "-o", "none", address="45.1.1.1")
    assert told.code == 2
    assert told.err.startswith("auditkit: error: no report of the case has attempts from 45.1.1.1\nhint: make one that has")
    assert not (opened.home / "none").exists()


def test_a_report_that_was_changed_is_no_ground(cli: Cli) -> None:
    with_case(cli)
    (path,) = cli.store.glob("cases/*/evidence/*-logins.json")
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"attempts": 20', b'"attempts": 99'))
    told = abuse(cli, "-o", "letter")
    assert told.code == 4
    assert "is not as it was kept: its digest is another" in told.err
    assert not (cli.home / "letter").exists()


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("8.8.4.4", "8.8.4.4", None),
        ("8.8.4.4:22", "8.8.4.4", 22),
        ("2a01:4f8::1", "2a01:4f8::1", None),
        ("[2a01:4f8::1]:2222", "2a01:4f8::1", 2222),
        ("[2a01:4f8::1]", "2a01:4f8::1", None),
    ],
)
def test_a_destination_is_written_as_one_writes_it(text: str, address: str, port: int | None) -> None:
    assert _destination(text) == Destination(address, port)
