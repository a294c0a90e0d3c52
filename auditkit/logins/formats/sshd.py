"""What sshd writes by itself: sshd.log of Windows, what a container's engine kept of its output, and files of `sshd -E`.

Of the last, and of `journalctl -o cat`, no line says when it was: who came is known, and not when.
"""

from auditkit.logins.formats.own import CLOCK, DATE, OFFSET, own
from auditkit.logins.grammar.sshd import PREFIXES

FIRST = (
    rf"(?:{'|'.join(PREFIXES)})?(?:(?:Accepted|Failed|Partial) [\w/-]+ for .* from "
    r"|Server listening on |(?:Invalid user|Connection from) .* port \d)"
)
"""How messages begin by which such a log is known."""
NAME = r"(?:^|/)sshd(?:-session)?\.log$"
WINDOWS = own("sshd", "log of sshd on Windows", rf"(?P<pid>[0-9]+) {DATE} {CLOCK} (?P<message>.*)", FIRST, NAME)
CAUGHT = own(
    "sshd", "output of sshd in a container", rf"{DATE}[T ]{CLOCK}{OFFSET}? (?:std(?:err|out) [FP] )?(?P<message>.*)", FIRST
)
TIMELESS = own("sshd", "output of sshd, without times", r"(?P<message>.*)", FIRST)
