"""What the kernel itself says: why it is tainted, which modules are loaded, what it runs, and who listens to the network."""

import re
from collections.abc import Iterator

from auditkit.answers import Listed
from auditkit.audits.persistence.entry import EVIDENCE
from auditkit.audits.persistence.seen import Seen, about, listing, part, whose
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

VERSION = Need(Means.FILE, "/proc/sys/kernel/osrelease", "which kernel runs")
TAINTED = Need(Means.FILE, "/proc/sys/kernel/tainted", "whether modules of nobody were loaded into the kernel")
MODULES = Need(Means.FILE, "/proc/modules", "which modules are loaded")
STATES = Need(Means.FILE, "/sys/module/*/initstate", "which modules are loaded, by another list of the kernel")
CORE = Need(Means.FILE, "/proc/sys/kernel/core_pattern", "which program the kernel runs when another crashes")
FORMATS = Need(Means.FILE, "/proc/sys/fs/binfmt_misc/*", "which programs the kernel runs for foreign formats")
FLAGS = Need(Means.FILE, "/sys/class/net/*/flags", "whether an interface takes in what is not for this machine")
PORTS = Need(Means.LISTING, "/sys/class/net/*/brport", "which interfaces are ports of a bridge")
PINNED = Need(Means.LISTING, "/sys/fs/bpf/**", "which programs of eBPF stay without a process")
NEEDS = (VERSION, TAINTED, MODULES, STATES, CORE, FORMATS, FLAGS, PORTS, PINNED)

KERNEL_TAINTED = Rule(
    "kernel-tainted",
    "Code that its makers do not vouch for runs in the kernel",
    Severity.LOW,
    "A module that is not of the kernel's own tree, not signed, or loaded by force may do anything, and hide it. Drivers"
    " of NVIDIA, VirtualBox and ZFS, and whatever DKMS builds, are such modules too.",
    "lsmod, modinfo NAME, and journalctl -k | grep taint tell which it was. If nobody installed it: look at the disk from"
    " a rescue system with root:/mnt/disk; what runs now is not to be believed.",
    ("Linux: admin-guide/tainted-kernels", "MITRE ATT&CK T1014"),
)
MODULE_HIDDEN = Rule(
    "module-hidden",
    "A module of the kernel is in one list and not in the other",
    Severity.CRITICAL,
    "The kernel keeps two lists of its modules. One that is in only one of them has taken itself out of the other, as"
    " rootkits do.",
    "Do not believe what this host says any more. Take its disk, or its memory, to another machine: root:/mnt/disk from a"
    " rescue system.",
    ("proc(5)", "MITRE ATT&CK T1014"),
)
MODULE_FILELESS = Rule(
    "module-without-file",
    "A module is loaded that is not among those of this kernel",
    Severity.HIGH,
    "Modules are loaded from /lib/modules, where depmod lists them. One that is not there was loaded from elsewhere, by hand.",
    f"{EVIDENCE} modinfo NAME, /sys/module/NAME/ and journalctl -k tell more. Look at the disk from a rescue system.",
    ("depmod(8)", "insmod(8)", "MITRE ATT&CK T1547.006"),
)
KERNEL_RUNS = Rule(
    "kernel-runs-program",
    "The kernel runs a program that no package has brought",
    Severity.HIGH,
    "A program of nobody is started by the system itself, with all rights, and by something that anybody can cause."
    " core_pattern names what the kernel starts as root whenever a program crashes, binfmt_misc what it starts for files of"
    " some format.",
    f"{EVIDENCE} sysctl -w kernel.core_pattern=core (undo: write back what is shown here); of binfmt_misc: echo -1 > FILE.",
    ("core(5)", "binfmt_misc: Linux admin-guide", "MITRE ATT&CK T1546"),
)
PROMISCUOUS = Rule(
    "interface-promiscuous",
    "An interface takes in what is not for this machine",
    Severity.MEDIUM,
    "Who listens to a network sets it so. Bridges, virtual machines and whoever measures traffic do that, too.",
    "ip -d link show; ss -0pn tells who hears packets. ip link set NAME promisc off (undo: promisc on).",
    ("packet(7)", "MITRE ATT&CK T1040"),
)
EBPF_PINNED = Rule(
    "ebpf-pinned",
    "Programs of eBPF stay in the kernel without a process",
    Severity.INFO,
    "What is pinned below /sys/fs/bpf stays when its process ends. Cilium, systemd and whoever watches use it, and"
    " rootkits of eBPF.",
    "bpftool prog show pinned FILE tells what it is. rm FILE unpins it (no undo: keep what bpftool says).",
    ("bpftool-prog(8)", "MITRE ATT&CK T1205.002"),
)
RULES = (KERNEL_TAINTED, MODULE_HIDDEN, MODULE_FILELESS, KERNEL_RUNS, PROMISCUOUS, EBPF_PINNED)
TAINTS = (
    *(
        "a proprietary module",
        "a module loaded by force",
        "a kernel on a CPU out of specification",
        "a module unloaded by force",
    ),
    *("a machine check", "a bad page", "a request of user space", "an oops", "an overridden ACPI table", "a warning"),
    *("a staging driver", "a workaround of a firmware bug", "a module of another tree", "an unsigned module", "a soft lockup"),
    *("a live patch", "what its distribution says", "struct randomisation", "a test"),
)
"""What each bit of /proc/sys/kernel/tainted says, from the lowest."""
_LOUD = 0b11_0000_0000_1011
"""Bits of modules: P, F, R, O, E."""
_FORCED = 0b1010
_PROMISC = 0x100
_USUAL_PINS = ("/sys/fs/bpf/systemd/", "/sys/fs/bpf/snap/")


