"""Where baselines, cases and runs are kept if nobody says otherwise."""

import os


def default_store() -> str:
    """The system's place for root, the user's for a user."""
    if os.geteuid() == 0:
        return "/var/lib/auditkit"
    import platformdirs  # noqa: PLC0415 - only here

    return platformdirs.user_state_dir("auditkit")
