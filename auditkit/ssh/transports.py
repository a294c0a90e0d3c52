"""The modules that speak SSH, loaded only where somebody is reached."""

import sys
from importlib import import_module
from types import ModuleType

from auditkit.errors import HostError
from auditkit.model import State
from auditkit.printable import printable

TRANSPORTS = {"paramiko": "auditkit.ssh.link", "openssh": "auditkit.ssh.openssh", "visit": "auditkit.ssh.visit"}


def module(name: str) -> ModuleType:
    """The module of that name; paramiko would load invoke for a `Match exec`, a third of its time, which ssh does here.

    Raises:
        HostError: this Python lacks what it needs.
    """
    if "invoke" in sys.modules:
        return import_module(TRANSPORTS[name])
    sys.modules["invoke"] = None  # type: ignore[assignment]  # the word for: there is none
    try:
        return import_module(TRANSPORTS[name])
    except ImportError as error:
        why = f"this auditkit cannot speak SSH: {printable(str(error))}"
        raise HostError(why, "install auditkit on this machine: docs/how-to/install.md", State.PARTIAL) from error
    finally:
        sys.modules.pop("invoke", None)
