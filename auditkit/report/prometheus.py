"""Prometheus' text format for the textfile collector of node_exporter (prometheus.io/docs/instrumenting/exposition_formats).

A number that nobody knows is no sample: no changes where nothing was compared, no findings where nobody could look.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

from auditkit.model import Severity
from auditkit.printable import printable
from auditkit.report.document import FAILURES, STATUSES, UNTRUSTED, Document, apart, severity, state, status
from auditkit.report.items import ACCESS, COVERAGE, Dict, moment, named, unseen
from auditkit.report.lasting import all_fixed, all_unknown
from auditkit.report.look import Options

Sample = tuple[Mapping[str, str], float]
"""Labels, whose values may be shown, and the number."""
Metric = tuple[str, str, Sequence[Sample]]
"""Name, what it is, and its samples."""
Hosts = Sequence[tuple[str, Dict]]
"""Each with a name that no other one has."""
LARGEST = 1 << 63
AXES = {"access": ACCESS, "coverage": COVERAGE}
COUNTS: Mapping[str, tuple[str, Callable[[Dict], int]]] = {
    "logins": ("Logins that were seen.", lambda logins: len(logins["successes"]) + logins.get("more_successes", 0)),
    "login_guesses": ("Guesses at logins.", lambda logins: logins["attempts"]),
    "login_sources": ("Addresses that guessed.", lambda logins: len(logins["sources"]) + logins.get("more_sources", 0)),
    "login_lines_not_understood": ("Lines on logins that were not understood.", lambda logins: logins["not_understood"]),
}
"""Numbers of the verdict on logins: what each is, and where it stands."""


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield each metric with all its samples, as the format asks for."""
    told = list(named(document))
    yield from _of_run(document)
    for name, help_, samples in chain(_of_hosts(told), _of_logins(told), _of_baselines(told, document)):
        yield from _metric(name, help_, samples)


def _of_run(document: Document) -> Iterator[str]:
    labels = {name: printable(document[name]) for name in ("command", "tool")}
    yield from _metric("info", "Which auditkit ran, as what.", [(labels, 1)])
    times = [_seconds(document[name]) for name in ("started", "finished")]
    if times[1] is not None:
        yield from _metric("last_run_timestamp_seconds", "When the last run ended.", [({}, times[1])])
    if None not in times:
        yield from _metric("run_duration_seconds", "How long it took.", [({}, (times[1] or 0) - (times[0] or 0))])


def _of_hosts(told: Hosts) -> Iterator[Metric]:
    states = [({"host": name, "status": word}, word == status(host)) for name, host in told for word in STATUSES]
    yield "status", "What a host comes to: 1 for the status that it has.", states
    yield "state", "How the work on a host ended.", [({"host": name, "state": state(host)}, 1) for name, host in told]
    yield "gaps", "What could not be seen.", [({"host": name}, len(unseen(host))) for name, host in told]
    found = chain.from_iterable(_findings(name, host) for name, host in told)
    yield "findings", "Findings that are no change of a path.", list(found)
    changed = chain.from_iterable(_changes(name, host) for name, host in told)
    yield "changes", "Changes that nothing explains.", list(changed)
    explained = chain.from_iterable(_explained(name, host) for name, host in told)
    yield "changes_explained", "Changes that something explains.", _summed(explained)
    accepted = [({"host": name}, len(host.get("accepted", ()))) for name, host in told]
    yield "accepted", "Findings and changes that are accepted.", accepted
    yield from _of_history(told)
    seconds = [({"host": name}, host["facts"]["seconds"]) for name, host in told if "seconds" in host["facts"]]
    yield "host_duration_seconds", "How long a host took.", seconds
    watched = [({"host": name}, host["counts"]["entries"]) for name, host in told if "entries" in host["counts"]]
    yield "entries", "Paths that were looked at.", watched


def _of_history(told: Hosts) -> Iterator[Metric]:
    """Yield what became of what earlier runs told: nothing of a host that is held against none."""
    held = [({"host": name}, host["since"]) for name, host in told if host.get("since", {}).get("run") is not None]
    new = "What speaks against a host, and gaps, that is new since the run before."
    yield "new_findings", new, [(labels, since["new"]) for labels, since in held]
    yield "lasting_findings", "The same that was told before.", [(labels, since["still"]) for labels, since in held]
    gone = [(labels, all_fixed(since)) for labels, since in held]
    yield "gone_findings", "What was told before, and is fixed, accepted or explained by now.", gone
    unknown = [(labels, all_unknown(since)) for labels, since in held]
    yield "unknown_findings", "What was told before, and was not looked for by this run.", unknown


