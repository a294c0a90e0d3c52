"""Where auditkit.pyz begins: what runs as it lies in the archive, what is loaded out of it, and what has to be done without."""

import os
import sys

OLDEST = (3, 11)
QUICK = ((), ("-h",), ("--help",))
"""What is answered before anything is loaded."""


def main() -> int:
    """Run auditkit, or say why not."""
    here = os.path.dirname(os.path.abspath(__file__))
    if sys.version_info < OLDEST:
        return _stop("needs Python {}.{}, this is {}.{}".format(*OLDEST, *sys.version_info[:2]), "boot a newer live system")
    try:
        if tuple(sys.argv[1:]) not in QUICK:
            import _loaded  # beside this file in the archive

            _loaded.prepare(here)
        from auditkit.commands import main as run

        return run()
    except ImportError as error:
        name = (error.name or "").partition(".")[0]
        if name in sys.stdlib_module_names:
            return _stop(f"this Python lacks {name} of its own library", "install all of it: apt-get install python3")
        why = f"{name or 'a part of auditkit'} cannot be loaded here ({error})"
        return _stop(why, "see `auditkit.pyz --version`, and take a live system of the kind that it was built for")


def _stop(why: str, hint: str) -> int:
    sys.stderr.write(f"auditkit: error: {why}\nhint: {hint}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
