"""What a command that somebody ran as another account amounts to: a shell of it, or one command."""

from auditkit.logins.nouns import What

SHELLS = frozenset(
    ("sh", "bash", "dash", "ash", "zsh", "ksh", "ksh93", "mksh", "csh", "tcsh", "fish", "rbash", "su", "tmux", "screen")
)
PLAIN = frozenset(("-", "-l", "-i", "-s", "--login", "-li", "-il", "-m", "-p", "root"))
"""Words behind the name of a shell with which it still is one to type into."""


def became(command: str) -> What:
    """BECAME where a command is a shell without a script of its own, RAN for any other."""
    words = command.split()
    if words and words[0].rpartition("/")[2] in SHELLS and PLAIN.issuperset(words[1:]):
        return What.BECAME
    return What.RAN
