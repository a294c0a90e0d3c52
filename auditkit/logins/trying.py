"""Rules on those who tried, and on credentials that somebody holds who was not let in."""

from collections.abc import Iterator, Sequence

from auditkit.logins.guesses import Attacker
from auditkit.logins.joining import Joined
from auditkit.logins.nouns import What
from auditkit.logins.patterns import FOCUSED, KNOWN, MISTYPED, NOISE, SPRAY, Pattern, is_own
from auditkit.logins.streams import Told
from auditkit.logins.tally import REST
from auditkit.logins.wording import listed, moment, name, plural
from auditkit.model import Finding, Quote, Rule, Severity
from auditkit.printable import printable

KEY_HELD = Rule(
    "key-held-elsewhere",
    "Somebody holds a key that opens an account, and was refused for where he came from",
    Severity.CRITICAL,
    "A private key is in other hands, or its owner was somewhere he should not be; only the limit on addresses kept it out."
    " The key itself was right: sshd says so in this line and in no other case.",
    "Ask the owner of the key whether that was him. If not: take the line out of the authorized_keys that is named here, on"
    " every machine that has it (auditkit audit @all --only ssh shows where), and look for where the private key lay.",
    ("sshd(8) AUTHORIZED_KEYS FILE FORMAT, from=",),
)
CLOSED_ACCOUNT = Rule(
    "closed-account-credential",
    "Somebody had the right credential of an account that is closed",
    Severity.HIGH,
    "Only the lock on the account kept it out. Somebody knows the password or holds the key of a person who left, and may try"
    " both elsewhere.",
    "Leave the account closed. Change that password wherever else it is used; take the keys of the account out of every"
    " authorized_keys.",
    ("pam_acct_mgmt(3)", "ATT&CK T1078"),
)
AT_THIS_MACHINE = Rule(
    "guessing-focused",
    "Somebody guesses at this machine, and not at all the world",
    Severity.LOW,
    "Noise tries the same names everywhere; this is somebody who chose the names or the machine. It is medium where the names"
    " are those of people: they were known before.",
    "Passwords off for all who can use keys; where that cannot be, see that the named accounts have passwords that nobody"
    " guesses. A block is worth little, for it can come from another address: auditkit incident block prints one that ends by"
    " itself.",
    ("ATT&CK T1110.001",),
)
SPREAD = Rule(
    "guessing-spread",
    "Many addresses guess slowly, as one",
    Severity.LOW,
    "Each stays below the number at which it is blocked, so fail2ban and its like see nothing. It is medium where the names"
    " exist here.",
    "Passwords off for all who can use keys; that ends it, and blocking addresses does not.",
    ("ATT&CK T1110.003",),
)
BACKGROUND = Rule(
    "guessing-background",
    "The usual noise: guesses at names that are tried everywhere",
    Severity.INFO,
    "Every machine that the world can reach on port 22 has this, by the thousand. It is no sign that somebody means this one.",
    "Nothing by itself. Where passwords are still allowed: turn them off for all who can use keys.",
)
FROM_INSIDE = Rule(
    "guessing-from-inside",
    "A machine of your own networks guesses",
    Severity.MEDIUM,
    "Noise does not come from inside. Either a program there has an old password, or that machine is in other hands.",
    "See what runs on that machine: auditkit scan on it. A backup or a monitor with an old password tries one name at regular"
    " times.",
    ("ATT&CK T1021.004",),
)
RULES = (KEY_HELD, CLOSED_ACCOUNT, AT_THIS_MACHINE, SPREAD, BACKGROUND, FROM_INSIDE)

MOST = 20
"""Findings of one rule; the rest are told together with the last."""
FROM_PROGRAM = 10
"""Guesses at one name from inside that are more than a person makes."""


