"""What explained changes come to, in a sentence for each kind of explanation."""

from collections.abc import Mapping
from typing import Any

from auditkit.printable import counted, grouped, printable

SIGNS = {"package": "package upgrade", "growing": "log that grew", "rotated": "rotation", "derived": "derived file"}
"""What is counted as the cause of explained changes; a kind that is not here counts as `cause`."""
PROOFS = {"signed": "signed", "local": "seen on the host itself"}
"""What proves an explanation; another word stands for `not proved`."""

Dict = Mapping[str, Any]


def unaccepted(host: Dict) -> list[Dict]:
    """The groups without that of accepted changes, where each of those is told with what else is accepted."""
    return [group for group in host["explained"] if group["by"] != "exception" or not host.get("accepted")]


def sentence(group: Dict) -> str:
    """`412 changes are explained by 3 package upgrades`"""
    verb = "change is" if group["changes"] == 1 else "changes are"
    cause = counted(group["causes"], SIGNS.get(group["by"], "cause"))
    return f"{grouped(group['changes'])} {verb} explained by {_logs(group, cause)}"


def _logs(group: Dict, cause: str) -> str:
    """The cause of a group, in a plural that English knows."""
    if group["by"] == "derived":
        return "the verified files that they are made of" if group["changes"] != 1 else "the verified files that it is made of"
    if group["by"] == "exception":
        return "exceptions of auditkit.yaml" if group["causes"] != 1 else "an exception of auditkit.yaml"
    if group["by"] == "growing":
        return "logs that only grew" if group["changes"] != 1 else "a log that only grew"
    if group["by"] == "conffile":
        return f"configuration that is as {counted(group['causes'], 'package')} ship{'s' if group['causes'] == 1 else ''} it"
    return cause if group["by"] in SIGNS else f"{cause} ({printable(group['by'])})"
