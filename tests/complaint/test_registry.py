"""Whom a registry names, whatever it answers; and that nobody but registries is asked."""

import json
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registries_given import ABUSE, APNIC, ARIN, LACNIC, RIPE, Document, book, entity, network, plain, serving

from auditkit.errors import AuditkitError, FormatError
from auditkit.incident import registry
from auditkit.incident.registry import Registries
from auditkit.response.complaint.contacts import Found, contact, is_mail

ADDRESS = ip_address("45.148.10.7")
NOW = datetime(2026, 11, 30, 19, tzinfo=UTC)


def found(document: object) -> Found:
    return contact(document, ADDRESS)


def mail(document: object) -> str | None:
    recipient = found(document).recipient
    return recipient.mail if recipient else None


@pytest.mark.parametrize("document", [ARIN, RIPE, APNIC], ids=["ARIN", "RIPE", "APNIC"])
def test_the_contact_for_abuse_is_found_wherever_a_registry_puts_it(document: Document) -> None:
    told = found(document)
    assert told.recipient is not None
    assert (told.recipient.mail, told.recipient.guess) == ("abuse@provider.example", False)
    assert told.network == "45.148.10.0 to 45.148.10.255"


def test_who_stands_nearest_to_the_network_counts() -> None:
    far = entity("registrant", inside=(entity("abuse", mails=("far@provider.example",)),))
    assert mail(network(far, entity("abuse", mails=("near@provider.example",)))) == "near@provider.example"


def test_what_a_registry_puts_in_for_nobody_is_no_contact_and_a_guess_is_called_one() -> None:
    told = found(LACNIC)
    assert told.recipient is not None
    assert (told.recipient.mail, told.recipient.guess) == ("abuse@provider.example", True)
    assert told.passed_over == ("abuse@lacnic.net is the registry's own, which it puts in where it knows nobody",)


def test_no_contact_is_none() -> None:
    for document in (network(), network(entity("abuse")), network(entity("registrant", mails=("someone@gmail.com",)))):
        assert found(document).recipient is None


@pytest.mark.parametrize(
    "text",
    [
        "abuse@provider.example\nBcc: all@example.org", "abuse@provider.example\r\nX: y", "a b@provider.example", "abuse",
        "javascript:alert(1)", "abuse@provider", "abuse@[45.148.10.7]", '"a b"@provider.example', "a@b@c.example", "",
        "Desk <abuse@provider.example>", "abuse@provider.example, all@example.org", "abuse@xn--.example\u202e",
        "ab..use@x.example", ".abuse@provider.example", f"{'a' * 250}@provider.example", "abuse@provider.example.",
        "a\0@provider.example", "mailto:x@y.example?bcc=z@y.example", "äbuse@provider.example",
    ],
)  # fmt: skip
def test_what_could_be_more_than_an_address_is_none(text: str) -> None:
    assert not is_mail(text)
    assert mail(network(entity("abuse", mails=(text,)))) is None


def test_an_address_may_stand_as_a_link() -> None:
    assert mail(network(entity("abuse", mails=("mailto:abuse@provider.example",)))) == "abuse@provider.example"


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ([], "this is no RDAP document of a network"),
        ({"objectClassName": "domain"}, "this is no RDAP document of a network"),
        (
            network(ABUSE, first="8.8.8.0", last="8.8.8.255"),
            "the RDAP document is of 8.8.8.0 to 8.8.8.255, where 45.148.10.7 is not",
        ),
        (network(ABUSE, first="0.0.0.0", last="255.255.255.255"), "the RDAP document is of all of 0.0.0.0 to 255.255.255.255"),
        (network(ABUSE, first="::", last="::1"), "the RDAP document does not say of which network it is"),
        (network(ABUSE) | {"endAddress": 7}, "the RDAP document does not say of which network it is"),
    ],
)
def test_a_document_that_is_not_of_that_address_is_refused(document: object, why: str) -> None:
    with pytest.raises(FormatError) as error:
        found(document)
    assert str(error.value).startswith(why)


