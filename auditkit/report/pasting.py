"""Commands as a reader may paste them, whatever names stand in them."""

import shlex

from auditkit.printable import printable, said


def command_line(command: str) -> str:
    """A command as it may be pasted: words that cannot be shown as they are stand in the shell's `$'...'`."""
    if said(command) == command:
        return command
    try:
        return " ".join(_word(word) for word in shlex.split(command))
    except ValueError:
        return f"# not to be pasted: {said(command)}"


def _word(word: str) -> str:
    """A word of a command line; what printable() writes is what bash(1), QUOTING, reads between `$'` and `'`."""
    shown = printable(word)
    return shlex.quote(word) if shown == word else "$'" + shown.replace("'", "\\'") + "'"