def judge(joined: Joined, seen: Pattern) -> Iterator[Finding]:
    """Yield what is to be said of guesses: of all together one finding, of addresses inside one each."""
    yield from _held(joined, What.KEY_HELD, KEY_HELD, "the key was right, and the address is not one it may come from")
    yield from _held(joined, What.CREDENTIAL_HELD, CLOSED_ACCOUNT, "the credential was right, and the account is closed")
    inside = _inside(joined, seen.active)
    for one in inside[:MOST]:
        names = [each for each, times in one.names.items() if times]
        message = f"{plural(one.between(joined.seen.since, joined.seen.until), 'guess')} at {listed([name(n) for n in names])}"
        yield Finding(FROM_INSIDE, printable(one.address), message, FROM_INSIDE.severity, joined.lines(one))
    yield from _together(joined, seen)


def known(joined: Joined) -> str:
    """Why a credential is known to somebody, by what sshd says; the empty word if it is not."""
    for what, why in ((What.KEY_HELD, "a key was right"), (What.CREDENTIAL_HELD, "a credential was right")):
        if told := joined.told(what):
            event = told[0].event
            source = f" from {printable(event.address)}" if event.address else ""
            return f"{why} for {name(event.user or '')}{source} at {moment(event.time)}, and was refused"
    return ""


def _held(joined: Joined, what: What, rule: Rule, why: str) -> Iterator[Finding]:
    """Yield one finding for each account and address that had a credential."""
    about: dict[tuple[str | None, str | None], list[Told]] = {}
    for one in joined.told(what):
        about.setdefault((one.event.user, one.event.address), []).append(one)
    for (user, address), told in list(about.items())[:MOST]:
        event = told[0].event
        times = f", {len(told)} times until {moment(told[-1].event.time)}" if len(told) > 1 else ""
        subject = f"{name(user or '')} from {printable(address)}" if address else name(user or "")
        quotes = tuple(joined.quote(one) for one in told[:3])
        message = f"{why}: at {moment(event.time)}{times}"
        yield Finding(rule, subject, message, rule.severity, quotes)


def _inside(joined: Joined, active: Sequence[Attacker]) -> list[Attacker]:
    """Addresses of own networks that guess more than a person does; the machine itself is the end of a tunnel."""
    networks = joined.seen.office.networks
    own = [one for one in active if is_own(one.address, networks) and not one.address.startswith(("127.", "::1"))]
    return [one for one in own if one.guesses > FROM_PROGRAM or (one.guesses > MISTYPED and len(one.names) > 1)]


def _together(joined: Joined, seen: Pattern) -> Iterator[Finding]:
    """Yield what the guesses look like, if there is a word for it."""
    rule = {FOCUSED: AT_THIS_MACHINE, SPRAY: SPREAD, NOISE: BACKGROUND}.get(seen.word)
    if rule is None and seen.word == KNOWN and seen.staff and seen.guesses > MISTYPED:
        rule = AT_THIS_MACHINE
    if rule is None:
        return
    worse = rule is not BACKGROUND and bool(seen.staff)
    message = f"{plural(seen.guesses, 'guess')} of {addresses(seen)}: {seen.why}{_usual(seen)}"
    subject = listed([printable(one.address) for one in seen.main], 3) or "logins"
    yield Finding(rule, subject, message, Severity.MEDIUM if worse else rule.severity, _lines(joined, seen))


def addresses(seen: Pattern) -> str:
    """`40 addresses`; of more than are counted one by one, that there are more."""
    number = sum(one.address != REST for one in seen.active)
    return f"{'more than ' if number < len(seen.active) else ''}{plural(number, 'address')}"


def _usual(seen: Pattern) -> str:
    return f"; a usual day here has {seen.usual.per_day}, the busiest had {seen.usual.busiest}" if seen.usual else ""


def _lines(joined: Joined, seen: Pattern) -> tuple[Quote, ...]:
    of = seen.main or seen.active
    return tuple(quote for one in of[:3] for quote in joined.lines(one, 2))
