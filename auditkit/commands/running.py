"""One host or many: what `scan`, `check`, `audit` and `baseline` share of asking them, and of a run that is resumed."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from auditkit import fleet, hosts, runs, store
from auditkit.commands import answering, crossing, excepting, options
from auditkit.commands.progress import Display
from auditkit.errors import AuditkitError, FormatError, HostError, UntrustedError, UsageError
from auditkit.fleet import Result
from auditkit.hosts import Host, Past
from auditkit.model import Gap, HostReport, State
from auditkit.printable import printable

T = TypeVar("T")
Work = Callable[[Host, options.Setting], T]
"""What is done with a host that is open; it is closed afterwards."""
Document = dict[str, Any]

DONE = (State.OK, State.FINDINGS, State.PARTIAL)
"""States of a host that a resumed run does not ask again, if anything is known of it."""
WORST = (0, 1, 3, 2, 4)
"""Exit statuses, each one outweighing those before it."""
CURRENT = timedelta(hours=12)
"""For how long a result counts in a run that is resumed."""
MATTERS = ("baseline_file", "older", "against", "policy_name", "since", "until", "only", "active")
"""Options without which what was said of a host is no answer to what is asked now."""


def over(
    words: Sequence[str], run: options.Setting, work: Work[T], state: Callable[[T], str] = lambda _value: State.OK
) -> Iterator[Result[T]]:
    """Yield what the work on each host gave, as they finish; a single host is worked on here and now."""
    if len(words) == 1:
        yield fleet.tried(words[0], lambda word: _alone(word, run, work))
        return
    reach = run.reach  # one for all: what was learnt on the way to one host serves the others
    with Display(len(words), quiet=run.quiet) as display:

        def job(word: str) -> T:
            with display.line(word) as line, closing(fleet.opened(word, reach, line.pausing)) as host:
                return work(host, _paged(word, replace(run, show=line.show)))

        def tick() -> None:
            for prompts in (run.prompts, run.signing):
                if prompts is not None:
                    prompts.serve(display.paused)
            display.refresh()

        limits = fleet.Limits(run.parallel, run.timeout or hosts.SECONDS)
        for result in fleet.run(words, job, limits, tick=tick):
            display.ended(result.word, str(_state(result.error)) if result.value is None else state(result.value))
            with display.paused():
                yield result


def _alone(word: str, run: options.Setting, work: Work[T]) -> T:
    def pausing(error: HostError, seconds: float) -> None:
        if not run.quiet:
            answering.talk(f"auditkit: {printable(word)}: {error}; trying again in {seconds:.0f} s")

    with closing(fleet.opened(word, run.reach, pausing)) as host:
        return work(host, _paged(word, run))


def _paged(word: str, run: options.Setting) -> options.Setting:
    """The setting with an empty page for a host, where hosts are held against each other: all of a run, or the last of it."""
    return replace(run, page=run.ledger.page(word)) if run.ledger else run


def _state(error: AuditkitError | None) -> State:
    if isinstance(error, HostError):
        return error.state
    return State.UNTRUSTED if isinstance(error, UntrustedError) else State.PARTIAL


def failed(name: str, error: AuditkitError) -> HostReport:
    """What is said of a host that nothing could be asked, or no more."""
    if isinstance(error, UntrustedError):
        return HostReport(name, untrusted=str(error), notes=(error.hint,) if error.hint else ())
    return HostReport(name, gaps=(Gap(name, error.whole),), state=_state(error))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do: the command, its hosts, and what an earlier run has said of some of them."""

    command: str
    words: tuple[str, ...]
    kept: runs.Run | None
    """Where results are kept; None for one host, and where the store cannot be written."""
    earlier: Mapping[str, Document]
    given: Mapping[str, Any] = field(default_factory=dict)
    """The options, as click gave them."""

    @property
    def several(self) -> bool:
        """Whether one host's trouble is its own."""
        return len(self.words) > 1


