"""What can be done now, with effort, risk and whether it can be taken back; to do nothing is always among it."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

from auditkit.printable import counted
from auditkit.response.brief.exposure import brake, count, doors_of
from auditkit.response.brief.machines import (
    CANNOT_TELL,
    CLAIMED,
    NONE_SEEN,
    NOT_REACHED,
    REACHED,
    SEEN,
    Answer,
    Machine,
    with_access,
)
from auditkit.response.brief.notes import said_inside
from auditkit.response.brief.nouns import Material, Option
from auditkit.response.brief.wording import address, listed, many_hosts
from auditkit.response.steps import triage


def options(machines: Sequence[Machine], material: Material) -> Iterator[Option]:
    """Yield the options, from the least effort on."""
    sources = _sources([answer for _, answer in with_access(machines, *REACHED)])
    own = [address for address in sources if _is_own(address, material.networks)]
    yield _nothing(machines, material)
    yield from _ask(with_access(machines, SEEN))
    yield from _look_further(machines)
    if own:
        which = listed(map(address, own), 2)
        yield Option(
            f"Look at our own {'machine' if len(own) == 1 else 'machines'} at {which}", "an hour", "none", "not needed"
        )
    yield from _towards([one for one in sources if one not in own], triage(material.journal).neighbour)
    yield from _passwords(machines)
    yield from _updates(machines)
    yield from _rebuild(machines)


def _sources(answers: Sequence[Answer]) -> list[str]:
    """The addresses that guessed most, and those of logins that are to be asked about."""
    found = [source for answer in answers for source in answer.logins.get("sources", ()) if source["attempts"]]
    found.sort(key=lambda source: -source["attempts"])
    asked = [one["address"] for answer in answers for one in (*answer.asked, *answer.claimed)]
    return [word for word in dict.fromkeys([*asked, *(one["address"] for one in found)]) if _is_address(word)]


def _is_address(word: object) -> bool:
    try:
        ip_address(str(word))
    except ValueError:
        return False
    return True


def _is_own(word: str, networks: Sequence[str]) -> bool:
    """Whether an address is in our own networks."""
    where = ip_address(word)
    return any(where in ip_network(network, strict=False) for network in networks)


def _nothing(machines: Sequence[Machine], material: Material) -> Option:
    """To do nothing more: what it risks depends on what was seen."""
    open_ = with_access(machines, SEEN, CLAIMED, CANNOT_TELL, NOT_REACHED)
    if open_ or not any(machine.answer for machine in machines):
        where = f" on {many_hosts([machine.name for machine, _ in open_])}" if open_ else ""
        risk = f"if somebody got in{where}, they stay in" if open_ else "nobody knows yet whether anybody got in"
        return Option("Do nothing more", "none", risk, "yes, at any time")
    if said_inside(material.journal):
        return Option("Do nothing more", "none", "if somebody got in, as was noted, they stay in", "yes, at any time")
    if odd := _changed(machines):
        return Option(
            "Do nothing more", "none", f"if files changed on {many_hosts(odd)}, nobody looked why", "yes, at any time"
        )
    return Option("Do nothing more; look again tomorrow", "minutes", f"guessing goes on{_slowed(machines)}", "yes, at any time")


def _changed(machines: Sequence[Machine]) -> list[str]:
    """Machines on which something changed that no report explains, or that could not be compared with what is trusted."""
    looks = [(machine, look) for machine in machines for look in machine.looks]
    return [machine.name for machine, look in looks if look.changes or look.host["untrusted"] is not None]


def _slowed(machines: Sequence[Machine]) -> str:
    """What slows guessing where no success was seen."""
    guessed = [machine for machine, answer in with_access(machines, NONE_SEEN) if answer.logins["attempts"]]
    brakes = [(machine, brake(machine)) for machine in guessed]
    slowed = [(machine, found[0]) for machine, found in brakes if found and found[0]]
    if slowed and len(slowed) == len(guessed):
        return f"; {listed(what for _, what in slowed)} slow it on {many_hosts([machine.name for machine, _ in slowed])}"
    if bare := [machine.name for machine, found in brakes if found and not found[0]]:
        return f", and nothing slows it on {many_hosts(bare)}"
    return "; whether anything slows it is not known"


def _ask(seen: Sequence[tuple[Machine, Answer]]) -> Iterator[Option]:
    """Yield to ask who logged in: it costs a call."""
    if seen:
        number = sum(len(answer.real) + answer.logins.get("more_successes", 0) for _, answer in seen)
        which = "the login was his or hers" if number == 1 else f"each of the {number} logins was theirs"
        yield Option(f"Ask by telephone whether {which}", "minutes a person", "none", "not needed")


def _look_further(machines: Sequence[Machine]) -> Iterator[Option]:
    """Yield to look where nobody could tell, before anything else is decided."""
    unsure = with_access(machines, CLAIMED, CANNOT_TELL, NOT_REACHED)
    unsure += [(machine, answer) for machine, answer in with_access(machines, SEEN, NONE_SEEN) if answer.coverage != "complete"]
    left = [machine.name for machine in machines if machine.answer is None]
    where = [*(machine.name for machine, _ in unsure), *left, *_changed(machines)]
    if where or not machines:
        on = f" at {many_hosts(where)}" if where else " at our machines"
        yield Option(f"Look further{on}: disks from a rescue system, other logs", "hours", "none", "not needed")


def _towards(foreign: Sequence[str], neighbour: bool | None) -> Iterator[Option]:
    """Yield what can be done towards addresses that are not ours."""
    if not foreign:
        return
    several = "" if len(foreign) == 1 else f" and {len(foreign) - 1} more"
    yield Option(
        f"Block {address(foreign[0])}{several} briefly",
        "minutes (incident block)",
        "may shut out others who use it",
        "ends by itself in minutes",
    )
    yield Option(
        "Call who runs the address, a neighbour" if neighbour else "Call or write to who runs the address",
        "a call" if neighbour else "a call, a letter (incident abuse)",
        "they learn what we saw",
        "no",
    )


def _passwords(machines: Sequence[Machine]) -> Iterator[Option]:
    """Yield to take keys only; left out where an audit shows that no machine takes passwords."""
    found = [(machine, *doors_of(machine)) for machine in machines]
    open_ = [machine.name for machine, doors, _, _ in found if doors]
    unsure = [machine.name for machine, doors, whole, _ in found if not doors and not whole]
    if not open_ and not unsure:
        return
    where = f"on {many_hosts(open_)}" if open_ else "where there is one"
    yield Option(
        f"Close the password door {where}: keys only",
        "an hour; keys for all",
        "who has no key is locked out",
        "yes: one line",
    )


def _updates(machines: Sequence[Machine]) -> Iterator[Option]:
    """Yield to install the security updates that are missing."""
    looks = [(machine, look) for machine in machines if (look := machine.knowing("patching"))]
    missing = [(machine.name, count(look.facts["patching"].get("security"))) for machine, look in looks]
    missing = [(one, number) for one, number in missing if number]
    if missing:
        number = counted(sum(number for _, number in missing), "security update")
        what = f"Install {number} on {many_hosts([one for one, _ in missing])}"
        yield Option(what, "an hour", "services restart", "in part")


def _rebuild(machines: Sequence[Machine]) -> Iterator[Option]:
    """Yield to take machines off the network, only where somebody was seen or nobody can tell."""
    told = {machine.name for machine, _ in with_access(machines, SEEN, CLAIMED, CANNOT_TELL, NOT_REACHED)}
    told |= {machine.name for machine in machines if machine.answer is None and any(look.changes for look in machine.looks)}
    if told:
        where = many_hosts([machine.name for machine in machines if machine.name in told])
        yield Option(
            f"Take {where} off the network; rebuild if it was somebody else",
            "an hour; rebuilding days",
            "its services are down; switched off, it loses its memory",
            "network yes, rebuilding no",
        )
