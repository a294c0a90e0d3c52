"""Where packages come from: directories, and a mirror on loopback that may answer in any way."""

import hashlib
import os
import socket
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from debian import Quiet, deb, file, listed, put, serving

from auditkit.errors import AuditkitError, ConfigError
from auditkit.vendor import mirror
from auditkit.vendor.debs import Places, UnavailableError, manifest, opened
from auditkit.vendor.manifests import Manifests

DATA = deb(file("./usr/bin/hello", b"hello"), version="1:1.0-1")
HELLO = listed(DATA, version="1:1.0-1")
EVIL = deb(file("./usr/bin/hello", b"3vil!"), version="1:1.0-1")
IN_CACHE = "hello_1%3a1.0-1_amd64.deb"


pytestmark = pytest.mark.usefixtures("direct")


def content(places: Places) -> bytes:
    with opened(HELLO, places) as found:
        return found.read()


def why(places: Places) -> str:
    with pytest.raises(UnavailableError) as caught:
        content(places)
    return str(caught.value)


@pytest.mark.parametrize("name", [IN_CACHE, "hello_1.0-1_amd64.deb"])
def test_a_package_is_found_as_apt_calls_it_or_as_the_archive_does(name: str, tmp_path: Path) -> None:
    put(tmp_path / name, DATA)
    assert content(Places((str(tmp_path / "missing"), str(tmp_path)))) == DATA


def test_another_file_of_that_name_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "a" / IN_CACHE, EVIL)
    put(tmp_path / "b" / IN_CACHE, DATA)
    assert content(Places((str(tmp_path / "a"), str(tmp_path / "b")))) == DATA
    assert why(Places((str(tmp_path / "a"),))) == f"{tmp_path}/a/{IN_CACHE} is not the file that was signed"


def test_what_is_no_plain_file_is_never_opened_for_long(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / IN_CACHE)
    assert why(Places((str(tmp_path),))) == f"{tmp_path}/{IN_CACHE} is not the file that was signed"
    (tmp_path / IN_CACHE).unlink()
    put(tmp_path / "real", DATA)
    (tmp_path / IN_CACHE).symlink_to(tmp_path / "real")
    assert "cannot be read: Too many levels of symbolic links" in why(Places((str(tmp_path),)))
    (tmp_path / IN_CACHE).unlink()
    (tmp_path / IN_CACHE).mkdir()
    assert why(Places((str(tmp_path),))) == f"{tmp_path}/{IN_CACHE} cannot be read: Is a directory"


def test_what_no_place_has_is_told() -> None:
    assert why(Places()) == "in no directory, and no mirror is named in auditkit.yaml (vendor:)"


def test_a_mirror_is_asked_last(tmp_path: Path) -> None:
    put(tmp_path / "mirror/debian" / HELLO.filename, DATA)
    put(tmp_path / "cache" / IN_CACHE, EVIL)
    with serving(partial(Quiet, directory=str(tmp_path / "mirror"))) as base:
        assert content(Places((str(tmp_path / "cache"),), (f"{base}/none", f"{base}/debian/"))) == DATA


def test_what_a_mirror_does_not_have_is_told(tmp_path: Path) -> None:
    put(tmp_path / "evil" / HELLO.filename, EVIL)
    put(tmp_path / "more" / HELLO.filename, DATA + b"more")
    put(tmp_path / "less" / HELLO.filename, DATA[:-1])
    with serving(partial(Quiet, directory=str(tmp_path))) as base:
        assert why(Places((), (f"{base}/none",))) == "gone from the mirror"
        assert why(Places((), (f"{base}/evil",))) == f"{base}/evil serves another file than the one that was signed"
        assert why(Places((), (f"{base}/less",))) == f"{base}/less serves another file than the one that was signed"
        assert (
            why(Places((), (f"{base}/more", f"{base}/none")))
            == f"the mirror sends more than {len(DATA)} bytes; gone from the mirror"
        )


def test_a_mirror_that_is_not_there_is_told() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        told = why(Places((), (f"http://127.0.0.1:{bound.getsockname()[1]}",)))
    assert told == "the mirror cannot be reached: [Errno 111] Connection refused"


