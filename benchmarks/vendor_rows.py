"""The rows of the vendors' word: what is measured how, and what the design wants to be reached."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import systems
from measure import Pair, Task, pair

NO_PACKAGES = "check with a baseline that knows no packages"
PLACES = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/boot", "/opt")
LEAST = 1000
"""Changes that an upgrade of a whole release explains at the least."""
COSTS = (
    "| what | against | auditkit s | peer s | CPU s | peer CPU s | PSS / RSS MiB | more s | ratio | to reach | |\n"
    + "|---" * 11
    + "|\n"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """A pair that was measured, and what it may cost: seconds in all, seconds more than the peer, or times the peer."""

    what: str
    peer: str
    measured: Pair
    seconds: float = 0.0
    more: float = 0.0
    times: float = 0.0

    @property
    def wall(self) -> float:
        """The median of our wall times."""
        return median(run.wall for run in self.measured.ours)

    @property
    def difference(self) -> float:
        """How many seconds more than the peer we take: the median over the pairs."""
        return median(our.wall - their.wall for our, their in zip(self.measured.ours, self.measured.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """How many times as long as the peer we take."""
        return 1 / self.measured.ratio

    def line(self) -> str:
        """The row of the table."""
        wanted, kept = "", True
        for goal, value, text in (
            (self.seconds, self.wall, f"< {self.seconds:g} s"),
            (self.more, self.difference, f"< {self.more:g} s more"),
            (self.times, self.ratio, f"< {self.times:g}x"),
        ):
            if goal:
                wanted, kept = text, value < goal
        met = "" if not wanted else "reached" if kept else "**missed**"
        cells = (
            self.what,
            self.peer,
            *(f"{median(run.wall for run in runs):.2f}" for runs in (self.measured.ours, self.measured.theirs)),
            *(f"{median(run.cpu for run in runs):.2f}" for runs in (self.measured.ours, self.measured.theirs)),
            f"{self.measured.our_memory.pss_mib:.0f} / {self.measured.our_memory.rss_mib:.0f}",
            f"{self.difference:.2f}",
            f"{self.ratio:.2f}x",
            wanted,
            "proves nothing: " + "; ".join(self.measured.problems) if self.measured.problems else met,
        )
        return "| " + " | ".join(cells) + " |\n"


def server(command: tuple[str, ...], work: Path, runs: int) -> Iterator[Cost]:
    """A server held against its packages: debsums beside it, and a plain check of the same places."""
    root = systems.server(work)
    store, scratch = work / "store-server", work / "scratch-vendor"
    shutil.rmtree(store, ignore_errors=True)
    scratch.mkdir(parents=True, exist_ok=True)
    number = systems.packages(root)
    policy = scratch / "places.yaml"
    watches = [{"path": place, "level": "content"} for place in PLACES]
    policy.write_text(json.dumps({"schema": "auditkit/policy/1", "name": "places", "digests": ["blake3"], "watch": watches}))
    ours = checking(checked(command, root, store, "--against", "vendor"), scratch / "vendor.json", verified(number))

    def forgetting() -> None:
        shutil.rmtree(store / "manifests", ignore_errors=True)

    cold = Task(ours.label, ours.argv, ours.output, forgetting, ours.done)
    debsums = Task("debsums", ended("debsums", "-s", f"--root={root}"), scratch / "debsums.out")
    yield Cost(f"server of {number} packages, packages at hand", "debsums -s", pair(cold, debsums, runs), seconds=25.0)
    made = Task(
        "baseline",
        (*command, "baseline", f"root:{root}", "--store", str(store), "--policy", str(policy), "-q"),
        scratch / "b.out",
    )
    pair(made, made, 0)
    plain = checking(checked(command, root, store), scratch / "plain.json", counted("entries", 1000))
    yield Cost(f"server of {number} packages, manifests kept", "plain check of the same", pair(ours, plain, runs), times=1.2)


def upgrade(command: tuple[str, ...], work: Path, runs: int) -> Iterator[Cost]:
    """A check after an upgrade of a whole release: with the packages that explain it, and with none."""
    root = systems.small(work)
    knowing, blind, scratch = work / "store-knowing", work / "store-blind", work / "scratch-vendor"
    upgraded = root.with_suffix(".upgraded")
    scratch.mkdir(parents=True, exist_ok=True)
    if not upgraded.exists():
        based(command, root, knowing, scratch)
        (root / "var/lib/dpkg").rename(root / "var/lib/away")
        based(command, root, blind, scratch)
        (root / "var/lib/away").rename(root / "var/lib/dpkg")
        systems.upgrade(root)
        upgraded.touch()
    ours = checking(checked(command, root, knowing, "--all"), scratch / "knowing.json", counted("explained", LEAST))
    theirs = checking(checked(command, root, blind, "--all"), scratch / "blind.json", counted("changes", LEAST))

    def forgetting() -> None:
        shutil.rmtree(knowing / "manifests", ignore_errors=True)

    cold = Task(ours.label, ours.argv, ours.output, forgetting, ours.done)
    what = f"check after an upgrade of {systems.packages(root)} packages"
    yield Cost(f"{what}, packages at hand", NO_PACKAGES, pair(cold, theirs, runs), more=2.0)
    yield Cost(f"{what}, manifests kept", NO_PACKAGES, pair(ours, theirs, runs), more=2.0)


def based(command: tuple[str, ...], root: Path, store: Path, scratch: Path) -> None:
    """Make a baseline in a store of its own."""
    shutil.rmtree(store, ignore_errors=True)
    made = Task("baseline", ended(*command, "baseline", f"root:{root}", "--store", str(store), "-q"), scratch / "baseline.out")
    pair(made, made, 0)


def checked(command: tuple[str, ...], root: Path, store: Path, *more: str) -> tuple[str, ...]:
    """The command that checks a system and writes JSON."""
    return ended(*command, "check", f"root:{root}", "--store", str(store), "--format", "json", "-q", *more)


def checking(argv: tuple[str, ...], output: Path, told: Callable[[dict[str, int]], str]) -> Task:
    """A check, and what its counts tell of whether it did its work."""

    def done() -> str:
        counts: dict[str, int] = json.loads(output.read_text())["hosts"][0]["counts"]
        return told(counts)

    return Task("auditkit check", argv, output, done=done)


def verified(number: int) -> Callable[[dict[str, int]], str]:
    """Every package is."""
    return lambda counts: "" if counts.get("verified") == number else f"{counts.get('verified')} of {number} packages verified"


def counted(name: str, least: int) -> Callable[[dict[str, int]], str]:
    """There are so many of something."""
    return lambda counts: "" if counts.get(name, 0) >= least else f"{counts.get(name)} {name}"


def ended(*argv: str) -> tuple[str, ...]:
    """A command whose findings are no failure: exit statuses of auditkit are 1 and 3 then, that of debsums 2."""
    return ("sh", "-c", '"$@"; test $? -lt 4', "sh", *argv)
