"""The mail form of X-ARF 0.2: the letter, its facts as YAML, and the lines, as fail2ban's action xarf-login-attack sends them.

It is a file that a mail program opens as a draft: nobody is in Bcc, and nothing sends it from here.
"""

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import yaml

from auditkit.report.letter import LINES, Letter, plain

SCHEMA = "http://www.x-arf.org/schema/abuse_login-attack_0.1.2.json"
TLP = "green"
"""May be passed on to whoever is concerned, and is not for the public."""


def missing(one: Letter) -> str:
    """Why there is no such mail; empty where there is one."""
    return "" if one.reporter.contact else "it must say who reports: --contact MAIL"


def mail(one: Letter) -> bytes:
    """The mail, as a file to be opened."""
    made = EmailMessage(policy.SMTP.clone(max_line_length=998, cte_type="7bit"))
    who = one.reporter
    made["From"] = Address(who.name or who.organisation, addr_spec=who.contact)
    if one.recipient is not None:
        made["To"] = Address(addr_spec=one.recipient.mail)
    made["Subject"] = f"abuse report about {one.complaint.address} - {format_datetime(one.written)}"
    made["Date"] = one.written
    made["Auto-Submitted"] = "auto-generated"
    made["X-ARF"] = "YES"
    made["X-XARF"] = "PLAIN"
    made["X-Unsent"] = "1"
    made.set_content(plain.text(one), cte="quoted-printable")
    made.make_mixed(boundary=f"=_{one.id}")
    made.add_attachment(_facts(one), filename="report.txt", cte="quoted-printable")
    made.add_attachment(one.evidence, filename=LINES, cte="quoted-printable")
    return made.as_bytes()


def facts(one: Letter) -> dict[str, str | int]:
    """What the second part says."""
    said = one.complaint
    return {
        "Reported-From": one.reporter.contact,
        "Category": "abuse",
        "Report-ID": f"{one.id}@{one.reporter.domain}",
        "Report-Type": "login-attack",
        "Service": said.service.lower(),
        "Version": "0.2",
        "User-Agent": one.tool,
        "Date": format_datetime(said.last),
        "Source-Type": "ip-address",
        "Source": said.address,
        **({"Port": said.destination.port} if said.destination.port else {}),
        "Schema-URL": SCHEMA,
        "Attachment": "text/plain",
        "Occurances": said.attempts,
        "TLP": TLP,
    }


def _facts(one: Letter) -> str:
    return f"---\n{yaml.safe_dump(facts(one), sort_keys=False, allow_unicode=False, width=10_000)}"
