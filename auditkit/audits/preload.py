"""What is loaded into every program: /etc/ld.so.preload, the place where rootkits of user space live."""

from collections.abc import Iterator

from auditkit.model import Audit, Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

PRELOAD = Need(Means.FILE, "/etc/ld.so.preload", "which libraries every program is made to load")

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
_SEPARATORS = " \t\n:"


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield a finding for each library that the file names: blanks and colons between them, `#` for a comment (ld.so(8))."""
    for item in evidence.of(PRELOAD):
        for number, line in enumerate(item.data.decode("utf-8", "surrogateescape").split("\n"), 1):
            for library in _libraries(line):
                quote = Quote(item.source, number, printable(line))
                message = f"every program loads {printable(library)}"
                yield Finding(PRELOAD_IN_FORCE, library, message, PRELOAD_IN_FORCE.severity, (quote,))


def _libraries(line: str) -> list[str]:
    text = line.partition("#")[0]
    for separator in _SEPARATORS:
        text = text.replace(separator, "\0")
    return [word for word in text.split("\0") if word]


AUDIT = Audit("preload", "libraries that every program loads", (PRELOAD,), (PRELOAD_IN_FORCE,), judge)
