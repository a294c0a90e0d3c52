"""The hosts of one run held against each other: the same version of the same package has the same files everywhere.

Pure. What is the same is only counted. Where hosts differ, quorum.py says whose word counts, unlike.py what it means.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from auditkit import unlike
from auditkit.facts import DOCUMENTS, algorithms, bits, is_known, values
from auditkit.model import Finding, Severity
from auditkit.printable import printable
from auditkit.quorum import Split, Voter, machines, majority, one_by_one, split
from auditkit.settle import under

ENOUGH = 2
"""Other machines that must have the same before a package or path counts as compared."""
MOST_KNOWN = 100_000
"""Combinations of lists whose groups are held."""
MOST_TOLD = 200
"""Findings of one rule and severity of one host; from there on they are only counted."""
CONFIGURATION, DIVERTED, MOVED, OVERRIDDEN = "configuration", "diverted", "moved", "overridden"
"""What a host may say of a path that shall be otherwise than its package has it."""

Package = tuple[str, ...]
"""System, distribution, name, version and architecture: hosts that agree in these have the same package."""
Meant = Mapping[tuple[int, bytes], Mapping[str, str]]
"""By host and path, what the host says of it, with the words."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One host of a run, as far as it matters to the others."""

    word: str
    machines: frozenset[str] = frozenset()
    """By what it is known which machine it is; two words that have one of these in common have one vote."""
    believed: bool = True
    """Whether it has a vote: one that was caught lying has none."""
    policy: str = ""
    """By what it was looked at: what two such looks do not show alike is missing, and not passed over."""
    whole: bool = True
    """Whether it was seen to the end."""
    gaps: frozenset[str] = frozenset()
    packages: int = 0
    """Installed there."""


@dataclass(frozen=True, slots=True)
class Release:
    """A list of the paths of one package in one version, and which hosts have it so."""

    package: Package
    hosts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sight:
    """One path: what hosts show of it, each fact with the hosts that show it, and the lists that it stands in."""

    path: bytes
    facts: tuple[tuple[bytes, tuple[int, ...]], ...]
    lists: tuple[int, ...]


@dataclass(slots=True)
class Told:
    """What is to be said of one host."""

    findings: list[Finding] = field(default_factory=list)
    number: Counter[tuple[str, Severity]] = field(default_factory=Counter)
    """How many there were, by rule and severity, of which MOST_TOLD are told."""
    held: int = 0
    """Packages that it has."""
    unlike: int = 0
    """Findings of what is not as on other hosts, or may not be: configuration and rare versions left out."""
    paths: int = 0
    """Those of its packages that some host showed."""
    compared: int = 0
    """Those of them that two other machines showed too, whatever came of it."""
    unread: int = 0
    """Files of which others know the content by other digests only."""
    packages: int = 0
    """Packages that two other machines have in the same version."""


@dataclass(frozen=True, slots=True)
class Group:
    """The hosts that have a package in one version, and those of them that say that a path is in it."""

    package: Package
    holders: frozenset[int]
    claiming: frozenset[int]
    weight: int
    """1 where most say so, 0 where half of them do, else -1."""

    @property
    def name(self) -> str:
        """Name and version of the package, as they may be shown."""
        return printable(f"{self.package[2]} {self.package[3]}")


