"""`auditkit keygen`: make a key that signs baselines."""

import os
import re
import socket
from base64 import b64decode
from getpass import getpass, getuser

import click

from auditkit.errors import AuditkitError, UsageError
from auditkit.printable import printable


@click.command("keygen")
@click.option("-o", "output", metavar="FILE", default="~/.ssh/auditkit_ed25519", show_default=True, help="where the key goes")
@click.option("--comment", metavar="TEXT", help="whose key it is (default: user@host)")
def command(output: str, comment: str | None) -> None:
    """Make an ed25519 key pair that signs baselines; stock ssh-keygen and ssh-agent can use it too."""
    from auditkit.keys.wire import fingerprint  # noqa: PLC0415 - not for --help

    path = os.path.expanduser(output)
    words = comment if comment is not None else f"{getuser()}@{socket.gethostname()}"
    if not words.isprintable():
        raise UsageError("the comment has characters that cannot be shown", "use letters, digits and punctuation")
    _refuse_old(path)
    private, public = _pair(_passphrase(path))
    _store(path, private, f"{public} {words}".rstrip() + "\n")
    principal = re.sub(r"[^\w@.+-]", "_", words, flags=re.ASCII) or "admin"
    blob = public.split()[1]
    click.echo(_next(printable(path), fingerprint(b64decode(blob)), f'{principal} namespaces="auditkit" {public}'))


def _next(path: str, fingerprint: str, line: str) -> str:
    return f"""Private key: {path}
Public key:  {path}.pub
Fingerprint: {fingerprint}

Add this line to the file that `signers:` in auditkit.yaml names (~/.ssh/allowed_signers, say):
{line}

Then: auditkit baseline --key {path}
Keep a copy of the private key off this machine: who has it can sign baselines in your name."""


def _refuse_old(path: str) -> None:
    for name in (path, f"{path}.pub"):
        if os.path.lexists(name):
            raise UsageError(f"{printable(name)} exists and is never overwritten", "name another file with -o")


def _passphrase(path: str) -> str:
    """The passphrase as typed twice at the terminal; none where there is no terminal."""
    chosen = ""
    if _terminal():
        chosen = getpass(f"Passphrase for {printable(path)} (empty for none): ")
        if chosen != (getpass("The same again: ") if chosen else ""):
            raise UsageError("the passphrases differ", "try again")
    if not chosen:
        click.echo("auditkit: warning: the key has no passphrase: who reads it can sign; ssh-keygen -p adds one", err=True)
    return chosen


def _terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _pair(passphrase: str) -> tuple[bytes, str]:
    """A new private key as its file has it, and the public half as one line without comment."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 - not for --help
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    lock = form.BestAvailableEncryption(passphrase.encode()) if passphrase else form.NoEncryption()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, lock)
    return private, key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()


def _store(path: str, private: bytes, public: str) -> None:
    """Write both halves, or neither."""
    written: list[str] = []
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        for name, data, mode in ((path, private, 0o600), (f"{path}.pub", public.encode(), 0o644)):
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
            written.append(name)
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(handle)
    except OSError as error:
        for name in written:
            os.unlink(name)
        reason = f"{printable(str(error.filename or path))} cannot be written: {error.strerror}"
        raise AuditkitError(reason, "name another file with -o") from error
