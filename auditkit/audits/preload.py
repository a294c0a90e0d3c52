"""What is loaded into programs they do not name: /etc/ld.so.preload and LD_PRELOAD, where rootkits of user space live."""

from collections.abc import Iterator

from auditkit.model import Audit, Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

PRELOAD = Need(Means.FILE, "/etc/ld.so.preload", "which libraries every program is made to load")

LINEAGE = Need(Means.FILE, "/proc/self/environ", "what is loaded into the probe, and into sudo, shell and sshd before it")

PRELOAD_IN_FORCE = Rule(
    "preload-in-force",
    "A library is loaded into every program",
    Severity.HIGH,
    "What /etc/ld.so.preload names is loaded before all else into every program, root's too, and may change what each of"
    " them sees: files, processes, connections, passwords. Hardly anything needs it; rootkits of user space begin here.",
    "See which package owns the library (dpkg -S, rpm -qf). If none does: copy the library and the file as evidence, do not"
    " believe this host's own tools, and look at its disk from a rescue system with root:/mnt/disk.",
    ("ld.so(8)", "MITRE ATT&CK T1574.006"),
)
LOADER_VARIABLE = Rule(
    "loader-variable",
    "A program runs with a variable that makes it load foreign code",
    Severity.HIGH,
    "LD_PRELOAD and LD_AUDIT load a library before all else, LD_LIBRARY_PATH lets one take the place of the system's. A"
    " program hands them on to all that it starts: set for sshd, they see every login and every password, and lie to"
    " whoever looks over SSH.",
    "See where it is set: systemctl show ssh -p Environment, /etc/environment, /etc/default/ssh, ~/.ssh/environment,"
    " ~/.pam_environment, SetEnv in sshd_config. If nobody here did it, copy the library as evidence, and do not believe"
    " this host's own tools.",
    ("ld.so(8)", "sshd_config(5)", "MITRE ATT&CK T1574.006"),
)
FOREIGN_LIBRARY = Rule(
    "foreign-library",
    "A program on the way in runs code that no package has brought",
    Severity.HIGH,
    "sshd, sudo and doas need nothing but their packages' libraries. Code from another place in them sees every login and"
    " every password, and may lie to whoever looks over SSH.",
    "Copy the file as evidence, see who set it up (LD_PRELOAD of the service, PAM modules, ld.so.conf), and do not believe"
    " this host's own tools: look at its disk from a rescue system with root:/mnt/disk.",
    ("proc_pid_maps(5)", "ld.so(8)", "MITRE ATT&CK T1574.006"),
)
_WAY_IN = ("sshd", "dropbear", "sudo", "doas")
_PLACES = ("/usr/", "/lib", "/bin/", "/sbin/", "/opt/", "/nix/store/", "/gnu/store/")
_VARIABLES = ("LD_PRELOAD=", "LD_AUDIT=", "LD_LIBRARY_PATH=")
_LOADS = ("LD_PRELOAD=", "LD_AUDIT=", "/")
_SEPARATORS = " \t\n:"
MOST_QUOTED = 200
"""Characters of a line."""


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield a finding for each library that the file names: blanks and colons between them, `#` for a comment (ld.so(8))."""
    for item in evidence.of(PRELOAD):
        for number, line in enumerate(item.data.decode("utf-8", "surrogateescape").split("\n"), 1):
            for library in _libraries(line):
                quote = Quote(item.source, number, line[:MOST_QUOTED])
                message = f"every program loads {printable(library)}"
                yield Finding(PRELOAD_IN_FORCE, library, message, PRELOAD_IN_FORCE.severity, (quote,))
    yield from _loaded(evidence)


def _loaded(evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each variable and each foreign library, of the program furthest up: all others got it from there."""
    found: dict[str, tuple[str, str]] = {}
    for item in evidence.of(LINEAGE):
        name, *loaded = item.data.decode("utf-8", "surrogateescape").split("\0")
        found.update((each, (name, item.source)) for each in loaded if _is_set(each) or _is_foreign(name, each))
    for what, (name, source) in found.items():
        rule, verb = (LOADER_VARIABLE, "with") if _is_set(what) else (FOREIGN_LIBRARY, "code of")
        severity = rule.severity if what.startswith(_LOADS) else Severity.LOW
        message = f"{printable(name)} runs {verb} {printable(what)}"
        yield Finding(rule, name, message, severity, (Quote(source, 0, what[:MOST_QUOTED]),))


def _is_set(field: str) -> bool:
    return field.startswith(_VARIABLES) and not field.endswith("=")


def _is_foreign(name: str, field: str) -> bool:
    """Whether a program on the way in runs code of a file that lies where no package puts libraries."""
    return name.startswith(_WAY_IN) and field.startswith("/") and not field.startswith(_PLACES)


def _libraries(line: str) -> list[str]:
    text = line.partition("#")[0]
    for separator in _SEPARATORS:
        text = text.replace(separator, "\0")
    return [word for word in text.split("\0") if word]


RULES = (PRELOAD_IN_FORCE, LOADER_VARIABLE, FOREIGN_LIBRARY)
AUDIT = Audit("preload", "libraries that programs load though they do not name them", (PRELOAD, LINEAGE), RULES, judge)
