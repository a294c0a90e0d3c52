"""Devices that nobody can log in to: what they show is all that is known of them."""

from collections.abc import Iterator

from auditkit.audits.listeners.seen import Seen
from auditkit.model import Evidence, Finding, Gap, Rule, Severity

WITHOUT_LOGIN = Rule(
    "device-without-login",
    "A device can only be looked at from outside",
    Severity.INFO,
    "Printers, cameras, switches and storage run software that gets old like any other, and nobody is told. auditkit sees what"
    " they show, and no more: which version they have, and whether there is a newer one, somebody has to look up.",
    "Look in its own settings which firmware it has, and at its vendor's which is the newest. Turn off what nobody uses there,"
    " set a password of its own, and let it reach nothing outside of the office.",
    ("NIST SP 800-213",),
)
RULES = (WITHOUT_LOGIN,)
MOST_QUOTES = 10


def judge(evidence: Evidence, seen: Seen) -> Iterator[Finding | Gap]:
    """Yield one finding for a device, with what each of its ports says."""
    ports = [port for port in seen.ports if port.listed]
    if not ports:
        return
    answered = [port for port in ports if port.heard is not None and port.heard.outcome == "answered"]
    if not any(port.heard is not None and not port.out_of_reach for port in ports):
        yield Gap("device", "none of the ports that are listed for it takes a connection: is it switched on?")
        return
    quotes = tuple(port.quote for port in answered)[:MOST_QUOTES]
    asked = sum(port.heard is not None for port in ports)
    left = f", {len(ports) - asked} were left alone" if asked < len(ports) else ""
    message = f"{len(answered)} of {asked} ports answer{left}; how old its software is, is not known"
    yield Finding(WITHOUT_LOGIN, "device", message, WITHOUT_LOGIN.severity, quotes)
