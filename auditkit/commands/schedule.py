"""`auditkit schedule HOST...`: the systemd units or cron lines that run `nightly`: printed, for a person to install."""

import os
import re
import shlex
import stat
import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import click

from auditkit import config, fleet, hosts, nights, units
from auditkit.channels import SENDMAIL
from auditkit.commands import ARGV, answering, options
from auditkit.errors import AuditkitError, UsageError
from auditkit.hosts import is_here
from auditkit.printable import printable
from auditkit.schedules import STATE, Made, Plan, cron, systemd
from auditkit.ssh.address import OWN

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DELAY = re.compile(r"([0-9]{1,4})([smh]?)")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
PASSED = ("what", "keep", "key", "parallel", "timeout", "fail_on", "jobs")
"""Options of `nightly` that are handed on where they are not as it has them anyway."""
USUAL = {"what": "scan", "keep": nights.KEPT, "parallel": fleet.PARALLEL, "fail_on": "medium"}
LATEST = 12 * 3600


@click.command("schedule")
@options.hosts
@click.option("--at", default="01:00", metavar="HH:MM", show_default=True, help="when, in this machine's zone")
@click.option("--delay", default="30m", metavar="TIME", show_default=True, help="begin at random within that time after it")
@options.what
@click.option(
    "--user", default="root", metavar="NAME", show_default=True, help="who runs it; this machine is seen whole by root only"
)
@click.option("--cron", "as_cron", is_flag=True, help="a file for /etc/cron.d, instead of systemd units")
@click.option("-o", "folder", metavar="DIR", help="write the files there, which is no installation")
@options.nights
@options.advisories
@options.keeping
@options.parallel
@options.trust
@options.jobs
@options.fail_on
@click.option("-q", "--quiet", is_flag=True, help="no hints on stderr")
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Print what runs `auditkit nightly` every night, with the commands that install it and those that undo that.

    Nothing is installed. HOST is all of auditkit.yaml if none is named, or this machine where there are none.
    """
    run = options.setting(**given)
    plan = _plan(hosts, run, given)
    made = (cron if given["as_cron"] else systemd).made(plan, _full(given["folder"]), _again(given))
    if given["folder"]:
        _write(given["folder"], made, run)
    else:
        click.echo("\n".join(f"# {path}\n{text}" for path, text in made.files.items()))
    click.echo("\n".join(_told(made, plan)))
    return 0


def _plan(words: tuple[str, ...], run: options.Setting, given: Mapping[str, Any]) -> Plan:
    named = hosts.named(words or run.config.every, run.config)
    if any(word.startswith("evidence:") for word in named):
        raise UsageError("evidence is the same every night", "name hosts")
    notify, vendor = run.config.notify, run.config.vendor
    hour, minute = _time(given["at"])
    sendmail = bool(notify and notify.mail and notify.mail.via.kind == SENDMAIL)
    return Plan(
        program=_program(),
        options=[*words, *_options(given)],
        settings=_settings(run, given),
        store=_store(run, given),
        hour=hour,
        minute=minute,
        delay=_seconds(given["delay"]),
        user=_user(given["user"]),
        here=any(map(is_here, named)),
        away=not all(map(is_here, named)) or bool(vendor.mirrors) or vendor.sources,
        networks=tuple(map(str, OWN if run.config.networks is None else run.config.networks)),
        notified=notify is not None,
        sendmail=sendmail,
        credential=notify.mail.credential if notify and notify.mail else None,
        parallel=run.parallel,
        spread=int.from_bytes(sha256(nights.place().encode()).digest()[:4]),
    )


def _program() -> tuple[str, ...]:
    """The words that start this auditkit from anywhere."""
    started = os.path.abspath(sys.argv[0])
    if os.access(started, os.X_OK) and os.path.basename(started) != "__main__.py":
        return (started,)
    if os.path.isfile(started) and os.path.basename(started) != "__main__.py":
        return (sys.executable, started)
    return (sys.executable, "-m", "auditkit")


def _options(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that are handed on."""
    for name in PASSED:
        if given.get(name) is not None and given[name] != USUAL.get(name):
            value = str(given[name])
            yield from (f"--{name.replace('_', '-')}", _full(value) or "" if name == "key" and value != "agent" else value)
    for file in given["advisories"]:
        yield from ("--advisories", _full(file) or "")