def nested(depth: int) -> Document:
    inner = ABUSE
    for _ in range(depth):
        inner = entity("registrant", inside=(inner,))
    return network(inner)


def test_what_lies_absurdly_deep_is_not_looked_for() -> None:
    assert mail(nested(5)) == "abuse@provider.example"
    assert mail(nested(400)) is None
    many = [entity("registrant", mails=("x@provider.example",)) for _ in range(3_000)]
    assert mail(network(*many)) == "abuse@provider.example"


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=12), st.sampled_from(["abuse", "email", "a@b.example"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(st.sampled_from(["roles", "entities", "vcardArray"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_a_document_of_any_shape_names_an_address_or_nobody(inside: Any) -> None:
    told = found(network() | {"entities": inside})
    assert told.recipient is None or is_mail(told.recipient.mail)


# --- a saved answer


def test_a_saved_answer_is_read_within_bounds(tmp_path: Path) -> None:
    path = tmp_path / "rdap.json"
    path.write_text(json.dumps(ARIN))
    assert registry.saved(str(path)).document == ARIN
    for content, why in (
        (b"[" * 500_000, "is no JSON"),
        (b'"' + b"x" * (10 << 20) + b'"', "is longer than an answer of a registry is"),
        (b"\xff\xfe", "is no JSON"),
        (b"", "is no JSON"),
    ):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=why):
            registry.saved(str(path))
    with pytest.raises(AuditkitError, match="cannot be read"):
        registry.saved(str(tmp_path))


# --- asked


def store_of(tmp_path: Path, base: str) -> str:
    """A store that knows whom to ask, as from an earlier time."""
    (tmp_path / registry.REGISTRIES).mkdir()
    kept = {"time": NOW.isoformat(), "whence": "data.iana.org", "document": book(base)}
    (tmp_path / registry.REGISTRIES / registry.BOOK).write_text(json.dumps(kept))
    return str(tmp_path)


def test_a_registry_is_asked_once_and_its_answer_is_kept(tmp_path: Path) -> None:
    with serving({"/ip/45.148.10.7": plain(ARIN)}) as (host, paths):
        who = Registries((host,), "http")
        store = store_of(tmp_path, f"http://{host}")
        answer = registry.asked(ADDRESS, store, NOW, who)
        assert (answer.document, answer.whence, answer.kept) == (ARIN, f"http://{host}/ip/45.148.10.7", False)
        again = registry.asked(ADDRESS, store, NOW + timedelta(days=2), who)
        assert (again.document, again.time, again.kept) == (ARIN, NOW, True)
        assert paths == ["/ip/45.148.10.7"]
        assert who.asked == [f"http://{host}/ip/45.148.10.7"]
        registry.asked(ADDRESS, store, NOW + timedelta(days=8), who)
        assert len(paths) == 2


def test_a_registry_passes_on_to_another_and_to_nobody_else(tmp_path: Path) -> None:
    """As ARIN passes on to RIPE; a server of the provider is never asked: it may be his who guessed."""
    with serving({}) as (foreign, asked_of_foreign):
        moved = {"Location": f"http://{foreign}/ip/45.148.10.7"}
        there = {"Location": "/there"}
        answers = {"/ip/45.148.10.7": (302, b"", there), "/there": plain(ARIN), "/ip/45.148.10.8": (302, b"", moved)}
        with serving(answers) as (host, _paths):
            who, store = Registries((host,), "http"), store_of(tmp_path, f"http://{host}")
            assert registry.asked(ADDRESS, store, NOW, who).document == ARIN
            with pytest.raises(AuditkitError, match="is no registry, and was not asked") as error:
                registry.asked(ip_address("45.148.10.8"), store, NOW, who)
            assert error.value.hint == "save the answer of the registry, and name it with --rdap FILE"
            assert asked_of_foreign == []
            assert not any(foreign in url for url in who.asked)


def test_only_registries_are_asked_and_only_by_https(tmp_path: Path) -> None:
    """What the tables say is not believed either: they came over a network."""
    for base in ("http://rdap.arin.net", "https://evil.example", "https://45.148.10.7", "https://rdap.arin.net@evil.example"):
        folder = tmp_path / base.replace("/", "_")
        folder.mkdir()
        who = Registries()
        with pytest.raises(AuditkitError, match="no registry answers for "):
            registry.asked(ADDRESS, store_of(folder, base), NOW, who)
        assert [url for url in who.asked if "//rdap." not in url] == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"[" * 100_000, {}),
        (200, b" " * (3 << 20), {}),
        (404, b'{"errorCode": 404}', {}),
        (429, b"", {"Retry-After": "86400"}),
        (500, b"", {}),
        (302, b"", {"Location": "/ip/45.148.10.7"}),
        (302, b"", {"Location": "file:///etc/passwd"}),
        (302, b"", {"Location": "http://[::1"}),
        (200, b"\x1f\x8b\x08", {"Content-Encoding": "gzip"}),
        (200, b"{}", {"Content-Length": "9999"}),
    ],
)
def test_what_a_registry_answers_badly_is_one_error(tmp_path: Path, answer: tuple[int, bytes, dict[str, str]]) -> None:
    with serving({"/ip/45.148.10.7": answer}) as (host, _paths):
        with pytest.raises(AuditkitError) as error:
            registry.asked(ADDRESS, store_of(tmp_path, f"http://{host}"), NOW, Registries((host,), "http"))
        assert "\n" not in str(error.value)
        assert not (tmp_path / registry.REGISTRIES / "45.148.10.7.json").exists()


def test_a_registry_that_is_not_there_is_said_to_be_so_in_a_few_words(tmp_path: Path) -> None:
    with serving({}) as (host, _paths):
        gone = host
    with pytest.raises(AuditkitError) as error:
        registry.asked(ADDRESS, store_of(tmp_path, f"http://{gone}"), NOW, Registries((gone,), "http"))
    assert str(error.value) == f"no registry answers for 45.148.10.7: {gone} cannot be reached"


def test_the_tables_of_whom_to_ask_are_fetched_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from whoisit.bootstrap import BaseBootstrap

    answers: dict[str, tuple[int, bytes, dict[str, str]]] = {"/ip/45.148.10.7": plain(ARIN)}
    with serving(answers) as (host, paths):
        answers |= {f"/{name}.json": plain(table) for name, table in book(f"http://{host}").items() if name != "timestamp"}
        names = ("asn", "dns", "ipv4", "ipv6", "object")
        monkeypatch.setattr(BaseBootstrap, "BOOTSTRAP_URLS", {name: f"http://{host}/{name}.json" for name in names})
        who = Registries((host,), "http")
        registry.asked(ADDRESS, str(tmp_path), NOW, who)
        assert len(who.asked) == 6
        (tmp_path / registry.REGISTRIES / "45.148.10.7.json").unlink()
        registry.asked(ADDRESS, str(tmp_path), NOW, who)
        assert len(who.asked) == 7
        assert paths == [f"/{name}.json" for name in names] + ["/ip/45.148.10.7"] * 2


def test_a_kept_answer_that_makes_no_sense_is_asked_anew(tmp_path: Path) -> None:
    with serving({"/ip/45.148.10.7": plain(ARIN)}) as (host, _paths):
        store, who = store_of(tmp_path, f"http://{host}"), Registries((host,), "http")
        for content in ("", "[]", '{"time": "soon"}', '{"time": "2027-11-30T00:00:00+00:00", "document": {}}', "[" * 5000):
            (tmp_path / registry.REGISTRIES / "45.148.10.7.json").write_text(content)
            assert registry.asked(ADDRESS, store, NOW, who).document == ARIN


def test_without_whoisit_it_is_said_how_to_get_it_and_how_to_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "whoisit"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "whoisit", None)
    with pytest.raises(AuditkitError, match="--online needs whoisit, which is not installed here") as error:
        registry.asked(ADDRESS, str(tmp_path), NOW)
    assert error.value.hint.startswith("pip install 'auditkit[online]', or save the registry's answer")
