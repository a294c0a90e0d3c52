"""Logging in to a server whose host key has been judged: with keys, and with a password if a person is there to type it.

RFC 4252: the server is asked whether it takes a key before anything is signed, so that no passphrase and no touch of a
finger is asked for in vain. Passwords are offered once, after all keys, and never from a file or the environment.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import paramiko
from paramiko import common
from paramiko.auth_handler import AuthHandler

from auditkit.errors import AuditkitError, HostError
from auditkit.model import Gap, State
from auditkit.printable import printable
from auditkit.ssh import Ask, Deadline, Hop, keys
from auditkit.ssh.complaints import ADD_A_KEY, ALLOW_KEYS
from auditkit.ssh.packets import BROKEN, Wire

PATIENCE = 15.0
"""Seconds for one answer."""
AGREES = 60
"""The number of the message that asks back: a key is taken, or a question of the keyboard-interactive kind."""
REPLY = 61
QUESTIONS = 10
"""Most questions of one login, and rounds of them (RFC 4256)."""
_ANSWERS = (common.MSG_SERVICE_ACCEPT, common.MSG_USERAUTH_SUCCESS, common.MSG_USERAUTH_FAILURE, AGREES)
_UNHEARD = 8
"""Answers that nobody has asked for, before the server counts as mad."""


def log_in(wire: Wire, hop: Hop, deadline: Deadline, ask: Ask | None) -> tuple[str, ...]:
    """Log in as the user of the hop; gives what was offered before any credential, `none` where none was asked for.

    Raises:
        HostError: it lets nobody in with what there is (auth-failed), or does not answer.
    """
    attempt = _Attempt(wire, hop, deadline, ask)
    try:
        attempt.run()
    except Empty as error:
        deadline.left()
        hint = "see what its sshd waits for: a name server, PAM, an LDAP server that is gone"
        raise HostError(f"it does not answer to a login within {PATIENCE:g} seconds", hint, State.TIMEOUT) from error
    except BROKEN as error:
        deadline.left()
        raise attempt.refusal(wire.farewell or "it hung up") from error
    if not wire.is_authenticated():
        raise attempt.refusal("")
    return attempt.methods


def methods(wire: Wire, hop: Hop, deadline: Deadline) -> tuple[str, ...]:
    """What is offered to the user of the hop before any credential; none is shown, so whoever logs in leaves again.

    Raises:
        HostError, or one of BROKEN: it does not answer.
    """
    attempt = _Attempt(wire, hop, deadline, None)
    try:
        attempt.ask()
    except Empty as error:
        deadline.left()
        raise HostError("it does not answer to a login", "see what its sshd waits for", State.TIMEOUT) from error
    return attempt.methods


class _Answers(AuthHandler):
    """Hands what a server answers to who waits for it, where paramiko's own handlers would decide for themselves."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._heard: SimpleQueue[tuple[int, paramiko.Message]] = SimpleQueue()

    @property
    def _handler_table(self) -> Mapping[int, Any]:
        return {kind: partial(self._hear, kind) for kind in _ANSWERS} | {common.MSG_USERAUTH_BANNER: lambda _told: None}

    def _hear(self, kind: int, told: paramiko.Message) -> None:
        if self._heard.qsize() > _UNHEARD:
            raise paramiko.SSHException("it answers what nobody asked")
        if kind == common.MSG_USERAUTH_SUCCESS:
            self.authenticated = True
            self.transport._auth_trigger()  # type: ignore[attr-defined]  # noqa: SLF001 - its part of a success
        self._heard.put((kind, told))

    def abort(self) -> None:
        """The connection has ended."""
        self._heard.put((0, paramiko.Message()))

    def next(self, seconds: float) -> tuple[int, paramiko.Message]:
        """The next answer; queue.Empty if there is none in time.

        Raises:
            EOFError: the connection has ended.
        """
        kind, told = self._heard.get(timeout=seconds)
        if not kind:
            raise EOFError
        return kind, told


