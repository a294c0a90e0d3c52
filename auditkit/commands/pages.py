"""What is made from the code, pages and the words of completion: `python -m auditkit.commands.pages` writes them anew."""

import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module

import click

from auditkit import audits, packaged, scan
from auditkit.collect import FLEETING
from auditkit.commands import COMMANDS, HOSTS, fields, manual, tabled, wanted
from auditkit.commands.rules import all_rules
from auditkit.logins import places
from auditkit.model import Means, Rule
from auditkit.response.blocking import asking

COMMAND = ".venv/bin/python -m auditkit.commands.pages"
"""What writes the pages anew, from the top of a checkout."""
WIDTH = 120
_SIGN = re.compile(r"`[^`]*`|[*<]")
"""What Markdown would take for its own, and quoted code, where it does not."""
_OTHERS = (
    ("where a change is to be explained", (*packaged.NEEDS, *packaged.CLAIMING)),
    ("incident block", asking.OVER_SSH),
)
"""Who else asks, and for what."""
_MADE = f"<!-- made from the code by `{COMMAND}`: change the code, not this page -->"

_CLI = """\
# The command line

`auditkit COMMAND [HOST]...`. Answers go to stdout; progress, hints and errors to stderr.

{hosts}

What is on a network must be one of your own addresses: a host of `auditkit.yaml`, or in its `networks:`. One host after
the other is worked on here, many at once over SSH (`--parallel`). `auditkit collect HOST... -o DIR/` asks each all that the
other commands would, and judges nothing; [its file](evidence-format.md) is a HOST too, as `evidence:FILE`, on any machine, and
is judged as of the time when it was taken.

| exit status | means |
|--:|---|
| 0 | looked at everything; nothing at or above `--fail-on` |
| 1 | findings |
| 2 | usage, configuration, policy or file-format error |
| 3 | incomplete: something could not be seen, and nothing worse was found |
| 4 | untrusted: a signature, key, sequence or chain is wrong; nothing was compared |

4 goes before 2, 2 before 1, 1 before 3, 3 before 0. `--fail-on none` leaves 1 out. An interrupted run ends with 130; one
of several hosts tells what is known by then, and ends as that comes to.

`auditkit.yaml` is looked for at `--config`, `$AUDITKIT_CONFIG`, `./`, `~/.config/auditkit/` and `/etc/auditkit/`; the first one
counts. Baselines are kept in `--store`, else in its `store:`, else in `/var/lib/auditkit` for root and in the user's state
directory (`~/.local/state/auditkit`) for others. Whose signatures count says `--signers`, else its `signers:`."""

_RULES = """\
# Rules

What a finding means, why it matters (first for whoever decides, then for whoever administers) and what to do. `auditkit explain
RULE` shows the same at the prompt, `auditkit audit --list` those of the audits. The severity is
what the rule has by itself; for a change of a path the policy's `severity:` counts, and the rule's only where it is higher
(content-changed-quietly, setuid-gained, capability-gained) or limits it (times-changed, log-rotated-away)."""


