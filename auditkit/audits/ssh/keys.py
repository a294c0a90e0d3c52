"""K. Which keys open which accounts: the lines of the files of keys, as the servers of the host read them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from auditkit.access import needs, seen, telling
from auditkit.access.nouns import Login
from auditkit.access.passwd import SESSIONLESS
from auditkit.answers import Step
from auditkit.audits.ssh.accesses import KEY_FILES, MOST_OPTIONS, Access, accesses, wanted, way_of
from auditkit.audits.ssh.opened import keys_of_root
from auditkit.keys.authorized import Line
from auditkit.keys.public import Strength
from auditkit.keys.published import PUBLISHED
from auditkit.model import Evidence, Finding, Gap, Need, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.patterns import listed

NEEDS = (needs.PASSWD, *KEY_FILES)

_FORM = "AUTHORIZED_KEYS FILE FORMAT in sshd(8)"
_TAKE_OUT = "cp -p FILE FILE.before; take the line out (undo: cp -p FILE.before FILE)."
KEY_PUBLISHED = Rule(
    "key-published",
    "A key lets in whose private half everybody has",
    Severity.CRITICAL,
    "Anybody in the world can log in with it. The private half came with a product or a tool and can be downloaded.",
    f"See who used it: grep the log for its fingerprint. {_TAKE_OUT}",
    (_FORM, "https://github.com/rapid7/ssh-badkeys"),
)
KEY_WEAK = Rule(
    "key-weak",
    "A key can be broken, or soon can",
    Severity.HIGH,
    "DSA has 1024 bits, and RSA below 2048 bits is within reach of who has the means: then a line of authorized_keys is all"
    " that an attacker needs. RSA below 3072 bits is not good for years to come.",
    "Have its owner make a new one, ssh-keygen -t ed25519, and log in with it before the old line is taken out.",
    (_FORM, "NIST SP 800-57 part 1"),
)
KEY_WITHOUT_EFFECT = Rule(
    "key-without-effect",
    "A line looks like a key that lets somebody in, and does not",
    Severity.MEDIUM,
    "Somebody believes to have access, or to have limited it, and is wrong. sshd does not take the line as it stands, and it"
    " may begin to work one day, with another setting or version.",
    f"If it is not wanted: {_TAKE_OUT} If it is: mend what the message names, and test it with a second session.",
    (_FORM,),
)
KEY_IN_SECOND_FILE = Rule(
    "key-in-second-file",
    "A key stands in authorized_keys2",
    Severity.MEDIUM,
    "A key that lets somebody in stands where people who take keys away seldom look. OpenSSH reads ~/.ssh/authorized_keys2 as"
    " well as authorized_keys, unless AuthorizedKeysFile says otherwise.",
    "Find out whose it is; move what is wanted to authorized_keys and take the rest out. Set AuthorizedKeysFile"
    " .ssh/authorized_keys, so that the second file is not read any more (undo: take that line out).",
    ("sshd_config(5) AuthorizedKeysFile",),
)
KEY_FORWARDS = Rule(
    "key-forwards",
    "A key that is to run one command opens the network too",
    Severity.MEDIUM,
    'A key that was made for one task opens the whole network. command="..." limits what runs, and nothing else: whoever has'
    " the key may still forward connections (ssh -N -L), though no shell ever starts.",
    "Write restrict, before command= (undo: take that word out).",
    (_FORM,),
)
KEY_FROM_ANYWHERE = Rule(
    "root-key-from-anywhere",
    "A key of root lets in from any address, to do anything",
    Severity.LOW,
    "Whoever copies the key, from a laptop or a backup, is the master of this machine from wherever he is. The line has"
    " neither from= nor command=, so that sshd asks neither for an address nor limits what runs.",
    'Write from="192.168.10.0/24" and the like before it, and keep a session open while you test (undo: take that word out).',
    (_FORM,),
)
KEY_SETS_ENVIRONMENT = Rule(
    "key-sets-environment",
    "A key sets variables of the login that it opens",
    Severity.MEDIUM,
    "A key that was given narrow rights may do more than that. Where sshd says PermitUserEnvironment yes, LD_PRELOAD or PATH"
    " of its line run foreign code, whatever command= says.",
    "Take environment= out of the line, and keep PermitUserEnvironment at no (undo: write it back).",
    ("sshd_config(5) PermitUserEnvironment", "CIS Debian 12 5.1.21"),
)
KEY_OF_AUTHORITY = Rule(
    "key-of-authority",
    "Whoever holds a key can make as many keys for this account as he likes",
    Severity.MEDIUM,
    "Somebody can let in others, and no list here says whom. A cert-authority lets in every certificate it has signed for the"
    " name of the account, or for the principals= of the line, and taking one back needs RevokedKeys.",
    'See who holds it; limit it with principals="..." to names that only this use has (undo: take that word out).',
    (_FORM, "CERTIFICATES in ssh-keygen(1)"),
)
KEY_WITHOUT_TOUCH = Rule(
    "key-without-touch",
    "A hardware key lets in without anybody touching it",
    Severity.LOW,
    "A hardware key was bought so that somebody has to be there, and this line does without. With no-touch-required, malware"
    " on the machine it is plugged into logs in whenever it likes.",
    "Take no-touch-required out (undo: write it back); automation gets a key of its own, with from= and command=.",
    (_FORM,),
)
KEY_UNKNOWN = Rule(
    "key-unknown",
    "A key lets in of which nobody knows whose it is",
    Severity.HIGH,
    "Somebody can get in, and nobody knows who. known_keys of auditkit.yaml names the keys of this office, and this is none of"
    " them: it may be of a colleague, of one who has left, or of an intruder.",
    f"Ask whose it is: the fingerprint stands in the log of each login, grep SHA256: /var/log/auth.log. If it is somebody's,"
    f" name it in known_keys. If not, keep a copy of the file as evidence, then: {_TAKE_OUT}",
    (_FORM, "MITRE ATT&CK T1098.004"),
)
KEY_OF_SYSTEM = Rule(
    "key-of-system-account",
    "A key opens an account that is no person's",
    Severity.HIGH,
    "Accounts with a uid below 100, and nobody, come with the system to run its parts: nobody logs in as one of them. With a"
    " shell and a key it is a way to stay that no list of people shows.",
    f"See who gave it a shell and a key: grep the log for the fingerprint. {_TAKE_OUT} Then the shell: usermod -s"
    " /usr/sbin/nologin NAME (undo: usermod -s SHELL NAME).",
    (_FORM, "/usr/share/doc/base-passwd/users-and-groups.txt.gz", "MITRE ATT&CK T1098.004"),
)
KEY_SHARED = Rule(
    "key-shared",
    "One key opens the accounts of several people",
    Severity.MEDIUM,
    "The log cannot tell who it was, and nobody can take the key from one of them alone. Either several people have the same"
    " private key, or one person is several: the same public key stands with several accounts.",
    f"Have each of them make a key, ssh-keygen -t ed25519, and log in with it; then, in every file: {_TAKE_OUT}",
    (_FORM,),
)
KEY_FILE_OPEN = Rule(
    "key-file-open",
    "Others may write to a file of keys",
    Severity.HIGH,
    "Whoever may write to authorized_keys, or to a directory above it, adds a key of his own and is the account. StrictModes,"
    " which makes sshd refuse such a file, is off or not known.",
    "chown NAME FILE; chmod go-w FILE and each directory above it (undo: chmod back); then see that every key in it is wanted.",
    ("sshd_config(5) StrictModes",),
)
RULES = (
    KEY_PUBLISHED,
    KEY_UNKNOWN,
    KEY_WEAK,
    KEY_WITHOUT_EFFECT,
    KEY_IN_SECOND_FILE,
    KEY_FORWARDS,
    KEY_FROM_ANYWHERE,
    KEY_SETS_ENVIRONMENT,
    KEY_OF_AUTHORITY,
    KEY_WITHOUT_TOUCH,
    KEY_OF_SYSTEM,
    KEY_SHARED,
    KEY_FILE_OPEN,
)  # fmt: skip
MOST_QUOTES = 10
FIRST_PERSON, NOBODY = 1000, 65534
"""UID_MIN of login.defs(5), and the uid of nobody."""
OF_SYSTEM = range(1, 100)
"""Uids that distributions give out once and for all."""
_DEPLOYED = ("www-data", "backup")
"""Of these accounts those to which programs copy."""
_OF_LINE = ("it expired", "it is taken back")
_OF_ACCOUNT = ("PubkeyAuthentication", "AuthenticationMethods", "PermitRootLogin", "the account", "AllowUsers")
"""How the reasons begin for which no key opens an account, whatever its line says."""


Wrong = tuple[Rule, str, Severity]
"""A rule that a line breaks, how, and how bad that is."""


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the keys that open accounts of a host."""
    if not needs.items(evidence, needs.PASSWD):
        yield Gap("keys", f"not judged, as {needs.PASSWD.what} was not taken")
        return
    told = accesses(evidence)
    yield from dict.fromkeys(one for one in told if isinstance(one, Gap))
    found = [one for one in told if isinstance(one, Access)]
    spoken = keys_of_root(evidence, seen.seen(evidence).alike)
    yield from _lines(found, spoken)
    alive = [one for one in found if one.alive]
    yield from _unknown(alive, dict(evidence.office.known_keys))
    yield from _shared(alive)
    yield from _open_files(alive)


