"""Who got in: what several sources tell of one login is one success, with the sources that support it."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from auditkit.logins.nouns import Event, What
from auditkit.logins.streams import Stream, Told, is_numeric, is_ssh, opens_no_shell
from auditkit.logins.tally import Source
from auditkit.logins.timed import Timed

SECOND = 10**9
SAME = 2 * SECOND
"""How far apart two sources may tell of the same event."""
NEAR = 15 * SECOND
"""How far apart a login and the session that it opens may be told, by programs that do not know of each other."""
OF_PID = 120 * SECOND
"""How long after a login a line of the same process may still belong to it: a slow PAM module."""
SESSIONS = ("login", "gdm", "lightdm", "sddm", "xdm", "kdm", "xrdp", "cockpit", "systemd-logind", "remote")
"""How programs begin that open sessions for people, besides servers of SSH."""
COMPANIONS = ("session", "connection", "key-line", "journal")
"""What may accompany every login of a machine."""
RECORDS = ("wtmp", "lastlog", "audit")
"""Kinds of sources that only root and the kernel write."""


ENDED, KEY_FOUND = What.ENDED, What.KEY_FOUND


class State(StrEnum):
    """How far a success can be relied on."""

    SUPPORTED = "supported"
    """Another source than its own line tells of it."""
    BARE = "bare"
    """Only its own line tells of it, and nothing else is to be expected here."""
    UNSUPPORTED = "unsupported"
    """What accompanies every other login of this machine is missing."""
    FORGED = "forged"
    """Another program than the server wrote it."""
    SOURCELESS = "sourceless"
    """A session that no server tells to have let in."""


@dataclass(slots=True)
class Success:
    """Somebody who got in, or of whom that is claimed."""

    told: list[Told]
    support: set[str] = field(default_factory=set)
    """text, journal (of a process that journald knew to be the server), journal-line (where it cannot tell), connection,
    session (PAM's, of the same process), logind, wtmp, lastlog, audit, key-line, end."""
    state: State = State.BARE
    missing: tuple[str, ...] = ()
    """What is usual here and not there."""
    ended: int | None = None
    event: Event = field(init=False)
    """The event that tells most of it."""
    time: int | None = field(init=False)
    """When it was."""

    def __post_init__(self) -> None:
        self.event = self.told[0].event
        self.time = self.event.time

    @property
    def user(self) -> str:
        """The account; the empty word where no source says."""
        return self.event.user or next((one.event.user for one in self.told if one.event.user), "")

    @property
    def address(self) -> str | None:
        """Where it came from."""
        return self.event.address or next((one.event.address for one in self.told if one.event.address), None)

    @property
    def key(self) -> str:
        """The fingerprint of the key."""
        return self.event.key or next((one.event.key for one in self.told if one.event.key), "")

    @property
    def service(self) -> str:
        """The service that let in, under one name for all programs of it."""
        return "sshd" if self.event.program in ("sshd-session", "sshd-auth") else self.event.program

    @property
    def mail(self) -> bool:
        """Whether it opens a mailbox or files and no shell."""
        return opens_no_shell(self.event.program)

    @property
    def local(self) -> bool:
        """Whether it is a session at the machine itself, by a source that would name an address."""
        return self.state is State.SOURCELESS and not self.address and not any(is_ssh(one.event.program) for one in self.told)

    @property
    def real(self) -> bool:
        """Whether it is to be taken for a login."""
        return self.state not in (State.FORGED, State.UNSUPPORTED)


def successes(streams: Sequence[Stream]) -> list[Success]:
    """Every success that the sources tell of, each once, by its time."""
    told = [one for stream in streams for one in stream.told(What.ACCEPTED, What.OPENED)]
    found = _claimed(one for one in told if one.event.what is What.ACCEPTED and one.kind not in RECORDS)
    audited = [one for one in told if one.kind == "audit" and _audited(one)]
    found += [Success([one]) for one in _joined(found, audited)]
    rest = _joined(found, [one for one in told if _opens(one) and not _audited(one)])
    company = [one for stream in streams for one in stream.told(KEY_FOUND, ENDED)]
    _kept_company(found, company, _strangers(streams))
    _judge(found, streams)
    return sorted((*found, *_sessions(rest)), key=lambda one: one.time or 0)


def _claimed(told: Iterable[Told]) -> list[Success]:
    """One success for what is told of one connection by several sources, within two seconds."""
    found: list[Success] = []
    latest: dict[object, list[Success]] = defaultdict(list)
    for one in sorted(told, key=_order):
        event = one.event
        key = event.user, event.address, event.port, event.host.partition(".")[0]
        known = next((each for each in latest[key] if _same(each, one)), None)
        if known is not None:
            known.told.append(one)
        else:
            found.append(Success([one]))
            latest[key] = [*latest[key][-3:], found[-1]]
    return [Success(sorted(success.told, key=_worth)) if len(success.told) > 1 else success for success in found]


def _same(success: Success, one: Told) -> bool:
    """Whether a source tells of a success that is known: twice in one stream only of the same process and key."""
    before = success.told[0].event
    if abs((before.time or 0) - (one.event.time or 0)) > SAME:
        return False
    if any(other.event.forged is False for other in success.told) and one.event.forged:
        return False
    mine = [other for other in success.told if other.stream == one.stream]
    return all(other.event.pid == one.event.pid and other.event.port is not None for other in mine)


def _worth(one: Told) -> tuple[bool, bool, bool]:
    """Sources that know the program first, then those that know the key."""
    return one.event.forged is not False, not one.event.key, one.event.time is None


def _order(one: Told) -> tuple[int, str, int]:
    return one.event.time or 0, one.kind, one.event.line


def _audited(one: Told) -> bool:
    """Whether a server tells of a login through the kernel's audit, which takes it of root alone."""
    event = one.event
    return one.kind == "audit" and event.what is What.ACCEPTED and (is_ssh(event.program) or bool(event.address))


def _opens(one: Told) -> bool:
    """Whether it tells of the session of a person: cron, sudo and su open sessions, too, and nobody logs in with these."""
    event = one.event
    if one.kind in RECORDS:
        return event.what in (What.OPENED, What.ACCEPTED)
    return event.what is What.OPENED and (is_ssh(event.program) or event.program.startswith(SESSIONS))


def _joined(found: Sequence[Success], opened: list[Told]) -> list[Told]:
    """Give each session to the login that opened it; what is left over."""
    if not opened:
        return []
    by_pid: dict[tuple[str, str, int | None], Timed[Success]] = defaultdict(Timed)
    by_port: dict[tuple[str | None, int | None], Timed[Success]] = defaultdict(Timed)
    by_user: dict[str, Timed[Success]] = defaultdict(Timed)
    everybody = Timed[Success]()
    for success in sorted(found, key=_when):
        time = _when(success)
        everybody.add(success, time)
        by_user[success.user].add(success, time)
        by_port[success.event.address, success.event.port].add(success, time)
        for one in success.told:
            by_pid[one.stream, one.event.host, one.event.pid].add(success, time)
    rest = []
    for one in sorted(opened, key=_order):
        support, event = _support(one), one.event
        if event.port is not None:  # sshd's own word, of a process that it started for the account: it may come much later
            owner = _latest(by_port[event.address, event.port], one)
        else:
            named = everybody if _is_number(event.user) else by_user[event.user or ""]
            owner = _owner(by_pid[one.stream, event.host, event.pid] if support == "session" else named, one, support)
        if owner is None:
            rest.append(one)
        else:
            owner.support.add(support)
            owner.told.append(one)
    return rest


def _latest(candidates: Timed[Success], one: Told) -> Success | None:
    """The last login from an address and port before a session, of the same account."""
    before = candidates.every[: candidates.up_to((one.event.time or 0) + SAME)]
    return next((each for each in reversed(before) if each.user == one.event.user and each.time is not None), None)


def _when(success: Success) -> int:
    return success.time or 0


def _support(one: Told) -> str:
    """What a session is the support of."""
    if one.kind in RECORDS:
        return one.kind
    return "logind" if one.event.program == "systemd-logind" else "session"


def _owner(candidates: Timed[Success], one: Told, support: str) -> Success | None:
    """The login that a session belongs to: the nearest one that it fits."""
    reach, time = OF_PID if support == "session" else NEAR, one.event.time or 0
    fits = [
        success
        for success in candidates.between(time - reach, time + reach)
        if success.time is not None and one.event.time is not None and abs(one.event.time - success.time) <= reach
        if not one.event.user or success.user == one.event.user or _is_number(one.event.user)
        if not any(each.stream == one.stream and each.event.host != one.event.host for each in success.told)
        if not _audited(one) or not any(each.stream == one.stream and _audited(each) for each in success.told)
        if support != "session" or one.event.time - success.time >= -SAME
        if not (is_numeric(one.event.address) and is_numeric(success.address) and one.event.address != success.address)
    ]
    return min(fits, key=lambda success: abs((one.event.time or 0) - (success.time or 0)), default=None)


def _is_number(user: str | None) -> bool:
    """Whether a source knows only the number of an account, whose name nobody told: its login fits by time and address."""
    return bool(user) and str(user).startswith("uid:")


def _strangers(streams: Sequence[Stream]) -> set[tuple[str, int]]:
    """Source and line of logins of whose connection nothing was told before."""
    readings = [reading for stream in streams for reading in stream.readings]
    return {(reading.log.name, line) for reading in readings for line in reading.tally.strangers}


def _kept_company(found: Sequence[Success], told: Sequence[Told], strangers: Container[tuple[str, int]]) -> None:
    """Note what else the process of a login did: that somebody connected, the key it found, the end of its session."""
    of_pid: dict[tuple[str, str, int], list[Told]] = defaultdict(list)
    of_port: dict[tuple[str | None, int], list[Told]] = defaultdict(list)
    for one in told:
        event = one.event
        if event.pid is not None:
            of_pid[one.stream, event.host, event.pid].append(one)
        if event.port is not None and event.what is ENDED:
            of_port[event.address, event.port].append(one)
    for success in found:
        for claim in [one for one in success.told if one.event.what is What.ACCEPTED]:
            if not claim.event.forged:
                unproved = claim.kind == "journal" and claim.event.forged is None
                success.support.add("journal-line" if unproved else claim.kind)
            if (claim.source, claim.event.line) not in strangers:
                success.support.add("connection")
            for one in of_pid.get((claim.stream, claim.event.host, claim.event.pid or -1), ()):
                _accompanies(success, one)
        for one in of_port.get((success.event.address, success.event.port or -1), ()):
            _accompanies(success, one)


def _accompanies(success: Success, one: Told) -> None:
    time, began = one.event.time, success.time
    if time is None or began is None:
        return
    if one.event.what is KEY_FOUND and abs(time - began) <= OF_PID:
        success.support.add("key-line")
    elif one.event.what is ENDED and time >= began - SAME:
        success.support.add("end")
        success.ended = time if success.ended is None else min(success.ended, time)


# --- how far it can be relied on


def _judge(found: Sequence[Success], streams: Sequence[Stream]) -> None:
    """Say of each how far it can be relied on: by who wrote it, and by what accompanies the others."""
    of_ssh = [success for success in found if _is_written(success)]
    expected = {companion: _usual(companion, of_ssh, streams) for companion in COMPANIONS}
    for success in found:
        forged = [one.event.forged for one in success.told if one.event.what is What.ACCEPTED]
        if True in forged and False not in forged:
            success.state = State.FORGED
            continue
        if _is_written(success):
            success.missing = tuple(each for each, usual in expected.items() if not _has(success, each) and usual(success))
        if success.support & {"journal", "wtmp", "lastlog", "audit"}:
            success.state = State.SUPPORTED
        elif success.missing:
            success.state = State.UNSUPPORTED
        elif success.support - {"text", "windows", "journal-line"}:
            success.state = State.SUPPORTED


def _is_written(success: Success) -> bool:
    """Whether a server of SSH wrote a line of it, which others accompany; what audit alone tells of has none."""
    return is_ssh(success.event.program) and success.event.what is What.ACCEPTED and success.told[0].kind not in RECORDS


def _has(success: Success, companion: str) -> bool:
    return companion in success.support or (companion == "journal" and "journal-line" in success.support)


class _Usual:
    """Whether something is to be expected of a login here: called with the login, which does not speak for itself."""

    def __init__(self, companion: str, others: Sequence[Success], streams: Sequence[Stream], always: bool) -> None:
        self._companion, self._streams, self._always = companion, streams, always
        self._full = min((time for stream in streams for one in stream.readings if (time := one.tally.lost_from)), default=None)
        self._able = [success for success in others if self._possible(success)]
        self._with = sum(_has(success, companion) for success in self._able)

    def __call__(self, success: Success) -> bool:
        if not self._possible(success):
            return False
        others = len(self._able) - 1
        have = self._with - _has(success, self._companion)
        return self._always or (others >= 2 and have >= 0.75 * others)

    def _possible(self, success: Success) -> bool:
        """Whether it could be there: a key has no line where none was used, the journal may not reach that far back."""
        if self._companion in ("session", "key-line") and self._full is not None and (success.time or 0) >= self._full:
            return False  # it may be among what is not kept
        if self._companion == "key-line":
            return success.event.method == "publickey" and "-CERT" not in success.event.detail.upper()
        if self._companion == "journal":
            journals = [stream for stream in self._streams if stream.kind == "journal" and stream.tells]
            return any(journal.covers(success.time or 0) for journal in journals)
        return True


def _usual(companion: str, found: Sequence[Success], streams: Sequence[Stream]) -> _Usual:
    always = companion == "journal" or (companion == "session" and _uses_pam(streams))
    return _Usual(companion, found, streams, always or (companion == "connection" and _announces(streams)))


def _announces(streams: Sequence[Stream]) -> bool:
    """Whether sshd tells of each connection when it begins, as from LogLevel VERBOSE on, by what the log itself shows.

    Then all addresses have such a line, and there are as many as there are connections that asked for names nobody has.
    """
    others = [source.others for stream in streams for (service, _), source in _sources(stream) if is_ssh(service)]
    announced = sum(each[What.CONNECTED] for each in others)
    without = sum(not each[What.CONNECTED] for each in others)
    return announced >= max(2, sum(each[What.INVALID_USER] for each in others)) and without * 20 <= len(others)


def _uses_pam(streams: Sequence[Stream]) -> bool:
    """Whether sshd asks PAM for every guess, which then also opens its sessions: PAM counts as many guesses as sshd."""
    counted = [source for stream in streams for (service, _), source in _sources(stream) if is_ssh(service)]
    guesses, pam = sum(source.guesses for source in counted), sum(source.pam for source in counted)
    return pam >= 5 and pam >= 0.9 * guesses


def _sources(stream: Stream) -> Iterator[tuple[tuple[str, str], Source]]:
    if stream.kind == "text":
        for reading in stream.readings:
            yield from reading.tally.sources.items()


# --- sessions that no server tells of


def _sessions(rest: Iterable[Told]) -> list[Success]:
    """One success for what several sources tell of a session that no server tells to have let in."""
    found: list[Success] = []
    latest: dict[str, Success] = {}
    for one in sorted(rest, key=_order):
        user = one.event.user or ""
        known = latest.get(user)
        if known is not None and _fits(known, one):
            known.told.append(one)
            known.support.add(_support(one))
        else:
            latest[user] = Success([one], {_support(one)}, State.SOURCELESS)
            found.append(latest[user])
    return found


def _fits(known: Success, one: Told) -> bool:
    """Whether another source tells of the same session; one source tells of each once, but for logind and PAM in one log."""
    if abs((known.time or 0) - (one.event.time or 0)) > NEAR:
        return False
    if is_numeric(one.event.address) and is_numeric(known.address) and one.event.address != known.address:
        return False
    return all(other.stream != one.stream or _support(other) != _support(one) for other in known.told)