class _Attempt:
    """One login, question by question."""

    def __init__(self, wire: Wire, hop: Hop, deadline: Deadline, ask: Ask | None) -> None:
        self._wire = wire
        self._hop = hop
        self._deadline = deadline
        self._ask = ask
        self._answers = _Answers(wire)
        self._takes: tuple[str, ...] = ()
        self._offered: list[str] = []
        self._left_out: list[str] = []
        self._more = False
        """Whether something was right, and not enough (RFC 4252 section 5.1)."""
        self.methods: tuple[str, ...] = ()
        """What was offered before any credential."""
        wire.auth_handler = self._answers

    def ask(self) -> bool:
        """Whether the server is content with no credential at all; if not, what it takes is known."""
        self._send(common.MSG_SERVICE_REQUEST, "ssh-userauth")
        self._next()
        content = self._content(self._requested("none"))
        self.methods = ("none",) if content else self._takes
        return content

    def run(self) -> None:
        """Try what there is until the server is content, or nothing is left."""
        if self.ask():
            return
        for offer in keys.offers(self._hop, self._ask):
            if "publickey" not in self._takes:
                break
            if isinstance(offer, Gap):
                self._left_out.append(f"{offer.subject} ({offer.reason})")
            elif self._with_key(offer):
                return
        if self._ask is not None:
            self._with_password(self._ask)

    # --- keys

    def _with_key(self, offer: keys.Offer) -> bool:
        """Whether a key opens it; the key signs only if the server would take it."""
        signature, algorithm = self._algorithms(offer.key_type)
        self._offered.append(offer.name)
        kind, told = self._requested("publickey", False, algorithm, offer.blob)
        if kind != AGREES:
            return self._content((kind, told))
        request = self._message(common.MSG_USERAUTH_REQUEST, *self._fields("publickey", True, algorithm, offer.blob))
        data = paramiko.Message()
        data.add_string(self._wire.session_id or b"")
        try:
            signed = offer.sign(data.asbytes() + request.asbytes(), signature)
        except AuditkitError as error:
            self._left_out.append(f"{offer.name} ({error})")
            return False
        request.add_string(signed)
        self._sent(request)
        return self._content(self._next())

    def _algorithms(self, key_type: str) -> tuple[str, str]:
        """What signs, and what the server calls it: RSA with SHA-512 if it can (RFC 8308 section 3.1, RFC 8332)."""
        if not key_type.startswith("ssh-rsa"):
            return key_type, key_type
        known = self._wire.server_extensions.get("server-sig-algs", b"").decode("utf-8", "replace").split(",")
        signature = "rsa-sha2-256" if "rsa-sha2-512" not in known and "rsa-sha2-256" in known else "rsa-sha2-512"
        return signature, signature + key_type.removeprefix("ssh-rsa")

    # --- passwords

    def _with_password(self, ask: Ask) -> None:
        """Have a person answer, once: who mistypes tries again, and no guess is repeated on fifty hosts."""
        before = len(self._offered)
        if "keyboard-interactive" in self._takes and self._content(self._interview(ask)):
            return
        if "password" in self._takes and len(self._offered) == before:
            self._offered.append("a password")
            answer = self._requested("password", False, ask(self._question("password")))
            self._content(answer)

    def _interview(self, ask: Ask) -> tuple[int, paramiko.Message]:
        """The last answer to questions that the server asks (RFC 4256); many servers ask none after all."""
        answer = self._requested("keyboard-interactive", "", "")
        for _ in range(QUESTIONS):
            if answer[0] != AGREES:
                break
            replies = [ask(self._question(prompt)) for prompt in _prompts(answer[1])]
            self._offered += ["answers to its questions"] if replies else []
            message = self._message(REPLY)
            message.add_int(len(replies))
            for reply in replies:
                message.add_string(reply)
            self._sent(message)
            answer = self._next()
        return answer

    def _question(self, what: str) -> str:
        return f"{printable(self._hop.user)}@{printable(self._hop.name)}: {printable(what)}"

    # --- messages

    def _requested(self, method: str, *fields: str | bytes | bool) -> tuple[int, paramiko.Message]:
        self._send(common.MSG_USERAUTH_REQUEST, *self._fields(method, *fields))
        return self._next()

    def _fields(self, method: str, *fields: str | bytes | bool) -> tuple[str | bytes | bool, ...]:
        return (self._hop.user, "ssh-connection", method, *fields)

    def _message(self, kind: int, *fields: str | bytes | bool) -> paramiko.Message:
        message = paramiko.Message()
        message.add_byte(bytes([kind]))
        for field in fields:
            if isinstance(field, bool):
                message.add_boolean(field)
            else:
                message.add_string(field)
        return message

    def _send(self, kind: int, *fields: str | bytes | bool) -> None:
        self._sent(self._message(kind, *fields))

    def _sent(self, message: paramiko.Message) -> None:
        self._wire._send_user_message(message)  # type: ignore[attr-defined]  # noqa: SLF001 - waits while keys are exchanged
        if not self._wire.is_active():
            raise EOFError

    def _next(self) -> tuple[int, paramiko.Message]:
        return self._answers.next(self._deadline.left(PATIENCE))

    def _content(self, answer: tuple[int, paramiko.Message]) -> bool:
        """Whether the server lets us in; if not, note what it would still take."""
        kind, told = answer
        if kind == common.MSG_USERAUTH_SUCCESS:
            return True
        if kind == common.MSG_USERAUTH_FAILURE:
            self._takes = tuple(told.get_binary()[:1000].decode("utf-8", "replace").split(","))
            self._more |= told.get_boolean()
        return False

    def refusal(self, why: str) -> HostError:
        """The error that says what was offered, what was left out, and what the server takes."""
        user = printable(self._hop.user)
        none = "it takes no keys" if self._takes and "publickey" not in self._takes else "there is no key to offer"
        offered = f"offered {_listed(tuple(dict.fromkeys(self._offered)))}" if self._offered else none
        offered += ", which is right and not enough" if self._more else ""
        parts = [f"it does not let {user} in: {offered}"]
        if self._left_out:
            parts.append(f"left out {_listed(self._left_out)}")
        if any(self._takes):
            parts.append(f"it takes {printable(_listed(self._takes)[:200])}")
        parts += [printable(why[:200])] if why else []
        return HostError("; ".join(parts), self._hint(user), State.AUTH_FAILED)

    def _hint(self, user: str) -> str:
        if self._more:
            return (
                f"ask for one way in for {user} there: a `Match User` with AuthenticationMethods publickey in its sshd_config"
            )
        if self._takes and "publickey" not in self._takes:
            return ALLOW_KEYS
        if any("openssh" in each for each in self._left_out):
            return "set `transport: openssh` for it in auditkit.yaml, or name another key with `identity:`"
        if len(self._offered) >= keys.TRIES // 2:
            return f"name the one key that {user} logs in with there by `identity:` in auditkit.yaml"
        return ADD_A_KEY.format(user=user)


def _listed(words: "list[str] | tuple[str, ...]") -> str:
    return ", ".join(words)


def _prompts(told: paramiko.Message) -> Iterator[str]:
    """Yield the questions of an SSH_MSG_USERAUTH_INFO_REQUEST: name, instruction, language, number, questions."""
    for _ in range(3):
        told.get_binary()
    for _ in range(min(told.get_int(), QUESTIONS)):
        yield told.get_binary()[:200].decode("utf-8", "replace").strip().rstrip(":")
        told.get_boolean()
