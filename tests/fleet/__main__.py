"""A fleet by hand: `python tests/fleet up py:2 nopy:1 bb:1` keeps it up until Ctrl-C, and says how to reach it."""

import argparse
import shlex
import signal
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # of tests/, as pytest has it

from fleet.fleet import Fleet, tidy  # noqa: E402 - it is found only now
from fleet.images import NoFleetError  # noqa: E402
from fleet.machines import KINDS  # noqa: E402


def main() -> int:
    """Bring up what was asked for, and wait for the end."""
    parser = argparse.ArgumentParser(prog="tests/fleet", description=__doc__)
    parser.add_argument("what", choices=("up",))
    parser.add_argument("machines", nargs="+", type=counted, metavar="KIND:NUMBER", help=f"kinds are {', '.join(KINDS)}")
    parser.add_argument("--home", type=Path, help="an empty folder for the client's files; usually a temporary one")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    home = asked.home or Path(tempfile.mkdtemp(prefix="auditkit-fleet-"))
    home.mkdir(parents=True, exist_ok=True)
    try:
        with Fleet(home) as fleet:
            fleet.up(asked.machines)
            fleet.config()
            tell(fleet)
            signal.pause()
    except NoFleetError as reason:
        sys.stderr.write(f"no fleet: {reason}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("down\n")
    finally:
        if not asked.home:
            tidy(home)
    return 0


def counted(word: str) -> tuple[str, int]:
    """`py:2` as kind and number."""
    kind, _, number = word.partition(":")
    if kind not in KINDS:
        raise argparse.ArgumentTypeError(f"{kind} is none of {', '.join(KINDS)}")
    return kind, int(number or 1)


def tell(fleet: Fleet) -> None:
    """Print what a person needs to reach the machines."""
    environment = [f"{name}={value}" for name, value in fleet.environment.items() if name != "PATH"]
    lines = [f"{machine.name:10} {machine.word:30} root {machine.root}" for machine in fleet.machines]
    lines += ["", f"key     {fleet.key}", f"known   {fleet.known_hosts}", f"config  {fleet.home / 'auditkit.yaml'}"]
    lines += [f"prefix  {shlex.join([*fleet.prefix, 'env', *environment])}"]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


sys.exit(main())
