"""`notify:` of auditkit.yaml: what it may say, what is refused and how."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import config
from auditkit.channels import Mail, Notify, Via
from auditkit.errors import ConfigError
from auditkit.model import Severity

FULL = """\
hosts: {srv-01: {}, pc-1: {groups: [pcs]}}
notify:
  mail:
    to: [anna@example.org, "office@example.org"]
    from: auditkit@example.org
    via: smtp://mail.example.org
    user: auditkit
    password_file: ~/smtp.password
    ca_file: own-ca.pem
    attach: true
  apprise_file: apprise.urls
  at: high
  heartbeat: 14d
  asleep: ["@pcs"]
  quiet: false
"""


def read(text: str) -> Notify | None:
    return config.read(text, "c.yaml").notify


def test_all_that_can_be_said() -> None:
    assert read(FULL) == Notify(
        mail=Mail(
            to=("anna@example.org", "office@example.org"),
            sender="auditkit@example.org",
            via=Via("smtp", "mail.example.org", 587),
            user="auditkit",
            password_file="~/smtp.password",
            ca_file="own-ca.pem",
            attach=True,
        ),
        apprise_file="apprise.urls",
        at=Severity.HIGH,
        heartbeat=timedelta(days=14),
        asleep=("@pcs",),
        quiet=False,
    )


def test_what_is_left_out() -> None:
    assert read("hosts: {}") is None
    told = read("notify: {mail: {to: [root], from: root}}")
    assert told == Notify(mail=Mail(("root",), "root", Via("sendmail")), at=Severity.MEDIUM, heartbeat=timedelta(days=7))


@pytest.mark.parametrize(
    ("word", "via"),
    [
        ("sendmail", Via("sendmail")),
        ("/opt/mta/sendmail", Via("sendmail", program="/opt/mta/sendmail")),
        ("smtps://mail.example.org", Via("smtps", "mail.example.org", 465)),
        ("smtp://10.0.0.1:25", Via("smtp", "10.0.0.1", 25)),
        ("smtp://[::1]:2525", Via("smtp", "::1", 2525)),
    ],
)
def test_ways_for_mail(word: str, via: Via) -> None:
    told = read(f"notify: {{mail: {{to: [a@b.example], from: c@b.example, via: '{word}'}}}}")
    assert told
    assert told.mail
    assert told.mail.via == via


def test_files_are_beside_auditkit_yaml(tmp_path: Path) -> None:
    (tmp_path / "auditkit.yaml").write_text(FULL)
    told = config.load(str(tmp_path / "auditkit.yaml"), "/home/anna").notify
    assert told
    assert told.mail
    assert (told.apprise_file, told.mail.ca_file) == (f"{tmp_path}/apprise.urls", f"{tmp_path}/own-ca.pem")
    assert told.mail.password_file == "/home/anna/smtp.password"


MAIL = "notify: {{mail: {{to: [{to}], from: {sender}, via: '{via}'{more}}}}}"


def mail(to: str = "a@b.example", sender: str = "c@b.example", via: str = "sendmail", more: str = "") -> str:
    return MAIL.format(to=to, sender=sender, via=via, more=more and f", {more}")


SMTP = "smtp://b.example"
MISTAKES = {
    "nobody": ("notify: {at: high}", "notify says nobody to tell", "add `mail:`"),
    "a misspelt key": ("notify: {male: {}}", "male is no key that is known here", "did you mean mail?"),
    "a password": (mail(via=SMTP, more="user: u, password: x"), "password is a secret", "`password_file:`"),
    "nobody to": (mail(to=""), "to takes 1 to 50 addresses", "name a list"),
    "no sender": ("notify: {mail: {to: [a@b.example]}}", "mail lacks from", "add `from:`"),
    "a header": (mail(to='"a@b.example\\nBcc: x@y.example"'), "to[0] has a line break", "one line"),
    "a carriage return": (mail(to='"a@b.example\\rBcc: x@y.example"'), "to[0] a@b.example\\x0d", "write it alone"),
    "two addresses in one": (mail(to="'a@b.example, x@y.example'"), "to[0] a@b.example, x@y", "write it alone"),
    "an option": (mail(to="-oQ/tmp"), "to[0] -oQ/tmp is no address", "write it alone"),
    "an account over SMTP": (mail(to="root", via=SMTP), "to[0] root is no address", "write it alone"),
    "a name as sender": (mail(sender="'Anna <a@b.example>'"), "from Anna <a@b.example> is no address", "write it alone"),
    "no way": (mail(via="mail.example.org"), "via mail.example.org is no way for mail", "smtp://"),
    "another way": (mail(via="http://mail.example.org"), "via http://mail.example.org is no way", "smtp://"),
    "a secret in the way": (mail(via="smtp://u:geheim@b.example"), "via b.example is no way for mail", "smtp://"),
    "a port too high": (mail(via="smtp://b.example:70000"), "via smtp://b.example:70000 is no way", "smtp://"),
    "a path": (mail(via="smtp://b.example/x"), "via smtp://b.example/x is no way", "smtp://"),
    "half a login": (mail(via=SMTP, more="user: u"), "mail names half a login", "or neither"),
    "half another": (mail(via=SMTP, more="password_file: /p"), "mail names half a login", "or neither"),
    "two passwords": (mail(via=SMTP, more="user: u, password_file: /p, password_credential: p"), "mail names two", "remove"),
    "a login at sendmail": (mail(more="user: u, password_file: /p"), "mail goes to sendmail", "remove user"),
    "a path as credential": (mail(via=SMTP, more="user: u, password_credential: ../p"), "password_credential ../p", "write"),
    "no severity": ("notify: {apprise_file: /a, at: serious}", "at cannot be serious", "choose from: critical"),
    "no days": ("notify: {apprise_file: /a, heartbeat: weekly}", "heartbeat weekly is no number of days", "like 7d, or off"),
    "no end": ("notify: {apprise_file: /a, heartbeat: 0d}", "heartbeat 0d is no number of days", "like 7d, or off"),
    "who sleeps": ("notify: {apprise_file: /a, asleep: [pc-9]}", "asleep[0] cannot be pc-9", "choose from: local"),
    "all sleep": ("notify: {apprise_file: /a, asleep: ['@all']}", "asleep[0] cannot be @all", "choose from: local"),
}


@pytest.mark.parametrize(("text", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_file_line_and_key(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.read(text, "c.yaml")
    assert str(refused.value).startswith(f"c.yaml:1: {message}")
    assert hint in refused.value.hint
    assert "geheim" not in str(refused.value) + refused.value.hint


def test_no_heartbeat() -> None:
    told = read("notify: {apprise_file: /a, heartbeat: off}")
    assert told
    assert told.heartbeat is None


PIECES = st.sampled_from([*FULL.splitlines(), "    via: smtp://[::1", "  at: [x]", "    to: {a: b}", "    to: []"])


@settings(max_examples=100)
@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("\n".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        config.read(text, "c.yaml")
    except ConfigError as refused:
        assert str(refused).startswith("c.yaml")  # noqa: PT017 - whichever comes is fine
