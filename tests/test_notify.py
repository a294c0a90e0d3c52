"""Notices on their way: a real SMTP server with TLS, a real sendmail, a real web service by apprise; and the outbox."""

import http.server
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from mailserver import PASSWORD, USER, Mails, certificate, serving

from auditkit.channels import Mail, Notify, Via
from auditkit.errors import AuditkitError
from auditkit.notices import Notice
from auditkit.notices.mail import Envelope, written
from auditkit.notify import MAIL, Way, outbox, services, ways
from auditkit.notify.secret import secret_line
from auditkit.notify.unsent import UnsentError

NOW = datetime(2026, 11, 30, 1, 4, 11, tzinfo=UTC)
NOTICE = Notice("2 new on srv-01 (1 critical)", "srv-01: größer\n.\n.x\nend\n", urgent=True)
LETTER = written(NOTICE, Envelope("auditkit@office.test", ("anna@office.test", "bert@office.test"), NOW, "1f", "office"))


@dataclass(frozen=True)
class Post:
    """Where certificates and secrets lie."""

    authority: Path
    server: Path
    password: Path


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Post:
    folder = tmp_path_factory.mktemp("post")
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(0o600)
    return Post(*certificate(folder, "localhost", "127.0.0.1"), password)


def mail(mails: Mails, post: Post, host: str = "127.0.0.1", login: bool = True, **more: str) -> Mail:
    """Mail to that server, whose authority is known."""
    given: dict[str, Any] = {"user": USER, "password_file": str(post.password)} if login else {}
    return Mail(
        ("anna@office.test",),
        "auditkit@office.test",
        Via("smtp", host, mails.port),
        ca_file=str(post.authority),
        **(given | more),
    )


def send(told: Mail, data: bytes = LETTER, credentials: str | None = None) -> None:
    ways(Notify(told), "office", credentials)[MAIL].send(data)


def refused(told: Mail, credentials: str | None = None) -> UnsentError:
    with pytest.raises(UnsentError) as error:
        send(told, credentials=credentials)
    return error.value


def content(data: bytes) -> str:
    return str(message_from_bytes(data, policy=default).get_content()).replace("\r\n", "\n")


# SMTP


def test_a_mail_over_tls_with_a_login(post: Post) -> None:
    with serving(Mails(post.server, login=True)) as mails:
        send(mail(mails, post))
    assert mails.to == [["anna@office.test", "bert@office.test"]]
    assert content(mails.taken[0]) == NOTICE.body
    assert [line.split(" ")[0].upper() for line in mails.said] == ["EHLO", "STARTTLS"], "nothing else goes in the clear"
    assert mails.said[0].upper() == "EHLO OFFICE"


def test_a_server_without_tls_gets_no_password(post: Post) -> None:
    with serving(Mails()) as mails:
        error = refused(mail(mails, post))
    assert str(error) == f"127.0.0.1 port {mails.port} offers no TLS, or no login"
    assert mails.taken == []
    assert not any("AUTH" in line for line in mails.said)


def test_a_server_of_another_authority_gets_nothing(post: Post, tmp_path: Path) -> None:
    other, _server = certificate(tmp_path, "localhost", "127.0.0.1")
    with serving(Mails(post.server)) as mails:
        error = refused(mail(mails, replace(post, authority=other)))
        assert "is not believed" in str(error)
        assert "is not believed" in str(refused(replace(mail(mails, post), ca_file=None)))
    assert mails.taken == []


def test_a_server_of_another_name_gets_nothing(post: Post, tmp_path: Path) -> None:
    authority, server = certificate(tmp_path, "other.test")
    with serving(Mails(server)) as mails:
        error = refused(mail(mails, replace(post, authority=authority)))
    assert "is not believed" in str(error)
    assert mails.taken == []


def test_on_this_machine_no_tls_is_asked_for_unless_there_is_a_login(post: Post) -> None:
    with serving(Mails()) as mails:
        send(mail(mails, post, login=False))
    assert len(mails.taken) == 1


