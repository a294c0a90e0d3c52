"""An event of logins in words, and its time as timelines write it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from auditkit.logins.nouns import Event, What
from auditkit.printable import printable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = -62135596800 * 10**6, 253402300799 * 10**6
"""The first and the last second that a calendar of four digits has, in microseconds."""
WORDS: Mapping[What, str] = {
    What.ACCEPTED: "Login",
    What.FAILED: "Login refused",
    What.INVALID_USER: "Login tried as an account that does not exist",
    What.PARTIAL: "One of several credentials accepted",
    What.EXCEEDED: "Too many guesses on one connection",
    What.CLOSED: "Connection closed before a login",
    What.SCANNED: "Connection without a login",
    What.REFUSED: "Connection turned away",
    What.UNLOGGED: "Events that were not logged",
    What.KEY_HELD: "Right key from a place that is not allowed",
    What.DENIED: "Login denied to a closed account",
    What.CREDENTIAL_HELD: "Right credential for a closed account",
    What.CONNECTED: "Connection",
    What.KEY_FOUND: "Key found",
    What.OPENED: "Session opened",
    What.ENDED: "Session ended",
    What.BECAME: "Became another account",
    What.RAN: "Command run as another account",
    What.ACCOUNT: "Account changed",
    What.SCHEDULED: "Crontab changed",
    What.BOOTED: "Machine started",
    What.STOPPED: "Machine stopped",
    What.LOG_BEGAN: "Log began",
    What.LOG_ENDED: "Log ended",
    What.LOG_CLEARED: "Log cleared",
    What.CLOCK: "Clock set",
    What.LISTENING: "Server listens",
    What.NOISE: "Of no interest",
    What.UNKNOWN: "Not understood",
}


def message(event: Event) -> str:
    """An event in a sentence: `Login refused: root by password from 192.0.2.1 port 22, 2 times`."""
    words = [
        event.user if event.user is not None else "",
        f"by {event.method}" if event.method else "",
        f"from {event.address}" if event.address else "",
        f"port {event.port}" if event.port else "",
        f"key {event.key}" if event.key else "",
        f"by {event.actor}" if event.actor else "",
        f"({event.detail})" if event.detail else "",
    ]
    told = " ".join(filter(None, words))
    times = f", {event.times} times" if event.times > 1 else ""
    forged = " FORGED: another program wrote it" if event.forged else ""
    return printable(f"{WORDS[event.what]}{': ' if told else ''}{told}{times}{forged}")


def moment(time: int) -> str:
    """A time in ISO 8601 with microseconds, UTC; one that no calendar has as the nearest that it has."""
    told = EPOCH + timedelta(microseconds=min(max(time // 1000, EARLIEST), LATEST))
    return told.isoformat(timespec="microseconds")