_NEEDS = """\
# What is read and run on a host

Besides the files that a policy watches, which are hashed there, a host is asked for this: all that one command needs in one
question (`collect` in three, for it asks first what is gone first), and up to four times more for what follows from the
answers, as files that a configuration includes and those that these name, or `sshd -T -C` for the accounts and addresses
that it tells apart. Nothing is written, and no service is changed.
`auditkit audit --needs HOST` says the same of one host, audit by audit, with what may follow and the lines of sudoers for it.

* **file**: it is read; of what may hold secrets only facts leave the host. *Rights*: root; what cannot be read is a gap.
* **status**: mode and owner of a path, symlinks resolved, and of each directory above it (stat(2)). *Rights*: to pass through
  these directories.
* **listeners**: one look at /proc/net/{tcp,tcp6,udp,udp6} and at the handles of every process. *Rights*: root; others see all
  sockets, and whose they are only of their own processes.
* **listing**, **unowned**: what lies at paths, no symlink followed: mode, owner, size, times, target, capabilities, and which
  packages have put it there, by the databases of dpkg, apk, pacman or rpm; `/x/**` is all below. **unowned** passes on only
  what no package has put there. No file is read but those databases. *Rights*: root; what cannot be looked at is a gap.
* **privileged**: the same of setuid and setgid programs and of those with capabilities, in a walk through all local file
  systems (networks and /proc are left out), and of programs in /tmp, /var/tmp, /dev/shm and /run, files in /dev, and
  directories whose names hide them. It takes half a second for 100,000 files, and ends after two minutes with a gap.
  *Rights*: root.
* **processes**: of each process what it runs, when and as whom, and of its environment LD_PRELOAD, LD_AUDIT and
  LD_LIBRARY_PATH; of its command line only the first word, unless something is odd, and then without what is a secret by its
  name. Whether any hides: the list of /proc is held against control groups and against the answer to each number. *Rights*:
  root; others see only what their own processes run.
* **command**: a program of the host is run without a shell, without stdin, with nothing of our environment; for 10 seconds, up
  to 1 MiB of stdout and of stderr, four at once, and whatever it has started is ended with it. A program that others than root
  could change, or put there, is not run, and that is a gap. *Rights*: those of the program; `sshd -T` reads host keys: root.
* **banner**: over SSH what our own login has shown, with no packet more. For `local`, one connection to each port on which an
  SSH server of this machine listens, three at most, that ends before any credential; sshd writes a line in its log.
  *Rights*: none; who is not root knows only of port 22 that it is one of an SSH server.
* **port**: one connection from this machine to each port that listens there for more than the host itself, at the address at
  which the host was reached and at no other, one after the other: 3 seconds, 4 KiB, one attempt each, 64 ports and a minute
  in all. What is said is as little as makes a service tell what it is: `EHLO`, `HEAD /`, the question for version.bind;
  nobody logs in, nothing is read. Data stores and SNMP are asked only with `--active`; ports that print or move machines
  (9100 to 9107, 515, 502 and the like) never, and those of SSH not again. Services may log it, and MySQL counts a connection
  that ends so among its aborted ones. Of a host that another machine connects to for us (`jump`) that is a gap. *Rights*:
  none. `listed`: what auditkit.yaml lists for a device without SSH.

* **packages**: lists of packages that apt, pacman or apk has fetched are reduced there to what is installed, of each release
  its head without digests is taken, and of the changelog of each package when its last versions were made. No package
  manager is run and nothing is fetched. *Rights*: none.
* **times**: when files were last written to, without their content. *Rights*: to pass through their directories.
* **libraries**: which files of /proc/*/maps that may be executed are gone. *Rights*: root; others see their own processes.
* **log**: logs as they are, in pieces, the newest first, packed while they travel: of a host that is judged at once up to 32
  GiB, into evidence up to 96 MiB; which older ones are left out is a gap. A log is read up to the length that it had; links
  out of the disk, pipes and devices are not followed, and what holds passwords or a private key by its name or first line is
  not taken. **Nothing is taken out of a log**, for line numbers and digests count: what somebody typed in the wrong place, as
  a password in the place of his name, stands in it and in evidence of it. Keep evidence as you keep the logs themselves. On
  this machine and on mounted disks logs are read where they lie, also the files of the journal; of a host over SSH the
  journal is told by `journalctl`, which writes what can tell of logins, up to 2,000,000 entries (100,000 into evidence), for
  half an hour at most. *Rights*: root, or the groups `adm` and `systemd-journal`.

A mounted disk gives files, their status, listings, packages and times: nothing on it runs. Over SSH `become: sudo` makes it
root's look. Hosts without Python are asked for files, status, commands, logs and listeners with the tools of GNU or busybox;
there commands run one after the other, and the rest is a gap, as is a private key that is written in an odd way. Where
evidence is older than what is asked for today, it is a gap.

Facts are made on the host: of passwords whether one is set, by which scheme, and whether `!` or `*` stands before it, of
private keys their format, whether they have a passphrase, and their public half; of the settings of WireGuard, OpenVPN,
syslog-ng, wget and pip only the lines that start a program or name an index, and of jobs of `at` no value of a variable. A job
of `at` on a host without Python is a gap."""


