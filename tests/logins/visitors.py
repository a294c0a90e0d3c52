"""Clients of a lab, run inside its namespaces: `visitors.py PORT` reads from stdin who comes, and writes who was let in.

Each visit is an object: `from`, the address it comes from; `user`; `passwords`, tried one after the other on one connection, or
`key`, the file of a private key. What comes back is a list for each visit, true where a try was let in.
"""

import json
import logging
import socket
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import paramiko

Visit = Mapping[str, Any]
SHOP = 8
"""Visits at a time."""


def visit(told: Visit, port: int) -> list[bool]:
    """Come, try, and go."""
    peer = socket.create_connection(("127.0.0.1", port), 30, source_address=(str(told["from"]), 0))
    transport = paramiko.Transport(peer)
    transport.start_client(timeout=30)
    try:
        if "key" in told:
            key = paramiko.Ed25519Key.from_private_key_file(str(told["key"]))
            return [_let_in(transport, lambda: transport.auth_publickey(told["user"], key))]
        return [
            _let_in(transport, lambda password=password: transport.auth_password(told["user"], password))
            for password in told["passwords"]
        ]
    finally:
        transport.close()


def _let_in(transport: paramiko.Transport, ask: Any) -> bool:
    """Whether one try was let in; who is in opens a session, as people do."""
    with suppress(paramiko.SSHException, EOFError, OSError):
        ask()
    if not transport.is_authenticated():
        return False
    channel = transport.open_session(timeout=30)
    channel.exec_command("true")
    channel.recv_exit_status()
    return True


def main(port: int) -> int:
    """Let all of them come."""
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    visits: list[Visit] = json.load(sys.stdin)
    with ThreadPoolExecutor(SHOP) as pool:
        print(json.dumps(list(pool.map(lambda told: visit(told, port), visits))))  # noqa: T201 - its answer
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
