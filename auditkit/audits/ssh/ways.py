"""K. Where servers take keys from besides the files of accounts: programs, authorities; and whether they look at modes."""

from collections import defaultdict
from collections.abc import Iterator

from auditkit import answers
from auditkit.access import asking, needs, seen, telling
from auditkit.access.nouns import Login, Server
from auditkit.audits.ssh.accesses import AT_HOME, Access, accesses
from auditkit.audits.ssh.owned import ask_owner, owner, runs_anything
from auditkit.audits.ssh.settings import setting, settings, statements
from auditkit.keys import authorized
from auditkit.keys.authorized import Line
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.reading import Place, Statement

CREDENTIALS = tuple(
    Need(Means.STATUS, path, "whether keys of root come with the credentials of the system")
    for path in (
        "/run/credentials/@system/ssh.authorized_keys.root",
        "/etc/credstore/ssh.authorized_keys.root",
        "/etc/credstore.encrypted/ssh.authorized_keys.root",
        "/usr/lib/credstore/ssh.authorized_keys.root",
    )
)
NEEDS = (*seen.NEEDS, *CREDENTIALS)
COMMANDS = ("AuthorizedKeysCommand", "AuthorizedPrincipalsCommand")
_STATUS_WHY = "who may write to a program that gives sshd keys"
_CA_WHY = "whose certificates open accounts"

KEYS_FROM_COMMAND = Rule(
    "ssh-keys-from-command",
    "A program tells sshd which keys open accounts",
    Severity.HIGH,
    "What the program prints lets in, root too, and stands in no file of any home. With a directory service it is usual, and"
    " then it comes from a package; any other is a way to stay.",
    "Run it for an account and see what it prints. If nobody here set it up, copy it as evidence, and take the line out: sshd"
    " -t && systemctl reload ssh, keeping this session open (undo: write it back).",
    ("sshd_config(5) AuthorizedKeysCommand", "MITRE ATT&CK T1098.004"),
)
AUTHORITY = Rule(
    "ssh-authority-trusted",
    "Certificates of an authority open accounts",
    Severity.HIGH,
    "Whoever holds one key can let in anybody as anybody, and no file here says whom. The key of TrustedUserCAKeys signs"
    " certificates for every account name or principal that he writes into them, and taking one back needs RevokedKeys.",
    "See who holds the key of the authority, and name it in known_keys of auditkit.yaml. If nobody does, take the line out:"
    " sshd -t && systemctl reload ssh, keeping this session open (undo: write it back).",
    ("sshd_config(5) TrustedUserCAKeys", "CERTIFICATES in ssh-keygen(1)"),
)
STRICT_OFF = Rule(
    "ssh-strict-modes-off",
    "sshd takes keys from files that others may write to",
    Severity.HIGH,
    "Accounts can be taken over by people who may only write to a file. With StrictModes no, sshd does not look at modes and"
    " owners: whoever may write to authorized_keys, or to a directory above it, lets himself in.",
    "Say StrictModes yes; key-without-effect names the keys that then stop to work, and why.",
    ("sshd_config(5) StrictModes",),
)
KEYS_BY_CREDENTIAL = Rule(
    "ssh-keys-by-credential",
    "Keys of root come back at every boot",
    Severity.MEDIUM,
    "systemd writes the credential ssh.authorized_keys.root into /root/.ssh/authorized_keys where that file is not there: a"
    " key that was taken out comes back. Machines of a cloud get theirs so; elsewhere it is a way to stay.",
    "See what is in it and who set it up. If nobody did: cp -p FILE FILE.before as evidence, then take it away (undo: cp -p"
    " FILE.before FILE).",
    ("systemd.system-credentials(7)",),
)
KEYS_ELSEWHERE = Rule(
    "ssh-keys-elsewhere",
    "Keys lie in a file that is none of ~/.ssh/authorized_keys",
    Severity.MEDIUM,
    "Who takes keys away looks into the homes. In /etc/ssh, for everybody, it is a known way to keep keys; for one account, or"
    " in a place of its own, it is a way to hide one.",
    "See whose the keys are, and who wrote the line. If nobody here did, keep a copy of the file, and take the line out: sshd"
    " -t && systemctl reload ssh, keeping this session open (undo: write it back).",
    ("sshd_config(5) AuthorizedKeysFile", "MITRE ATT&CK T1098.004"),
)
RULES = (KEYS_FROM_COMMAND, AUTHORITY, STRICT_OFF, KEYS_BY_CREDENTIAL, KEYS_ELSEWHERE)
MOST_KEYS = 5
_WHOSE = {None: "whether a package brought it is not known", "": "no package has brought it"}


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what lets in besides the files of accounts."""
    told = seen.seen(evidence)
    roots = [login for login in told.logins if login.root]
    for path in needs.there(evidence, *CREDENTIALS):
        yield Finding(KEYS_BY_CREDENTIAL, path, "it holds keys of root", KEYS_BY_CREDENTIAL.severity)
    for server in told.servers:
        for statement in statements(server, *COMMANDS):
            yield from _command(evidence, server, statement)
        for statement in statements(server, "TrustedUserCAKeys"):
            yield from _authority(evidence, server, statement, roots)
        yield from _elsewhere(evidence, server)
        strict = setting(server, "StrictModes")
        if strict.value == ("no",):
            remedy = f"{STRICT_OFF.remedy} {telling.closing(server, evidence, ['StrictModes yes'])}"
            message = f"StrictModes is no ({strict.origin})"
            yield Finding(STRICT_OFF, server.name, message, STRICT_OFF.severity, remedy=remedy)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The programs, whose they are and who may write to them, and the keys of the authorities."""
    servers = seen.seen(evidence).servers
    programs = {_first(one) for server in servers for one in statements(server, *COMMANDS)} - {"none"}
    files = {_first(one) for server in servers for one in statements(server, "TrustedUserCAKeys")} - {"none"}
    status = (Need(Means.STATUS, path, _STATUS_WHY) for path in sorted(programs) if asking.readable(path))
    keys = (Need(Means.FILE, path, _CA_WHY) for path in sorted(files) if asking.readable(path))
    return (*ask_owner(programs), *status, *keys)