def judge(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what is odd; nothing of a disk, on which no kernel runs."""
    yield from _tainted(seen)
    yield from _modules(seen)
    yield from _without_file(seen)
    yield from _programs(seen)
    yield from _promiscuous(seen)
    yield from _pinned(seen)


def follow(seen: Seen) -> Iterator[Need]:
    """Yield which modules belong to the kernel that runs, and whose the programs are that it runs."""
    if _loaded(seen) and (dep := _dep(seen)):
        yield Need(Means.FILE, dep, "which modules belong to the kernel that runs")
        yield Need(Means.LISTING, dep, "which modules belong to the kernel that runs")
    yield from (Need(Means.LISTING, program, "whose the programs are that the kernel runs") for _quote, program in _run(seen))


def _text(seen: Seen, need: Need) -> str:
    return seen.texts.get(need.what, b"").decode("utf-8", "surrogateescape")


def _tainted(seen: Seen) -> Iterator[Finding]:
    digits = _text(seen, TAINTED).strip()
    bits = int(digits) if re.fullmatch("[0-9]{1,19}", digits) else 0
    told = [what for bit, what in enumerate(TAINTS) if bits & _LOUD & 1 << bit]
    if told:
        severity = Severity.MEDIUM if bits & _FORCED else KERNEL_TAINTED.severity
        marked = [f"{name} {flags}" for name, flags in _flagged(seen)]
        message = f"it has had {' and '.join(told)}" + (f": {listing(marked)}" if marked else ", which is not loaded any more")
        yield Finding(KERNEL_TAINTED, "kernel", message, severity, (Quote(TAINTED.what, 1, digits),))


def _flagged(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield each loaded module with flags of its own: `nvidia`, `(POE)`."""
    for line in seen.lines(MODULES.what):
        words = line.text.split()
        if len(words) > 6 and words[-1].startswith("("):
            yield words[0], words[-1]


def _loaded(seen: Seen) -> tuple[str, ...]:
    return tuple(line.text.split()[0] for line in seen.lines(MODULES.what) if line.text.strip())


def _modules(seen: Seen) -> Iterator[Finding]:
    """Yield the modules that only one of two lists has."""
    if MODULES.what not in seen.texts:
        return
    listed = {name: item for item in seen.of(STATES.means, STATES.what) if (name := part(item.source, 3))}
    live = {name for name, item in listed.items() if item.data.strip() == b"live"}
    loaded = set(_loaded(seen))
    for name in sorted(live - loaded):
        message = f"{printable(name)} is in /sys/module, and not in /proc/modules"
        yield Finding(
            MODULE_HIDDEN, f"module {name}", message, MODULE_HIDDEN.severity, (Quote(listed[name].source, 1, "live"),)
        )
    for name in sorted(loaded - set(listed)) if listed else ():
        message = f"{printable(name)} is in /proc/modules, and not in /sys/module"
        yield Finding(MODULE_HIDDEN, f"module {name}", message, MODULE_HIDDEN.severity, (Quote(MODULES.what, 0, name),))


def _dep(seen: Seen) -> str:
    """Where depmod lists the modules of the kernel that runs."""
    release = _text(seen, VERSION).strip()
    return f"/lib/modules/{release}/modules.dep" if re.fullmatch(r"[\w.+~-]+", release) else ""


def _without_file(seen: Seen) -> Iterator[Finding]:
    """Yield the modules that are loaded and have no file; nothing where no modules of this kernel are, as in a container."""
    dep = _dep(seen)
    if dep in seen.texts:
        files = re.findall(r"([^/\s:]+)\.ko(?:\.\w+)?(?=[:\s])", seen.texts[dep].decode("utf-8", "surrogateescape"))
        known = {name.replace("-", "_") for name in files}
        left = sorted({name for name in _loaded(seen) if name.replace("-", "_") not in known})
        if left:
            message = f"{listing(left)}: not in {printable(dep)}"
            yield Finding(MODULE_FILELESS, "kernel", message, MODULE_FILELESS.severity, (Quote(MODULES.what, 0, left[0]),))


def _run(seen: Seen) -> Iterator[tuple[Quote, str]]:
    """Yield the programs that the kernel runs, each with where that is said."""
    pattern = _text(seen, CORE).strip()
    if pattern.startswith("|"):
        yield Quote(CORE.what, 1, pattern), pattern[1:].strip().split(" ")[0]
    for item in seen.of(FORMATS.means, FORMATS.what):
        found = re.search(r"^interpreter (\S+)", item.data.decode("utf-8", "surrogateescape"), re.MULTILINE)
        if found and item.data.startswith(b"enabled"):
            yield Quote(item.source, 2, found[0]), found[1]


def _programs(seen: Seen) -> Iterator[Finding]:
    for quote, program in _run(seen):
        node = seen.node(program)
        end = seen.end(node) if node is not None else program
        if isinstance(end, Listed) and (end.packages or end.packages is None):
            continue
        told = whose(end) if isinstance(end, Listed) else "it is not there"
        severity = KERNEL_RUNS.severity if isinstance(end, Listed) else Severity.LOW
        yield Finding(KERNEL_RUNS, program, f"{printable(quote.source)} names {printable(program)}: {told}", severity, (quote,))


def _promiscuous(seen: Seen) -> Iterator[Finding]:
    ports = {part(item.source, 4) for item in seen.of(PORTS.means, PORTS.what)}
    for item in seen.of(FLAGS.means, FLAGS.what):
        name, flags = part(item.source, 4), item.data.strip().decode("ascii", "replace")
        if re.fullmatch("0x[0-9a-f]{1,8}", flags) and int(flags, 16) & _PROMISC and name not in ports:
            quote = Quote(item.source, 1, flags)
            yield Finding(PROMISCUOUS, f"interface {name}", f"{printable(name)} is promiscuous", PROMISCUOUS.severity, (quote,))


def _pinned(seen: Seen) -> Iterator[Finding]:
    nodes = [node for item in seen.of(PINNED.means, PINNED.what) if (node := seen.nodes.get(item.source)) is not None]
    left = [node for node in nodes if not node.path.startswith(_USUAL_PINS)]
    if left:
        paths = [node.path for node in left]
        yield Finding(EBPF_PINNED, "eBPF", listing(paths), EBPF_PINNED.severity, tuple(map(about, left[:10])))
