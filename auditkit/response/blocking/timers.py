"""What takes a block away again, where the tool that blocks cannot count time itself. It is set before the block is."""

from auditkit.response.blocking.nouns import Ends, Step, Wish

_WHY = "Before you block, set what ends it after {time}: should you lock yourself out, you wait that long"


def later(wish: Wish, *commands: str) -> Step:
    """The step that has commands run when the time is over; they hold no quotation marks."""
    all_of_them = "; ".join(commands)
    match wish.ends:
        case Ends.SYSTEMD:
            line = f"systemd-run --quiet --collect --on-active={wish.seconds}s /bin/sh -c '{all_of_them}'"
        case Ends.AT:
            line = f"echo '{all_of_them}' | at now + {-(-wish.seconds // 60)} minutes"
        case Ends.SLEEP:
            line = f"nohup /bin/sh -c 'sleep {wish.seconds}; {all_of_them}' >/dev/null 2>&1 &"
    return Step(_WHY.format(time=wish.time), (line,))
