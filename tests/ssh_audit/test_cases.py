"""Who can log in, from a machine in words to every line of the answer; each file in cases/ssh is one machine.

A case is a sentence, then parts that begin with `-- name --`: files by their path, and what else there is to see.

    -- processes --   `PID PROGRAM ARGUMENTS @ADDRESS:PORT unit=UNIT`, one a line; `?` for a socket whose process nobody knows;
                      `title=OPTIONS` for a program that has written sshd's title over its arguments, with `_` for blanks
    -- shown --       `ADDRESS:PORT BANNER | USER | METHODS | SOURCE`
    -- status --      `MODE UID:GID PATH`
    -- sshd --        what sshd itself says: its dump, or its complaint after `! `
    -- version --     of OpenSSH, `none` where nobody could tell; 9.2 where it is left out
    -- without --     plain files that this machine has not
    -- unread --      paths that could not be read
    -- findings --    every line of the answer

`RULE.txt` makes a rule speak; `well-kept.txt` is a machine on which none does.
"""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from machine import Machine
from test_accounts import parts, told

from auditkit import answers
from auditkit.answers import Listening, Process, Shown
from auditkit.audits import ssh
from auditkit.audits.ssh import access, configuration, restrictions
from auditkit.model import Evidence, Gap

CASES = sorted((Path(__file__).parent.parent / "cases" / "ssh").glob("*.txt"))
GROUPS = (access, restrictions, configuration)
STATUS = "644 0:0 /etc/ssh/sshd_config\n"
FILE = re.compile("/")
SOURCE = Path(access.__file__).parents[2] / "report" / "schema.json"
SHAPE = jsonschema.Draft202012Validator({"$ref": "#/$defs/ssh", "$defs": json.loads(SOURCE.read_text())["$defs"]})


def machine(case: dict[str, str]) -> Machine:
    """The machine of a case."""
    version = case.get("version", "9.2").strip()
    return Machine(
        {name: text for name, text in case.items() if FILE.match(name)},
        None if version == "none" else (int(version.split(".")[0]), int(version.split(".")[1])),
        tuple(map(process, case.get("processes", "700 /usr/sbin/sshd -D @0.0.0.0:22 @[::]:22\n").splitlines())),
        tuple(map(shown, case.get("shown", "").splitlines())),
        dict(map(status, (STATUS + case.get("status", "")).splitlines())),
        lambda command: said(case["sshd"]) if "sshd" in case and command.endswith(" -T -ddd") else None,
        tuple(Gap(path, "Permission denied") for path in case.get("unread", "").split()),
        tuple(case.get("without", "").split()),
    )


def status(line: str) -> tuple[str, tuple[int, int, int]]:
    """`644 0:0 /etc/ssh/sshd_config`"""
    mode, owner, path = line.split()
    uid, _colon, gid = owner.partition(":")
    return path, (int(mode, 8), int(uid), int(gid))


def process(line: str) -> Process:
    """`700 /usr/sbin/sshd -D @0.0.0.0:22`"""
    pid, program, *rest = line.split()
    places = [word[1:].rpartition(":") for word in rest if word.startswith("@")]
    listens = tuple(Listening("tcp", host.strip("[]"), int(port)) for host, _colon, port in places)
    if pid == "?":
        return Process(None, None, None, None, "", (), "", listens)
    words = (program, *(word for word in rest if not word.startswith(("@", "unit=", "title="))))
    title = next((word.removeprefix("title=").replace("_", " ") for word in rest if word.startswith("title=")), "")
    words = (f"{program.rpartition('/')[2]}: {program} {title} [listener] 0 of 10-100 startups",) if title else words
    unit = "/system.slice/ssh.service" if program.endswith("/sshd") and pid == "700" else ""
    unit = next((word.removeprefix("unit=") for word in rest if word.startswith("unit=")), unit)
    return Process(int(pid), 1, 0, 1.0, program, words, unit, listens)


def shown(line: str) -> Shown:
    """`192.168.10.2:22 SSH-2.0-OpenSSH_9.2p1 | anna | publickey,password | 192.168.10.7`"""
    head, user, methods, source = (part.strip() for part in line.split("|"))
    place, _blank, banner = head.partition(" ")
    address, _colon, port = place.rpartition(":")
    return Shown(address, int(port), banner, user=user, methods=tuple(methods.split(",")), source=source)


def said(text: str) -> bytes:
    """What `sshd -T -ddd` came to."""
    complaints = "".join(f"{line[2:]}\r\n" for line in text.splitlines() if line.startswith("! "))
    dump = "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("! "))
    return b"%d\n%s\0%s" % (0 if dump else 255, dump.encode(), complaints.encode())


def answer(taken: Evidence) -> str:
    """Every line of the answer, and what to do."""
    out = []
    for one in (one for group in GROUPS for one in group.judge(taken)):
        out.append(told(one))
        if not isinstance(one, Gap) and one.remedy:
            out.append(f"  > {one.remedy}\n")
    return "".join(out)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = parts(path.read_text())
    expected = case.pop("findings")
    taken = machine(case).evidence()
    assert answer(taken) == expected
    facts = ssh.facts(taken).get("ssh", {})
    SHAPE.validate(json.loads(json.dumps(facts)))


@pytest.mark.parametrize("rule", [rule.id for group in GROUPS for rule in group.RULES])
def test_every_rule_has_a_case_that_speaks_and_one_that_is_silent(rule: str) -> None:
    cases = {path.stem: parts(path.read_text())["findings"] for path in CASES}
    assert f" {rule} " in cases[rule]
    assert cases["well-kept"] == ""


def test_what_is_written_of_a_process_is_read_again() -> None:
    one = process("700 /usr/sbin/sshd -D @0.0.0.0:22")
    (item,) = (item for item in Machine({}, processes=(one,)).evidence().items if item.source == "/proc/700")
    assert answers.process(item) == one
