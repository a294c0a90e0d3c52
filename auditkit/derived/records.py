"""What the package manager writes down itself: lists and scripts are held against signed packages, the rest is named.

A script in /var/lib/dpkg/info runs as root at the next upgrade or removal, so whoever plants one there must be seen; a list of
paths or a cache of answers is data, and no way in.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from auditkit.derived import Known, is_same
from auditkit.explain import SIGNED, Account
from auditkit.model import Change, Entry, Kind, Need, Rule, Severity
from auditkit.packages.dpkg import SCRIPTS
from auditkit.shipped import same_content

RECORD: Rule = Rule(
    "package-record-changed",
    "the package manager's own record changed, as it does in an upgrade",
    Severity.LOW,
    "Packages came, went or changed their version, and their manager wrote that down. No vendor signs what it writes.",
    "nothing, if you know of the upgrade; what it brought is proved file by file",
    ("dpkg(1)", "apt(8)"),
)
SCRIPT: Rule = Rule(
    "package-script-altered",
    "a script that dpkg runs as root is not that of its package",
    Severity.HIGH,
    "Scripts in /var/lib/dpkg/info run as root when their package is upgraded or removed. No upgrade brought this one.",
    "keep it as evidence and read it; reinstall the package before you upgrade or remove it",
    ("deb-postinst(5)",),
)
INFO = "/var/lib/dpkg/info/"
MAKER = "dpkg unpacked it"
UNPROVED = "runs as root at the next upgrade of its package, and nothing proves that it came with it"
OTHER = "not what its vendor's package has; dpkg adds configuration files to its list that a package does not have any more"
_INFO = re.compile(re.escape(INFO) + r"([^/]+)\.([a-z0-9]+)")
_RECORDS = re.compile(
    r"/var/lib/dpkg/(?:(?:status|available)(?:-old)?|lock(?:-frontend)?|triggers/[^/]+)|/var/lib/apt/extended_states"
    r"|/var/cache/(?:debconf/(?:(?:config|templates)\.dat(?:-old)?|passwords\.dat(?:-old)?|tmp\.ci)|ldconfig/aux-cache"
    r"|apt/archives/(?:lock|partial|[^/]+\.deb)|apt/(?:src)?pkgcache\.bin)|/var/log/apt/eipp\.log\.xz"
    r"|/var/lib/systemd/deb-systemd-helper-enabled/.+\.dsh-also"
)
_EARLIER = re.compile(r"(/etc/.+)\.(?:dpkg|ucf)-old", re.DOTALL)


def asked(_known: Known) -> Iterator[Need]:
    """What they hold is known by its digest."""
    yield from ()


def folders(_known: Known) -> set[str]:
    """Nothing beside them has to be known."""
    return set()


def judge(known: Known) -> None:
    """Explain what a signed package proves, name scripts that nothing proves, and call the rest by its name."""
    account = known.account
    keys = {*account.before, *account.installed}
    moved = {key for key in keys if account.moved(key)}
    accounted = bool(moved) and all(_is_accounted(key, account) for key in moved)
    for change in known.open():
        if found := _INFO.fullmatch(change.path):
            own = [key for key in keys if found[1] in (key, key.partition(":")[0])]
            _info(change, found[2], [key for key in own if key in moved], own, known)
        elif accounted and _RECORDS.fullmatch(change.path):
            _record(change, known)
        elif earlier := _EARLIER.fullmatch(change.path):
            _earlier(change, earlier[1], known)


def _is_accounted(key: str, account: Account) -> bool:
    """Whether a package came to its version by its vendor's word, where any is had; by the host's log where none is."""
    is_there = key in account.installed
    vouched = ("dpkg", key, account.installed.get(key, "")) in account.vouched
    return vouched if is_there and account.vouched else account.recorded(key)


def _info(change: Change, kind: str, moved: list[str], own: list[str], known: Known) -> None:
    """A file in dpkg's database; `own` are the packages it may be of, `moved` those that came, went or changed."""
    account, entry = known.account, change.after
    is_file = entry is not None and entry.kind is Kind.FILE
    vouched = [key for key in own if account.control.get(key)]
    shipped = [file for key in vouched for file in account.control[key] if file.path == kind]
    is_recorded = bool(moved) and all(_is_accounted(key, account) for key in moved)
    if entry and is_file and any(same_content(file, entry, entry.digests or ()) for file in shipped):
        known.settle(change.path, MAKER, SIGNED)
    elif entry is None:
        if is_recorded and not shipped:
            known.settle(change.path, "dpkg removed it", SIGNED if len(vouched) == len(own) else "local")
    elif is_recorded and is_same(change) and not shipped:
        known.settle(change.path, MAKER, "local")
    elif kind not in SCRIPTS:
        if shipped and not is_same(change):
            known.note(change.path, OTHER)
        elif is_recorded and is_file:
            _record(change, known)
    elif not is_same(change) and (vouched or not moved or not is_file):
        worse = max(change.severity, SCRIPT.severity)
        known.changes[change.path] = replace(change, rule=SCRIPT.id, severity=worse, note=change.note or SCRIPT.title)
    elif not is_same(change):
        known.note(change.path, UNPROVED)


def _record(change: Change, known: Known) -> None:
    """A record that nobody signs: told as what it is, and no more than that; what else changed of it keeps its rule."""
    if not known.beyond(change):
        known.changes[change.path] = replace(change, rule=RECORD.id, severity=min(change.severity, RECORD.severity))


def _earlier(change: Change, path: str, known: Known) -> None:
    """What a configuration file held before its package wrote it anew, for the same eyes."""
    was, now = known.before(path), change.after
    if now and was and was.digests and (now.digests, *_whose(now)) == (was.digests, *_whose(was)):
        known.explain(change.path, "the configuration as it was before", [path])


def _whose(entry: Entry) -> tuple[int | None, int | None, int | None]:
    return entry.mode, entry.uid, entry.gid