Spoken = frozenset[tuple[str, str, int]]
"""Account, file and line of the keys of root of which `ssh-root-key` tells already."""


def _unknown(alive: Iterable[Access], known: Mapping[str, str]) -> Iterator[Finding]:
    """Yield one finding for all keys of nobody known that open the same accounts."""
    by_key = defaultdict[str, list[Access]](list)
    for access in alive:
        key = access.line.key.fingerprint
        if known and key not in known and key not in PUBLISHED:
            by_key[key].append(access)
    alike = defaultdict[tuple[tuple[str, str], ...], list[Access]](list)
    for several in by_key.values():
        alike[tuple((access.account, access.line.file) for access in several)] += several
    for pairs, several in alike.items():
        accounts, files = (tuple(dict.fromkeys(each)) for each in zip(*pairs, strict=True))
        keys = {access.line.key.fingerprint for access in several}
        where = printable(files[0]) if len(files) == 1 else f"{len(files)} files"
        said = f"{len(keys)} key{'s' if len(keys) > 1 else ''} in {where}: not among known_keys of auditkit.yaml"
        lines = {access.quote: access for access in several}
        yield Finding(KEY_UNKNOWN, f"account {telling.names(accounts)}", said, KEY_UNKNOWN.severity, _quotes(lines.values()))