def _settings(run: options.Setting, given: Mapping[str, Any]) -> list[str]:
    """Where auditkit.yaml, the store and the signers are, by full paths: a service runs somewhere else, as somebody else."""
    found = config.find(given["config_file"], os.environ.get("AUDITKIT_CONFIG"), run.home)
    made = ["--config", os.path.abspath(found)] if found else []
    made += ["--store", _store(run, given)]
    return made + (["--signers", os.path.abspath(given["signers"])] if given["signers"] else [])


def _store(run: options.Setting, given: Mapping[str, Any]) -> str:
    """The store, by its full path: where nobody names one that of the system, whoever prints this."""
    return os.path.abspath(given["store"] or run.config.store or STATE)


def _full(path: str | None) -> str | None:
    return path and os.path.abspath(os.path.expanduser(path))


def _time(text: str) -> tuple[int, int]:
    found = _TIME.fullmatch(text)
    if not found:
        raise UsageError(f"{printable(text)} is no time of day", "write it like 01:00")
    return int(found[1]), int(found[2])


def _seconds(text: str) -> int:
    found = _DELAY.fullmatch(text)
    seconds = int(found[1]) * {"s": 1, "": 1, "m": 60, "h": 3600}[found[2]] if found else LATEST + 1
    if seconds > LATEST:
        raise UsageError(f"{printable(text)} is no delay", "write it like 30m, up to 12h; 0 for none")
    return seconds


def _user(name: str) -> str:
    if not _USER.fullmatch(name):
        raise UsageError(f"{printable(name)} is no name of a user", "write it as in /etc/passwd")
    return name


def _again(given: Mapping[str, Any]) -> str:
    """The command that writes the files to a directory, which is this one and where."""
    words = click.get_current_context().meta.get(ARGV, ("schedule",))
    return f"auditkit {shlex.join(word for word in words if word not in ('-q', '--quiet'))} -o units"


def _write(folder: str, made: Made, run: options.Setting) -> None:
    """Write the files where a person wants to have them."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise AuditkitError(f"{printable(folder)} cannot be made: {error.strerror}", "name another one with -o") from error
    for path, text in made.files.items():
        place = os.path.join(folder, os.path.basename(path))
        answering.write(place, [text])
        if not run.quiet:
            answering.talk(f"auditkit: {printable(place)} written")


def _told(made: Made, plan: Plan) -> Iterator[str]:
    """Yield what stands below the files: what a person does with them, and what systemd thinks of them."""
    for head, lines in (("Install", made.install), ("Undo", made.undo), ("Try, and see", made.see)):
        yield from (f"{head}:", *(f"  {line}" for line in lines), "")
    services = {os.path.basename(path): text for path, text in made.files.items() if not path.startswith("/etc/cron")}
    yield from units.told(services) if services else ()
    yield from made.notes
    yield from _remarks(plan)


def _remarks(plan: Plan) -> Iterator[str]:
    """Yield what a person should know before installing it."""
    if not plan.notified:
        yield "nobody is told: add `notify:` to auditkit.yaml, or read the journal every morning"
    if plan.here and plan.user != "root":
        yield f"{plan.user} does not see all of this machine: what is hidden from it is a gap every night"
    if plan.program[0].startswith(("/tmp/", "/var/tmp/")):  # noqa: S108 - nothing is written there
        yield "auditkit lies below a /tmp, of which a service may have one for itself: install it elsewhere"
    if plan.user == "root" and (path := next(_changeable(plan), None)):
        yield f"others than root may change {printable(path)}, by which root would be told what to do every night: move it"


def _changeable(plan: Plan) -> Iterator[str]:
    """Yield what of the program and of auditkit.yaml, or of the way to them, others than root may change."""
    named = plan.program[:2] if plan.program[0] == sys.executable else plan.program[:1]
    for word in (*named, *plan.settings[1::2]):
        path = os.path.realpath(word)
        while os.path.isabs(word):
            if os.path.lexists(path) and _is_others(os.stat(path)):
                yield path
            if path == "/":
                break
            path = os.path.dirname(path)


def _is_others(status: os.stat_result) -> bool:
    """Whether others than root may change it; what lies in a directory with the sticky bit only its owner may."""
    shared = stat.S_IMODE(status.st_mode) & 0o022 and not (stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX)
    return status.st_uid != 0 or bool(shared)
