"""Bare logins: paramiko as it comes, one thread a machine, one command there; prints each exit status.

`bare_logins.py COMMAND KNOWN_HOSTS KEY USER@ADDRESS...`
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko


def main() -> None:
    """Log in to all at once."""
    command, known, key, *places = sys.argv[1:]
    secret = paramiko.Ed25519Key.from_private_key_file(key)

    def login(place: str) -> int:
        user, _, address = place.partition("@")
        with paramiko.SSHClient() as client:
            client.load_host_keys(known)
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            client.connect(address, username=user, pkey=secret, look_for_keys=False, allow_agent=False)
            _stdin, stdout, _stderr = client.exec_command(command)
            return stdout.channel.recv_exit_status()

    with ThreadPoolExecutor(len(places)) as pool:
        for status in pool.map(login, places):
            print(status)


main()
