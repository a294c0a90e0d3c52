"""Why auditkit stops: each error with its exit code and, where one is known, a hint that begins with a verb."""

from auditkit.model import State


class AuditkitError(Exception):
    """The command cannot go on; `hint` says what to do."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def whole(self) -> str:
        """What happened and what to do, in one line."""
        return f"{self}; {self.hint}" if self.hint else str(self)


class UsageError(AuditkitError):
    """The command line asks for what does not exist or does not fit together."""


class ConfigError(AuditkitError):
    """auditkit.yaml or a policy has a mistake."""


class FormatError(AuditkitError):
    """A file is not what it should be."""


class HostError(AuditkitError):
    """A host cannot be reached or read at all; `state` says why in one word."""

    exit_code = 3

    def __init__(self, message: str, hint: str = "", state: State = State.UNREACHABLE) -> None:
        super().__init__(message, hint)
        self.state = state


class LastingError(HostError):
    """A host that is not reached, and a second try would not mend it: a name that is unknown, a foreign address, silence."""


class UntrustedError(AuditkitError):
    """A signature, key, sequence or chain is wrong: nothing was compared."""

    exit_code = 4
