"""Documents of hosts with ways in over SSH, as the audit fills `facts.ssh`: what the hosts of a run are taken together from."""

from typing import Any

from auditkit.model import Gap, HostReport, State
from auditkit.report import document

OPENSSH = {
    "kind": "openssh", "program": "/usr/sbin/sshd", "pid": 700, "config": "/etc/ssh/sshd_config", "version": "9.2p1",
    "banner": "SSH-2.0-OpenSSH_9.2p1", "listens": ["0.0.0.0:22"], "running": True, "judged": True, "why": "",
}  # fmt: skip
DROPBEAR = {**OPENSSH, "kind": "dropbear", "version": None, "judged": False, "why": "cannot tell"}
DOOR = {"account": "anna", "from": "anywhere", "method": "password", "set_by": "/etc/ssh/sshd_config.d/50-cloud-init.conf:1"}
UNSURE = {"account": "ldap-users", "from": "anywhere", "why": "PAM asks a directory"}


def key(account: str, name: str, *options: str, effective: bool | None = True, **more: Any) -> dict[str, Any]:
    """A line of authorized_keys."""
    return {
        "account": account, "fingerprint": f"SHA256:{name}", "type": "ssh-ed25519", "bits": 256, "options": list(options),
        "effective": effective, "reason": "", "comment": "", "file": f"~{account}/.ssh/authorized_keys", "line": 1,
        "root": account == "root", "known": None, "server": "/etc/ssh/sshd_config", **more,
    }  # fmt: skip


def private(account: str, name: str | None, *, encrypted: bool | None = False) -> dict[str, Any]:
    """A private key in the home of an account; without a name the file does not show which it is."""
    return {
        "accounts": [account], "file": f"~{account}/.ssh/id_{name}", "format": "openssh", "encrypted": encrypted,
        "fingerprint": name and f"SHA256:{name}", "type": name and "ssh-ed25519", "bits": name and 256,
    }  # fmt: skip


def host_key(name: str) -> dict[str, Any]:
    """A host key."""
    file = "/etc/ssh/ssh_host_ed25519_key.pub"
    return {"type": "ssh-ed25519", "fingerprint": f"SHA256:{name}", "bits": 256, "file": file, "shown": True}


def ssh(**parts: Any) -> dict[str, Any]:
    """`facts.ssh` of a host that was judged to its end and lets nobody in, but for these parts; None takes one out."""
    whole = {
        "servers": [OPENSSH],
        "password_doors": [],
        "password_unknown": [],
        "keys": [],
        "private_keys": [],
        "host_keys": [],
    }
    return {name: value for name, value in (whole | parts).items() if value is not None}


def host(name: str, facts: Any = None, *gaps: Gap, state: State = State.OK, address: str = "") -> dict[str, Any]:
    """The document of a host; without facts nothing of SSH was looked at."""
    known: dict[str, Any] = {} if facts is None else {"ssh": facts}
    if address:
        known["connection"] = {"address": address, "port": 22, "jump": [], "banner": "SSH-2.0-OpenSSH_9.2p1"}
    return document.of_host(HostReport(name, counts={"audits": 3}, gaps=gaps, facts=known, state=state))


def run(*hosts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Hosts by the words that named them."""
    return {one["host"]: one for one in hosts}
