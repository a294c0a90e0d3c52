"""What is known of passwords: weak hashes and what makes them, how old they are, services that log in, accounts half closed."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from auditkit.access import needs, pam
from auditkit.access.nouns import Login, Password
from auditkit.audits.accounts.known import MOST_DAYS, known
from auditkit.audits.accounts.people import LOGIN_DEFS, MOST_QUOTES, People, defined, fitted, has_session, listed, people
from auditkit.audits.accounts.people import NEEDS as OF_PEOPLE
from auditkit.model import Evidence, Finding, Gap, Quote, Rule, Severity
from auditkit.printable import printable

NEEDS = (*OF_PEOPLE, *needs.PAM, *needs.KEYS)
WEAK_HASH = Rule(
    "weak-password-hash",
    "Passwords are kept by a scheme that is guessed fast",
    Severity.MEDIUM,
    "Whoever gets a copy of /etc/shadow, from a backup or an old disk, tries billions of passwords a second against such"
    " hashes."
    " Of traditional DES only the first eight letters count at all.",
    "Have the account set a new password, which is then kept by what login.defs and PAM say: passwd NAME (no undo: tell its"
    " owner"
    " first); chage -d 0 NAME asks for one at the next login (undo: chage -d $(date +%F) NAME).",
    ("crypt(5)", "SCAP Security Guide set_password_hashing_algorithm_systemauth", "MITRE ATT&CK T1110.002"),
)
WEAK_MAKER = Rule(
    "weak-password-scheme",
    "New passwords will be kept by a weak scheme",
    Severity.MEDIUM,
    "If the file of passwords is ever copied, those set from now on are quickly guessed. ENCRYPT_METHOD and pam_unix decide by"
    " which scheme /etc/shadow keeps a new password, and this one is too fast to slow a guesser down.",
    "In the file that is named: yescrypt, or sha512 where that is not known (undo: write the line back). Then have passwords"
    " set anew.",
    ("login.defs(5) ENCRYPT_METHOD", "pam_unix(8)", "crypt(5)"),
)
SERVICE_LOGIN = Rule(
    "service-account-login",
    "A service account logs in with a password",
    Severity.MEDIUM,
    "Such an account belongs to a program and not to a person: nobody changes its password, nobody misses it, and whoever"
    " guesses"
    " it has a shell. Intruders give passwords to accounts that nobody looks at.",
    "passwd -l NAME (undo: passwd -u NAME); usermod -s /usr/sbin/nologin NAME (undo: usermod -s SHELL NAME).",
    ("CIS Debian Linux Benchmark 5.4.2.7", "SCAP Security Guide no_password_auth_for_systemaccounts", "MITRE ATT&CK T1078.003"),
)
OLD_PASSWORD = Rule(
    "password-old",
    "Passwords have not been changed for years",
    Severity.INFO,
    "An old password has had many chances to be seen or guessed, and was made by older rules. It need not be changed on a"
    " calendar;"
    " it should be known why it stays.",
    "Ask the owner to set a new one: passwd NAME.",
    ("shadow(5)", "NIST SP 800-63B 3.1.1.2"),
)
CHANGED_LATELY = Rule(
    "password-changed-lately",
    "Passwords were set in the last two weeks",
    Severity.INFO,
    "After an incident this is the first list to read: a password that its owner did not set is a way in that stays. The date"
    " is the third field of /etc/shadow, which passwd sets, and anybody who is root can.",
    "Ask the owners whether they did. chage -l NAME shows the day.",
    ("shadow(5)", "MITRE ATT&CK T1098"),
)
CHANGED_LATER = Rule(
    "password-changed-in-future",
    "A password was set on a day that is still to come",
    Severity.LOW,
    "Somebody wrote the line by hand, or the clock was wrong. Such a password is never out of date.",
    "chage -d $(date +%F) NAME (undo: chage -d the day that chage -l NAME showed before).",
    ("shadow(5)", "SCAP Security Guide accounts_password_last_change_is_in_past"),
)
HALF_CLOSED = Rule(
    "locked-but-keys-open",
    "An account is locked, and its keys still lie there",
    Severity.LOW,
    "passwd -l and an expired password stop only the password: where sshd uses PAM, a key in authorized_keys goes on opening"
    " the"
    " account. Whoever was meant to be shut out is not.",
    "If nobody is to log in: usermod --expiredate 1 NAME (undo: usermod --expiredate '' NAME). Else take the keys out that are"
    " not"
    " wanted.",
    ("passwd(1) -l", "usermod(8) -e"),
)
RULES = (WEAK_HASH, WEAK_MAKER, SERVICE_LOGIN, OLD_PASSWORD, CHANGED_LATELY, CHANGED_LATER, HALF_CLOSED)
WEAK = {"des": "DES", "$1$": "MD5", "$3$": "NT", "$md5$": "Sun MD5", "$sha1$": "SHA-1 of NetBSD", "$2x$": "broken bcrypt"}
DAY = 86_400
OLD = 3 * 365
LATELY = 14
_WEAK_MAKERS = {"des": "DES", "md5": "MD5", "bigcrypt": "bigcrypt"}
_MAKERS = {*_WEAK_MAKERS, "sha256", "sha512", "blowfish", "yescrypt", "gost_yescrypt"}
_KEY = re.compile(rb"^[ \t]*[^#\s]", re.MULTILINE)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with passwords; without /etc/shadow the gap of `table` stands."""
    everybody = people(evidence)
    yield from _maker(evidence)
    if everybody.shadow is None:
        return
    having = [login for login in everybody.logins if login.password is Password.SET]
    yield from _weak(everybody, having)
    yield from _services(everybody, having)
    yield from _ages(evidence, everybody, having)
    yield from _half_closed(evidence, everybody)


