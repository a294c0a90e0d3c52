"""Whose word counts when hosts differ: a vote for each machine, two thirds to call anybody odd.

Pure. Who breaks into one host has one vote, however many names that host has; and he takes none from others by calling his
machine theirs, for a machine that says two things has a vote for each.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voter:
    """One host: which machine it is, and whether it has a vote."""

    machine: int
    """The least number of a host that is the same machine."""
    believed: bool = True


Voters = Mapping[int, Voter]


@dataclass(frozen=True, slots=True)
class Split:
    """How hosts that differ in one thing stand to each other."""

    most: str | None
    """What two thirds and at least two of them have; None where there is no such thing."""
    odd: frozenset[int]
    """The hosts that have something else; all to whom it is to be said that they differ, where there is no `most`."""
    by_value: Mapping[str, tuple[int, ...]]
    """Who has what."""


def one_by_one(known: Mapping[int, Collection[str]]) -> dict[int, int]:
    """Which machine each host is: one for all hosts that are known by the same thing, or by way of others."""
    found = {host: host for host in known}
    first = dict[str, int]()
    for host, names in known.items():
        alike = {found[first.setdefault(name, host)] for name in names} | {found[host]}
        found = {other: min(alike) if machine in alike else machine for other, machine in found.items()}
    return found


def machines(hosts: Iterable[int], voters: Voters) -> frozenset[int]:
    """The machines among hosts that have a vote."""
    return frozenset(voters[host].machine for host in hosts if voters[host].believed)


def split(values: Mapping[int, str], voters: Voters) -> Split | None:
    """How hosts stand with these values; None where they do not differ."""
    by_value: dict[str, list[int]] = {}
    for host, value in sorted(values.items()):
        by_value.setdefault(value, []).append(host)
    if len(by_value) < 2:
        return None
    votes = Counter({value: len(machines(hosts, voters)) for value, hosts in by_value.items()})
    most, number = votes.most_common(1)[0]
    told = {value: tuple(hosts) for value, hosts in by_value.items()}
    others = sum(max(1, votes[value]) for value in told if value != most)
    if number >= 2 and number * 3 >= (number + others) * 2:
        return Split(most, frozenset(host for host, value in values.items() if value != most), told)
    contested = sum(bool(votes[value]) for value in told) > 1
    return Split(None, frozenset(host for host in values if contested or not voters[host].believed), told)


def majority(some: Collection[int], of: Collection[int], voters: Voters) -> int:
    """1 where most machines of these hosts are among `some`, 0 where as many are as are not, else -1."""
    ours, all_of_them = len(machines(some, voters)), len(machines(of, voters))
    return (2 * ours > all_of_them) - (2 * ours < all_of_them)
