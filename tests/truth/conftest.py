"""The table: every row that is asked for, measured once, several at a time; where it cannot be, a skip with the reason."""

import json
import multiprocessing
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)
from fleet import images, keys
from fleet.fleet import Fleet

from auditkit.keys.public import parse
from truth import inside, system
from truth.clients import Client, Keyring
from truth.inside import Measured, Verdict
from truth.rows import Row

AT_ONCE = 5
"""Rows that are up together: most of their time they wait, for PAM answers a wrong password after two seconds."""
Table = Callable[[str, Row], Measured]
Private = Ed25519PrivateKey | rsa.RSAPrivateKey


class Keys:
    """Those of the clients, made anew for each run."""

    def __init__(self) -> None:
        private: dict[str, Private] = {name: Ed25519PrivateKey.generate() for name in ("key", "other", "ca")}
        private |= {f"rsa{bits}": rsa.generate_private_key(65537, bits) for bits in (1024, 2048)}
        self.private: Mapping[str, Private] = private
        self.public = {name: _public(key) for name, key in private.items()}
        self.texts = {name: _text(key) for name, key in private.items()}

    def name(self, fingerprint: str) -> str:
        """Which of them has a fingerprint."""
        return next(name for name, line in self.public.items() if parse(b64decode(line.split()[1])).fingerprint == fingerprint)

    def ring(self, row: Row) -> Keyring:
        """What the clients of a row hold."""
        return Keyring(system.PASSWORD, self.texts, self._certificate(row.principals) if row.principals else "")

    def _certificate(self, principals: tuple[str, ...]) -> str:
        key, authority = self.private["key"], self.private["ca"]
        made = SSHCertificateBuilder().public_key(key.public_key()).serial(1).type(SSHCertificateType.USER).key_id(b"truth")
        made = made.valid_principals([name.encode() for name in principals]).valid_after(0).valid_before(2**64 - 1)
        return made.sign(authority).public_bytes().decode()


@pytest.fixture(scope="session")
def clients() -> Keys:
    """The keys of the clients."""
    return Keys()


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, clients: Keys) -> Iterator[Table]:
    """What is so and what auditkit says of it, by release and row; those of all tests of this run are under way at once."""
    if reason := images.missing():
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("truth")
    (home / "fleet").mkdir()
    spawn = multiprocessing.get_context("spawn")
    with (
        Fleet(home / "fleet") as fleet,
        ProcessPoolExecutor(AT_ONCE, mp_context=spawn, initializer=inside.prepare) as pool,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        system.clients(fleet)
        host_key = keys.new()

        def measured(number: int, release: str, row: Row) -> Measured:
            image = images.layers(release)[0]
            place = system.Place(number, image, home / str(number), host_key, clients.public)
            with system.running(row, place, fleet) as up:
                client = Client(row, up.address, clients.ring(row))
                done = pool.submit(inside.measured, client, fleet.controller, up.pid).result()
                return replace(done, wire=over_ssh(fleet, up, place, clients)) if row.stock else done

        wanted = {(release, str(row)): row for item in request.session.items for release, row in _case(item)}
        under_way = {case: threads.submit(measured, number, case[0], row) for number, (case, row) in enumerate(wanted.items())}
        yield lambda release, row: _result(under_way[release, str(row)])
        threads.shutdown(cancel_futures=True)


def over_ssh(fleet: Fleet, up: system.System, place: system.Place, clients: Keys) -> Verdict:
    """What a run of auditkit says of a machine as its root, over SSH."""
    key, config = place.folder / "key", place.folder / "auditkit.yaml"
    keys.write(key, clients.texts["key"].encode())
    with fleet.known_hosts.open("a") as known:
        known.write(f"{up.address} {place.host_key.public}\n")
    host = {"address": up.address, "user": "root", "become": "none", "identity": str(key)}
    config.write_text(json.dumps({"store": str(place.folder / "store"), "hosts": {"it": host}}))
    told = fleet.auditkit("audit", "it", "--only", "ssh", "--format", "json", "--config", str(config))
    assert told.out, told.err
    return Verdict(told.host["facts"], (), ())


def _case(item: pytest.Item) -> Iterator[tuple[str, Row]]:
    """Yield the release and the row of a test that wants to know."""
    given = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    if "row" in given and "release" in given:
        yield str(given["release"]), cast("Row", given["row"])


def _result(future: "Future[Measured]") -> Measured:
    try:
        return future.result()
    except images.NoFleetError as reason:
        pytest.skip(str(reason))


def _public(key: Private) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _text(key: Private) -> str:
    form = PrivateFormat.TraditionalOpenSSL if isinstance(key, rsa.RSAPrivateKey) else PrivateFormat.OpenSSH
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