def test_a_wrong_password_is_not_told(post: Post, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("geheim")
    wrong.chmod(0o600)
    with serving(Mails(post.server, login=True)) as mails:
        error = refused(mail(mails, post, password_file=str(wrong)))
    assert str(error) == f"127.0.0.1 port {mails.port} refuses the login of auditkit (535)"


@pytest.mark.parametrize("answer", ["452 disk full", "554 looks like spam \x1b[2J"])
def test_what_a_server_says_is_told_so_that_it_can_be_shown(post: Post, answer: str) -> None:
    with serving(Mails(post.server, refuses=answer)) as mails:
        error = refused(mail(mails, post, login=False, host="localhost"))
    assert str(error).endswith(answer.replace("\x1b", "\\x1b"))


def test_a_mail_that_some_had_is_not_sent_to_them_again(post: Post) -> None:
    with serving(Mails(post.server, unknown=("bert@office.test",))) as mails:
        with pytest.raises(AuditkitError, match=r"some were refused by the mail server: bert@office.test: 550") as error:
            send(mail(mails, post))
        assert not isinstance(error.value, UnsentError)
        mails.unknown = ("anna@office.test", "bert@office.test")
        assert "takes no mail for anna@office.test: 550" in str(refused(mail(mails, post)))
    assert mails.to == [["anna@office.test"]]


def test_a_server_that_is_down(post: Post) -> None:
    with serving(Mails(post.server)) as mails:
        told = mail(mails, post)
    assert str(refused(told)).endswith("cannot be reached: Connection refused")
    assert "cannot be reached: " in str(refused(replace(told, via=Via("smtp", "no.such.name.invalid", 25))))
    assert "cannot be used" in str(refused(replace(told, ca_file="/dev/null")))


def test_a_password_that_systemd_gives(post: Post) -> None:
    with serving(Mails(post.server, login=True)) as mails:
        told = replace(mail(mails, post, credential="password"), password_file=None)
        given = post.password.parent / "given"
        given.mkdir()
        (given / "password").write_text(PASSWORD)
        (given / "password").chmod(0o440)  # with an access list for one user, as systemd makes it
        assert str(refused(told)) == "systemd gave no credential password"
        send(told, credentials=str(given))
    assert len(mails.taken) == 1


# secrets


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("geheim\n")
    for mode, message in ((0o640, "may be read by others"), (0o604, "may be read by others"), (0o602, "may be read by others")):
        file.chmod(mode)
        with pytest.raises(UnsentError, match=message) as error:
            secret_line(str(file))
        assert "chmod 600" in error.value.hint
    file.chmod(0o400)
    assert secret_line(str(file)) == "geheim"
    for text, message in (("a\nb", "does not hold one line"), ("", "does not hold one line"), ("\udcff", "holds no text")):
        file.chmod(0o600)
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(UnsentError, match=message):
            secret_line(str(file))
    with pytest.raises(UnsentError, match="No such file"):
        secret_line(str(tmp_path / "none"))
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(UnsentError, match="no regular file"):
        secret_line(str(tmp_path / "pipe"))


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to give a file away")
def test_a_secret_of_somebody_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("geheim\n")
    file.chmod(0o600)
    os.chown(file, 65534, 65534)
    with pytest.raises(UnsentError, match="belongs to somebody else"):
        secret_line(str(file))


# sendmail


def program(folder: Path, script: str) -> Mail:
    """Mail by a program that does this."""
    path = folder / "sendmail"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return Mail(("root",), "root", Via("sendmail", program=str(path)))


def test_a_real_sendmail_takes_it(tmp_path: Path) -> None:
    msmtp = shutil.which("msmtp")
    if not msmtp:
        pytest.skip("needs msmtp")
    with serving(Mails()) as mails:
        (tmp_path / "msmtprc").write_text(f"account default\nhost 127.0.0.1\nport {mails.port}\nfrom auditkit@office.test\n")
        (tmp_path / "msmtprc").chmod(0o600)
        send(program(tmp_path, f'exec {msmtp} -C {tmp_path}/msmtprc "$@"'))
    assert mails.to == [["anna@office.test", "bert@office.test"]], "sendmail reads them from the mail"
    assert content(mails.taken[0]) == NOTICE.body, "a line with a dot alone is no end"


def test_a_sendmail_is_given_these_words_and_nothing_of_ours(tmp_path: Path) -> None:
    send(program(tmp_path, f'echo "$@" > {tmp_path}/words; env > {tmp_path}/env; cat > {tmp_path}/mail'))
    assert (tmp_path / "words").read_text() == "-t -i\n"
    assert b"\r" not in (tmp_path / "mail").read_bytes()
    names = {line.split("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert names <= {"PATH", "LC_ALL", "PWD", "SHLVL", "_", "OLDPWD"}


def test_a_sendmail_that_fails_is_told(tmp_path: Path) -> None:
    error = refused(program(tmp_path, "printf 'no route \\033[2J'; exit 75"))
    assert str(error) == f"{tmp_path}/sendmail took no mail (exit status 75): no route \\x1b[2J"
    error = refused(Mail(("root",), "root", Via("sendmail", program=str(tmp_path / "none"))))
    assert str(error) == f"{tmp_path}/none cannot be run: No such file or directory"


# apprise

OLD = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""apprise brings modules that Python is about to drop."""


@dataclass
class Hook:
    """A web service of this machine."""

    port: int = 0
    status: int = 200
    took: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def hook() -> Iterator[Hook]:
    told = Hook()

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if told.status == 200:
                told.took.append(json.loads(body))
            self.send_response(told.status)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def addresses(tmp_path: Path) -> Path:
    path = tmp_path / "apprise.urls"
    path.touch(0o600)
    return path


PLAIN = services.written("2 new on srv-01", "srv-01: <b>größer</b>\n", urgent=True)


@OLD
def test_a_service_by_apprise(hook: Hook, addresses: Path) -> None:
    addresses.write_text(f"# ours\njson://localhost:{hook.port}/\n\n")
    services.sender(str(addresses))(PLAIN)
    (took,) = hook.took
    assert (took["title"], took["message"], took["type"]) == ("2 new on srv-01", "srv-01: <b>größer</b>", "warning")


@OLD
def test_who_had_it_does_not_get_it_again(hook: Hook, addresses: Path) -> None:
    addresses.write_text(f"json://localhost:{hook.port}/a\njson://127.0.0.1:1/token-of-ours\nno address\n")
    with pytest.raises(UnsentError) as error:
        services.sender(str(addresses))(PLAIN)
    assert str(error.value) == f"{addresses}: no notice was taken by line 2, 3"
    assert error.value.left
    addresses.write_text(f"json://localhost:{hook.port}/a\njson://localhost:{hook.port}/b\n")
    services.sender(str(addresses))(error.value.left)
    assert len(hook.took) == 2


def test_a_file_of_addresses_that_others_may_read_is_refused(addresses: Path) -> None:
    addresses.write_text("json://localhost/\n")
    addresses.chmod(0o644)
    with pytest.raises(UnsentError, match="may be read by others"):
        services.sender(str(addresses))(PLAIN)
    addresses.chmod(0o600)
    addresses.write_text("# nothing\n")
    with pytest.raises(UnsentError, match="names no service"):
        services.sender(str(addresses))(PLAIN)


def test_without_apprise_it_is_said_how_to_get_it(addresses: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses.write_text("json://localhost/\n")
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(UnsentError, match="apprise is not installed"):
        services.sender(str(addresses))(PLAIN)


# the outbox


class Server:
    """A way that can be down."""

    def __init__(self, up: bool = True) -> None:
        self.up = up
        self.tries = 0
        self.had: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.tries += 1
        if not self.up:
            raise UnsentError("it is down")
        self.had.append(data)

    @property
    def ways(self) -> dict[str, Way]:
        return {"mail": Way("mail", self.send)}


def filled(store: Path, number: int) -> None:
    for at in range(number):
        outbox.put(str(store), "mail", b"%d" % at, NOW + timedelta(seconds=at))


def test_what_could_not_be_sent_goes_with_the_next_run_the_newest_first(tmp_path: Path) -> None:
    filled(tmp_path, 5)
    server = Server(up=False)
    sent = outbox.send(str(tmp_path), server.ways)
    assert (sent.taken, sent.kept, server.tries) == (0, 5, outbox.PATIENCE)
    server.up = True
    sent = outbox.send(str(tmp_path), server.ways)
    assert (sent.taken, sent.kept, sent.errors) == (5, 0, [])
    assert server.had == [b"4", b"3", b"2", b"1", b"0"]
    assert outbox.send(str(tmp_path), server.ways).taken == 0


def test_one_that_no_server_takes_does_not_hold_up_the_next(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    had: list[bytes] = []

    def send(data: bytes) -> None:
        if data == b"0":
            raise UnsentError("spam")
        had.append(data)

    sent = outbox.send(str(tmp_path), {"mail": Way("mail", send)})
    assert (had, sent.taken, sent.kept) == ([b"1"], 1, 1)


def test_the_outbox_is_bounded_and_the_newest_stays(tmp_path: Path) -> None:
    filled(tmp_path, outbox.MOST)
    assert outbox.put(str(tmp_path), "mail", b"last", NOW + timedelta(days=1)) == 1
    assert len(outbox.waiting(str(tmp_path))) == outbox.MOST
    assert outbox.put(str(tmp_path), "mail", b"x" * (outbox.LARGEST + 1), NOW + timedelta(days=2)) == outbox.MOST
    (name,) = outbox.waiting(str(tmp_path))
    assert name.startswith("20261202")


def test_what_is_left_of_a_notice_replaces_it(tmp_path: Path) -> None:
    filled(tmp_path, 1)

    def send(data: bytes) -> None:
        raise UnsentError("half of it", left=data + b" left")

    for _night in range(2):
        outbox.send(str(tmp_path), {"mail": Way("mail", send)})
    (name,) = outbox.waiting(str(tmp_path))
    assert (tmp_path / "outbox" / name).read_bytes() == b"0 left left"


def test_a_notice_that_nobody_can_take_any_more_is_given_up_and_told(tmp_path: Path) -> None:
    outbox.put(str(tmp_path), "apprise", b"no JSON", NOW)
    outbox.put(str(tmp_path), "pager", b"x", NOW)
    (tmp_path / "list").touch(0o600)
    (tmp_path / "list").write_text("json://localhost/\n")
    sent = outbox.send(str(tmp_path), ways(Notify(apprise_file=str(tmp_path / "list")), "office", None))
    assert sorted(map(str, sent.errors)) == [
        "a notice by pager was given up: auditkit.yaml names no such way any more",
        "a notice in the outbox is damaged, and was given up",
    ]
    assert outbox.waiting(str(tmp_path)) == []


def test_strange_files_in_the_outbox_are_left_alone(tmp_path: Path) -> None:
    filled(tmp_path, 1)
    (tmp_path / "secret").write_text("x")
    (tmp_path / "outbox/20261130T010411Z-00000000.mail").symlink_to(tmp_path / "secret")
    (tmp_path / "outbox/notes.txt").write_text("x")
    os.mkfifo(tmp_path / "outbox/20261130T010411Z-00000001.mail")
    server = Server()
    sent = outbox.send(str(tmp_path), server.ways)
    assert (server.had, len(sent.errors)) == ([b"0"], 2)
    assert (tmp_path / "outbox/notes.txt").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to mount a small disk")
def test_a_full_disk_is_an_error_and_leaves_nothing_half(tmp_path: Path, made: object) -> None:
    import subprocess

    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "small", str(tmp_path)], check=False)
    if mounted.returncode:
        pytest.skip("cannot mount")
    assert callable(made)
    made(tmp_path)
    filled(tmp_path, 1)
    with pytest.raises(AuditkitError, match="outbox cannot be written: No space left on device"):
        outbox.put(str(tmp_path), "mail", b"x" * 100_000, NOW)
    assert len(list((tmp_path / "outbox").iterdir())) == 1
