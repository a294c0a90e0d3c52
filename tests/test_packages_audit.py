"""How old is what is installed, from a machine's disk to every line of the answer; each file in cases/packages is one machine.

A case is a sentence, then parts that begin with `-- name --`:

    -- installed --      `NAME VERSION`, one a line; `made=`, `put=` with a date, `source=`, `arch=`, `state=`, `hold`,
                         `after=VERSION` and `closes=ID` of its changelog
    -- main DATE --      what a list of that day offers, `NAME VERSION [SOURCE]`; also `security`, `updates`, `vendor`
    -- /path --          a file; `/path DATE` one that was written to then
    -- libraries --      `PID PROGRAM UNIT LIBRARY`
    -- seen --           what earlier runs saw missing, `NAME:ARCH VERSION security|other SEEN LISTED`
    -- findings --       every line of the answer

The machine is looked at on 2026-11-24. What is not said is a Debian 13. `RULE.txt` makes a rule speak; `well-kept.txt` is a
machine on which none does.
"""

import json
import os
import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_accounts import parts, told

from auditkit.audits import packages
from auditkit.audits.packages import advised, automatic, running, seen
from auditkit.collect import collect
from auditkit.hosts.root import Root
from auditkit.model import Evidence, Finding, Gap, Item, Missed, Need
from auditkit.packages import changelogs, dpkg

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CASES = sorted((Path(__file__).parent / "cases" / "packages").glob("*.txt"))
SOURCE = Path(packages.__file__).parents[2] / "report" / "schema.json"
SHAPE = jsonschema.Draft202012Validator(
    json.loads(SOURCE.read_text())["$defs"]["facts"] | {"$defs": json.loads(SOURCE.read_text())["$defs"]}
)
LIST = re.compile(r"(main|security|updates|vendor) (\S+)")
HEADS = {
    "main": ("trixie", "Origin: Debian\nLabel: Debian\nSuite: stable\nCodename: trixie\n"),
    "security": (
        "trixie-security",
        "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: trixie-security\n",
    ),
    "updates": ("trixie-updates", "Origin: Debian\nLabel: Debian\nSuite: stable-updates\nCodename: trixie-updates\n"),
    "vendor": ("kiwi", "Origin: Vendor\nSuite: kiwi\nCodename: kiwi\n"),
}
PLAIN = {
    "/etc/os-release": 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
    "/proc/version": "Linux version 6.12.1-cloud (x@y) (gcc) #1 SMP\n",
}


def put(root: Path, name: str, text: str) -> None:
    """A file on the disk, as old as its name says."""
    path, _blank, date = name.partition(" ")
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    moment = datetime.fromisoformat(date or "2026-11-24").replace(tzinfo=UTC).timestamp()
    os.utime(place, (moment, moment))


def machine(case: dict[str, str], root: Path) -> Evidence:
    """The evidence of a case."""
    sources, status, libraries, known = [], [], case.pop("libraries", ""), case.pop("seen", "")
    for name, text in {**PLAIN, **case}.items():
        if found := LIST.fullmatch(name):
            sources.append(listed(root, found[1], found[2], text))
        elif name == "installed":
            status = [installed(root, line) for line in text.splitlines()]
        else:
            put(root, name, text)
    put(root, "/var/lib/dpkg/status", "\n".join(status))
    if sources and "/etc/apt/sources.list" not in case:
        put(root, "/etc/apt/sources.list", "".join(sources))
    taken = collect(Root("disk", str(root)), packages.AUDIT.needs, lambda: NOW)
    items = (*taken.items, *(held(line) for line in libraries.splitlines()))
    return replace(taken, items=items, missed=tuple(saw(*line.split()) for line in known.splitlines()))


def saw(package: str, version: str, kind: str, *dates: str) -> Missed:
    """An update that an earlier run saw missing."""
    seen, named = (datetime.fromisoformat(date).replace(tzinfo=UTC) for date in dates)
    return Missed(package, version, kind == "security", seen, named)


def listed(root: Path, kind: str, date: str, text: str) -> str:
    """Put a list and its release on the disk; gives the source that names it."""
    suite, head = HEADS[kind]
    stem = f"/var/lib/apt/lists/mirror.example_debian_dists_{suite}_"
    moment = f"{datetime.fromisoformat(date):%a, %d %b %Y} 09:00:00 UTC"
    put(
        root,
        f"{stem}InRelease",
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{head}Date: {moment}\nSHA256:\n {'0' * 64} 1 x\n",
    )
    put(root, f"{stem}main_binary-amd64_Packages", "\n".join(offered(*line.split()) for line in text.splitlines()))
    return f"deb http://mirror.example/debian {suite} main\n"