def _findings(name: str, host: Dict) -> Iterator[Sample]:
    """Yield how many there are of each severity; none is told of a host that was not looked at, or not to the end."""
    numbers = Counter(severity(finding) for finding in apart(host))
    yield from _by_severity(name, numbers, known=bool(host["counts"]) and state(host) not in FAILURES)


def _changes(name: str, host: Dict) -> Iterator[Sample]:
    """Yield how many there are of each severity; none is told of a host that was compared with nothing."""
    numbers = Counter(severity(change) for change in host["changes"] if not change["explanation"])
    compared = host["baseline"] is not None or "changes" in host["counts"]
    known = compared and status(host) != UNTRUSTED and state(host) not in FAILURES
    yield from _by_severity(name, numbers, known=known)


def _explained(name: str, host: Dict) -> Iterator[Sample]:
    for one in host["explained"]:
        yield {"host": name, "by": printable(one["by"]), "proof": one["proof"]}, one["changes"]


def _by_severity(name: str, numbers: Counter[Severity], known: bool) -> Iterator[Sample]:
    for word in Severity:
        if known or numbers[word]:
            yield {"host": name, "severity": word.word}, numbers[word]


def _of_logins(told: Hosts) -> Iterator[Metric]:
    asked = [(name, host["logins"]) for name, host in told if host["logins"]]
    for axis, words in AXES.items():
        samples = [({"host": name, axis: word}, word == logins[axis]) for name, logins in asked for word in words]
        yield f"logins_{axis}", f"The verdict on logins: 1 for the {axis} that it says.", samples
    patterns = [({"host": name, "pattern": printable(logins["pattern"])}, 1) for name, logins in asked]
    yield "logins_pattern", "What the guesses look like.", patterns
    for metric, (help_, number) in COUNTS.items():
        yield metric, help_, [({"host": name}, number(logins)) for name, logins in asked]


def _of_baselines(told: Hosts, document: Document) -> Iterator[Metric]:
    bases = [({"host": name}, host["baseline"]) for name, host in told if host["baseline"]]
    end = _seconds(document["finished"])
    made = [(labels, _seconds(base["made"])) for labels, base in bases]
    ages = [(labels, end - time) for labels, time in made if time is not None and end is not None]
    yield "baseline_age_seconds", "How old the baseline was at the end of the run.", ages
    yield "baseline_sequence", "The number of the baseline.", [(labels, base["sequence"]) for labels, base in bases]
    signed = [(labels, bool(base["signer"])) for labels, base in bases]
    yield "baseline_signed", "Whether it has a signature that counts.", signed


def _summed(samples: Iterator[Sample]) -> list[Sample]:
    """The samples with those of equal labels as one: a scrape with two of them is refused whole."""
    sums: dict[tuple[tuple[str, str], ...], float] = {}
    for labels, number in samples:
        key = tuple(labels.items())
        sums[key] = sums.get(key, 0) + number
    return [(dict(key), number) for key, number in sums.items()]


def _metric(name: str, help_: str, samples: Sequence[Sample]) -> Iterator[str]:
    """Yield a metric; without samples it is none."""
    if not samples:
        return
    yield f"# HELP auditkit_{name} {help_}\n# TYPE auditkit_{name} gauge\n"
    for labels, number in samples:
        told = ",".join(f'{label}="{_value(text)}"' for label, text in labels.items())
        yield f"auditkit_{name}{f'{{{told}}}' if told else ''} {_number(number)}\n"


def _value(text: str) -> str:
    """A label's value, which may be shown: backslashes and quotes escaped, and printable() has left no line feed."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _number(number: float) -> str:
    """A number; one that no float holds, as a report that lies may have it, is infinite."""
    if isinstance(number, int):
        return f"{number:d}" if abs(number) < LARGEST else "+Inf"
    return repr(number)


def _seconds(text: object) -> float | None:
    """Seconds since 1970 of a time of the document; None if it is none."""
    time = moment(text)
    return None if time is None else time.timestamp()
