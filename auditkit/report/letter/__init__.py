"""A complaint as a letter: the forms in which an abuse desk takes one. Nothing here is sent; a person does that."""

from dataclasses import dataclass
from datetime import datetime

from auditkit.response.complaint import Complaint, Recipient, Reporter

LETTER, XARF, MAIL, LINES = "letter.txt", "xarf.json", "report.eml", "evidence.log"
"""Names of the files."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A complaint, and who writes it to whom."""

    complaint: Complaint
    case: str
    reporter: Reporter
    recipient: Recipient | None
    id: str
    """A UUID of version 4."""
    written: datetime
    """Aware."""
    tool: str

    @property
    def subject(self) -> str:
        """What it is about, in a line."""
        one = self.complaint
        return f"Login attempts from {one.address} at our {one.service} service ({one.first:%Y-%m-%d}), case {self.case}"

    @property
    def evidence(self) -> str:
        """The lines as a file."""
        return "".join(f"{line.text}\n" for line in self.complaint.lines)
