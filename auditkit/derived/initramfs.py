"""An initramfs: each file in it must be the one that the disk has in its place, and that one verified.

What runs first, before anything can look at it, is built again by each upgrade of what is in it. By its content alone nothing
in it is as it should be: a program of the disk may stand there by another's name. Made of verified files, and of lists that
say nothing but names of such files; but the lists of depmod, by which a module is found for a device, nothing here makes again.
That something is left out of it shows nowhere.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from auditkit.derived import Known, is_same, led
from auditkit.derived.cpio import Member, members
from auditkit.derived.linker import libraries
from auditkit.errors import FormatError
from auditkit.model import Change, Kind, Means, Need, Rule, Severity
from auditkit.packages.layout import Layout
from auditkit.printable import few

REBUILT: Rule = Rule(
    "initramfs-rebuilt",
    "an initramfs was built anew; all that runs in it is verified",
    Severity.MEDIUM,
    "Each program, script and module in it is the verified one that the disk has in its place. The lists by which a module is"
    " found for a device are made by depmod; nothing proves them, and they can only choose among these modules.",
    "nothing, if you know of the upgrade; else build it anew, update-initramfs -u, and compare",
    ("initramfs-tools(7)", "depmod(8)"),
)
MAKER = "update-initramfs made it"
WHY = "whether all in it is what the disk has"
TOOLS = "initramfs-tools"
MOST_NAMED = 3
_NAME = re.compile(r"/boot/initrd\.img-[^/]+", re.DOTALL)
_LISTS = re.compile(
    r"/(?:usr/)?lib/modules/[^/]+/modules\.(?:alias|builtin|builtin\.alias|dep|devname|softdep|symbols|weakdep)(?:\.bin)?"
)
_KLIBC = {"gunzip": "gzip", "zcat": "gzip", "poweroff": "halt", "reboot": "halt"}
_ORDERED = re.compile(rb'(/scripts/[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+) "\$@"')
_PARAMETERS = b"[ -e /conf/param.conf ] && . /conf/param.conf"
_ARCH = re.compile(rb"DPKG_ARCH=[a-z0-9-]+\n")
Archive = Sequence[Member]


def asked(known: Known) -> Iterator[Need]:
    """Yield each initramfs that changed."""
    yield from (Need(Means.FILE, change.path, WHY, long=True) for change in _open(known) if not is_same(change))


def folders(known: Known) -> set[str]:
    """Where the files are that may be in it."""
    places = {place for change in _open(known) for one in _archive(change, known) or () for place in _places(one)}
    found = {place.rpartition("/")[0] or "/" for place in places}
    return {"/", *found, *(f"/usr{folder}" for folder in found)} if found else set()


def judge(known: Known) -> None:
    """Explain an initramfs of which all is verified; say of another what is not, and call it what it is if it is no program."""
    for change in _open(known):
        archive = _archive(change, known)
        if archive:
            _judge(change, archive, known)


def _open(known: Known) -> list[Change]:
    found = (change for change in known.open() if _NAME.fullmatch(change.path))
    return [change for change in found if change.after and change.after.kind is Kind.FILE]


def _archive(change: Change, known: Known) -> Archive | None:
    data = known.content(change.path)
    try:
        return None if data is None else list(members(data))
    except FormatError:
        return None


def _judge(change: Change, archive: Archive, known: Known) -> None:
    layout, links = known.layout()
    inside = Layout({one.path: one.target for one in archive if one.kind is Kind.SYMLINK and one.path.count("/") == 1})
    names = {inside.real(one.path) for one in archive}
    sources, doubts = set(links), list[str]()
    for one in archive:
        found = _source(one, known, layout, inside)
        if found is not None:
            sources.add(found)
        elif one.kind is not Kind.DIRECTORY and not _is_told(one, names, inside):
            doubts.append(one.path)
    lists = [path for path in doubts if _LISTS.fullmatch(path)]
    if "/init" not in names:
        known.note(change.path, "there is no /init in it")
    elif not doubts:
        known.explain(change.path, MAKER, sources)
    elif doubts == lists and not known.beyond(change):
        severity = min(change.severity, REBUILT.severity)
        known.changes[change.path] = replace(change, rule=REBUILT.id, severity=severity, note=_note(archive, lists))
    else:
        known.note(change.path, _note(archive, [path for path in doubts if path not in lists] or lists))


def _note(archive: Archive, doubts: Sequence[str]) -> str:
    files = sum(one.kind is not Kind.DIRECTORY for one in archive)
    return f"of {files} files in it nothing verifies {few(list(doubts), MOST_NAMED)}"


def _places(one: Member) -> Iterator[str]:
    """Yield where the disk may have a file of an initramfs."""
    folder, _, name = one.path.rpartition("/")
    yield one.path
    if one.path == "/init":
        yield f"/usr/share/{TOOLS}/init"
    elif one.path.startswith("/scripts/"):
        yield from (f"{place}/{TOOLS}{one.path}" for place in ("/usr/share", "/etc"))
    elif one.path.startswith("/conf/"):
        yield f"/etc/{TOOLS}{one.path.removeprefix('/conf')}"
    elif folder in ("/bin", "/sbin", "/usr/bin", "/usr/sbin"):
        yield f"/usr/lib/klibc/bin/{_KLIBC.get(name, name)}"
        yield "/usr/bin/busybox"  # which is what its name says


def _source(one: Member, known: Known, layout: Layout, inside: Layout) -> str | None:
    """The verified file of the disk that a file of an initramfs is; None where it is none."""
    if one.kind is Kind.SYMLINK:
        here, target = known.end(one.path, layout), led(one.path, one.target)
        leads = known.end(inside.real(target), layout) if target else None
        return here if here and here == leads else None
    if one.kind is not Kind.FILE:
        return None
    for place in _places(one):
        end = known.end(place, layout)
        entry = known.now(end) if end else None
        if end and entry and entry.digests and _is_one(one, entry.digests):
            return end
    return None


def _is_one(one: Member, digests: Iterable[str]) -> bool:
    seen, told = dict(_split(one.digests)), dict(_split(digests))
    both = seen.keys() & told.keys()
    return bool(both) and all(seen[name] == told[name] for name in both)


def _split(digests: Iterable[str]) -> Iterator[tuple[str, str]]:
    for digest in digests:
        name, _, value = digest.partition(":")
        yield name, value


def _is_told(one: Member, names: set[str], inside: Layout) -> bool:
    """Whether what is in no package says nothing but names of what is in the initramfs."""
    if one.kind is Kind.SYMLINK:
        is_root = one.path.count("/") == 1 and one.target == f"usr{one.path}"
        return is_root or (one.path, one.target) == ("/etc/mtab", "/proc/mounts")
    text = one.text
    if text is None or one.kind is not Kind.FILE:
        return False
    if one.path == "/etc/fstab":
        return not text
    if one.path == "/conf/arch.conf":
        return _ARCH.fullmatch(text) is not None
    if one.path.startswith("/scripts/") and one.path.endswith("/ORDER"):
        return _is_order(text, one.path.removesuffix("ORDER"), names)
    return one.path == "/etc/ld.so.cache" and _names_inside(text, names, inside)


def _is_order(text: bytes, folder: str, names: set[str]) -> bool:
    lines = [line for line in text.split(b"\n") if line and line != _PARAMETERS]
    scripts = [found[1].decode() for line in lines if (found := _ORDERED.fullmatch(line))]
    return len(scripts) == len(lines) and all(name.startswith(folder) and name in names for name in scripts)


def _names_inside(text: bytes, names: set[str], inside: Layout) -> bool:
    try:
        return all(inside.real(path) in names for path, *_rest in libraries(text))
    except FormatError:
        return False
