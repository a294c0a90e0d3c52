"""What PAM does about guessing: whether wrong passwords are counted, and whether an empty one is taken."""

from collections.abc import Iterator, Mapping

from auditkit.access import needs, pam
from auditkit.access.nouns import Password
from auditkit.access.pam import Handler
from auditkit.audits.accounts.people import MOST_QUOTES, listed, people
from auditkit.audits.accounts.people import NEEDS as OF_PEOPLE
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

SERVICES = ("login", "su", "sshd")
OWN = tuple(Need(Means.FILE, f"/etc/pam.d/{name}", "what PAM asks at the console and with su") for name in ("login", "su"))
NEEDS = (*OF_PEOPLE, *needs.PAM, *OWN, *needs.BRAKES)
NO_BRAKE = Rule(
    "pam-no-brake",
    "Nothing counts wrong passwords",
    Severity.INFO,
    "At the console, with su and wherever PAM is asked, passwords can be guessed as fast as PAM answers, some two seconds for"
    " each."
    " That is how most systems are shipped; it matters where passwords are weak or doors stand open. Of SSH ssh-no-brake"
    " tells.",
    "pam_faillock in common-auth, with unlock_time so that nobody shuts others out for good (undo: pam-auth-update, or the file"
    " kept with cp -p). Over the network: fail2ban, or keys only.",
    ("pam_faillock(8)", "CIS Debian Linux Benchmark 5.3.3.1", "SCAP Security Guide accounts_passwords_pam_faillock_deny"),
)
EMPTY_TAKEN = Rule(
    "pam-takes-empty-password",
    "PAM takes an empty password",
    Severity.INFO,
    "With nullok an account whose password is empty is open to whoever types its name. Most systems are shipped so; it matters"
    " as"
    " soon as an account loses its password.",
    "Take nullok out of the line of pam_unix (undo: write it back). On Debian: in /usr/share/pam-configs/unix, then"
    " pam-auth-update.",
    ("pam_unix(8) nullok", "CIS Debian Linux Benchmark 5.3.3.4.1", "SCAP Security Guide no_empty_passwords"),
)
RULES = (NO_BRAKE, EMPTY_TAKEN)
_COUNTS = {
    "pam_faillock",
    "pam_tally",
    "pam_tally2",
    "pam_abl",
    "pam_shield",
    "pam_captcha",
    "pam_google_authenticator",
    "pam_u2f",
}
_EMPTY = {"nullok", "nullok_secure"}


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what PAM does not do about guessing."""
    files = {item.source: item.data for need in (*needs.PAM, *OWN) for item in needs.items(evidence, need)}
    named = [service for service in SERVICES if pam.found(files, service)[1] is not None]
    handlers = [handler for service in named for handler in pam.stack(files, service, "auth").handlers]
    if not handlers:
        return
    logins = people(evidence).logins
    yield from _empty(evidence, files, handlers)
    counted = any(handler.module in _COUNTS for handler in handlers) or needs.there(evidence, *needs.BRAKES)
    if not counted and any(login.password is Password.SET for login in logins):
        quotes = _quotes(files, [handler for handler in handlers if handler.module == "pam_unix"])
        message = f"no module in the stacks of {listed(named)} does, and neither fail2ban, sshguard nor crowdsec is there"
        yield Finding(NO_BRAKE, "PAM", message, NO_BRAKE.severity, quotes)


def _empty(evidence: Evidence, files: Mapping[str, bytes], handlers: list[Handler]) -> Iterator[Finding]:
    taking = [handler for handler in handlers if handler.module == "pam_unix" and _EMPTY & set(handler.arguments)]
    if not taking:
        return
    everybody = people(evidence)
    bare = [printable(login.name) for login in everybody.logins if login.password is Password.EMPTY]
    now = "no account has one now" if everybody.shadow is not None else "whether an account has one is not known"
    message = f"{listed(bare)} can be opened so" if bare else now
    severity = Severity.LOW if bare else EMPTY_TAKEN.severity
    yield Finding(EMPTY_TAKEN, "PAM", message, severity, _quotes(files, taking))


def _quotes(files: Mapping[str, bytes], handlers: list[Handler]) -> tuple[Quote, ...]:
    """The lines of these modules."""
    found: dict[Quote, None] = {}
    for handler in handlers:
        path, _colon, number = handler.at.rpartition(":")
        rows = dict(pam.lines(files[path])) if path in files and number.isdigit() else {}
        if words := rows.get(int(number) if number.isdigit() else 0):
            found[Quote(path, int(number), " ".join(words)[:200])] = None
    return tuple(found)[:MOST_QUOTES]
