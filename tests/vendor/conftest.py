"""A vendor with a key, once for all tests; and the programs that check its signature, one after the other."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from debian import Vendor


def made(name: str, *times: str) -> Vendor:
    if not which("gpg") or not which("gpg-agent"):
        pytest.skip("no gpg to make a vendor's key with")
    # not below pytest's own directories: the agent's socket must have a short name
    return Vendor(Path(tempfile.mkdtemp(prefix="gpg-")), name, *times)


@pytest.fixture(scope="session")
def vendor() -> Iterator[Vendor]:
    """Whose packages are installed."""
    one = made("vendor")
    yield one
    one.close()


@pytest.fixture(scope="session")
def stranger() -> Iterator[Vendor]:
    """Who signs things, too, but is nobody's vendor."""
    one = made("stranger")
    yield one
    one.close()


@pytest.fixture(scope="session")
def fleeting() -> Iterator[Vendor]:
    """Whose key was good for a day long ago, of which it is still the morning there."""
    one = made("fleeting", "1d", "20200101T080000")
    yield one
    one.close()


@pytest.fixture(params=["gpgv", "sqv"])
def checker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The only program to check signatures that is found; tests run with each that is here."""
    path = which(request.param)
    if not path:
        pytest.skip(f"no {request.param} here")
    monkeypatch.setattr("auditkit.vendor.gpgv.shutil.which", {request.param: path}.get)
    return str(request.param)


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is reached without the proxy that this machine may have."""
    monkeypatch.setenv("no_proxy", "*")
