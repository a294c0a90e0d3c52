"""What watches a machine, as a reader of the report sees it."""

from typing import Any

from auditkit.report.look import Options
from auditkit.report.watching import who_watches

ROW: dict[str, Any] = {"installed": True, "enabled": None, "running": None, "data_age_days": None, "detail": ""}
ROWS: list[dict[str, Any]] = [
    {**ROW, "kind": "brute-force brake", "name": "fail2ban", "enabled": True, "running": True, "detail": "jails: sshd"},
    {**ROW, "kind": "log", "name": "journald", "detail": "kept over a restart"},
    {**ROW, "kind": "log", "name": "auditd", "enabled": False, "running": False},
    {**ROW, "kind": "malware scanner", "name": "clamav", "running": True, "data_age_days": 1},
    {**ROW, "kind": "backup", "name": "none", "installed": False},
    {**ROW, "kind": "\x1b[31mkind", "name": "\u202ename", "detail": "\n"},
]


def test_all_that_watches_is_a_line_for_each_kind() -> None:
    assert list(who_watches(ROWS, Options(show_all=True))) == [
        "  what watches this machine",
        "    brute-force brake  fail2ban (runs; jails: sshd)",
        "    log                journald (kept over a restart), auditd (DOES NOT RUN; not at boot)",
        "    malware scanner    clamav (runs; data 1 day old)",
        "    backup             none",
        r"    \x1b[31mkind       \xe2\x80\xaename (\x0a)",
    ]


def test_it_is_shown_to_who_asks_for_all() -> None:
    assert list(who_watches(ROWS, Options())) == []
    assert list(who_watches([], Options(show_all=True))) == []
