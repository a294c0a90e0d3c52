"""Rules on those who got in: each login that needs a person says why, and what was done in it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from auditkit.logins.covering import DAY, Cover
from auditkit.logins.endings import BEGINNING, END
from auditkit.logins.joining import Before, Joined, words
from auditkit.logins.patterns import MISTYPED, is_own
from auditkit.logins.seen import Login
from auditkit.logins.successes import RECORDS, State, Success
from auditkit.logins.wording import lasting, listed, moment, name, plural
from auditkit.model import Finding, Quote, Rule, Severity
from auditkit.printable import printable

AFTER_GUESSING = Rule(
    "success-after-guessing",
    "Somebody guessed, and then was let in",
    Severity.CRITICAL,
    "This is how it looks when a password is guessed: treat the machine as entered by a stranger until the person it belongs"
    " to says that it was him. Guesses of the same address, or of many at the same name, came before a login; a person who"
    " mistypes his own password needs few and keeps to one name.",
    "Ask the person, by telephone. If it was not him: take the machine off the network without switching it off, keep the logs,"
    " auditkit incident open, then auditkit check and auditkit audit --only persistence. Lock the account: passwd -l USER and"
    " chage -E 1 USER; end its sessions: loginctl terminate-user USER.",
    ("ATT&CK T1110.001", "ATT&CK T1078"),
)
UNSUPPORTED = Rule(
    "success-unsupported",
    "A login is claimed that nothing else tells of",
    Severity.HIGH,
    "Either the line was put into the log to mislead, or what belongs to it was taken out. Any account of the machine can"
    " write a line that looks like one of sshd: logger -t 'sshd[4242]' ...; what it cannot make is what else a login leaves,"
    " and here each other login left it.",
    "Look for the process and the second in the other sources: journalctl _COMM=sshd --since ... --until ...; last -F; lastlog"
    " -u USER. Ask the person whether he was on at that time.",
    ("logger(1)", "ATT&CK T1070.002"),
)
FORGED = Rule(
    "log-forged",
    "A line that says that somebody was let in was not written by the server",
    Severity.HIGH,
    "Somebody on this machine wants a login to be seen that never was, or tries out what the log takes. The journal notes which"
    " program really wrote a line, and it was none that lets anybody in.",
    "The journal names the account: journalctl -o verbose _COMM=logger --since ... shows _UID and _CMDLINE. Ask who that is,"
    " and what else ran as it at that time.",
    ("systemd.journal-fields(7)",),
)
SESSION_ALONE = Rule(
    "session-without-login",
    "A session was opened that no server tells to have let in",
    Severity.MEDIUM,
    "Somebody was on the machine, and the line that says how he came in is missing: it was taken out, it is in a log that was"
    " not read, or something else than the server opens sessions. PAM, logind, wtmp or lastlog tell of the session in a time"
    " that the log of the server covers.",
    "Look at that second in all logs: journalctl --since ... --until ...; last -F -i USER; and which programs use PAM:"
    " grep -l pam_ /etc/pam.d/*.",
    ("pam(7)", "wtmp(5)"),
)
UNKNOWN_KEY = Rule(
    "unknown-key-used",
    "A key opened an account and is in none of its files now",
    Severity.MEDIUM,
    "A stranger who adds his key, comes in and takes it out again leaves exactly this. It is harmless where somebody removed"
    " an old key since. The fingerprint in the log is on no line of authorized_keys that was read, and no known_keys of"
    " auditkit.yaml.",
    "Ask whose key it was: ssh-keygen -lf FILE shows fingerprints; put own ones under known_keys: in auditkit.yaml. If nobody"
    " knows it, treat the login as one of a stranger.",
    ("sshd(8) AUTHORIZED_KEYS FILE FORMAT", "ATT&CK T1098.004"),
)
FIRST_SEEN = Rule(
    "first-seen-source",
    "An account was entered from where it never was before",
    Severity.MEDIUM,
    "A stolen password or key looks like this: no failed guess, one login from an address that the account has never used. A"
    " person who travels looks the same, so it takes one question to that person.",
    "Ask the person whether he was on at that time from that address. If not: take his key out of authorized_keys or lock the"
    " password, and treat the login as one of a stranger.",
    ("ATT&CK T1078",),
)
TO_CONFIRM = Rule(
    "login-to-confirm",
    "A login that nothing speaks against, and nobody has confirmed",
    Severity.LOW,
    "Nothing is wrong with it as far as logs show, but there is nothing earlier to hold it against either. A stolen key leaves"
    " nothing else.",
    "Ask the person whether he was on at that time from that address; later runs compare with this one.",
)
BY_PASSWORD = Rule(
    "password-login-where-keys-are-the-rule",
    "A password opened an account that else is opened by keys",
    Severity.MEDIUM,
    "Whoever has the key does not need the password, so this is somebody else or an odd machine. Where only keys are meant to"
    " work, passwords should be off.",
    "Ask the person. Then: PasswordAuthentication no in a file of /etc/ssh/sshd_config.d, sshd -t && systemctl reload ssh,"
    " keeping this session open.",
    ("sshd_config(5) PasswordAuthentication",),
)
RULES = (AFTER_GUESSING, UNSUPPORTED, FORGED, SESSION_ALONE, UNKNOWN_KEY, FIRST_SEEN, TO_CONFIRM, BY_PASSWORD)

HISTORY = 5 * DAY
"""How long before a login the logs have to reach for what is new to be new."""
BY_SECRET = ("password", "keyboard-interactive", "keyboard-interactive/pam", "")
WEAK = 5
"""From so many other addresses on a name counts as under attack."""
HARD = 30
"""From so many guesses of few addresses on it does, too."""


def judge(joined: Joined) -> Iterator[tuple[Success, Finding]]:
    """Yield what is to be asked of each login; one rule speaks once for each account and address."""
    told: set[tuple[str, str, str | None]] = set()
    alike: set[tuple[object, ...]] = set()
    for success in joined.successes:
        if (kind := _kind(joined, success)) in alike:
            continue
        alike.add(kind)
        for finding in _of(joined, success):
            about = finding.rule.id, success.user, success.address
            if about not in told:
                told.add(about)
                yield success, finding


def _kind(joined: Joined, success: Success) -> tuple[object, ...]:
    """What all rules go by: of logins that are alike in it, as a program makes them by the thousand, one is judged."""
    came = joined.before(success)
    what = success.user, success.address, success.event.method, success.key, success.state, success.missing
    known = _seen_before(joined, success), _has_history(joined, success), _server_told(joined, success)
    return *what, *known, guessed(joined, success, came), min(came.others, WEAK)


def guessed(joined: Joined, success: Success, came: Before) -> bool:
    """Whether guesses came before a login that are more than somebody mistyping his password."""
    if not came.guesses:
        return False
    other = [each for each in came.names if each != success.user]
    return came.guesses > MISTYPED or len(other) >= 2 or any(_unknown(joined, each) for each in other)


def _unknown(joined: Joined, user: str) -> bool:
    """Whether there is no such account, where that is known."""
    return joined.seen.accounts is not None and user not in joined.seen.accounts


def _of(joined: Joined, success: Success) -> Iterator[Finding]:
    quotes = _quotes(joined, success)
    if success.state is State.FORGED:
        yield _finding(FORGED, success, f"{_told(success)}: {_writer(success)} wrote it", quotes)
        return
    if success.state is State.UNSUPPORTED:
        yield _finding(UNSUPPORTED, success, f"{_told(success)}, and {_missing(success)}", quotes)
        return
    after = list(_after_guessing(joined, success, quotes))
    yield from after
    if success.state is State.SOURCELESS:
        yield from _alone(joined, success, quotes, guessed=bool(after))
        return
    yield from _key(joined, success, quotes)
    yield from _by_password(joined, success, quotes)
    if not after:
        yield from _first_seen(joined, success, quotes)


def _alone(joined: Joined, success: Success, quotes: tuple[Quote, ...], *, guessed: bool) -> Iterator[Finding]:
    """Yield that no server tells of a session: where one should, where its log breaks off, and where there is none."""
    if success.support == {END}:
        yield _ended(joined, success, quotes)
        return
    by = listed(sorted(success.support))
    message = f"a session of {name(success.user)} was opened at {moment(success.time)}, by {by}"
    if _server_told(joined, success):
        yield _finding(SESSION_ALONE, success, f"{message}; no server tells of it{_deeds(joined, success)}", quotes)
    elif _began_before(joined, success):
        missing = "the log of the server says nothing of that time, though it begins before it"
        yield _finding(SESSION_ALONE, success, f"{message}; {missing}{_deeds(joined, success)}", quotes)
    elif not _of_servers(joined) and not guessed:
        yield from _first_seen(joined, success, quotes)


def _ended(joined: Joined, success: Success, quotes: tuple[Quote, ...]) -> Finding:
    """That a session has an end and no beginning: an old one, unless the logs have an earlier line of its connection."""
    message = f"a session of {name(success.user)} ended at {moment(success.time)}, and no line tells that it began"
    if BEGINNING in success.missing:
        return _finding(SESSION_ALONE, success, f"{message}, though the logs have earlier lines of its connection", quotes)
    message += ": it is older than the logs, or its beginning was taken out of them"
    return _finding(SESSION_ALONE, success, message, quotes, Severity.LOW)


def _after_guessing(joined: Joined, success: Success, quotes: tuple[Quote, ...]) -> Iterator[Finding]:
    came = joined.before(success)
    own = is_own(success.address or "", joined.seen.office.networks)
    if guessed(joined, success, came):
        few = came.guesses <= 2 * MISTYPED and len(came.names) < 3
        severity = Severity.MEDIUM if own and few else Severity.HIGH if few else Severity.CRITICAL
        at = f" at {plural(len(came.names), 'name')}" if len(came.names) > 1 else ""
        message = f"{plural(came.guesses, 'guess')}{at} came from the same address in the day before: {_told(success)}"
        lines = joined.lines(joined.attackers[success.address or ""])
        yield _finding(AFTER_GUESSING, success, f"{message}{_deeds(joined, success)}", (*quotes, *lines), severity)
    elif came.others >= WEAK and success.event.method in BY_SECRET and not own and not _seen_before(joined, success):
        message = f"{came.others} other addresses guessed at this account in the day before: {_told(success)}"
        yield _finding(AFTER_GUESSING, success, f"{message}{_deeds(joined, success)}", quotes, Severity.HIGH)
    elif came.others and success.event.method in BY_SECRET and not own and not _seen_before(joined, success):
        yield from _from_elsewhere(joined, success, quotes)


def _from_elsewhere(joined: Joined, success: Success, quotes: tuple[Quote, ...]) -> Iterator[Finding]:
    """Yield that few addresses guessed hard at an account, and a new one came in: who guesses need not be who comes."""
    if success.time is None:
        return
    since, until = success.time - DAY, success.time
    at_it = [one for one in joined.guessed_at(success.user) if one.address != success.address]
    guesses = sum(min(one.names[success.user], one.between(since, until)) for one in at_it)
    if guesses >= HARD:
        message = f"{plural(guesses, 'guess')} at this account came from elsewhere in the day before: {_told(success)}"
        lines = joined.lines(max(at_it, key=lambda one: one.between(since, until)), 1)
        text = f"{message}{_deeds(joined, success)}"
        yield _finding(AFTER_GUESSING, success, text, (*quotes, *lines), Severity.HIGH)


def _key(joined: Joined, success: Success, quotes: tuple[Quote, ...]) -> Iterator[Finding]:
    """Yield that a key is on no line now; certificates need none."""
    keys = joined.seen.keys
    if not success.key or keys is None or success.key in keys or "CERT" in success.event.detail.upper():
        return
    if success.key in dict(joined.seen.office.known_keys):
        return
    yield _finding(UNKNOWN_KEY, success, f"{_told(success)}{_deeds(joined, success)}", quotes)


def _by_password(joined: Joined, success: Success, quotes: tuple[Quote, ...]) -> Iterator[Finding]:
    if success.event.method not in BY_SECRET or not success.event.method:
        return
    ways = joined.ways[success.user] - Counter((success.event.method,))
    keyed = ways["publickey"]
    if keyed >= 3 and keyed * 10 >= sum(ways.values()) * 8:
        message = f"{_told(success)}; {keyed} of {sum(ways.values())} other logins of the account were by key"
        yield _finding(BY_PASSWORD, success, f"{message}{_deeds(joined, success)}", quotes)


def _first_seen(joined: Joined, success: Success, quotes: tuple[Quote, ...]) -> Iterator[Finding]:
    if _seen_before(joined, success):
        return
    own = is_own(success.address or "", joined.seen.office.networks)
    message = f"please confirm: {_told(success)}{_deeds(joined, success)}"
    if _has_history(joined, success):
        yield _finding(FIRST_SEEN, success, message, quotes, Severity.LOW if own else Severity.MEDIUM)
    else:
        often = _habit(joined, success)
        message += f"; and again on {often} days" if often > 1 else ""
        yield _finding(TO_CONFIRM, success, message, quotes, Severity.INFO if own or often > 2 else Severity.LOW)


def _habit(joined: Joined, success: Success) -> int:
    """On how many other days an account came from an address."""
    return len({time // DAY for time in joined.came.get((success.user, success.address), ())}) - 1


def _seen_before(joined: Joined, success: Success) -> bool:
    """Whether the account was entered from this address a day before or more, by an earlier run or by the logs.

    That an earlier run has seen this very login says nothing for it: it is told of until somebody accepts it.
    """
    known = joined.of_earlier_runs.get((success.user, success.address or ""), success.time or 0)
    if known <= (success.time or 0) - DAY:
        return True
    times = joined.came.get((success.user, success.address), ())
    return bool(times) and times[0] <= (success.time or 0) - DAY


def _has_history(joined: Joined, success: Success) -> bool:
    """Whether there is something to hold a login against: a run before it, or days of logs."""
    past = joined.seen.past
    begun = (past.last if past.first is None else past.first) if past else None
    if begun is not None and success.time is not None and begun < success.time:
        return True
    firsts = [cover.stream.first for cover in joined.coverage.telling if cover.stream.first is not None]
    return success.time is not None and bool(firsts) and success.time - min(firsts) >= HISTORY


def _server_told(joined: Joined, success: Success) -> bool:
    """Whether a log of the server covers the moment of a session, so that it should tell of it."""
    time = success.time
    if time is None or _of_no_network(success):
        return False
    covers = _of_servers(joined)
    return any(cover.stream.covers(time) and not any(gap.start <= time <= gap.end for gap in cover.gaps) for cover in covers)


def _began_before(joined: Joined, success: Success) -> bool:
    """Whether the log of a server begins before a session, and should go on to it."""
    firsts = [cover.stream.first for cover in _of_servers(joined)]
    return not _of_no_network(success) and any(first is not None and first < (success.time or 0) for first in firsts)


def _of_no_network(success: Success) -> bool:
    """Whether only lastlog tells of a login, and names no address: a terminal of the machine looks the same."""
    return set(success.support) == {"lastlog"} and not success.address


def _of_servers(joined: Joined) -> list[Cover]:
    """The logs that servers write who let somebody in."""
    return [cover for cover in joined.coverage.telling if cover.stream.kind not in RECORDS]


# --- words


def _finding(
    rule: Rule, success: Success, message: str, quotes: tuple[Quote, ...], severity: Severity | None = None
) -> Finding:
    subject = f"{name(success.user)} from {printable(success.address)}" if success.address else name(success.user)
    return Finding(rule, subject, message, rule.severity if severity is None else severity, quotes)


def _told(success: Success) -> str:
    """`anna came in by publickey at 2026-11-24 09:54:59Z`."""
    how = f" by {printable(success.event.method)}" if success.event.method else ""
    key = f" with {printable(success.key)}" if success.key else ""
    came = "is said to have come in" if not success.real else "came in"
    return f"{name(success.user)} {came}{how} at {moment(success.time)}{key}"


def _quotes(joined: Joined, success: Success) -> tuple[Quote, ...]:
    return tuple(joined.quote(one) for one in success.told[:4])


def _writer(success: Success) -> str:
    claim = next(one.event for one in success.told if one.event.forged)
    return printable(claim.detail) if claim.detail else "another program than the server"


MISSING = {
    "session": "no session was opened by its process, as by that of others here",
    "key-line": "no line says which file its key stands in, as for others here",
    "connection": "no line says that its connection began, as for others here",
    "journal": "the journal, which covers that time, has no such line",
}
"""What is said of what is missing."""


def _missing(success: Success) -> str:
    return "; ".join(MISSING[each] for each in success.missing)


def _deeds(joined: Joined, success: Success) -> str:
    """`; in that session: ...`"""
    done = joined.deeds(success)
    if not done:
        return ""
    first = [f"{words(deed.event)}{'' if deed.sure else ' (by root, while it was open)'}" for deed in done[:3]]
    more = f" and {len(done) - 3} more" if len(done) > 3 else ""
    return f"; in that session: {'; '.join(first)}{more}"


def lasted(success: Success) -> str:
    """How long a session was open, where that is told."""
    return lasting(success.ended - success.time) if success.ended is not None and success.time is not None else ""


def confirmed(found: Iterable[Success]) -> Mapping[Login, int | None]:
    """What the next run holds logins against: each with when it was first."""
    first: dict[Login, int | None] = {}
    for one in found:
        if one.real:
            first.setdefault((one.user, one.address or "", one.key), one.time)
    return first
