"""Every run of hosts kept in the history, and what earlier runs say of it put into its report."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from auditkit import history, lifetimes
from auditkit.commands import looking, options, running
from auditkit.errors import AuditkitError
from auditkit.hosts import is_here
from auditkit.lifetimes import Look
from auditkit.report import document, since

Document = dict[str, Any]
ANOTHER = (
    "another machine answers to this name than in the runs before, or its host key was changed: it is held against none of them"
)
BACK = "by its clock the run before this one is still to come, so nothing is called fixed: see that the clock here is right"


def kept(made: Document, plan: running.Plan, run: options.Setting, ended: datetime | None = None) -> Document:
    """The document of a run, kept, with what earlier runs say of it; as it is, with a note, where that cannot be done.

    `ended`: when it did, if that is not now.
    """
    told = zip(plan.words, made["hosts"], strict=True)
    looks = {word: replace(looking.look(word, host, plan, run), ended=ended or datetime.now(UTC)) for word, host in told}
    try:
        with history.turn(place(run)) as turn:
            return _kept(made, plan, run, looks, turn)
    except AuditkitError as error:
        why = f"this run is not kept, and what is new is not known: {error.whole}"
        return {**made, "history": {"run": None, "note": why}}


def place(run: options.Setting) -> history.Place:
    """Where the history of a run is."""
    return history.Place(run.store, run.config.history.database)


def _kept(made: Document, plan: running.Plan, run: options.Setting, looks: Mapping[str, Look], turn: history.Turn) -> Document:
    own = f"{run.started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"
    name = turn.free(plan.kept.id if plan.kept else own)
    told = dict(zip(plan.words, made["hosts"], strict=True))
    done = frozenset(word for word, look in looks.items() if look.whole)
    asked = [
        _Asked(word, at, host, replace(looks[word], number=turn.number, hosts=done), made["started"])
        for at, (word, host) in enumerate(told.items())
    ]
    hosts = [_host(one, plan, turn) for one in asked]
    whole: Document = {**made, "hosts": hosts, "history": {"run": name}}
    listed = history.Run(
        id=name,
        command=plan.command,
        started=made["started"],
        finished=made["finished"],
        tool=made["tool"],
        status=made["status"],
        exit=document.exit_code(made, run.fail_on),
        fail_on="none" if run.fail_on is None else run.fail_on.word,
    )
    kept_for = run.config.history
    turn.keep(listed, whole, history.Limits(kept_for.days, kept_for.runs))
    return whole


@dataclass(frozen=True, slots=True)
class _Asked:
    """One host of a run."""

    word: str
    place: int
    """Which of the hosts of the run it is."""
    told: Document
    look: Look
    time: str
    """Of the run, as the document has it."""


def _host(asked: _Asked, plan: running.Plan, turn: history.Turn) -> Document:
    """The host of a document with what became of what was known of it, once that is kept."""
    word, host, look = asked.word, asked.told, asked.look
    lane = turn.lane(history.Host(word, looking.here() if is_here(word) else ""))
    # what the first part of a run told is news once more when it is resumed: nobody may have read that
    trend, before = turn.trend(lane), lifetimes.before(look, turn.newest(lane, but=plan.kept.id if plan.kept else ""))
    rows, earlier = {} if before.another else turn.known(lane), before.held
    night = lifetimes.Night(
        look=look,
        time=asked.time,
        gaps=looking.gaps(host),
        rows=rows,
        looks={one.number: one for one in turn.looks(lane, {row.last_run for row in rows.values() if row.open})},
        has=looking.has,
        since=earlier.number if earlier else None,
    )
    parts = since.Parts(looking.integrity(host, plan), looking.part_of, looking.is_based)
    pairs = list(since.things(host, parts))
    judged = lifetimes.judged(night, [thing for thing, _of in pairs])
    counted = history.Counted(
        asked.place, document.state(host), len(judged.new), judged.still, len(judged.fixed), len(judged.unknown)
    )  # fmt: skip
    turn.learn(lane, look, counted, judged.changed, anew=before.another)
    held = turn.run(earlier.number) if earlier else None
    told = since.told(host, pairs, judged, (held.id, held.finished) if held else None)
    told["since"]["trend"] = [] if before.another else trend
    return {**told, "notes": [*told["notes"], *_notes(look, before)]}


def _notes(look: Look, before: lifetimes.Before) -> Iterator[str]:
    """Yield what is to be known of how a host is held against earlier runs."""
    if before.another:
        yield ANOTHER
    elif before.last and look.ended < before.last.begun:  # not only at the same time
        yield BACK
