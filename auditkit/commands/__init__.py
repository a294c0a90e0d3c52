"""The command line: COMMANDS has one line per command; each is imported only when it runs."""

import gc
import os
import sys
from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "scan": "check, audit and logins in one pass: the main job; works without any set-up",
    "logins": "did they get in? every log of logins, and a verdict",
    "baseline": "scan and store a sealed baseline",
    "check": "compare with the newest baseline and judge what changed",
    "accept": "seal the next baseline with reviewed changes",
    "diff": "what changed between two baselines, or two runs",
    "verify": "is the seal good and the sequence unbroken?",
    "audit": "judge the configuration of a host",
    "nightly": "scan all hosts and tell what is new: what a timer runs every night",
    "schedule": "print the systemd units or cron lines that run `nightly`",
    "collect": "take evidence of a host, judge nothing",
    "policy": "is a policy sound, and what watches a path?",
    "keygen": "make a key that signs baselines",
    "explain": "why a rule matters and what to do",
    "incident": "the record of an incident, and what is written from it",
    "history": "every run that is kept, and one of them told again",
    "report": "render a saved JSON report",
    "init": "write a first auditkit.yaml from what this machine knows",
    "hosts": "who is reachable, how, with which privilege, and what to fix",
    "completion": "what makes a shell complete words of auditkit",
}
"""Name of a command, which is its module too, and its help in a line."""

HOSTS: Mapping[str, str] = {
    "local": "this machine, the default unless told otherwise",
    "NAME, @GROUP, @all": "hosts of auditkit.yaml",
    "ssh://[user@]host[:port]": "a machine over SSH with one of your own addresses",
    "root:/mnt/disk": "a mounted disk, by its full path; nothing on it runs",
    "evidence:FILE": "what `collect` took of a host, here or elsewhere",
}
"""Every word that HOST may be, whatever the command, and what it means."""

ARGV = "auditkit.argv"
"""Where the group leaves what was typed, for its commands."""

COMPLETE = "_AUDITKIT_COMPLETE"
"""Set in the environment by the scripts of `auditkit completion`: the arguments are then to be completed, not obeyed."""

GARBAGE = 20_000
"""Objects that may come before it is worth to look for those that hold each other: what is loaded at the start is none."""

_FRONT = """\
Usage: auditkit [OPTIONS] COMMAND [HOST]...

  Did they get in, did anything change, what is open: integrity checks and
  audits for one office.

Options:
  --version   show the version
  -h, --help  show this page; `auditkit COMMAND --help` shows a command's

Commands:
{commands}

HOST:
{hosts}

Exit status: 0 looked at everything and found nothing at or above --fail-on;
1 findings; 2 usage or file error; 3 something could not be seen; 4 untrusted.

  $ auditkit scan
  $ auditkit baseline local --key ~/.ssh/id_ed25519
  $ auditkit scan @all --parallel 20
  $ auditkit check local root:/mnt/disk --format json"""


def front_page() -> str:
    """The help of auditkit itself: made without loading any command, nor what they need."""
    commands = "\n".join(f"  {name:12}{what}" for name, what in COMMANDS.items())
    return _FRONT.format(commands=commands, hosts=hosts_page())


def hosts_page() -> str:
    """What HOST may be, a line each."""
    return "\n".join(f"  {word:26}{what}" for word, what in HOSTS.items())


def main() -> int:
    """Run the command line and give its exit status."""
    if COMPLETE in os.environ:
        from auditkit.commands.completing import answer  # noqa: PLC0415 - a person waits with a finger on the key

        return answer(os.environ[COMPLETE], sys.argv[1:])
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        sys.stdout.write(front_page() + "\n")
        return 0
    gc.set_threshold(GARBAGE)
    from auditkit.commands.line import run  # noqa: PLC0415 - click and our nouns are most of the start of a short command

    try:
        return run()
    finally:
        gc.freeze()  # the process ends: nobody has to go through all that was loaded once more
