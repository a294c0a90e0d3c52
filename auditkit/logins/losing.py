"""Rules on the logs themselves: what is missing in them, and what looks as if somebody had been at them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from auditkit.logins.covering import Cover, Silence
from auditkit.logins.joining import Joined
from auditkit.logins.nouns import What
from auditkit.logins.successes import State
from auditkit.logins.tally import HOUR
from auditkit.logins.tampering import Sign
from auditkit.logins.wording import lasting, listed, moment, name, plural
from auditkit.model import Finding, Quote, Rule, Severity
from auditkit.printable import printable

GAP = Rule(
    "log-gap",
    "A log says nothing for longer than it ever does",
    Severity.MEDIUM,
    "What happened in that time left no line, and nobody can say that nothing happened. The machine was not off then, as far"
    " as its logs tell: lines were taken out, logging was stopped, the disk was full, or the clock was moved.",
    "Look at other sources for that time: journalctl --since ... --until ..., last -x, the logs of the router. df -h /var/log;"
    " journalctl -u rsyslog; ls -l --time-style=full-iso /var/log/auth.log*.",
    ("ATT&CK T1070.002",),
)
TAMPERED = Rule(
    "log-tampered",
    "A log looks as if somebody had been at it",
    Severity.HIGH,
    "Whoever covers his tracks leaves such marks, and what the log says of that time cannot be relied on. Some have harmless"
    " reasons, that the line names: see whether one is true here. Logs that look well prove less than one thinks: journalctl"
    " --verify finds broken files, and passes a journal from which entries were left out and which was written anew.",
    "Copy the log as it is before anything rotates it: auditkit incident open, auditkit incident attach. Compare it with a"
    " copy that the machine could not reach: a log server, last night's backup.",
    ("ATT&CK T1070.002", "ATT&CK T1562.001"),
)
LIMITED = Rule(
    "log-rate-limited",
    "Events were not logged, because there were too many",
    Severity.LOW,
    "How many guesses there were is not known, and a login may be among what was dropped. A flood of guesses can be made to"
    " hide one.",
    "Raise the limit for the time being: RateLimitBurst= in /etc/systemd/journald.conf, or imuxsock's"
    " SysSock.RateLimit.Interval in rsyslog; sshd itself limits only lines on connections that it dropped.",
    ("journald.conf(5) RateLimitIntervalSec=", "sshd_config(5) MaxStartups"),
)
DISAGREE = Rule(
    "sources-disagree",
    "Two logs of one machine tell different numbers",
    Severity.MEDIUM,
    "Both are written by the same server at the same time, so lines are missing in one. Rate limits are a harmless reason, and"
    " are told of in the logs; else lines were taken out of one of them.",
    "Compare that hour: journalctl -t sshd -t sshd-session --since ... --until ..., and grep sshd /var/log/auth.log*.",
    ("ATT&CK T1070.002",),
)
RULES = (GAP, TAMPERED, LIMITED, DISAGREE)

WEAKER = {
    "backward-time": Severity.MEDIUM,
    "nul-bytes": Severity.MEDIUM,
    "written-without-a-line": Severity.MEDIUM,
    "last-line-later": Severity.LOW,
    "not-verified": Severity.MEDIUM,
    "altered": Severity.MEDIUM,
    "entries-missing": Severity.MEDIUM,
    "stopped": Severity.MEDIUM,
    "records-emptied": Severity.MEDIUM,
    "taken-away": Severity.MEDIUM,
}
"""Signs that more often have harmless reasons."""
MOST = 20


def judge(joined: Joined) -> Iterator[Finding]:
    """Yield what is missing in the logs, and what is odd about them."""
    for cover in joined.coverage.covers:
        if cover.stream.tells and not cover.stream.partial:
            yield from _gaps(joined, cover)
    for sign in joined.signs[:MOST]:
        yield Finding(TAMPERED, printable(sign.source), sign.text, WEAKER.get(sign.kind, TAMPERED.severity), _quote(sign))
    yield from _limited(joined)
    yield from _disagree(joined)
    yield from list(_not_in_the_log(joined))[:MOST]


def _gaps(joined: Joined, cover: Cover) -> Iterator[Finding]:
    """Yield the silences of one log, each with what other sources have of that time, and the files that are missing of it."""
    where = printable(cover.stream.name)
    for gap in [gap for gap in cover.gaps if joined.within(gap.start) or joined.within(gap.end)][:MOST]:
        usual = (
            f"it else has one at least every {lasting(cover.beat)}"
            if cover.learned
            else "too short a log to know how often it has lines"
        )
        other = _lines_elsewhere(joined, gap)
        told = f"; {other}" if other else ""
        message = f"no line for {lasting(gap.long)}, from {moment(gap.start)} to {moment(gap.end)}; {usual}{told}"
        yield Finding(GAP, where, message, Severity.HIGH if other else GAP.severity)
    if stopped := _stopped(joined, cover):
        yield Finding(GAP, where, stopped, Severity.HIGH)
    if cover.missing:
        numbers = listed([f".{number}" for number in cover.missing])
        later = "and later ones are: it was taken away, or moved by hand"
        yield Finding(
            GAP,
            where,
            f"{numbers} of its rotated files {'is' if len(cover.missing) == 1 else 'are'} not there, {later}",
            GAP.severity,
        )


def _stopped(joined: Joined, cover: Cover) -> str:
    """That a log breaks off, while another one that was there at the time goes on; the empty word where it does not."""
    last = cover.stream.last
    for other in joined.coverage.telling:
        first, goes_on = other.stream.first, other.stream.last
        if last is None or first is None or goes_on is None or not joined.within(last):
            continue
        if first <= last and goes_on - last > max(cover.beat, other.beat):
            return f"its last line is of {moment(last)}, and {other.stream.short} goes on to {moment(goes_on)}"
    return ""


def _lines_elsewhere(joined: Joined, gap: Silence) -> str:
    """What another log of every login has in a silence: then the machine was not off."""
    hours = range(gap.start // HOUR + 1, min(gap.end // HOUR, gap.start // HOUR + 5000))
    for cover in joined.coverage.telling:
        if cover.stream.name != gap.stream:
            lines = sum(reading.notes.hours.get(hour, 0) for reading in cover.stream.readings for hour in hours)
            if lines:
                return f"{cover.stream.short} has {plural(lines, 'line')} of that time"
    return ""


def _quote(sign: Sign) -> tuple[Quote, ...]:
    return (Quote(printable(sign.source), sign.line, sign.kind),) if sign.line else ()


def _limited(joined: Joined) -> Iterator[Finding]:
    told = joined.told(What.UNLOGGED)
    if told:
        number = sum(one.event.times for one in told)
        first, last = moment(told[0].event.time), moment(told[-1].event.time)
        message = (
            f"{plural(number, 'event')} or more were not logged, {first if len(told) == 1 else f'between {first} and {last}'}"
        )
        where = listed(sorted({printable(one.source) for one in told}))
        yield Finding(LIMITED, where, message, LIMITED.severity, tuple(joined.quote(one) for one in told[:3]))


def _not_in_the_log(joined: Joined) -> Iterator[Finding]:
    """Yield logins that the journal has and a text log of the same time has not; the reverse is a claim without support."""
    texts = [cover for cover in joined.coverage.telling if cover.stream.kind == "text" and cover.stream.of_ssh]
    for success in joined.successes:
        time = success.time
        if time is None or success.state is not State.SUPPORTED or "journal" not in success.support:
            continue
        told = {one.stream for one in success.told}
        for cover in texts:
            stream = cover.stream
            silent = any(gap.start <= time <= gap.end for gap in cover.gaps)
            if stream.name not in told and stream.covers(time) and not silent:
                message = f"the login of {name(success.user)} at {moment(time)} stands in the journal and not in {stream.short}"
                yield Finding(DISAGREE, printable(stream.name), message, Severity.HIGH, (joined.quote(success.told[0]),))


def _disagree(joined: Joined) -> Iterator[Finding]:
    """Yield one finding for each pair of logs, with the hours in which most is missing."""
    pairs: dict[tuple[str, str], list[tuple[int, int, int]]] = {}
    for one in joined.disagreements:
        pairs.setdefault((one.more, one.fewer), []).append((one.hour, *one.counts))
    for (more, fewer), hours in pairs.items():
        worst = sorted(hours, key=lambda each: each[2] - each[1])[:3]
        shown = listed([f"{_hour(hour)}: {high} and {low}" for hour, high, low in worst], 3)
        missing = sum(high - low for _hour_, high, low in hours)
        message = f"{plural(missing, 'guess')} of {more} are missing in {fewer}, in {plural(len(hours), 'hour')}: {shown}"
        limited = joined.told(What.UNLOGGED)
        reason = "; lines were dropped for their number in that time, as one of them says" if limited else ""
        yield Finding(
            DISAGREE,
            f"{printable(more)}, {printable(fewer)}",
            f"{message}{reason}",
            Severity.LOW if limited else DISAGREE.severity,
        )


def _hour(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * 3600, UTC):%d %b %H}h" if 0 <= hour < 10**8 / 4 else str(hour)
