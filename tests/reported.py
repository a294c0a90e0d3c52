"""Documents of reports for the tests of formats: a readable one, and any that the schema holds good, hostile names included."""

from typing import Any

from hypothesis import strategies as st

from auditkit import report
from auditkit.report.document import Document, apart

BASE = {
    "file": "/b/web1.7", "made": "2026-11-23T02:30:00Z", "sequence": 7, "signer": "anna@office", "entries": 41208,
    "policy": "linux",
}  # fmt: skip
CHANGE = {
    "path": "/etc/motd", "change": "changed", "attributes": ["mode"], "before": {"kind": "file", "mode": "0644", "size": 5},
    "after": {"kind": "file", "mode": "0666", "size": 5}, "explanation": None, "severity": "medium", "level": "content",
    "rule": "attributes-changed", "note": "", "why": "",
}  # fmt: skip
EXPLAINED = CHANGE | {
    "path": "/usr/bin/vim", "attributes": ["digest"], "rule": "content-changed",
    "explanation": {"by": "package", "text": "vim 9.1-1 -> 9.1-2", "proof": "signed"},
}  # fmt: skip
FINDING = {
    "rule": "uid-zero-twin", "severity": "critical", "subject": "account toor", "message": "toor has uid 0",
    "remedy": "Close it: usermod -L toor", "quotes": [{"source": "/etc/passwd", "line": 3, "text": "toor:x:0:0"}],
    "references": ["passwd(5)"],
}  # fmt: skip
REMARK = FINDING | {
    "rule": "banner-version", "severity": "info", "subject": "22/tcp", "message": "22/tcp says its version", "remedy": "",
    "quotes": [], "references": [],
}  # fmt: skip
ACCEPTED = {
    "rule": "port-open", "severity": "high", "subject": "8080/tcp", "message": "8080/tcp is open", "reason": "the printer",
    "until": "2027-03-01",
}  # fmt: skip
SUCCESS = {
    "time": "2026-11-24T01:02:03Z", "user": "anna", "address": "192.0.2.7", "port": 50022, "method": "publickey",
    "fingerprint": "SHA256:abc", "support": ["wtmp"], "state": "supported", "ask": None,
}  # fmt: skip
SOURCE = {
    "address": "198.51.100.9", "attempts": 120, "users": ["root", "admin"], "first": "2026-11-23T01:00:00Z",
    "last": "2026-11-23T02:00:00Z",
}  # fmt: skip
LOGINS = {
    "access": "seen", "pattern": "background-noise", "coverage": "complete", "verdict": "Success seen: 1 login.",
    "window": {"from": "2026-11-17T00:00:00Z", "to": "2026-11-24T02:30:00Z"}, "attempts": 120, "not_understood": 0,
    "sources": [SOURCE], "successes": [SUCCESS],
}  # fmt: skip
GAP = {"subject": "/root", "reason": "permission denied"}


def host(name: str = "web1", **more: Any) -> dict[str, Any]:
    """A host of which all was seen, and nothing is wrong, unless told otherwise."""
    fine: dict[str, Any] = {
        "host": name, "status": "clean", "state": "ok", "untrusted": None, "baseline": BASE, "counts": {"entries": 41208},
        "explained": [], "changes": [], "findings": [], "logins": None, "facts": {"seconds": 12.5}, "gaps": [], "notes": [],
    }  # fmt: skip
    return fine | more


def made(*hosts: dict[str, Any], **more: Any) -> Document:
    """The document of a scan of these hosts."""
    run = {
        "schema": "auditkit/report/1", "tool": "auditkit 0.1", "command": "scan", "started": "2026-11-24T02:30:00Z",
        "finished": "2026-11-24T02:31:00Z", "status": "clean", "hosts": list(hosts), "next": [],
    }  # fmt: skip
    return run | more


WEB1 = host(
    counts={"entries": 41208, "changes": 1}, changes=[CHANGE, EXPLAINED], findings=[FINDING, REMARK], accepted=[ACCEPTED],
    logins=LOGINS, gaps=[GAP], notes=["the policy changed"],
    explained=[{"by": "package", "proof": "signed", "changes": 1, "causes": 1, "texts": ["vim 9.1-1 -> 9.1-2"]}],
)  # fmt: skip
"""A host with everything."""
CLEAN = host("db1")
LOST = host(
    "gw1", state="unreachable", baseline=None, counts={}, facts={}, gaps=[{"subject": "gw1", "reason": "no route to host"}]
)
NIGHT = made(WEB1, CLEAN, LOST, next=["auditkit accept web1 /etc/motd"])


def rendered(document: Document, form: str, show_all: bool = True) -> str:
    """The report in a format."""
    return "".join(report.render(document, form, report.Options(show_all=show_all)))


