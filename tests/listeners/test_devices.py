"""Devices without SSH: auditkit.yaml lists their ports, and what these say is all that is looked at."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, Cli, without_past
from test_ports import says, server

from auditkit import config
from auditkit.errors import ConfigError
from auditkit.hosts import kind_of

PRINTER = b"HTTP/1.0 200 OK\r\nServer: Virata-EmWeb/R6_2_1\r\n\r\n"


PLACE = "127.77.0.9", 8080
"""Where nobody else listens, on a port of HTTP."""


@contextmanager
def printer(answer: bytes) -> Iterator[int]:
    """A printer's web server."""
    with server(says(b"", answer), place=PLACE) as (port, _came):
        yield port


def office(home: Path, *ports: int) -> tuple[str, str]:
    """An auditkit.yaml with a printer, and the options that name it."""
    path = home / "office.yaml"
    path.write_text(f"hosts:\n  printer: {{address: {PLACE[0]}, ports: {list(ports)}}}\n")
    return "--config", str(path)


def told(out: str) -> dict[str, Any]:
    document = json.loads(out)
    SCHEMA.validate(document)
    host: dict[str, Any] = document["hosts"][0]
    return host


def test_a_printer_is_looked_at_from_outside_and_nothing_else_is_missed(cli: Cli) -> None:
    with printer(PRINTER) as port:
        outcome = cli.run("audit", "printer", *office(cli.home, port, 9100), "--format", "json")
        host = told(outcome.out)
    assert (outcome.code, host["gaps"], host["status"]) == (0, [], "clean")
    assert [finding["rule"] for finding in host["findings"]] == ["device-without-login"]
    assert host["findings"][0]["message"].startswith("1 of 1 ports answer, 1 were left alone")
    assert [(fact["port"], fact["exposed"], fact["process"]) for fact in host["facts"]["listeners"]] == [
        (port, True, None),
        (9100, True, None),
    ]


def test_a_scan_says_the_same_and_asks_for_no_baseline(cli: Cli) -> None:
    with printer(PRINTER) as port:
        outcome = cli.run("scan", "printer", *office(cli.home, port))
    assert outcome.code == 0
    assert "nobody logs in to it: only what its ports say was looked at" in outcome.out
    assert "baseline" not in outcome.out


def test_its_evidence_is_judged_again_without_it(cli: Cli) -> None:
    taken = cli.home / "printer.auditkit"
    with printer(PRINTER) as port:
        options = office(cli.home, port)
        assert cli.run("collect", "printer", *options, "-o", str(taken)).code == 0
        live = told(cli.run("audit", "printer", *options, "--format", "json").out)
    again = told(cli.run("audit", f"evidence:{taken}", "--format", "json").out)
    assert (without_past(again["findings"]), again["gaps"]) == (without_past(live["findings"]), [])
    assert again["facts"]["listeners"] == live["facts"]["listeners"]


def test_one_that_is_switched_off_is_no_clean_device(cli: Cli) -> None:
    outcome = cli.run("audit", "printer", *office(cli.home, PLACE[1]), "--format", "json")
    assert (outcome.code, told(outcome.out)["status"]) == (3, "incomplete")


@pytest.mark.parametrize("command", ["baseline", "check"])
def test_what_takes_a_login_is_refused_with_the_reason(cli: Cli, command: str) -> None:
    outcome = cli.run(command, "printer", *office(cli.home, 80))
    assert outcome.code != 0
    assert "nobody logs in to it" in outcome.err if command == "baseline" else "no baseline" in outcome.err


def test_it_stands_in_nobodys_way_where_logins_are_told_of(cli: Cli) -> None:
    with printer(PRINTER) as port:
        options = office(cli.home, port)
        outcome = cli.run("audit", "printer", "local", *options, "--only", "listeners", "--format", "json", "--fail-on", "none")
    assert json.loads(outcome.out).get("access") is None


# --- auditkit.yaml


def test_ports_make_a_device_of_a_host() -> None:
    read = config.read("hosts: {printer: {address: 192.168.10.9, ports: [80, 443, 80]}, srv: {}}", "office.yaml")
    assert read.hosts["printer"].ports == (80, 443)
    assert (kind_of("printer", read), kind_of("srv", read)) == ("device", "ssh")


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("{ports: [80], user: root}", "user is for hosts that are logged in to, and this one has ports:"),
        ("{ports: [80], jump: srv}", "jump is for hosts that are logged in to, and this one has ports:"),
        ("{ports: []}", "ports: takes 1 to 64 ports"),
        ("{ports: [0]}", ""),
        ("{ports: 80}", ""),
        (f"{{ports: {list(range(1, 66))}}}", "ports: takes 1 to 64 ports"),
    ],
)
def test_what_cannot_be_meant_is_refused(host: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.read(f"hosts: {{printer: {host}, srv: {{}}}}", "office.yaml")
    assert why in str(caught.value)
