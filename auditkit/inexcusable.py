"""Rules of which no exception can be made: auditkit.yaml that asks for one is refused."""

from collections.abc import Mapping

WHY: Mapping[str, tuple[str, ...]] = {
    "it says that somebody got in, or may have": (
        "success-after-guessing",
        "success-unsupported",
        "session-without-login",
        "unknown-key-used",
        "key-held-elsewhere",
        "closed-account-credential",
    ),
    "it says that logs are not whole, or not to be believed": (
        "log-forged",
        "log-tampered",
        "log-rewritten",
        "log-gap",
        "sources-disagree",
    ),
    "it says that the host hides something, or contradicts itself": (
        "name-hidden",
        "process-hidden",
        "process-disguised",
        "module-hidden",
        "content-contradicted",
        "content-changed-quietly",
        "ssh-host-key-differs",
        "ssh-not-as-configured",
    ),
    "it says that a file is not the one that its vendor signed": (
        "package-file-altered",
        "package-script-altered",
        "package-database-forged",
        "unlike-other-hosts",
        "hosts-disagree",
    ),
    "it is by account, and the next key would be accepted too: known_keys says whose a key is": ("key-unknown",),
    "it says how far auditkit itself is to be believed": (
        "explained-by-the-host-alone",
        "exception-expired",
        "exception-ending",
    ),
}
"""By the reason why nobody may take it out of a report."""


def why(rule: str) -> str | None:
    """Why there can be no exception of a rule; None where there can."""
    return next((reason for reason, rules in WHY.items() if rule in rules), None)