def _named(everybody: People, logins: Iterable[Login]) -> str:
    return listed([everybody.named(login) for login in logins])


def _quotes(everybody: People, logins: Iterable[Login]) -> tuple[Quote, ...]:
    entries = (everybody.shadow or {}, everybody.lines)
    lines = (next((table[login.name] for table in entries if login.name in table), None) for login in logins)
    return tuple(line.quote for line in lines if line)[:MOST_QUOTES]


def _finding(rule: Rule, everybody: People, logins: list[Login], message: str) -> Finding:
    remedy = fitted(rule.remedy, [login.name for login in logins])
    return Finding(rule, "passwords", message, rule.severity, _quotes(everybody, logins), remedy)


def _weak(everybody: People, having: list[Login]) -> Iterator[Finding]:
    weak = [(login, WEAK[scheme]) for login in having if (scheme := known(everybody, login).scheme or "") in WEAK]
    if weak:
        words = [f"{everybody.named(login)} ({scheme})" for login, scheme in weak]
        yield _finding(WEAK_HASH, everybody, [login for login, _scheme in weak], f"those of {listed(words)}")


def _services(everybody: People, having: list[Login]) -> Iterator[Finding]:
    found = [
        each for each in having if everybody.kind(each) == "service" and has_session(each) and not (each.expired or each.barred)
    ]
    if found:
        never = [login for login in found if not known(everybody, login).expires]
        more = "; the password never has to be changed" if len(never) == len(found) else ""
        shells = listed([f"{printable(login.name)} with {printable(login.shell)}" for login in found])
        yield _finding(SERVICE_LOGIN, everybody, found, f"{shells}, and a password{more}")


def _ages(evidence: Evidence, everybody: People, having: list[Login]) -> Iterator[Finding]:
    """Yield what the days in /etc/shadow say, of accounts that have a password and a shell."""
    today = datetime.fromtimestamp(evidence.taken.timestamp(), UTC).date()
    days = {login: day for login in having if has_session(login) and (day := known(everybody, login).changed)}
    for rule, (least, most) in (
        (OLD_PASSWORD, (OLD, MOST_DAYS)),
        (CHANGED_LATELY, (0, LATELY)),
        (CHANGED_LATER, (-MOST_DAYS, -2)),
    ):
        found = sorted((day, login.name) for login, day in days.items() if least <= (today - day).days <= most)
        if found:
            logins = [login for _day, name in found for login in days if login.name == name]
            yield _finding(
                rule,
                everybody,
                logins,
                f"set last: {listed([f'{printable(name)} on {day.isoformat()}' for day, name in found])}",
            )


def _half_closed(evidence: Evidence, everybody: People) -> Iterator[Finding]:
    held = {item.source for need in needs.KEYS for item in needs.items(evidence, need) if _KEY.search(item.data)}
    found = []
    for login in everybody.logins:
        closed = login.password is Password.LOCKED or (login.inactive and login.password is Password.SET)
        files = [f"/{login.home.strip('/')}/.ssh/{name}" for name in ("authorized_keys", "authorized_keys2")]
        if closed and login.uid and has_session(login) and not login.expired and held & set(files):
            found.append(login)
    if found:
        yield _finding(
            HALF_CLOSED, everybody, found, f"the password of {_named(everybody, found)} is locked, keys are in ~/.ssh"
        )


# --- what new passwords are made of


def _maker(evidence: Evidence) -> Iterator[Finding]:
    """Yield what makes weak hashes: the option of pam_unix, and where it has none, login.defs."""
    files = {item.source: item.data for need in needs.PAM for item in needs.items(evidence, need)}
    options = list(_options(files))
    named = [(word, quote) for words, quote in options for word in words if word in _MAKERS]
    weak = [(_WEAK_MAKERS[word], quote) for word, quote in named if word in _WEAK_MAKERS]
    method = defined(evidence).get("ENCRYPT_METHOD", "")
    if not named and options and method.lower() in _WEAK_MAKERS:
        weak = [(_WEAK_MAKERS[method.lower()], _quote(evidence, method))]
    if weak:
        message = f"they are kept by {listed([scheme for scheme, _quote in weak])}"
        yield Finding(
            WEAK_MAKER, weak[0][1].source, message, WEAK_MAKER.severity, tuple(quote for _s, quote in weak)[:MOST_QUOTES]
        )


def _options(files: Mapping[str, bytes]) -> Iterator[tuple[tuple[str, ...], Quote]]:
    """Yield the words behind pam_unix where passwords are set."""
    for path, data in sorted(files.items()):
        for number, words in pam.lines(data):
            if len(words) > 2 and words[0].lower().removeprefix("-") == "password" and "pam_unix" in words[2]:
                yield words[3:], Quote(path, number, " ".join(words)[:200])


def _quote(evidence: Evidence, method: str) -> Quote:
    rows = (needs.text(evidence, LOGIN_DEFS) or "").split("\n")
    number = max((at for at, row in enumerate(rows, 1) if row.strip().startswith("ENCRYPT_METHOD")), default=1)
    return Quote(LOGIN_DEFS.what, number, f"ENCRYPT_METHOD {method}"[:200])
