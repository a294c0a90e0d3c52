"""One row of the table of what watches a machine."""

from collections.abc import Mapping
from dataclasses import dataclass

from auditkit.audits.protections.machine import Machine
from auditkit.audits.protections.tools import Tool


@dataclass(frozen=True, slots=True)
class Watcher:
    """What watches, or would; None: nobody can tell, or it does not apply."""

    kind: str
    name: str
    installed: bool | None
    enabled: bool | None = None
    running: bool | None = None
    data_age_days: int | None = None
    """How old what it goes by is: signatures, a database, the last backup."""
    detail: str = ""

    @property
    def works(self) -> bool:
        """Whether nothing that is known speaks against it."""
        return self.installed is True and (self.running is True or (self.running is None and self.enabled is not False))

    @property
    def told(self) -> Mapping[str, object]:
        """The row as the report has it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "installed": self.installed,
            "enabled": self.enabled,
            "running": self.running,
            "data_age_days": self.data_age_days,
            "detail": self.detail,
        }


def watcher(told: Machine, tool: Tool, detail: str = "", age: int | None = None) -> Watcher:
    """The row of a tool."""
    state = told.state(tool)
    shown = (state.enabled, state.running) if state.installed else (None, None)
    return Watcher(tool.kind, tool.name, state.installed, *shown, age if state.installed else None, detail)
