"""What a run keeps of a host for the next one: small files of JSON in the store, beside the baselines of the host.

Where signers are configured only a file that one of them has signed is believed: what stands in it decides what is said of
the host.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, Any

from auditkit import opening
from auditkit.baseline import folder
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.printable import printable

LARGEST = 32 << 20
"""Bytes of a file."""


@dataclass(frozen=True, slots=True)
class Record:
    """A file that keeps something of a host for the next run."""

    store: str
    host: str
    name: str
    schema: str

    @property
    def path(self) -> str:
        """Where it is kept."""
        return os.path.join(folder(self.store, self.host), self.name)

    def past(self, signers: str | None) -> dict[str, Any] | None:
        """What it says; None where there is none.

        Raises:
            UntrustedError: nobody has signed it whose signature counts, or it is of another host.
            FormatError: it is no such file.
            ConfigError: the signers' file cannot be read.
        """
        data = self._read()
        if not data:
            return None
        try:
            told = json.loads(data if len(data) <= LARGEST else b"")
            text = str(told["past"])
            if signers:
                _verify(self.path, text, str(told["signature"] or ""), signers)
            said: dict[str, Any] = json.loads(text)
            schema, owner = said["schema"], said["host"]
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise self.damaged() from error
        if schema != self.schema:
            raise self.damaged()
        if owner != self.host:
            what = f"{printable(self.path)} is of {printable(str(owner))}"
            raise UntrustedError(what, "find out who put it there; if the host was only renamed, remove it")
        return said

    def _read(self) -> bytes:
        try:
            return opening.content(self.path, LARGEST + 1) if os.path.isfile(self.path) else b""
        except OSError as error:
            raise FormatError(
                f"{printable(self.path)} cannot be read: {error.strerror}", "look at its owner and mode"
            ) from error

    def damaged(self) -> FormatError:
        """The error of a file in which something else stands than a run has written."""
        return FormatError(f"{printable(self.path)} is damaged", "remove it: the next run begins anew")

    def keep(self, told: Mapping[str, object], seal: Callable[[IO[bytes]], bytes] | None) -> None:
        """Keep this, whole or not at all, signed if there is something to sign with.

        Raises:
            AuditkitError: it cannot be written, or not be signed.
        """
        own = {"schema": self.schema, "host": self.host, **told}
        text = json.dumps(own, ensure_ascii=True, separators=(",", ":"))
        signature = seal(BytesIO(text.encode("ascii"))).decode("ascii") if seal else None
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            with opening.whole(self.path) as file:
                file.write(json.dumps({"past": text, "signature": signature}, ensure_ascii=True).encode("ascii") + b"\n")
        except OSError as error:
            what = f"{printable(self.path)} cannot be written: {error.strerror}"
            raise AuditkitError(what, "name another place with --store") from error


def _verify(path: str, text: str, signature: str, signers: str) -> None:
    from auditkit import seal  # noqa: PLC0415 - cryptography is heavy
    from auditkit import signers as allowed  # noqa: PLC0415

    try:
        who = allowed.read(os.path.expanduser(signers))
        seal.verify(BytesIO(text.encode("ascii", "replace")), signature.encode("ascii", "replace"), who, datetime.now(UTC))
    except UntrustedError as error:
        raise UntrustedError(f"{printable(path)}: {error}", error.hint) from error
