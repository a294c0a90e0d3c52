"""What the registries say of an address: whose network it is in, and whom to write to (RDAP, RFC 7480 to 9083).

Only with --online, and of the registries alone: never of the address itself, of its owner's servers, or of a name server that
he may run (a PTR query may reach it). A registry that refers to somebody else's server is not followed. Answers are kept.
"""

import json
import os
import re
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from auditkit.errors import AuditkitError, FormatError
from auditkit.opening import itself, whole
from auditkit.printable import printable
from auditkit.response.complaint.subject import Address

if TYPE_CHECKING:
    import requests

LARGEST = 2 << 20
"""Bytes of an answer; those of registries have a few KiB, the tables of who is asked for what up to one MiB."""
REGISTRIES = "registries"
"""Where answers are kept in the store."""
BOOK = "who-is-asked.json"
FRESH, BOOK_FRESH = timedelta(days=7), timedelta(days=30)
"""How long an answer counts, and how long the tables of who is asked for which network (RFC 9224)."""
ASKED = (
    "data.iana.org", "rdap.arin.net", "rdap.db.ripe.net", "rdap.apnic.net", "jpnic.rdap.apnic.net", "idnic.rdap.apnic.net",
    "krnic.rdap.apnic.net", "twnic.rdap.apnic.net", "rdap.lacnic.net", "rdap.afrinic.net", "rdap.registro.br",
)  # fmt: skip
"""The only hosts that are asked: IANA, the five regional registries, and the national ones that they pass on to."""
PATIENCE = (10.0, 20.0)
"""Seconds for a connection, and for each piece of an answer."""
WHILE = timedelta(seconds=60)
"""For an answer as a whole."""
PIECE = 1 << 14
NO_WHOISIT = "pip install 'auditkit[online]', or save the registry's answer on another machine and name it with --rdap FILE"
BY_HAND = "save the answer of the registry, and name it with --rdap FILE"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a registry said."""

    document: object
    whence: str
    """Who was asked for it, or the file that it is from."""
    time: datetime
    """When it was asked, or when the file was written."""
    kept: bool = False
    """Whether it is from an earlier time."""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Registries:
    """Who may be asked; tests have a registry of their own."""

    hosts: tuple[str, ...] = ASKED
    scheme: str = "https"
    asked: list[str] = field(default_factory=list)
    """Each address of the web that was asked for, as it was done."""


def saved(path: str) -> Answer:
    """An answer that somebody saved.

    Raises:
        AuditkitError: it cannot be read, or is no JSON.
    """
    try:
        with open(path, "rb", opener=itself) as file:
            content, written = file.read(LARGEST + 1), os.fstat(file.fileno()).st_mtime
    except OSError as error:
        raise AuditkitError(f"{printable(path)} cannot be read: {error.strerror}", "name a file that you may read") from error
    return Answer(_parsed(content, printable(path)), printable(path), datetime.fromtimestamp(written, UTC))


def asked(address: Address, store: str, now: datetime, registries: Registries | None = None) -> Answer:
    """What the registry says of an address: as it was kept, if that is new enough, else asked now, and kept.

    Raises:
        AuditkitError: whoisit is not installed, or no registry answered; what was asked stands in `registries`.
    """
    who = registries or Registries()
    path = os.path.join(store, REGISTRIES, f"{address}.json")
    if (kept := _kept(path, now, FRESH)) is not None:
        return Answer(kept.get("document"), printable(str(kept.get("whence"))), _time(kept), kept=True)
    document, url = _answered(address, store, now, who)
    _keep(path, {"time": _stamp(now), "whence": url, "document": document})
    return Answer(document, url, now)


def _answered(address: Address, store: str, now: datetime, who: Registries) -> tuple[object, str]:
    """Ask; gives the document, and whom it is from."""
    try:
        from whoisit.bootstrap import Bootstrap  # noqa: PLC0415 - an extra of its own
        from whoisit.errors import WhoisItError  # noqa: PLC0415
        from whoisit.query import Query, QueryBuilder  # noqa: PLC0415
    except ImportError as error:
        raise AuditkitError("--online needs whoisit, which is not installed here", NO_WHOISIT) from error
    session = _session(who)
    book = Bootstrap(session=session)
    try:
        _open(book, store, now, who)
        method, url, _exact = QueryBuilder(book).build("ip", str(address))
        return Query(session, method, url).request(), url
    except (WhoisItError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = error.__cause__ if isinstance(error.__cause__, OSError) else error  # those of requests are OSErrors
        raise AuditkitError(f"no registry answers for {address}: {printable(str(why))[:300]}", BY_HAND) from error


def _open(book: Any, store: str, now: datetime, who: Registries) -> None:
    """Have the tables of who is asked for what: as they were kept, or from IANA."""
    path = os.path.join(store, REGISTRIES, BOOK)
    insecure = who.scheme != "https"
    if (kept := _kept(path, now, BOOK_FRESH)) is not None:
        book.load_bootstrap_data(kept.get("document"), allow_insecure=insecure, from_json=False)
        return
    book.bootstrap(allow_insecure=insecure)
    _keep(path, {"time": _stamp(now), "whence": "data.iana.org", "document": book.save_bootstrap_data(as_json=False)})


def _session(who: Registries) -> "requests.Session":
    """What asks on the web: the registries and nobody else, wherever it is sent on to, and no more than an answer takes."""
    import requests  # noqa: PLC0415 - comes with whoisit
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    class Registry(HTTPAdapter):
        """One that asks only whom it may; every redirect comes through here, too."""

        def send(self, request: requests.PreparedRequest, *_given: Any, **given: Any) -> requests.Response:
            url = str(request.url)
            if not _may_be_asked(url, who):
                raise requests.exceptions.InvalidURL(f"{printable(url)[:200]} is no registry, and was not asked")
            who.asked.append(url)
            given |= {"stream": True, "timeout": PATIENCE}
            answer = _sent(lambda: super(Registry, self).send(request, **given), url)
            answer._content = _bounded(answer)  # noqa: SLF001 - as `content` would, but for the bound
            answer._content_consumed = True  # noqa: SLF001
            return answer

    session = requests.Session()
    session.trust_env = False  # no .netrc: nothing of the user's is told to anybody
    session.proxies.update({name: url for name, url in urllib.request.getproxies().items() if name in ("http", "https")})
    session.max_redirects = 5
    for scheme in ("http://", "https://"):
        session.mount(scheme, Registry(max_retries=0))
    return session


def _sent(send: "Callable[[], requests.Response]", url: str) -> "requests.Response":
    """The answer to a question; where there is none, that is said in a few words."""
    import requests  # noqa: PLC0415

    host = url.partition("//")[2].partition("/")[0]
    try:
        return send()
    except requests.exceptions.Timeout as error:
        raise requests.exceptions.Timeout(f"{host} does not answer") from error
    except requests.exceptions.ConnectionError as error:
        raise requests.exceptions.ConnectionError(f"{host} cannot be reached") from error


def _may_be_asked(url: str, who: Registries) -> bool:
    found = re.fullmatch(r"(https?)://([A-Za-z0-9.:-]+)(/[\x21-\x7e]*)?", url)
    return found is not None and found[1] == who.scheme and found[2].lower() in who.hosts


def _bounded(answer: "requests.Response") -> bytes:
    """All that was answered.

    Raises:
        requests.exceptions.ContentDecodingError: it is more than an answer is, or takes too long.
    """
    import requests  # noqa: PLC0415

    pieces, size, end = [], 0, datetime.now(UTC) + WHILE
    for piece in answer.iter_content(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST or datetime.now(UTC) > end:
            answer.close()
            raise requests.exceptions.ContentDecodingError(f"the answer is longer than {LARGEST >> 20} MiB, or has no end")
    return b"".join(pieces)


# --- what is kept


def _kept(path: str, now: datetime, fresh: timedelta) -> Mapping[str, Any] | None:
    """What was kept there, if it is new enough; a file that makes no sense is asked anew."""
    try:
        with open(path, "rb", opener=itself) as file:
            found = _parsed(file.read(2 * LARGEST), path)
        return found if isinstance(found, dict) and timedelta() <= now - _time(found) < fresh else None
    except (OSError, AuditkitError, ValueError, TypeError, KeyError):
        return None


def _keep(path: str, what: Mapping[str, object]) -> None:
    """Keep it for the next time; where that cannot be done, it is asked again then."""
    with suppress(OSError):
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        with whole(path) as file:
            file.write(json.dumps(what).encode("ascii"))


def _parsed(content: bytes, name: str) -> object:
    if len(content) > 2 * LARGEST or (len(content) > LARGEST and not name.endswith(BOOK)):
        raise FormatError(f"{name} is longer than an answer of a registry is", BY_HAND)
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name} is no JSON", "save what the registry answers for /ip/ADDRESS") from error


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _time(kept: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(kept["time"])).astimezone(UTC)