class Odd(Quiet):
    """A mirror that answers in every way that none should."""

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        kind = self.path.split("/")[1]
        match kind:
            case "moved":
                self.send_response(302)
                self.send_header("Location", self.path.replace("moved", "good"))
                self.end_headers()
            case "astray":
                self.send_response(302)
                self.send_header("Location", f"file://{os.path.abspath(__file__)}")
                self.end_headers()
            case "elsewhere":
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.2:{self.connection.getsockname()[1]}/good/")
                self.end_headers()
            case "round":
                self.send_response(302)
                self.send_header("Location", self.path)
                self.end_headers()
            case "broken":
                self.send_error(500)
            case "forbidden":
                self.send_error(403)
            case "noise":
                self.wfile.write(b"\x00\xff" * 100 + b"\r\n\r\n")
            case "slow-head":
                self._trickle(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 100_000)
            case "slow":
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
                self._trickle(DATA)
            case _:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(DATA)

    def _trickle(self, data: bytes) -> None:
        try:
            for at in range(len(data)):
                self.wfile.write(data[at : at + 1])
                time.sleep(0.02)
        except OSError:
            pass


def test_a_mirror_may_send_on_to_itself_and_nowhere_else() -> None:
    with serving(Odd) as base:
        assert content(Places((), (f"{base}/moved",))) == DATA
        assert "302" in why(Places((), (f"{base}/astray",))) or "not allowed" in why(Places((), (f"{base}/astray",)))
        assert why(Places((), (f"{base}/elsewhere",))) == "the mirror says 302"
        assert "the mirror" in why(Places((), (f"{base}/round",)))


def test_the_errors_of_a_mirror_are_told() -> None:
    with serving(Odd) as base:
        assert why(Places((), (f"{base}/broken",))) == "the mirror says 500"
        assert why(Places((), (f"{base}/forbidden",))) == "the mirror says 403"
        told = why(Places((), (f"{base}/noise",)))
        assert told.startswith(("the mirror cannot be reached: ", f"{base}/noise serves another file"))
        assert told.isprintable()


@pytest.mark.parametrize("kind", ["slow", "slow-head"])
def test_a_mirror_that_trickles_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "START", 0.3)
    monkeypatch.setattr(mirror, "SLOWEST", 1 << 20)
    with serving(Odd) as base:
        assert why(Places((), (f"{base}/{kind}",))) == "the mirror is too slow"


def test_a_mirror_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "SILENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = why(Places((), (f"http://127.0.0.1:{silent.getsockname()[1]}",)))
    assert told == "the mirror cannot be reached: timed out"


@pytest.mark.parametrize(
    "base",
    [
        "ftp://example.org/debian",
        "file:///etc",
        "/srv/mirror",
        "http://",
        "http://[::1",
        "http://a b/",
        "http://x/?q",
        "",
        "//x",
    ],
)
def test_what_is_no_address_of_a_mirror_is_refused(base: str) -> None:
    with pytest.raises(ConfigError, match="not the address of a mirror: "):
        mirror.fetched(base, "pool/x.deb", 10)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        mirror.address("http://user:secret@example.org/debian", "x")
    assert str(caught.value) == "not the address of a mirror: example.org/debian"


def test_odd_names_stay_names_in_an_address() -> None:
    assert (
        mirror.address("http://[::1]:80/d/", "pool/a b?c#d%\udcff~+.deb")
        == "http://[::1]:80/d/pool/a%20b%3Fc%23d%25%FF~%2B.deb"
    )


def test_what_is_cached_is_said_by_who_signs_for_it_now(tmp_path: Path) -> None:
    put(tmp_path / IN_CACHE, DATA)
    cache = Manifests(str(tmp_path / "cache"))
    assert manifest(HELLO, "InRelease of May", Places((str(tmp_path),)), cache).source == "InRelease of May"
    assert manifest(HELLO, "InRelease of June", Places(), cache).source == "InRelease of June"


def test_a_package_that_calls_itself_otherwise_is_refused(tmp_path: Path) -> None:
    data = deb(name="evil", version="1\x1b[2J")
    put(tmp_path / IN_CACHE, data)
    named = replace(HELLO, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(AuditkitError) as caught:
        manifest(named, "told", Places((str(tmp_path),)), None)
    assert str(caught.value) == r"what is signed for as hello 1:1.0-1 calls itself evil 1\x1b[2J"


def test_a_file_that_changes_between_two_looks_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / IN_CACHE, EVIL)
    monkeypatch.setattr("auditkit.vendor.debs._sha256", lambda _file: HELLO.sha256)
    with pytest.raises(AuditkitError, match="is not the file that the vendor signed"):
        manifest(replace(HELLO, size=len(EVIL)), "told", Places((str(tmp_path),)), None)
