"""What the guesses look like: noise that every machine on a network has, or somebody who means this one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from statistics import median

from auditkit.logins.guesses import Attacker
from auditkit.logins.names import is_stock
from auditkit.logins.seen import Seen
from auditkit.logins.streams import Stream
from auditkit.logins.tally import HOUR
from auditkit.logins.wording import listed, plural

NOISE, FOCUSED, SPRAY = "background-noise", "focused-guessing", "spray"
KNOWN, TOO_FEW = "credential-known", "not-enough-data"
ENOUGH = 10
"""Fewer guesses show no pattern."""
MISTYPED = 4
"""So many guesses at an own name are what somebody needs who mistypes."""
MANY = 20
LOW = 10
"""Guesses of one address, up to which it stays below what is blocked by its number."""
HANDS = 10
"""So many slow addresses after one name are one hand."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What a day of this machine is like."""

    days: int
    per_day: int
    """Guesses, the median."""
    busiest: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the guesses of a window look like, and why it is said so."""

    word: str
    why: str
    guesses: int
    active: tuple[Attacker, ...]
    """Addresses that guessed in the window, the most guesses first."""
    names: tuple[str, ...]
    """Names that were tried, the most guesses first."""
    existing: tuple[str, ...]
    """Those of which there is an account."""
    staff: tuple[str, ...]
    """Those of which there is one, and which are not tried everywhere."""
    existence_known: bool
    slow: tuple[Attacker, ...]
    """Addresses of few guesses each."""
    usual: Usual | None
    main: tuple[Attacker, ...] = ()
    """Those that the pattern is said for."""


def pattern(seen: Seen, streams: Sequence[Stream], found: Mapping[str, Attacker], known: str = "") -> Pattern:
    """What the guesses look like; `known` says why a credential is known to somebody, where it is."""
    active = sorted(
        (one for one in found.values() if one.between(seen.since, seen.until)),
        key=lambda one: (-one.between(seen.since, seen.until), one.address),
    )
    guesses = sum(one.between(seen.since, seen.until) for one in active)
    tried: Counter[str] = Counter()
    for one in active:
        tried.update(one.names)
    names = tuple(name for name, _ in tried.most_common())
    existing, certain = _existing(seen, streams, names)
    staff = tuple(name for name in existing if not is_stock(name))
    slow = tuple(one for one in active if one.between(seen.since, seen.until) <= LOW)
    usual = _usual(seen, found.values(), streams)
    word, why, main = _word(seen, active, staff, usual)
    if known:
        word, why = KNOWN, known
    return Pattern(word, why, guesses, tuple(active), names, existing, staff, certain, slow, usual, main)


def is_own(address: str, networks: Sequence[str]) -> bool:
    """Whether an address lies in an own network; a name of a machine does not show it."""
    try:
        number = ip_address(address.removeprefix("::ffff:"))
    except ValueError:
        return False
    return any(number in network for network in _networks(tuple(networks)) if network.version == number.version)


@cache
def _networks(networks: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(each, strict=False) for each in networks]


def _existing(seen: Seen, streams: Sequence[Stream], names: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """Names of which there is an account; where nobody asked the machine, those that its log does not call unknown."""
    if seen.accounts is not None:
        accounts = seen.accounts
        return tuple(name for name in names if name in accounts), True
    tallies = [reading.tally for stream in streams if stream.tells for reading in stream.readings]
    unknown = {name for tally in tallies for name in tally.unknown}
    if not unknown:
        return (), False
    tried = {name for tally in tallies for source in tally.sources.values() for name, n in source.names.items() if n}
    return tuple(name for name in names if name in tried and name not in unknown), True


def _usual(seen: Seen, found: Iterable[Attacker], streams: Sequence[Stream]) -> Usual | None:
    """What the days outside of the window are like; all of them, where the window has no beginning."""
    telling = [stream for stream in streams if stream.tells and stream.first is not None]
    firsts, lasts = [s.first for s in telling if s.first is not None], [s.last for s in telling if s.last is not None]
    if not firsts or not lasts:
        return None
    counts: Counter[int] = Counter()
    for one in found:
        for hour, guesses in one.hours.items():
            counts[hour // 24] += guesses
    days = range(min(firsts) // (24 * HOUR) + 1, min(max(lasts) // (24 * HOUR), min(firsts) // (24 * HOUR) + 4000))
    low = seen.since // (24 * HOUR) if seen.since is not None else None
    high = seen.until // (24 * HOUR) if seen.until is not None else None
    outside = [counts[day] for day in days if low is None or day < low or (high is not None and day > high)]
    return Usual(len(outside), round(median(outside)), max(outside)) if len(outside) >= 3 else None


Word = tuple[str, str, tuple[Attacker, ...]]
"""The word, why, and whom it is said of."""


def _word(seen: Seen, active: Sequence[Attacker], staff: Sequence[str], usual: Usual | None) -> Word:
    slow = [one for one in active if one.between(seen.since, seen.until) <= LOW]
    if (spread := _shared(slow, staff) or _alike(slow, len(active))) is not None:
        return SPRAY, *spread
    at_staff = tuple(one for one in active if sum(one.names.get(name, 0) for name in staff) > MISTYPED)
    if at_staff:
        return FOCUSED, f"names were tried that exist here and are not tried everywhere: {listed(staff)}", at_staff
    guesses = sum(one.between(seen.since, seen.until) for one in active)
    if guesses < ENOUGH:
        return (
            TOO_FEW,
            f"{plural(guesses, 'guess')} {'shows' if guesses == 1 else 'show'} no pattern" if guesses else "nobody guessed",
            (),
        )
    mine = active[0].between(seen.since, seen.until)
    if mine >= MANY and mine * 10 >= guesses * 8 and (usual is None or usual.per_day * 2 < mine):
        return FOCUSED, "one address, and hardly anybody else tries here", (active[0],)
    return NOISE, "names that are tried everywhere", ()


def _shared(slow: Sequence[Attacker], staff: Sequence[str]) -> tuple[str, tuple[Attacker, ...]] | None:
    """Why slow addresses are one hand: they are after one name that is not tried everywhere."""
    after: dict[str, list[Attacker]] = {}
    for one in slow:
        for name in one.names:
            if not is_stock(name):
                after.setdefault(name, []).append(one)
    for name, hands in sorted(after.items(), key=lambda item: (-len(item[1]), item[0])):
        if len(hands) >= (HANDS // 2 if name in staff else HANDS):
            few = f"{len(hands)} addresses of few guesses each are after {listed([name])}"
            return f"{few}, which is not tried everywhere", tuple(hands)
    return None


def _alike(slow: Sequence[Attacker], active: int) -> tuple[str, tuple[Attacker, ...]] | None:
    """Why slow addresses are one hand: they are nearly all there are, began within six hours and guessed as often each."""
    for shift in (0, 3):
        began: dict[int, list[Attacker]] = {}
        for one in slow:
            if one.first is not None:
                began.setdefault((one.first // HOUR + shift) // 6, []).append(one)
        group = max(began.values(), key=len, default=[])
        often = median(one.guesses for one in group) if group else 0
        near = tuple(one for one in group if abs(one.guesses - often) <= 1)
        if len(near) >= MANY and len(near) * 10 >= active * 8:
            return f"{len(near)} addresses made {often:.0f} or so guesses each within six hours", near
    return None
