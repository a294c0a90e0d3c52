"""What auditkit takes of the variables of an Ansible inventory, in the words of auditkit.yaml.

Secrets are never taken, templates never evaluated; variables in other places (group_vars/, host_vars/) are not read.
"""

import os
import re

from auditkit.inventory import Machine, word
from auditkit.inventory.jumps import jump
from auditkit.inventory.notes import Notes
from auditkit.strict import Value

Variables = dict[str, Value | None]
"""None for what only Ansible could tell: a template, or something encrypted."""

SETTINGS = {
    "address": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "identity": ("ansible_private_key_file", "ansible_ssh_private_key_file"),
}
"""Key of a host in auditkit.yaml to the variables that say it, of which the last counts (plugins/connection/ssh.py)."""
ARGUMENTS = ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args")
"""In the order in which ssh is given them: the first that says something counts."""
BECOME, METHOD, WHOM = "ansible_become", "ansible_become_method", "ansible_become_user"
CONNECTION, PRIORITY = "ansible_connection", "ansible_group_priority"
TAKEN = {*(name for names in SETTINGS.values() for name in names), *ARGUMENTS, BECOME, METHOD, WHOM, CONNECTION, PRIORITY}
_NUMBERS = ("ansible_port", "ansible_ssh_port", PRIORITY)
_SECRET = re.compile(r"ansible_\w*(pass|passwd|password|passphrase|private_key)")
_YES, _NO = ("y", "yes", "on", "1", "true", "t"), ("n", "no", "off", "0", "false", "f")
_OVER_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh")


def keep(variables: Variables, value: Value, notes: Notes) -> None:
    """Put a variable to the others, if it is one that matters; its key is its name."""
    name = value.key
    if _SECRET.fullmatch(name):
        notes.add(value, "is a secret and was not taken: keys and ssh-agent log in, or a person who is asked")
    if name not in TAKEN:
        return
    if value.node.id != "scalar":
        raise value.error(f"is a {value.kind}, not text", "write text there")
    text = str(value.node.value)
    unknown = True
    if value.kind.startswith("!vault") or text.startswith("$ANSIBLE_VAULT;"):
        notes.add(value, "is encrypted with ansible-vault and was not taken")
    elif "{{" in text or "{%" in text:
        notes.add(value, "is a template ({{ }}), which is not evaluated, and was not taken")
    else:
        unknown = False
    variables[name] = None if unknown else value


def priority(variables: Variables) -> int:
    """How much a group's variables count among those of its depth."""
    value = _said(variables, PRIORITY)
    return 1 if value is None else value.number(0, 999_999)


def machine(name: Value, variables: Variables, groups: tuple[Value, ...], notes: Notes) -> Machine | None:
    """The host with what these variables say of it; None if it is not reached over SSH.

    Raises:
        ConfigError: a value is not what its variable needs.
    """
    connection = _last_part(_said(variables, CONNECTION)) or "smart"
    if connection == "local":
        notes.add(name, "is this machine, which auditkit calls `local`, and was left out")
    elif connection not in _OVER_SSH:
        notes.add(name, f"was left out: it is reached by {connection}, not over SSH")
    if connection not in _OVER_SSH:
        return None
    settings = {key: _said(variables, *names) for key, names in SETTINGS.items()}
    settings |= {"identity": _in_its_folder(settings["identity"])}
    settings |= {"become": _become(variables, notes), "jump": jump([_said(variables, each) for each in ARGUMENTS], notes)}
    return Machine(name, {key: value for key, value in settings.items() if value is not None}, groups)


def _said(variables: Variables, *names: str) -> Value | None:
    """The value of the last of these variables that has one."""
    for name in reversed(names):
        value = variables.get(name)
        if name in variables and value is None:
            return None
        if value is not None and value.kind != "null":
            return word(_text(value), value.source, value.line, name, "int" if name in _NUMBERS else "str")
    return None


def _in_its_folder(path: Value | None) -> Value | None:
    """The path as seen from the folder of the inventory, but for one that is whole or begins with `~`."""
    if path is None or _text(path).startswith("~"):
        return path
    return word(os.path.join(os.path.dirname(path.source), _text(path)), path.source, path.line, path.key)


def _become(variables: Variables, notes: Notes) -> Value | None:
    wanted = _said(variables, BECOME)
    if wanted is None:
        return None
    if _text(wanted).lower() in _NO:
        return word("none", wanted.source, wanted.line, BECOME)
    if _text(wanted).lower() not in _YES:
        raise wanted.error("is neither true nor false", "write true or false")
    method = _last_part(_said(variables, METHOD)) or "sudo"
    if method not in ("sudo", "doas") or _text(_said(variables, WHOM)) not in ("", "root"):
        notes.add(wanted, "was not taken: auditkit becomes root, by sudo or doas, and nobody else")
        return None
    return word(method, wanted.source, wanted.line, BECOME)


def _last_part(value: Value | None) -> str:
    """The name of a plugin without its collection: `sudo` of `ansible.builtin.sudo`."""
    return _text(value).rpartition(".")[2]


def _text(value: Value | None) -> str:
    return "" if value is None else str(value.node.value)
