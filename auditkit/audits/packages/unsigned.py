"""Whether packages are taken from whoever answers: settings and sources that tell apt not to ask for a signature."""

import re
from collections.abc import Iterator

from auditkit.audits.packages.seen import Host, files_of
from auditkit.model import Finding, Gap, Quote, Rule, Severity
from auditkit.packages import aptconf, sources
from auditkit.packages.sources import SECRET
from auditkit.printable import printable

UNSIGNED = Rule(
    "packages-unsigned",
    "Packages are installed whoever has made them",
    Severity.HIGH,
    "Whoever sits between this machine and its packages, or runs that source, is its master with the next update. apt is told"
    " to take lists and packages without a signature, or without asking the server who it is.",
    "cp -a FILE FILE.before; take the setting or the option out, and give the source a key with signed-by= (undo: mv"
    " FILE.before FILE); apt-get update then says what is not signed.",
    ("apt-secure(8)", "sources.list(5)", "MITRE ATT&CK T1195.002"),
)
RULES = (UNSIGNED,)
_YES, _NO = ("1", "yes", "true", "on", "with", "enable"), ("0", "no", "false", "off", "without", "disable")
_SETTINGS = {
    "APT::Get::AllowUnauthenticated": _YES,
    "Acquire::AllowInsecureRepositories": _YES,
    "Acquire::AllowDowngradeToInsecureRepositories": _YES,
    "Acquire::https::Verify-Peer": _NO,
    "Acquire::https::Verify-Host": _NO,
}
_TRUSTS = r"(?:trusted|allow-insecure|allow-downgrade-to-insecure)"
_SOURCE = re.compile(
    rf"^[ \t]*deb[ \t]+\[[^\]\n]*\b{_TRUSTS}=(?:yes|true|1|on)\b[^\n]*|^{_TRUSTS}:[ \t]*(?:yes|true|1|on)\b[^\n]*",
    re.MULTILINE | re.IGNORECASE,
)
MOST_QUOTED = 200


def judge(host: Host) -> Iterator[Finding | Gap]:
    """Yield one finding for all settings and sources that ask for no signature."""
    told = [name for name, values in _SETTINGS.items() if host.settings.value(name).lower() in values]
    quotes = [Quote(aptconf.PLACES[0].what.rpartition("/")[0], 0, f"{name} {host.settings.value(name)}") for name in told]
    for path, data in files_of(host.evidence, sources.PLACES).items():
        text = data.decode("utf-8", "replace")
        lines = ((text.count("\n", 0, found.start()) + 1, found[0]) for found in _SOURCE.finditer(text))
        quotes.extend(Quote(path, number, _shown(line)) for number, line in lines)
    if quotes:
        where = ", ".join(dict.fromkeys(printable(quote.source) for quote in quotes))
        yield Finding(UNSIGNED, "apt", f"apt asks for no signature: {where}", UNSIGNED.severity, tuple(quotes[:10]))


def _shown(line: str) -> str:
    return SECRET.sub("//", line.strip())[:MOST_QUOTED]