class Judge:
    """Takes what the hosts of a run showed; `judge` gives what is to be said of each."""

    def __init__(self, peers: Mapping[int, Peer], releases: Mapping[int, Release], meant: Meant) -> None:
        self._peers = peers
        known = one_by_one({host: peer.machines for host, peer in peers.items()})
        self._voters = {host: Voter(known[host], peer.believed) for host, peer in peers.items()}
        self._releases = releases
        self._meant = meant
        self._holders = dict[Package, set[int]]()
        for release in releases.values():
            self._holders.setdefault(release.package, set()).update(release.hosts)
        self._known = dict[tuple[int, ...], tuple[Group, ...]]()
        self._alike = Counter[tuple[tuple[int, ...], tuple[int, ...], bool]]()
        self._lists = dict[tuple[int, str], unlike.Lists]()
        self._missing = dict[int, unlike.Several]()
        self._strays = dict[int, unlike.Several]()
        self.told = {host: Told(held=peer.packages) for host, peer in peers.items()}

    def judge(self, sights: Iterable[Sight]) -> dict[int, Told]:
        """What is to be said of each host, by its number."""
        for sight in sights:
            groups = self._groups(sight.lists)
            hosts = sight.facts[0][1]
            if len(sight.facts) == 1 and all(group.claiming == group.holders <= set(hosts) for group in groups):
                self._keep(hosts, sight.lists, is_known(sight.facts[0][0]))
            else:
                self._differing(sight, groups)
        self._count()
        self._sum_up()
        return self.told

    def _keep(self, hosts: tuple[int, ...], lists: tuple[int, ...], known: bool) -> None:
        """Count a path that is the same on all hosts that show it; paths of one package are counted together in the end."""
        key = hosts, lists, known
        if key not in self._alike and len(self._alike) >= MOST_KNOWN:
            self._number(*self._same(key))
        else:
            self._alike[key] += 1

    # --- one path

    def _groups(self, lists: tuple[int, ...]) -> tuple[Group, ...]:
        """Who has the packages that a path is in, the surest first; of packages that the same hosts have, one."""
        known = self._known.get(lists)
        if known is None:
            claiming = dict[Package, set[int]]()
            for release in (self._releases[number] for number in lists if number in self._releases):
                claiming.setdefault(release.package, set()).update(release.hosts)
            found = dict[tuple[frozenset[int], frozenset[int]], Group]()
            for package, hosts in sorted(claiming.items()):
                holders, ours = frozenset(self._holders[package]), frozenset(hosts)
                found.setdefault((holders, ours), Group(package, holders, ours, majority(ours, holders, self._voters)))
            known = tuple(sorted(found.values(), key=lambda group: (-group.weight, -len(group.holders))))
            if len(self._known) < MOST_KNOWN:
                self._known[lists] = known
        return known

    def _differing(self, sight: Sight, groups: tuple[Group, ...]) -> None:
        facts = _by_host(sight)
        judged = set[int]()
        for group in groups:
            place = self._place(sight.path, group)
            diverted = self._diverted(place, sight.path, group, groups)
            self._listed(place, sight.path, group, diverted)
            if group.weight < 0:
                continue
            members = group.holders - diverted - judged
            judged |= group.holders
            showing = {host: facts[host] for host in members if host in facts}
            self._compared(place, showing, sight.path)
            if group.weight > 0 and not place.configuration:
                seen = {host for _told, hosts in sight.facts for host in hosts}
                self._gone(place, showing, (members & group.claiming) - seen)
        self._unowned(sight.path, facts, groups)
        self._number(facts, groups)

    def _place(self, path: bytes, group: Group) -> unlike.Place:
        calling = frozenset(host for host in group.claiming if CONFIGURATION in self._meant.get((host, path), ()))
        configuration = path.startswith(b"/etc/") or majority(calling, group.claiming, self._voters) > 0
        return unlike.Place(path.decode("utf-8", "surrogateescape"), group.name, configuration)

    def _diverted(self, place: unlike.Place, path: bytes, group: Group, groups: Iterable[Group]) -> set[int]:
        """The hosts that put this path of the package elsewhere; told of each, unless all do."""
        by = {host: self._meant.get((host, path), {}).get(DIVERTED) for host in group.holders}
        found = {host: who for host, who in by.items() if who is not None and who != group.package[2]}
        for host, who in found.items() if group.weight >= 0 and len(found) < len(by) else ():
            of_who = [other.claiming for other in groups if other.package[2] == who and host in other.claiming]
            alike = {other for other, one in found.items() if one == who and any(other in hosts for hosts in of_who)}
            replaced = len(machines(alike, self._voters)) >= ENOUGH
            others = self._words(group.holders - found.keys())
            self._tell(host, unlike.diverted(place, who, others, replaced=replaced))
        return set(found)

    def _listed(self, place: unlike.Place, path: bytes, group: Group, diverted: Collection[int]) -> None:
        """Keep in mind whose list of the package has this path and most others have not, or the other way round."""
        if place.configuration or group.claiming == group.holders:
            return
        moved = {host for host in group.holders if MOVED in self._meant.get((host, path), ())}
        concerned = set[int]()
        concerned |= group.claiming if group.weight <= 0 else set()
        concerned |= group.holders - group.claiming if group.weight >= 0 else set()
        for host in concerned - moved - set(diverted):
            lists = self._lists.setdefault((host, group.name), unlike.Lists())
            (lists.has if host in group.claiming else lists.lacks).add(place.path)

    def _compared(self, place: unlike.Place, facts: Mapping[int, bytes], path: bytes) -> None:
        parsed = {told: values(told) for told in set(facts.values())}
        if len(parsed) < 2:
            return
        kinds = split({host: parsed[told]["kind"] for host, told in facts.items()}, self._voters)
        if kinds:
            self._unlike(place, facts, {"kind": kinds}, path)
            facts = {host: told for host, told in facts.items() if parsed[told]["kind"] == kinds.most}
        found = dict[str, Split]()
        for name in sorted({name for told in facts.values() for name in parsed[told]} - {"kind"}):
            if len({parsed[told][name] for told in parsed if name in parsed[told]}) > 1:
                shown = {host: parsed[told][name] for host, told in facts.items() if name in parsed[told]}
                if (apart := split(shown, self._voters)) is not None:
                    found[name] = apart
        for content in (True, False):
            part = {name: apart for name, apart in found.items() if unlike.is_content((name,)) is content}
            self._unlike(place, facts, part, path)

    def _unlike(self, place: unlike.Place, facts: Mapping[int, bytes], splits: Mapping[str, Split], path: bytes) -> None:
        """Tell each host in what it is not as most, or all of them that they differ."""
        for host in sorted({host for apart in splits.values() for host in apart.odd}):
            odd = {name: apart for name, apart in splits.items() if host in apart.odd and apart.most is not None}
            if odd:
                sure = [set(apart.by_value[apart.most or ""]) for apart in odd.values()]
                others = set.intersection(*sure) or sure[0]
                overridden = self._meant.get((host, path), {}).get(OVERRIDDEN, "")
                own = self._side(facts, (host,))
                self._tell(host, unlike.odd(place, own, self._side(facts, others), tuple(odd), overridden))
            names = [name for name, apart in splits.items() if host in apart.odd and apart.most is None]
            if names and not (place.configuration and unlike.is_content(names)):
                sides = [self._side(facts, hosts) for hosts in splits[names[0]].by_value.values()]
                ordered = sorted(sides, key=lambda side: (-len(side.hosts), side.hosts))
                self._tell(host, unlike.contested(place, ordered, names))

    def _side(self, facts: Mapping[int, bytes], hosts: Iterable[int]) -> unlike.Side:
        ordered = sorted(hosts, key=lambda host: self._peers[host].word)
        told = max((facts[host] for host in ordered), key=lambda told: (bits(told), told))  # of several the one that may most
        return unlike.Side(told, tuple(self._peers[host].word for host in ordered))

    def _gone(self, place: unlike.Place, facts: Mapping[int, bytes], without: Collection[int]) -> None:
        """Keep in mind on which hosts a file is missing that most others show, as far as they were looked at alike."""
        policies = {self._peers[host].policy for host in facts}
        absent = [host for host in without if self._looked(host, place.path, policies)]
        here, gone = len(machines(facts, self._voters)), len(machines(absent, self._voters))
        is_small = place.path.startswith(DOCUMENTS) or any(told.startswith(b"d ") for told in facts.values())
        if here >= ENOUGH and here * 3 >= (here + gone) * 2 and not is_small:
            for host in absent:
                self._missing.setdefault(host, unlike.Several()).add(place.path)

    def _looked(self, host: int, path: str, policies: Collection[str]) -> bool:
        peer = self._peers[host]
        return peer.whole and peer.policy in policies and not under(path, set(peer.gaps))

    def _unowned(self, path: bytes, facts: Mapping[int, bytes], groups: Iterable[Group]) -> None:
        """Keep in mind which hosts have another file where others have a package's, and no package that it is of."""
        sure = [group for group in groups if group.weight > 0 and len(machines(group.holders, self._voters)) >= ENOUGH]
        owners = {host for group in groups for host in (group.claiming if group.weight < 1 else group.claiming | group.holders)}
        shown = {facts[host] for group in sure for host in group.holders if host in facts}
        if not sure or path.startswith(b"/etc/") or len(shown) != 1:
            return
        theirs = values(*shown)
        for host in facts.keys() - owners:
            ours = values(facts[host])
            is_other = any(ours[name] != theirs[name] for name in ours.keys() & theirs.keys() if unlike.is_content((name,)))
            if is_other and self._peers[host].packages and DIVERTED not in self._meant.get((host, path), ()):
                self._strays.setdefault(host, unlike.Several()).add(f"{path.decode('utf-8', 'surrogateescape')}")

    # --- how much of all that could be compared

    def _number(self, facts: Mapping[int, bytes], groups: Iterable[Group], times: int = 1) -> None:
        """Count a path for each host whose packages have it."""
        done = set[int]()
        for group in groups:
            if group.weight < 1:
                continue
            kinds = dict[frozenset[str], set[int]]()
            for host in group.holders & facts.keys():
                kinds.setdefault(algorithms(facts[host]), set()).add(host)
            for host in group.holders - done:
                self.told[host].paths += times
            for how, hosts in kinds.items():
                alike = {host for other, these in kinds.items() if how & other for host in these}
                others = machines(alike, self._voters)
                for host in hosts - done:
                    enough = len(others - {self._voters[host].machine}) >= ENOUGH
                    self.told[host].compared += times * enough
                    self.told[host].unread += times * bool(how and not alike - {host} and any(kinds.keys() - {how}))
            done |= group.holders

    def _same(self, key: tuple[tuple[int, ...], tuple[int, ...], bool]) -> tuple[dict[int, bytes], tuple[Group, ...]]:
        """Hosts that show the same of a path, as hosts and facts, and who has the packages that it is in."""
        hosts, lists, known = key
        return dict.fromkeys(hosts, b"d" if known else b"f - - - - - - -"), self._groups(lists)

    def _count(self) -> None:
        for key, times in self._alike.items():
            self._number(*self._same(key), times)
        for holders in self._holders.values():
            there = machines(holders, self._voters)
            for host in holders:
                self.told[host].packages += len(there - {self._voters[host].machine}) >= ENOUGH

    # --- what is told once a host

    def _tell(self, host: int, finding: Finding) -> None:
        told = self.told[host]
        told.number[finding.rule.id, finding.severity] += 1
        told.unlike += finding.severity > Severity.INFO
        if told.number[finding.rule.id, finding.severity] <= MOST_TOLD:
            told.findings.append(finding)

    def _sum_up(self) -> None:
        for (host, name), lists in self._lists.items():
            self._tell(host, unlike.listed(name, lists))
        for host, several in self._missing.items():
            self._tell(host, unlike.lacking(several))
        for host, several in self._strays.items():
            self._tell(host, unlike.unowned(several))
        for host, several in self._alone().items():
            self._tell(host, unlike.alone(several))
        for told in self.told.values():
            told.findings.extend(unlike.left(told.findings, told.number, MOST_TOLD))

    def _alone(self) -> dict[int, unlike.Several]:
        """By host, the packages that it alone has in their version, though two others or more have them in another one."""
        versions = dict[Package, dict[Package, int]]()
        for package, holders in self._holders.items():
            system, distribution, name, _version, arch = package
            versions.setdefault((system, distribution, name, arch), {})[package] = len(machines(holders, self._voters))
        found = dict[int, unlike.Several]()
        for known in versions.values():
            package, number = max(known.items(), key=lambda one: (one[1], one[0]))
            for other in known.keys() - {package} if number >= ENOUGH else ():
                if len({self._voters[host].machine for host in self._holders[other]}) == 1:
                    told = f"{other[2]} {other[3]} ({number} hosts have {package[3]})"
                    for host in self._holders[other]:
                        found.setdefault(host, unlike.Several()).add(told)
        return found

    def _words(self, hosts: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(self._peers[host].word for host in hosts))


def _by_host(sight: Sight) -> dict[int, bytes]:
    """What each host shows; nothing of one that shows two things, as where /bin and /usr/bin are two directories."""
    found = dict[int, bytes]()
    several = set[int]()
    for told, hosts in sight.facts:
        several.update(found.keys() & set(hosts))
        found.update(dict.fromkeys(hosts, told))
    return {host: told for host, told in found.items() if host not in several}