def pages() -> Mapping[str, Callable[[], str]]:
    """By path below the top of a checkout, what makes the file."""
    return {
        "docs/reference/cli.md": cli,
        "docs/reference/rules.md": rules,
        "docs/reference/needs.md": needs,
        "docs/reference/report-fields.md": fields_of_report,
        "docs/man/auditkit.1": manual.page,
        "docs/man/auditkit.yaml.5": manual.configuration,
        "auditkit/commands/completion.json": tabled.completions,
    }


def cli() -> str:
    """The page of all commands."""
    forms = "\n".join(("| HOST | means |", "|---|---|", *(f"| `{word}` | {what} |" for word, what in HOSTS.items())))
    return _page(_CLI.format(hosts=forms), (_command(name, what) for name, what in COMMANDS.items()))


def fields_of_report() -> str:
    """The page of all fields of the report document."""
    return _page(fields.HEAD, fields.parts())


def rules() -> str:
    """The page of all rules, by their ids."""
    return _page(_RULES, map(_rule, sorted(all_rules(), key=lambda rule: rule.id)))


def needs() -> str:
    """The page of all that a host is asked for besides its files."""
    of_audits = ((audit.name, audit.needs) for audit in audits.AUDITS)
    sources = (("every scan", scan.NEEDS), *of_audits, ("logins", places.to_be_told()), ("collect", FLEETING), *_OTHERS)
    asked = wanted.told(sources)
    return _page(_NEEDS, (_asked(means, asked[means]) for means in Means if means in asked))


def _asked(means: Means, asked: Mapping[str, Iterable[str]]) -> str:
    """The part of one means, what is asked for in its order."""
    rows = (f"| `{_cell(what)}` | {_cell('; '.join(dict.fromkeys(why)))} |" for what, why in sorted(asked.items()))
    return "\n".join((f"## {means}", "", "| what | why (who asks) |", "|---|---|", *rows))


def _page(head: str, parts: Iterable[str]) -> str:
    return "\n\n".join((_MADE, head, *parts)) + "\n"


def _command(name: str, what: str) -> str:
    """The part of one command: its help, a row per option, and the parts of its subcommands."""
    command: click.Command = import_module(f"auditkit.commands.{name}").command
    context = click.Context(command, info_name=f"auditkit {name}")
    parts = [f"## {name}", f"`auditkit {name} {_usage(command, context)}`: {what}", *_described(command, context)]
    if isinstance(command, click.Group):
        parts += (_subcommand(command, context, below) for below in command.list_commands(context))
    return "\n\n".join(parts)


def _subcommand(group: click.Group, context: click.Context, name: str) -> str:
    """The part of a command of a group, such as `incident open`."""
    command = group.get_command(context, name)
    assert command
    below = click.Context(command, context, f"{context.info_name} {name}")
    title = str(below.info_name).removeprefix("auditkit ")
    usage = f"`{below.info_name} {_usage(command, below)}`"
    return "\n\n".join((f"### {title}", usage, *_described(command, below)))


def _usage(command: click.Command, context: click.Context) -> str:
    return " ".join(command.collect_usage_pieces(context))


def _described(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield what a command does, and its options."""
    if command.help:
        yield _joined(command.help)
    if options := list(_options(command, context)):
        yield "\n".join(("| option | what it does |", "|---|---|", *options))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield the row of each option that is shown to people."""
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record:
            yield f"| `{_cell(record[0])}` | {_cell(record[1])} |"


def _rule(rule: Rule) -> str:
    """The part of one rule."""
    parts = [_told(f"{rule.severity.word}:", rule.title), _told("**Why**", rule.why), _told("**Do**", rule.remedy)]
    if rule.references:
        parts.append(_told("**See**", ", ".join(rule.references)))
    return "\n\n".join((f"## {rule.id}", *parts))


def _told(head: str, text: str) -> str:
    """A paragraph of the text as written, whatever Markdown would make of its signs."""
    shown = _SIGN.sub(lambda match: match[0] if len(match[0]) > 1 else "\\" + match[0], text)
    return textwrap.fill(f"{head} {shown}", WIDTH, break_long_words=False, break_on_hyphens=False)


def _joined(text: str) -> str:
    """Paragraphs of help, each in one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def main(top: str = ".") -> int:
    """Write the pages below the top of a checkout."""
    made = {name: make() for name, make in pages().items()}
    for name, text in made.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