def planned(command: str, words: Sequence[str], run: options.Setting, given: Mapping[str, Any]) -> Plan:
    """The plan for the hosts that were named, `local` if none was.

    Raises:
        UsageError: there is no such host, or no such run to resume.
    """
    if given.get("resume"):
        return _resumed(command, words, run, given)
    named = hosts.named(words or ("local",), run.config)
    if len(named) == 1:
        return Plan(command, named, None, {}, given)
    asked = {"command": command, "words": list(named), "options": _options(given)}
    try:
        kept = runs.begin(run.store, run.started, asked)
    except AuditkitError as error:
        if not run.quiet:
            answering.talk(f"auditkit: this run cannot be resumed: {error}")
        return Plan(command, named, None, {}, given)
    if not run.quiet:
        answering.talk(f"auditkit: run {kept.id}; if it is cut short: auditkit {command} --resume {kept.id}")
    return Plan(command, named, kept, {}, given)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that matter, as JSON has them."""
    return {name: list(value) if isinstance(value := given.get(name), tuple) else value for name in MATTERS}


def _resumed(command: str, words: Sequence[str], run: options.Setting, given: Mapping[str, Any]) -> Plan:
    """The plan of an earlier run, for all its hosts or those that are named now."""
    kept = runs.found(run.store, given["resume"], command)
    asked = kept.asked
    if asked.get("command") != command or asked.get("options") != _options(given):
        raise UsageError(
            f"run {kept.id} was `auditkit {printable(str(asked.get('command')))}` with other options",
            "give the same options again, or begin a new run",
        )
    before = asked.get("words")
    if not isinstance(before, list) or not before or not all(isinstance(word, str) for word in before):
        raise UsageError(f"of run {kept.id} it is not known what it was to ask", "begin a new run")
    named = hosts.named(words or before, run.config)
    earlier = {word: host for word, host in _sound(kept, run) if word in named}
    if not run.quiet:
        answering.talk(f"auditkit: run {kept.id}: {len(earlier)} of {len(named)} hosts are done already")
    return Plan(command, named, kept, earlier, given)


def _sound(kept: runs.Run, run: options.Setting) -> Iterator[tuple[str, Document]]:
    """Yield the results of an earlier run that need not be had again; a damaged one is had again."""
    from auditkit.report import document  # noqa: PLC0415 - not for --help

    schema = answering.schema()
    empty = document.assembled(document.Report("", options.TOOL, run.started, run.started, ()), [])
    for word, host in kept.kept():
        try:
            document.check({**empty, "hosts": [host]}, schema)
        except FormatError:
            continue
        if is_done(host) and _still_counts(host, run):
            when = printable(str(host["facts"]["asked"])).replace("T", " ")
            yield word, {**host, "notes": [f"asked at {when}, by the run that was continued; not again since", *host["notes"]]}


def _still_counts(host: Document, run: options.Setting) -> bool:
    """Whether what was said of a host is not too old, and there is no newer baseline since."""
    try:
        asked = datetime.strptime(str(host["facts"].get("asked")), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        newest = store.newest(run.store, host["host"])
    except (ValueError, AuditkitError):
        return False
    file = str((host["baseline"] or {}).get("file", ""))
    superseded = file.startswith(os.path.join(run.store, "")) and file != newest
    return timedelta() <= run.started - asked < CURRENT and not superseded


def is_done(host: Document) -> bool:
    """Whether a host was asked to the end and something came of it."""
    return host.get("state") in DONE and bool(host["counts"])


def reported(
    plan: Plan,
    run: options.Setting,
    judge: Work[HostReport],
    following: Callable[[Mapping[str, Document]], tuple[str, ...]],
    together: Callable[[Mapping[str, Document]], Mapping[str, Document]] = dict,
) -> Document:
    """Ask the hosts, and give the document of what all say, once it is kept for later runs.

    `together` adds what only all of them show; it is not kept for a run that resumes this one, which asks it anew.

    Raises:
        AuditkitError: the only host cannot be asked for a reason that lies here and not there.
    """
    for line in () if run.quiet else excepting.unknown(run.config):
        answering.talk(f"auditkit: {line}")
    asked = dict(plan.earlier)
    for word, host in _told(tuple(word for word in plan.words if word not in asked), plan, run, judge):
        asked[word] = host
        _keep(plan, word, host, run)
    all_of_them, access = crossing.judged(together({word: asked[word] for word in plan.words}), run)
    judged = excepting.applied(all_of_them, plan.command, run)
    documents = list(judged.values())
    then = (*following(judged), *_again(plan, documents))
    return _remembered(answering.made(run, plan.command, documents, then, access), plan, run)


def _remembered(made: Document, plan: Plan, run: options.Setting) -> Document:
    """The document of a run with what the history says of it, where it is kept there."""
    if not run.config.history.on:
        return made
    from auditkit.commands import keeping  # noqa: PLC0415 - it loads what talks to databases

    return keeping.kept(made, plan, run)


def _told(words: Sequence[str], plan: Plan, run: options.Setting, judge: Work[HostReport]) -> Iterator[tuple[str, Document]]:
    """Yield what the document says of each host, whatever became of it; on an interrupt of a few what is known by then."""
    from auditkit.report.document import of_host  # noqa: PLC0415 - not for --help

    def work(host: Host, setting: options.Setting) -> Document:
        return of_host(_connected(host, judge(host, setting)))

    left = dict.fromkeys(words)
    try:
        for result in over(words, run, work, lambda host: str(host["state"])) if words else ():
            left.pop(result.word)
            host = result.value or of_host(_failed(result, plan))
            if plan.several:
                host["facts"] |= {"seconds": round(result.seconds, 1), "asked": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
            yield result.word, host
    except KeyboardInterrupt:
        if not plan.several:
            raise
    for word in left:
        yield word, of_host(failed(word, HostError("interrupted before it was finished", state=State.PARTIAL)))


def _failed(result: Result[Document], plan: Plan) -> HostReport:
    """The report of a host whose work ended in an error; the only host's is raised, unless the host itself is to blame."""
    error = result.error or HostError("nothing came of it", state=State.PARTIAL)
    if not plan.several and not isinstance(error, HostError):
        raise error
    return failed(result.word, error)


def _connected(host: Host, report: HostReport) -> HostReport:
    """The report with what reaching the host showed, and what evidence it rests on."""
    if isinstance(host, Past):
        trust = f"sealed by {host.signer}" if host.signer else "whose seal was not verified, for no signers are named"
        note = f"judged as it was at {host.taken:%Y-%m-%d %H:%M:%SZ}, by evidence {trust}"
        report = replace(report, notes=(note, *report.notes))
    return replace(report, facts={**report.facts, "connection": dict(host.facts)}) if host.facts else report


def _keep(plan: Plan, word: str, host: Document, run: options.Setting) -> None:
    """Keep a result for a run that resumes this one; a full disk is no reason to ask no other host."""
    try:
        if plan.kept:
            plan.kept.keep(word, host)
    except AuditkitError as error:
        if not run.quiet:
            answering.talk(f"auditkit: {error}")


def _again(plan: Plan, documents: Sequence[Document]) -> Iterator[str]:
    """Yield the command that asks once more the hosts that were not asked to the end."""
    if plan.kept and not all(map(is_done, documents)):
        yield f"auditkit {plan.command} --resume {plan.kept.id}"
