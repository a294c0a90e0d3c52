"""Why a notice could not be handed over."""

from auditkit.errors import AuditkitError


class UnsentError(AuditkitError):
    """It is kept, and tried again with the next run; `left` is what of it is still to be sent, if that is not all."""

    def __init__(self, message: str, hint: str = "", left: bytes | None = None) -> None:
        super().__init__(message, hint)
        self.left = left
