"""Options that commands share, and what they come to: configuration, store, trust, hosts, output."""

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from auditkit import __version__, config, fleet
from auditkit.commands import asking, moments, progress
from auditkit.commands.storing import default_store
from auditkit.errors import UsageError
from auditkit.hosts import Reach
from auditkit.model import Office, Severity
from auditkit.nights import KEPT
from auditkit.printable import printable
from auditkit.timeline import Span

if TYPE_CHECKING:
    from auditkit.commands.journaling import Record
    from auditkit.ledger import Ledger, Page

TOOL = f"auditkit {__version__}"
SEVERITIES = [*(severity.word for severity in Severity), "none"]
FORMATS = ("text", "json", "html", "markdown", "csv", "sarif", "junit", "prometheus", "ecs", "ocsf")
"""Those of auditkit.report, which is not loaded for --help."""
ENDINGS: Mapping[str, str] = {".html": "html", ".htm": "html"}
"""Which format the name of a file asks for, where nobody names one."""
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Setting:
    """What the common options and auditkit.yaml come to for one run."""

    config: config.Config
    store: str
    signers: str | None
    jobs: int
    timeout: float | None
    form: str
    output: str | None
    fail_on: Severity | None
    show_all: bool
    quiet: bool
    color: bool
    started: datetime
    home: str
    parallel: int
    show: progress.Show
    prompts: asking.Prompts | None
    """Who is asked for what a login needs."""
    signing: asking.Prompts
    """Who is asked for the passphrase of the key that seals."""
    ledger: "Ledger | None" = None
    """Where hosts leave what they show, to be held against each other."""
    page: "Page | None" = None
    """The page of it for the host that is worked on."""
    active: bool = False
    """Whether services may be asked what only who needs no password gets."""
    window: Span | None = None
    """The time that is asked about."""
    record: "Record | None" = None
    """The case of an incident that the run is written down in."""
    credentials: str | None = None
    """Where systemd has put secrets for this service (systemd.exec(5), LoadCredential=)."""

    @property
    def reach(self) -> Reach:
        """What the hosts of this run are reached with."""
        trusting = replace(self.config, signers=self.signers)  # they count for evidence too
        return Reach(trusting, self.timeout, self.prompts, self.home, os.environ)

    @property
    def office(self) -> Office:
        """What the configuration of this run says, as judges read it."""
        own, keys = self.config.networks, tuple(self.config.known_keys.items())
        office = Office(known_keys=keys, active=self.active)
        return office if own is None else replace(office, networks=tuple(map(str, own)))


def hosts(command: Command) -> Command:
    """The HOST... arguments."""
    return click.argument("hosts", nargs=-1, metavar="[HOST]...")(command)


def trust(command: Command) -> Command:
    """Where baselines are and who may have signed them."""
    for option in reversed(
        (
            click.option("--config", "config_file", metavar="FILE", help="auditkit.yaml to use"),
            click.option("--store", metavar="DIR", help="where baselines and cases are kept"),
            click.option("--signers", metavar="FILE", help="allowed_signers: whose signatures count"),
        )
    ):
        command = option(command)
    return command


def fail_on(command: Command) -> Command:
    """What makes the exit status 1."""
    what = "exit status 1 from this severity on"
    return click.option("--fail-on", type=click.Choice(SEVERITIES), default="medium", show_default=True, help=what)(command)


def quiet(command: Command) -> Command:
    """Whether nothing but the answer is written."""
    return click.option("-q", "--quiet", is_flag=True, help="no progress and no hints on stderr")(command)