def _lines(found: Iterable[Access], spoken: Spoken) -> Iterator[Finding]:
    """Yield one finding for all the lines of a file with which the same is wrong, and for all the accounts it is for."""
    sorted_ = defaultdict[tuple[Wrong, str, str], list[Access]](list)
    for access in found:
        for wrong in _wrong(access, spoken):
            sorted_[wrong, access.line.file, access.account].append(access)
    alike = defaultdict[tuple[Wrong, str, tuple[int, ...]], list[str]](list)
    first: dict[tuple[Wrong, str, tuple[int, ...]], list[Access]] = {}
    for (wrong, file, account), several in sorted_.items():
        same = wrong, file, tuple(access.line.number for access in several)
        alike[same].append(account)
        first.setdefault(same, several)
    for (wrong, file, numbers), several in first.items():
        (rule, message, severity), accounts = wrong, alike[wrong, file, numbers]
        who = accounts[0] if len(accounts) == 1 else telling.names(accounts)
        said = f"{_counted(several)} in {printable(file)}: {message}"
        yield Finding(rule, f"account {who}", said, severity, _quotes(several))


def _counted(several: Sequence[Access]) -> str:
    return "1 key" if len(several) == 1 else f"{len(several)} keys"


def _quotes(several: Iterable[Access]) -> tuple[Quote, ...]:
    return tuple(access.quote for access in list(several)[:MOST_QUOTES])


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The files of keys that lie elsewhere than in ~/.ssh/authorized_keys."""
    return wanted(evidence)


def facts(evidence: Evidence) -> Mapping[str, object]:
    """Every key that opens an account, or looks as if it did: `facts.ssh.keys` of the report."""
    if not needs.items(evidence, needs.PASSWD):
        return {}
    known = dict(evidence.office.known_keys)
    found = (one for one in accesses(evidence) if isinstance(one, Access))
    return {"ssh": {"keys": [_fact(access, known) for access in found]}}


def _fact(access: Access, known: Mapping[str, str]) -> Mapping[str, object]:
    line = access.line
    return {
        "account": access.account,
        "root": access.root,
        "fingerprint": line.key.fingerprint,
        "known": known.get(line.key.fingerprint),
        "type": line.key.type,
        "bits": line.key.bits,
        "options": [option[:MOST_OPTIONS] for option in line.options.written[:MOST_QUOTES]],
        "effective": access.effect.effective,
        "reason": access.effect.reason,
        "everywhere": access.everywhere,
        "comment": line.comment[:MOST_OPTIONS],
        "file": line.file,
        "line": line.number,
        "server": access.server,
    }


# --- one line


def _wrong(access: Access, spoken: Spoken) -> Iterator[tuple[Rule, str, Severity]]:
    """Yield the rules that a line breaks."""
    if not access.alive:
        reason = access.effect.reason
        severity = Severity.INFO if reason.startswith((*_OF_LINE, *_OF_ACCOUNT)) else KEY_WITHOUT_EFFECT.severity
        yield KEY_WITHOUT_EFFECT, reason, severity
        return
    key, options = access.line.key, access.line.options
    if key.fingerprint in PUBLISHED:
        yield KEY_PUBLISHED, f"the private key of {PUBLISHED[key.fingerprint]} can be downloaded", KEY_PUBLISHED.severity
    yield from _weak(access.line)
    if (access.login.uid in OF_SYSTEM or access.login.uid == NOBODY) and access.login.shell not in SESSIONLESS:
        severity = Severity.MEDIUM if access.account in _DEPLOYED or options.command is not None else KEY_OF_SYSTEM.severity
        yield KEY_OF_SYSTEM, f"uid {access.login.uid}, which is the system's, with the shell {_shell(access.login)}", severity
    if access.second:
        yield KEY_IN_SECOND_FILE, "nobody looks there", KEY_IN_SECOND_FILE.severity
    if options.command is not None and access.forwards:
        yield KEY_FORWARDS, "command= without restrict", KEY_FORWARDS.severity
    yield from _environment(access)
    if options.authority:
        names = "for any principal that is called like the account" if options.principals is None else "for its principals"
        severity = Severity.HIGH if access.root else KEY_OF_AUTHORITY.severity
        yield KEY_OF_AUTHORITY, f"certificates it has signed let in, {names}", severity
    elif _is_unlimited(access) and (access.account, access.line.file, access.line.number) not in spoken:
        yield KEY_FROM_ANYWHERE, "neither from= nor command= limits it", KEY_FROM_ANYWHERE.severity
    if key.plain_type.startswith("sk-") and not options.touch_required:
        yield KEY_WITHOUT_TOUCH, "no-touch-required", KEY_WITHOUT_TOUCH.severity


def _shell(login: Login) -> str:
    return printable(login.shell[:80]) or "/bin/sh"


def _is_unlimited(access: Access) -> bool:
    """Whether a key of root lets in from anywhere, to do anything."""
    return access.root and access.line.options.origin is None and access.line.options.command is None


def _weak(line: Line) -> Iterator[tuple[Rule, str, Severity]]:
    if line.key.strength is not Strength.GOOD:
        severity = KEY_WEAK.severity if line.key.strength is Strength.WEAK else Severity.LOW
        yield KEY_WEAK, f"{line.key.plain_type} of {line.key.bits} bits", severity


def _environment(access: Access) -> Iterator[tuple[Rule, str, Severity]]:
    """Yield whether environment= is in force: PermitUserEnvironment is yes, no, or a list of names."""
    names = [each.partition("=")[0] for each in access.line.options.environment]
    if not names:
        return
    shown = ", ".join(printable(name[:40]) for name in names[:MOST_QUOTES])
    values = {one.effective.effects["PermitUserEnvironment"].value for one in access.treated}
    taken = [_takes(value, names) for value in values]
    if True in taken:
        yield KEY_SETS_ENVIRONMENT, f"environment= sets {shown}, and PermitUserEnvironment lets it", Severity.HIGH
    elif taken and None not in taken:
        yield KEY_SETS_ENVIRONMENT, f"environment= sets {shown}; PermitUserEnvironment does not let it", Severity.LOW
    else:
        yield KEY_SETS_ENVIRONMENT, f"environment= sets {shown}", KEY_SETS_ENVIRONMENT.severity


def _takes(value: tuple[str, ...] | None, names: Iterable[str]) -> bool | None:
    """Whether a value of PermitUserEnvironment takes one of these variables."""
    if value is None:
        return None
    return value == ("yes",) or (value != ("no",) and any(listed(name, value[0]) == 1 for name in names))


# --- several lines


def _shared(alive: Iterable[Access]) -> Iterator[Finding]:
    """Yield each key that opens the accounts of more than one person."""
    by_key = defaultdict[str, dict[str, Access]](dict)
    for access in alive:
        if FIRST_PERSON <= access.login.uid != NOBODY and not access.line.options.authority:
            by_key[access.line.key.fingerprint].setdefault(access.account, access)
    for fingerprint, each in by_key.items():
        if len(each) > 1:
            names = ", ".join(printable(name) for name in list(each)[:MOST_QUOTES])
            message = f"it opens {len(each)} accounts: {names}"
            yield Finding(KEY_SHARED, f"key {fingerprint}", message, KEY_SHARED.severity, _quotes(each.values()))


def _open_files(alive: Iterable[Access]) -> Iterator[Finding]:
    """Yield each file of keys that others may write to and that sshd reads all the same."""
    alike = defaultdict[tuple[str, Step], list[str]](list)
    for access in {(one.account, one.line.file): one for one in alive}.values():
        way = way_of(access.steps, access.login)
        steps = way.steps if way else ()
        bad = next((step for step in steps if step.for_everybody or step.uid not in (0, access.login.uid)), None)
        if bad is not None:
            alike[access.line.file, bad].append(access.account)
    for (file, bad), accounts in alike.items():
        why = "everybody may write to" if bad.for_everybody else f"uid {bad.uid} owns"
        message = f"{why} {printable(bad.path)} (mode {bad.permissions:04o}), and with it {printable(file)}"
        who = accounts[0] if len(accounts) == 1 else telling.names(accounts)
        yield Finding(KEY_FILE_OPEN, f"account {who}", message, KEY_FILE_OPEN.severity)
