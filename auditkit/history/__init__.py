"""The history: every run with its document, how far it looked at each host, and what is known of each thing that was told."""

from sqlalchemy import Connection as Reader

from auditkit.history.keeping import Counted, Host, Limits, Run, Turn, turn
from auditkit.history.opening import FILE, Place, reading

__all__ = ["FILE", "Counted", "Host", "Limits", "Place", "Reader", "Run", "Turn", "reading", "turn"]