def output(command: Command) -> Command:
    """Form and place of the answer, and what makes the exit status 1."""
    for option in reversed(
        (
            click.option("--format", "form", type=click.Choice(FORMATS), help="[default: text, or html for -o NAME.html]"),
            click.option("-o", "output", metavar="FILE", help="write the answer there instead of stdout"),
            fail_on,
            click.option("--all", "show_all", is_flag=True, help="show explained changes too"),
            quiet,
            click.option("--no-color", is_flag=True, help="no colours (as NO_COLOR does)"),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def keeping(command: Command) -> Command:
    """Who signs what is kept of a host."""
    what = "the SSH key that signs what is kept for the next run"
    return click.option("--key", metavar="FILE|agent", help=what)(command)


def timeout(command: Command) -> Command:
    """For how long a host may be asked."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="S",
        help="seconds that the work on one host may take (over SSH an hour, if not said)",
    )(command)


def jobs(command: Command) -> Command:
    """How many processes read, and for how long."""
    what = "processes that read files (default: one per core, up to 8)"
    return click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help=what)(timeout(command))


def password(command: Command) -> Command:
    """Where a password for logins comes from if no person is to be asked."""
    what = "read the password for logins from this file descriptor"
    return click.option("--password-fd", type=click.IntRange(0), metavar="N", help=what)(command)


def parallel(command: Command) -> Command:
    """How many hosts are asked at once."""
    what = "hosts over SSH that are asked at once"
    option = click.option(
        "--parallel", type=click.IntRange(1, 1000), metavar="N", default=fleet.PARALLEL, help=what, show_default=True
    )
    return option(command)


def fleet_of(command: Command) -> Command:
    """How many hosts are asked at once, and how they are logged in to."""
    return parallel(password(command))


def what(command: Command) -> Command:
    """What a night does."""
    words = click.Choice(("scan", "check"))
    return click.option("--what", type=words, default="scan", show_default=True, help="what is done with HOST")(command)


def nights(command: Command) -> Command:
    """How long what nights tell is kept."""
    number, told = click.IntRange(1, 10_000), "nights whose reports stay"
    return click.option("--keep", type=number, metavar="N", default=KEPT, show_default=True, help=told)(command)


def window(what: str) -> Callable[[Command], Command]:
    """The time that is asked about, as after an incident; `what` it is good for."""
    since = click.option("--since", metavar="TIME", help=what)
    until = click.option("--until", metavar="TIME", help="with --since: and before TIME (default: now)")
    return lambda command: since(until(command))


def active(command: Command) -> Command:
    """Whether data stores are asked."""
    what = "ask data stores whether they want a password, and SNMP for the communities that everybody knows"
    return click.option("--active", is_flag=True, help=what)(command)


def baseline(command: Command) -> Command:
    """What to compare with."""
    what = "compare with this baseline instead of the newest one"
    return click.option("--baseline", "baseline_file", metavar="FILE", help=what)(command)


def size(text: str) -> int:
    """Bytes, from `40K`, `10M` or `1G`."""
    found = re.fullmatch(r"([0-9]{1,9})([KMG]?)", text.upper())
    if not found:
        raise click.BadParameter(f"{printable(text)} is no size: write 40K, 10M or 1G")
    return int(found[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[found[2]]


def reread(command: Command) -> Command:
    """How much content is fetched and hashed here."""
    what = "content that a host over SSH has to hand out, to be hashed here; other files in each run (default: 40K)"
    return click.option("--reread", type=size, metavar="SIZE", help=what)(command)


def advisories(command: Command) -> Command:
    """Files that say which holes are closed in which version."""
    what = "advisories to hold packages against: Debian's tracker, a DSA/DLA list, OSV, KEV; may be given more than once"
    return click.option("--advisories", multiple=True, metavar="FILE", help=what)(command)


def resume(command: Command) -> Command:
    """Whether an earlier run is continued."""
    what = "continue an earlier run: ask only the hosts that it could not ask to the end"
    return click.option("--resume", metavar="ID|last", help=what)(command)


def case(command: Command) -> Command:
    """The case of an incident that a run is written down in: what was typed, what came of it, and its report."""
    named = click.option(
        "--case", "case_word", metavar="CASE", help="keep the report in this case of an incident, and say so there"
    )
    by = click.option("--by", metavar="NAME", help="with --case: who runs this (default: who is logged in)")

    @wraps(command)
    def run(**given: Any) -> Any:
        word, who = given.pop("case_word"), given.pop("by")
        if word is None and who is not None:
            raise UsageError("--by says who runs this for a case, and no case is named", "add --case CASE")
        if word is None:
            return command(**given)
        from auditkit.commands import journaling  # noqa: PLC0415 - only in an incident

        return journaling.journaled(word, who, given, lambda record: command(**given, record=record))

    return named(by(cast("Command", run)))


def setting(**given: Any) -> Setting:
    """The setting of a run from the options as click gave them.

    Raises:
        ConfigError: auditkit.yaml has a mistake.
    """
    home = os.path.expanduser("~")
    loaded = _configured(given, home)
    word = given.get("fail_on") or "medium"
    return Setting(
        config=loaded,
        store=given.get("store") or loaded.store or default_store(),
        signers=given.get("signers") or loaded.signers,
        jobs=given.get("jobs") or min(8, len(os.sched_getaffinity(0))),
        timeout=given.get("timeout"),
        form=given.get("form") or _by_ending(given.get("output")),
        output=given.get("output"),
        fail_on=None if word == "none" else Severity[word.upper()],
        show_all=bool(given.get("show_all")),
        quiet=bool(given.get("quiet")),
        color=sys.stdout.isatty() and not given.get("no_color") and not os.environ.get("NO_COLOR"),
        started=datetime.now(UTC),
        home=home,
        parallel=given.get("parallel") or fleet.PARALLEL,
        show=progress.alone(quiet=bool(given.get("quiet"))),
        prompts=asking.prompts(given.get("password_fd")),
        signing=asking.Prompts(asking.person),
        active=bool(given.get("active")),
        window=moments.span(given.get("since"), given.get("until")),
        record=given.get("record"),
        credentials=os.environ.get("CREDENTIALS_DIRECTORY"),
    )


def _by_ending(output: str | None) -> str:
    return ENDINGS.get(os.path.splitext(output or "")[1].lower(), "text")


def store_of(given: Mapping[str, Any]) -> str:
    """Where the store of a run is.

    Raises:
        ConfigError: auditkit.yaml has a mistake.
    """
    return given.get("store") or _configured(given, os.path.expanduser("~")).store or default_store()


def _configured(given: Mapping[str, Any], home: str) -> config.Config:
    found = config.find(given.get("config_file"), os.environ.get("AUDITKIT_CONFIG"), home)
    return config.load(found, home) if found else config.Config()
