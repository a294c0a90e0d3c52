"""Groups of groups of hosts, as both forms of an Ansible inventory have them, and whose variable counts.

Ansible's order of precedence holds ("How variables are merged" in its inventory guide): a host's own variables before those of
its groups, and of groups that of the deepest; of the same depth the higher `ansible_group_priority`, then the later name.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from auditkit.inventory import Inventory, Machine, word
from auditkit.inventory.jumps import with_jumps
from auditkit.inventory.notes import Notes
from auditkit.inventory.ranges import expanded
from auditkit.inventory.variables import Variables, machine, priority
from auditkit.strict import Value

MOST_HOSTS = 10_000
"""Hosts in one inventory."""
MOST_MENTIONS = 50_000
"""How often they may be named in it, each name that a range stands for counted."""
MOST_GROUPS = 1_000
MOST_MEMBERSHIPS = 500_000
"""Groups of all hosts together."""
ALL, UNGROUPED = "all", "ungrouped"
"""Groups that there always are (inventory/data.py)."""


@dataclass(slots=True)
class Group:
    """One group, as far as it is read."""

    place: Value
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    variables: Variables = field(default_factory=dict)


@dataclass(slots=True)
class Host:
    """One host, as far as it is read."""

    name: Value
    variables: Variables = field(default_factory=dict)


class Ground:
    """An inventory while it is read; `inventory` tells what all of it comes to."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.notes = Notes(source)
        self.groups = {name: Group(word(name, source, 1, "group")) for name in (ALL, UNGROUPED)}
        self._hosts: dict[str, Host] = {}
        self._mentions = 0

    def group(self, name: Value) -> Group:
        """The group of that name, a new one if there is none."""
        if len(self.groups) >= MOST_GROUPS:
            raise name.error(f"is one group too many: {MOST_GROUPS} are the most", "split the inventory")
        return self.groups.setdefault(name.text(), Group(name))

    def mention(self, pattern: Value, group: Group) -> tuple[Host, ...]:
        """The hosts that a pattern stands for, which are in the group now."""
        try:
            names, port = expanded(pattern.text())
        except ValueError as error:
            raise pattern.error(str(error), "write a host, or many like web[01:20].lan, and a port behind a colon") from error
        self._mentions += len(names)
        found = tuple(self._host(name, port, pattern.line) for name in names)
        if self._mentions > MOST_MENTIONS or len(self._hosts) > MOST_HOSTS:
            raise pattern.error(f"names too many hosts: {MOST_HOSTS} are the most", "split the inventory")
        group.hosts.update(dict.fromkeys(names))
        return found

    def _host(self, name: str, port: str, line: int) -> Host:
        host = self._hosts.setdefault(name, Host(word(name, self.source, line, name)))
        place = word(port, self.source, line, "ansible_port")
        if port and host.name.line == line:
            host.variables["ansible_port"] = place
        elif port:
            self.notes.add(place, "stands behind the name of a host where it is not named first, and was not taken")
        return host

    def inventory(self) -> Inventory:
        """The hosts, each with what counts for it.

        Raises:
            ConfigError: a group is in itself, or a variable that matters is not what it should be.
        """
        machines: dict[str, Machine] = {}
        memberships = 0
        for host, groups in self._members():
            memberships += len(groups)
            if memberships > MOST_MEMBERSHIPS:
                raise host.name.error("and those before it are in too many groups", "split the inventory")
            variables: Variables = {}
            for name in groups:
                variables |= self.groups[name].variables
            places = tuple(self.groups[name].place for name in groups if name not in (ALL, UNGROUPED))
            found = machine(host.name, variables | host.variables, places, self.notes)
            if found is not None:
                machines[found.name.text()] = found
        return Inventory(with_jumps(machines, self.notes), self.notes.told())

    def _members(self) -> Iterator[tuple[Host, list[str]]]:
        """Yield each host with the groups that it is in, also through others, in the order of precedence."""
        parents = self._parents()
        order = self._ordered(parents)
        above: dict[str, frozenset[str]] = {}
        direct: dict[str, set[str]] = {name: {ALL} for name in self._hosts}
        for name in order:  # none of a group's parents is as deep as itself
            above[name] = frozenset({name}).union(*(above[each] for each in parents[name]))
            for host in self.groups[name].hosts:
                direct[host] |= above[name]
        for name, host_ in self._hosts.items():
            yield host_, [group for group in order if group in direct[name]]

    def _parents(self) -> dict[str, set[str]]:
        """Each group with those whose child it is; whoever is nobody's child is a child of `all`."""
        parents: dict[str, set[str]] = {name: set() for name in self.groups}
        for name, group in self.groups.items():
            for child in group.children:
                parents[child].add(name)
        for name, found in parents.items():
            if not found and name != ALL:
                found.add(ALL)
        return parents

    def _ordered(self, parents: dict[str, set[str]]) -> list[str]:
        """Every group, the one whose variables count most at the end."""
        depth: dict[str, int] = {}
        try:
            for name in TopologicalSorter(parents).static_order():
                depth[name] = max((depth[each] + 1 for each in parents[name]), default=0)
        except CycleError as error:
            place = self.groups[min(error.args[1])].place
            raise place.error("is a group that contains itself", "remove it from the children of its own children") from error
        return sorted(self.groups, key=lambda name: (depth[name], priority(self.groups[name].variables), name))
