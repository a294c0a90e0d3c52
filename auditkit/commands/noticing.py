"""Notices of a night: made by what auditkit.yaml says, kept in the outbox, and handed over."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from auditkit import nights
from auditkit.channels import Mail, Notify
from auditkit.commands import answering, options
from auditkit.config import Config
from auditkit.errors import AuditkitError, UsageError
from auditkit.notices import Night, Notice, Trouble
from auditkit.printable import counted

if TYPE_CHECKING:
    from auditkit.notify import Way

UNHEARD = Notify()
"""What holds where auditkit.yaml names nobody: the notice is written to stdout."""
WORST = (0, 3, 1, 2, 4)
"""Exit statuses, each one outweighing those before it."""
TEST = Notice("a test", "Notices of auditkit arrive here. Nothing was looked at.\n", urgent=False)


class LostError(AuditkitError):
    """A notice was neither kept nor sent: what it tells has not been told."""


def night(run: options.Setting, troubles: tuple[Trouble, ...] = (), report: str = "") -> Night:
    """What is known of this night besides its report."""
    notify = run.config.notify or UNHEARD
    told, last = nights.told(run.store)
    return Night(
        place=nights.place(),
        now=datetime.now(UTC).replace(microsecond=0),
        at=notify.at,
        told=told,
        last=last,
        heartbeat=notify.heartbeat,
        asleep=frozenset(_hosts(notify.asleep, run.config)),
        quiet=notify.quiet,
        troubles=troubles,
        report=report,
    )


def _hosts(words: Iterable[str], config: Config) -> Iterator[str]:
    """Yield the hosts that are named, or are in a group that is."""
    for word in words:
        if word.startswith("@"):
            yield from (name for name, host in config.hosts.items() if word[1:] in host.groups)
        else:
            yield word


def delivered(run: options.Setting, notice: Notice, page: str = "", *, later: bool = False) -> list[AuditkitError]:
    """Keep a notice in the outbox and send all that waits there, now or `later`; gives what went wrong.

    What cannot be kept is sent all the same. `page` is the path of the report that may go with it.
    """
    if run.config.notify is None:
        return []
    from auditkit.notify import outbox  # noqa: PLC0415 - smtplib and ssl cost a tenth of a second

    errors, unkept = list[AuditkitError](), dict[str, bytes]()
    for kind, data in _written(run.config.notify, notice, page).items():
        try:
            gone = outbox.put(run.store, kind, data, datetime.now(UTC))
            errors += [AuditkitError(outbox.told(gone))] if gone else []
        except AuditkitError as error:
            errors.append(error)
            unkept[kind] = data
    errors += _direct(run, unkept)
    return errors if later else [*errors, *sent(run)]


def _direct(run: options.Setting, notices: Mapping[str, bytes]) -> Iterator[AuditkitError]:
    """Send what could not be kept; yield what went wrong, and by that was lost."""
    ways = _ways(run) if notices else {}
    for kind, data in notices.items():
        try:
            ways[kind].send(data)
        except AuditkitError as error:
            yield LostError(str(error), error.hint)


def sent(run: options.Setting) -> list[AuditkitError]:
    """Send all that waits in the outbox; gives what went wrong."""
    from auditkit.notify import outbox  # noqa: PLC0415 - see above

    try:
        done = outbox.send(run.store, _ways(run))
    except AuditkitError as error:
        return [error]
    if done.taken and not run.quiet:
        answering.talk(f"auditkit: {counted(done.taken, 'notice')} sent")
    if done.kept:
        answering.talk(f"auditkit: {counted(done.kept, 'notice')} kept for the next run")
    return done.errors


def _ways(run: options.Setting) -> "Mapping[str, Way]":
    from auditkit import notify  # noqa: PLC0415 - see above

    told = run.config.notify
    return notify.ways(told, nights.place(), run.credentials) if told else {}


def tried(run: options.Setting) -> int:
    """Send a notice that says nothing by each way, at once and past the outbox.

    Raises:
        UsageError: auditkit.yaml names nobody.
        AuditkitError: it could not be handed over.
    """
    if run.config.notify is None:
        raise UsageError("auditkit.yaml names nobody to tell", "add `notify:` there")
    ways = _ways(run)
    for kind, data in _written(run.config.notify, TEST, "").items():
        ways[kind].send(data)
        click.echo(f"a test was handed to {ways[kind].name}")
    return 0


def _written(notify: Notify, notice: Notice, page: str) -> Mapping[str, bytes]:
    """A notice as each way takes it."""
    from auditkit.notify import APPRISE, MAIL, services  # noqa: PLC0415 - see above

    made = {}
    if notify.mail:
        made[MAIL] = _mail(notify.mail, notice, page)
    if notify.apprise_file:
        made[APPRISE] = services.written(f"auditkit: {notice.subject}", notice.body, urgent=notice.urgent)
    return made


def _mail(mail: Mail, notice: Notice, page: str) -> bytes:
    from auditkit.notices import mail as letters  # noqa: PLC0415 - few runs write mails

    now = datetime.now(UTC).replace(microsecond=0)
    name = f"{now:%Y%m%d%H%M%S}.{secrets.token_hex(8)}"
    envelope = letters.Envelope(mail.sender, mail.to, now, name, nights.place())
    return letters.written(notice, envelope, _page(page, letters.LARGEST) if mail.attach and page else None)


def _page(path: str, most: int) -> bytes | None:
    """The report as a page, or as much of it as shows that it is too large; None where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read(most + 1)
    except OSError:
        return None


def arrived(errors: Iterable[AuditkitError]) -> bool:
    """Whether somebody has the notice, or will."""
    return not any(isinstance(error, LostError) for error in errors)


def complained(errors: Iterable[AuditkitError], code: int) -> int:
    """Say on stderr what went wrong with notices, and give the exit status of a run that came to `code`."""
    for error in errors:
        answering.talk(f"auditkit: error: {error}{f'{chr(10)}hint: {error.hint}' if error.hint else ''}")
        code = max(code, error.exit_code, key=WORST.index)
    return code