EVIL = (
    "=1+1", "@SUM(A1)", "'-1", "a;=2", '"=3', "[x](http://evil)", "![x](y)", "<script>", "</failure>", "]]>", "&amp;", "|",
    "# h",    "```", "- x", "`", "\x1b[31m", "\u202e", "\x00", "\n## x", "\r\n", '"} 1', "{0}", "\\", "\udcff", "\ufffe", "#12",
    "www.evil.example", "a@b", "\x85", "\u2028", "~~x~~", "1. x", "/etc/x y", "/a:b?c#d%41", "//x", "/",
)  # fmt: skip
TEXT = st.sampled_from(EVIL) | st.binary(max_size=8).map(lambda name: name.decode("utf-8", "surrogateescape"))
SEVERITIES = st.sampled_from(["info", "low", "medium", "high", "critical"])
ENTRIES = st.fixed_dictionaries(
    {"kind": st.sampled_from(["file", "directory", "symlink"])}, optional={"target": TEXT, "owner": TEXT, "digest": TEXT}
)
CHANGES = st.fixed_dictionaries(
    {
        "path": TEXT, "change": st.sampled_from(["added", "removed", "changed"]), "attributes": st.lists(TEXT, max_size=1),
        "before": ENTRIES, "after": ENTRIES, "severity": SEVERITIES, "level": st.just("content"), "rule": TEXT, "note": TEXT,
        "why": TEXT, "explanation": st.none() | st.fixed_dictionaries({"by": TEXT, "text": TEXT, "proof": st.just("local")}),
    }
)  # fmt: skip
QUOTES = st.fixed_dictionaries({"source": TEXT, "line": st.integers(0, 9), "text": TEXT})
FINDINGS = st.fixed_dictionaries(
    {
        "rule": TEXT, "severity": SEVERITIES, "subject": TEXT, "message": TEXT, "remedy": TEXT,
        "quotes": st.lists(QUOTES, max_size=1), "references": st.lists(TEXT, max_size=1),
    }
)  # fmt: skip
RISKS = st.fixed_dictionaries(
    {"rule": TEXT, "severity": SEVERITIES, "subject": TEXT, "message": TEXT, "reason": TEXT, "until": TEXT}
)
TIMES = st.none() | TEXT | st.just("2026-11-24T02:30:00Z")
SUCCESSES = st.fixed_dictionaries(
    {
        "time": TEXT, "user": TEXT, "address": st.none() | TEXT, "port": st.none() | st.integers(), "method": st.none() | TEXT,
        "fingerprint": st.none() | TEXT, "support": st.lists(TEXT, max_size=1),
    },
    optional={"ask": st.none() | st.just("high"), "guesses_before": st.integers(0, 2)},
)  # fmt: skip
SOURCES = st.fixed_dictionaries(
    {
        "address": TEXT | st.just("*"),
        "attempts": st.integers(0),
        "users": st.lists(TEXT, max_size=2),
        "first": TIMES,
        "last": TIMES,
    }
)
VERDICTS = st.fixed_dictionaries(
    {
        "access": st.sampled_from(["none-seen", "seen", "unsupported", "cannot-tell"]), "pattern": TEXT,
        "coverage": st.sampled_from(["complete", "gap", "source-missing", "tamper"]), "verdict": TEXT,
        "window": st.just({"from": None, "to": None}), "attempts": st.integers(0), "not_understood": st.integers(0),
        "sources": st.lists(SOURCES, max_size=1), "successes": st.lists(SUCCESSES, max_size=1),
    }
)  # fmt: skip
STATES = st.sampled_from(["ok", "findings", "partial", "unreachable", "lied", "timeout"])
HOSTS = st.fixed_dictionaries(
    {
        "host": TEXT, "status": st.just("clean"), "state": STATES, "untrusted": st.none() | TEXT,
        "baseline": st.none() | st.fixed_dictionaries(dict.fromkeys(("file", "made"), TEXT) | {"sequence": st.integers(0),
            "signer": st.none() | TEXT, "entries": st.integers(0)}),
        "counts": st.dictionaries(st.sampled_from(["entries", "changes"]), st.integers(0)),
        "explained": st.lists(st.fixed_dictionaries({"by": TEXT, "proof": st.just("local"), "changes": st.integers(0),
            "causes": st.integers(0)}), max_size=2),
        "changes": st.lists(CHANGES, max_size=2), "findings": st.lists(FINDINGS, max_size=2),
        "accepted": st.lists(RISKS, max_size=1), "logins": st.none() | VERDICTS,
        "facts": st.fixed_dictionaries({}, optional={"seconds": st.floats(0, 1e6)}),
        "gaps": st.lists(st.fixed_dictionaries({"subject": TEXT, "reason": TEXT}), max_size=2),
        "notes": st.lists(TEXT, max_size=1),
    }
)  # fmt: skip
DOCUMENTS = st.builds(
    made, *[HOSTS] * 2, tool=TEXT, command=TEXT, started=TIMES.filter(bool), finished=TIMES.filter(bool),
    next=st.lists(TEXT, max_size=1),
) | st.builds(made)  # fmt: skip


def number_of_items(one: dict[str, Any], show_all: bool) -> int:
    """How many things are to be told of a host: changes, findings, accepted ones, logins, gaps, why it is untrusted."""
    changes = [change for change in one["changes"] if show_all or not change["explanation"]]
    logins = one["logins"]
    about_logins = 1 + len(logins["successes"]) + len(logins["sources"]) if logins else 0
    unseen = max(len(one["gaps"]), int(one["untrusted"] is None and one.get("state") in ("unreachable", "lied", "timeout")))
    listed = (changes, apart(one), one.get("accepted", []))
    return sum(map(len, listed)) + about_logins + unseen + int(one["untrusted"] is not None)
