"""What the package manager writes down itself: lists and scripts are held against signed packages, the rest is named.

A script in /var/lib/dpkg/info runs as root at the next upgrade or removal, so whoever plants one there must be seen; a list of
paths or a cache of answers is data, and no way in.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from auditkit.derived import Known, is_same
from auditkit.explain import SIGNED
from auditkit.model import Change, ChangeKind, Kind, Means, Need, Rule, Severity
from auditkit.packages import Manifest

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
SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
"""In the order in which a manifest has them."""
PROVED = ("list", "conffiles", *SCRIPTS)
MAKER = "dpkg unpacked it"
UNPROVED = "runs as root at the next upgrade of its package, and nothing proves that it came with it"
_INFO = re.compile(re.escape(INFO) + r"([^/]+)\.([a-z0-9]+)")
_RECORDS = re.compile(
    r"/var/lib/dpkg/(?:(?:status|available)(?:-old)?|lock(?:-frontend)?|triggers/[^/]+)|/var/lib/apt/extended_states"
    r"|/var/cache/(?:debconf/(?:(?:config|templates)\.dat(?:-old)?|passwords\.dat(?:-old)?|tmp\.ci)|ldconfig/aux-cache"
    r"|apt/archives/(?:lock|partial|[^/]+\.deb)|apt/(?:src)?pkgcache\.bin)|/var/log/apt/eipp\.log\.xz"
    r"|/var/lib/systemd/deb-systemd-helper-enabled/.+\.dsh-also"
)
_EARLIER = re.compile(r"(/etc/.+)\.(?:dpkg|ucf)-old", re.DOTALL)


def asked(known: Known) -> Iterator[Need]:
    """Yield what can be held against a signed package."""
    for change in known.open():
        found = _INFO.fullmatch(change.path)
        if found and found[2] in PROVED and change.after and not is_same(change):
            yield Need(Means.FILE, change.path, "whether it is as its package has it")


def folders(_known: Known) -> set[str]:
    """Nothing beside them has to be known."""
    return set()


def judge(known: Known) -> None:
    """Explain what a signed package proves, name scripts that nothing proves, and call the rest by its name."""
    account = known.account
    moved = {key for key in {*account.before, *account.installed} if account.moved(key)}
    for change in known.open():
        if found := _INFO.fullmatch(change.path):
            _info(change, found[2], [key for key in moved if found[1] in (key, key.partition(":")[0])], known)
        elif moved and _RECORDS.fullmatch(change.path):
            _record(change, known)
        elif earlier := _EARLIER.fullmatch(change.path):
            _earlier(change, earlier[1], known)


def _info(change: Change, kind: str, moved: list[str], known: Known) -> None:
    """A file of a package in dpkg's database; `moved` are the packages it may be of that came, went or changed."""
    is_file = change.after is not None and change.after.kind is Kind.FILE
    if moved and (is_same(change) or change.change is ChangeKind.REMOVED):
        known.settle(change.path, MAKER if change.after else "dpkg removed it", "local")
        return
    manifests = [manifest for key in moved if (manifest := known.signed(key))]
    if is_file and any(_is_shipped(kind, known.content(change.path), manifest) for manifest in manifests):
        known.settle(change.path, MAKER, SIGNED)
    elif kind not in SCRIPTS:
        if moved and is_file:
            _record(change, known)
    elif not moved or (manifests and known.content(change.path) is not None) or not is_file:
        worse = max(change.severity, SCRIPT.severity)
        known.changes[change.path] = replace(change, rule=SCRIPT.id, severity=worse, note=change.note or SCRIPT.title)
    else:
        known.note(change.path, UNPROVED)


def _is_shipped(kind: str, data: bytes | None, manifest: Manifest) -> bool:
    """Whether a file of dpkg's database says what the signed package says."""
    if data is None:
        return False
    text = data.decode("utf-8", "replace")
    if kind in SCRIPTS:
        return text == _script(kind, manifest.scripts)
    paths = {file.path for file in manifest.files if file.config or kind == "list"}
    told = ["/" if line == "/." else line for line in text.splitlines()]
    return kind in PROVED and set(told) - {"/"} == paths - {"/"}


def _script(kind: str, scripts: str) -> str | None:
    """One of the scripts of a package, which are told one after the other."""
    start = scripts.find(f"# {kind}\n") if scripts.startswith(f"# {kind}\n") else scripts.find(f"\n# {kind}\n") + 1
    if not scripts.startswith(f"# {kind}\n", start):
        return None
    text = scripts[start + len(f"# {kind}\n") :]
    ends = [at for other in SCRIPTS[SCRIPTS.index(kind) + 1 :] if (at := text.find(f"\n# {other}\n")) >= 0]
    return text[: min(ends)] if ends else text.removesuffix("\n")


def _record(change: Change, known: Known) -> None:
    """A record that nobody signs: told as what it is, and no more than that; what else changed of it keeps its rule."""
    if not known.beyond(change):
        known.changes[change.path] = replace(change, rule=RECORD.id, severity=min(change.severity, RECORD.severity))


def _earlier(change: Change, path: str, known: Known) -> None:
    """What a configuration file held before its package wrote it anew."""
    was = known.before(path)
    if change.after and was and was.digests and change.after.digests == was.digests:
        known.explain(change.path, "the configuration as it was before", [path])
