"""Why it was possible, as far as audits of the case show it: what takes passwords, what listens, what is not up to date."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.printable import counted, printable
from auditkit.response.brief.machines import Look, Machine
from auditkit.response.brief.nouns import Statement
from auditkit.response.brief.wording import Times, account, hosts, listed, name, note

Dict = Mapping[str, Any]
BRAKE = "brute-force brake"
PARTS: Mapping[str, str] = {"patching": "updates", "listeners": "what listens", "protections": "what slows guessing"}
PENALTIES = "sshd PerSourcePenalties"


def exposure(machines: Sequence[Machine], case: str, times: Times) -> Iterator[Statement]:
    """Yield what is open; where nobody looked that is said."""
    audited = [machine for machine in machines if machine.audit]
    asks = f"auditkit audit HOST --case {case} does it"
    if not audited:
        yield Statement(f"What is open was not looked at: there is no audit in this case. {asks}")
        return
    yield from _passwords(audited)
    for machine in audited:
        yield from _brakes(machine)
    for machine in audited:
        yield from _pending(machine, times)
    for machine in audited:
        yield from _listeners(machine)
    for machine in audited:
        yield from _unlooked(machine)
    if left := [machine.name for machine in machines if not machine.audit]:
        yield Statement(f"What is open on {hosts(left)} was not looked at. {asks}")


def _passwords(machines: Sequence[Machine]) -> Iterator[Statement]:
    """Yield who takes passwords over SSH, who does not, and of whom that is not known."""
    shut = []
    for machine in machines:
        doors, whole, look = doors_of(machine)
        if doors and look:
            yield Statement(_door(machine, doors), (look.entry,))
        elif whole and look:
            shut.append((machine.name, look.entry))
        else:
            entry = look or machine.audit
            yield Statement(
                f"Whether {machine.name} takes passwords over SSH could not be told", (entry.entry,) if entry else ()
            )
    if shut:
        takes = "takes" if len(shut) == 1 else "take"
        entries = tuple(dict.fromkeys(entry for _, entry in shut))
        yield Statement(f"{hosts([one for one, _ in shut])} {takes} no password over SSH, as far as the audit shows", entries)


def doors_of(machine: Machine) -> tuple[Sequence[Dict], bool, Look | None]:
    """The accounts that a password opens over SSH, whether all of them are known, and the look that says so."""
    look = machine.newest(lambda look: "password_doors" in (look.facts.get("ssh") or {}))
    if look is None:
        return (), False, None
    ssh = look.facts["ssh"]
    access = look.report.document.get("access")
    word = look.host["host"]
    checked = access is not None and word in access["passwords"]["checked"]
    return ssh["password_doors"], checked and ssh.get("password_unknown") == [], look


def _door(machine: Machine, doors: Sequence[Dict]) -> str:
    accounts = list(dict.fromkeys(door["account"] for door in doors))
    origins = listed(dict.fromkeys(name(door["from"]) for door in doors), 2)
    setting = listed(dict.fromkeys(name(door["set_by"]) for door in doors), 1)
    whose = f"{counted(len(accounts), 'account')} ({listed(map(account, accounts))})"
    return f"{machine.name} takes passwords over SSH for {whose} from {origins}; set by {setting}"


def brake(machine: Machine) -> tuple[str, Look] | None:
    """What slows down who guesses on a machine: its name; empty where an audit looked and nothing does. None: nobody knows."""
    look = machine.knowing("protections")
    if look is None:
        return None
    rows = [row for row in look.facts["protections"] if row["kind"] == BRAKE]
    running = [row for row in rows if row["installed"] and (row["running"] or (row["name"] == PENALTIES and row["enabled"]))]
    if running:
        ours = next((row for row in running if row["name"] == PENALTIES), running[0])
        return ("OpenSSH's own penalties" if ours["name"] == PENALTIES else printable(ours["name"])), look
    unsure = not rows or any(row["installed"] is None or (row["installed"] and _unsure(row)) for row in rows)
    return None if unsure else ("", look)


def _unsure(row: Dict) -> bool:
    """Whether nobody can tell if a brake that is installed works."""
    return row["enabled"] is None if row["name"] == PENALTIES else row["running"] is None


def _brakes(machine: Machine) -> Iterator[Statement]:
    found = brake(machine)
    if found is not None and not found[0]:
        yield Statement(f"Nothing on {machine.name} slows down who guesses, as far as the audit shows", (found[1].entry,))


def _pending(machine: Machine, times: Times) -> Iterator[Statement]:
    """Yield how many updates are missing, by lists of which day."""
    look = machine.knowing("patching")
    if look is None:
        return
    patching = look.facts["patching"]
    lists = f" by its lists of {times.written(patching['lists_of'])}" if patching.get("lists_of") else ""
    if number := count(patching.get("pending")):
        security = count(patching.get("security"))
        of = f", {security} of them for security" if security else ""
        yield Statement(f"{counted(number, 'update')} pending on {machine.name}{of}{lists}", (look.entry,))
    elif patching.get("pending") == 0 and lists:
        yield Statement(f"No update is pending on {machine.name}{lists}", (look.entry,))


def _unlooked(machine: Machine) -> Iterator[Statement]:
    """Yield which parts the audits of a machine left out."""
    left = [what for fact, what in PARTS.items() if machine.knowing(fact) is None]
    if left:
        audit = machine.audit
        yield Statement(f"The audit of {machine.name} says nothing of {listed(left)}", (audit.entry,) if audit else ())


def count(value: object) -> int:
    """A number of things; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _listeners(machine: Machine) -> Iterator[Statement]:
    """Yield what may be reached from other machines."""
    look = machine.knowing("listeners")
    if look is None:
        return
    open_ = [row for row in look.facts["listeners"] if row.get("exposed")]
    if open_:
        ports = listed(dict.fromkeys(f"{note(_service(row), 20)} {row['port']}/{name(row['protocol'])}" for row in open_), 5)
        number = counted(len({(row["port"], row["protocol"]) for row in open_}), "port")
        yield Statement(f"{number} of {machine.name} can be reached from other machines: {ports}", (look.entry,))


def _service(row: Dict) -> str:
    return str(row.get("service") or row["process"] or "port")