def _elsewhere(evidence: Evidence, server: Server) -> Iterator[Finding]:
    """Yield each line that has keys read from other files than those of homes, where one of them lets somebody in."""
    by_line = defaultdict[Place, list[Access]](list)
    for one in accesses(evidence):
        if isinstance(one, Access) and one.alive and one.treated and not AT_HOME.search(one.line.file):
            for place in one.treated[0].effective.effects["AuthorizedKeysFile"].set_by[:1]:
                by_line[place].append(one)
    for place, several in by_line.items():
        line = telling.statement(server, place)
        if line is not None and server.main == several[0].server:
            yield _one_elsewhere(evidence, server, line, several)


def _one_elsewhere(evidence: Evidence, server: Server, line: Statement, several: list[Access]) -> Finding:
    known, block = dict(evidence.office.known_keys), telling.block(server, line.at)
    usual = all(one.line.file.startswith("/etc/ssh/") for one in several) and (
        block is None or block.rest.strip().lower().startswith("group")
    )
    severity = Severity.LOW if usual else KEYS_ELSEWHERE.severity
    severity = Severity.INFO if all(one.line.key.fingerprint in known for one in several) else severity
    files = telling.names(one.line.file for one in several)
    under = f", under Match {printable(block.rest.strip()[:80])}" if block else ""
    what = "a key in {} opens" if len(several) == 1 else "keys in {} open"
    who = telling.names(dict.fromkeys(one.account for one in several))
    message = (
        f"{what.format(files)} {who}: {telling.shown(line.at)} says AuthorizedKeysFile {' '.join(line.value)[:100]}{under}"
    )
    quotes = (*_quote(server, line), *(one.quote for one in several))[: telling.MOST_QUOTES]
    return Finding(KEYS_ELSEWHERE, server.name, message, severity, quotes)


def _first(statement: Statement) -> str:
    """The file that a line names."""
    return " ".join(statement.value).split(" ")[0]


def _quote(server: Server, statement: Statement) -> tuple[Quote, ...]:
    return telling.quotes(server, [statement.at])


def _command(evidence: Evidence, server: Server, statement: Statement) -> Iterator[Finding | Gap]:
    """Yield what is known of a program that gives keys, and that the keys are not."""
    program, name = _first(statement), statement.keyword.name if statement.keyword else ""
    if program.lower() == "none":
        return
    yield Gap(server.name, f"the keys that {name} {printable(program)} gives ({telling.shown(statement.at)}) were not seen")
    whose, state = owner(evidence, program), _state(evidence, program)
    anything = bool(whose) and runs_anything(" ".join(statement.value).replace("%", ""))
    writable = state is not None and (state.mode & 0o022 or state.uid)
    of = f"of {printable(whose)}" if whose else _WHOSE[whose]
    modes = f", uid {state.uid}, mode {state.permissions:04o}" if state else ""
    severity = (
        KEYS_FROM_COMMAND.severity
        if whose == "" or writable or anything
        else Severity.MEDIUM
        if whose is None
        else Severity.INFO
    )
    says = f", but does what its line says: {printable(' '.join(statement.value)[:100])}" if anything else ""
    message = f"{name} is {printable(program)}: {of}{modes}{says}"
    yield Finding(KEYS_FROM_COMMAND, server.name, message, severity, _quote(server, statement))


def _state(evidence: Evidence, path: str) -> answers.Step | None:
    told = needs.read(evidence, Need(Means.STATUS, path), answers.way)
    return next((way[0] for way in told if not isinstance(way, Gap)), None)


def _authority(evidence: Evidence, server: Server, statement: Statement, roots: list[Login]) -> Iterator[Finding | Gap]:
    """Yield whose certificates are trusted, for whom, and whether they can be taken back."""
    file = _first(statement)
    if file.lower() == "none":
        return
    items = needs.items(evidence, Need(Means.FILE, file))
    lines = [one for item in items for one in authorized.parse(item.data, item.source)]
    yield from (one for one in lines if isinstance(one, Gap))
    keys = [line.key.fingerprint for line in lines if isinstance(line, Line)]
    if not keys:
        yield Gap(file, f"which authorities are trusted ({telling.shown(statement.at)}) is not known")
    known = dict(evidence.office.known_keys)
    severity = Severity.INFO if keys and all(key in known for key in keys) else AUTHORITY.severity
    named = ", ".join(f"{key}{f' ({printable(known[key])})' if key in known else ''}" for key in keys[:MOST_KEYS])
    shown = named or f"the authorities in {printable(file)}, which was not read,"
    root = any(one.value != ("no",) for login in roots for one in settings(server, "PermitRootLogin", login))
    revoked = all(one.value == ("none",) for login in roots for one in settings(server, "RevokedKeys", login))
    parts = [f"certificates of {shown} open accounts", "root too" if root else "", "RevokedKeys is none" if revoked else ""]
    yield Finding(AUTHORITY, server.name, ", ".join(filter(None, parts)), severity, _quote(server, statement))