def offered(name: str, version: str, source: str = "") -> str:
    """The paragraph of a list."""
    return f"Package: {name}\n" + (f"Source: {source}\n" if source else "") + f"Version: {version}\nArchitecture: amd64\n"


def installed(root: Path, line: str) -> str:
    """Put what a package leaves on the disk; gives its paragraph."""
    name, version, *more = shlex.split(line)
    said = dict(word.partition("=")[::2] for word in more)
    arch, state, wanted = said.get("arch", "amd64"), said.get("state", "installed"), "hold" if "hold" in said else "install"
    if "made" in said:
        date = f"{datetime.fromisoformat(said['made']):%a, %d %b %Y} 10:00:00 +0000"
        head, end = "trixie; urgency=low\n\n  *", f"\n\n -- x <x@y>  {date}\n"
        text = f"{name} ({version}) {head} {said.get('closes', 'x')}{end}"
        text += f"\n{name} ({said['after']}) {head} x{end}" if "after" in said else ""
        put(root, f"/usr/share/doc/{name}/changelog.Debian", text)
    put(root, f"/var/lib/dpkg/info/{name}.list {said.get('put', '')}".rstrip(), "")
    source = f"Source: {said['source']}\n" if "source" in said else ""
    return f"Package: {name}\nStatus: {wanted} ok {state}\n{source}Version: {version}\nArchitecture: {arch}\nDescription: x\n"


def held(line: str) -> Item:
    """A process that holds on to libraries that are gone."""
    pid, *fields = line.split()
    return Item(running.LIBRARIES, f"/proc/{pid}", "".join(f"{field}\0" for field in fields).encode(), NOW, "")


def answer(taken: Evidence) -> str:
    """Every line of the answer."""
    return "".join(map(told, packages.judge(taken)))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    case = parts(path.read_text())
    expected = case.pop("findings")
    taken = machine(case, tmp_path)
    assert answer(taken) == expected
    SHAPE.validate(json.loads(json.dumps(packages.facts(taken))))


@pytest.mark.parametrize("rule", [rule.id for rule in packages.AUDIT.rules if rule not in advised.RULES])
def test_every_rule_has_a_case_that_speaks_and_one_that_is_silent(rule: str) -> None:
    cases = {path.stem: parts(path.read_text())["findings"] for path in CASES}
    assert f" {rule} " in cases[rule]
    assert cases["well-kept"] == ""


def evidence(*items: tuple[Need, str, bytes]) -> Evidence:
    """Evidence with these bytes in it."""
    return Evidence("host", NOW, tuple(Item(need, source, data, NOW, "") for need, source, data in items))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(list(packages.AUDIT.needs)), st.binary(max_size=300)), max_size=6))
def test_any_bytes_are_judged_and_all_that_is_said_is_printable(found: list[tuple[Need, bytes]]) -> None:
    base = (dpkg.STATUS, dpkg.STATUS.what, b"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n")
    names = {seen.LISTS: "/var/lib/apt/lists/x_dists_y_Release", running.LIBRARIES: "/proc/7"}
    taken = evidence(base, *((need, names.get(need, need.what.replace("*", "x")), data) for need, data in found))
    said = [told(one) for one in packages.judge(taken)]
    packages.facts(taken)
    assert not [line for text in said for line in text.splitlines() if not line.isprintable()]


def test_a_host_that_could_not_be_asked_for_its_lists_is_never_up_to_date(tmp_path: Path) -> None:
    taken = machine({"installed": "bash 1.0\n"}, tmp_path)
    blind = replace(taken, items=tuple(one for one in taken.items if one.need != seen.LISTS), unasked=(seen.LISTS,))
    assert "gap pending updates: whether updates are missing is not known: the lists of apt are read only" in answer(blind)


def test_a_host_without_dpkg_is_told_nothing_of_its_packages() -> None:
    assert list(packages.judge(evidence())) == []


def test_versions_made_in_the_future_or_at_no_time_are_not_believed() -> None:
    said = list(changelogs.made(b"a:amd64\t1\tx\tFri, 31 Dec 9999 23:59:59 +0000\na:amd64\t0\tx\tyesterday\nb\t1\n\t\t\t\n"))
    assert [type(one) for one in said] == [changelogs.Made, Gap, Gap, Gap]


def test_what_masks_a_timer_is_a_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/apt-daily-upgrade.timer").symlink_to("/dev/null")
    conf = {"/etc/apt/apt.conf.d/20auto": 'APT::Periodic::Unattended-Upgrade "1";\nAPT::Periodic::Update-Package-Lists "1";\n'}
    taken = machine({**conf, "installed": "unattended-upgrades 2\n"}, tmp_path)
    (finding,) = (one for one in packages.judge(taken) if isinstance(one, Finding) and one.rule is automatic.IDLE)
    assert "switched off: apt-daily-upgrade.timer" in finding.message
