"""What readers of binary records share: texts that end at a zero, addresses in bytes, and the time as it passes."""

import heapq
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from auditkit.logins.nouns import Notes

SECOND = 10**9
HOUR = 3600 * SECOND
LISTED = 64
"""Silences, backward steps and zero runs that are told."""
REMEMBERED = 4096
"""Sessions, connections and texts that are kept in mind at a time."""


@lru_cache(maxsize=2 * REMEMBERED)
def text(raw: bytes) -> str:
    """A field up to its first zero, as the record has it: nobody has escaped anything in it."""
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


@lru_cache(maxsize=2 * REMEMBERED)
def origin(binary: bytes, host: str) -> tuple[str | None, str]:
    """Where a record says somebody came from, and the host's text where it says something else than the address.

    The 16 bytes are written by the service, which saw the connection. The text may be a name that whoever owns the address
    chose for it, so it is taken for the address only where there is no binary one.
    """
    address = binary_address(binary, host)
    if address is None:
        return (None, host) if local(host) else (spelled(host), "")
    return address, "" if spelled(host) == address else host


def binary_address(binary: bytes, host: str) -> str | None:
    """The address in the 16 bytes of a record; None if there is none. IPv4 has the first four of them."""
    if not any(binary):
        return None
    if any(binary[4:]) or spelled(host) == str(IPv6Address(binary)):  # 2001:db8:: ends in as many zeros as IPv4 does
        address = IPv6Address(binary)
        return str(address.ipv4_mapped or address)
    return str(ip_address(binary[:4]))


@lru_cache(maxsize=REMEMBERED)
def spelled(host: str) -> str:
    """An address as it is usually spelled; any other text as it is."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or address)


def local(host: str) -> bool:
    """Whether the text of a host names a display, a terminal or nothing, and not where somebody came from."""
    return not host or host.startswith((":", "tmux(", "screen")) or host == "?"


class Clock:
    """Tells the notes of a source when its records were written: `tick` one after the other, then `stop`."""

    def __init__(self, notes: Notes, *, ordered: bool = True) -> None:
        self.notes = notes
        self.ordered = ordered
        """Whether records are written one behind the other."""
        self._last: int | None = None
        self._hour = self._in_hour = 0
        self._silences: list[tuple[int, int, int]] = []

    def tick(self, line: int, time: int) -> None:
        """A record of this number was written at this time."""
        last = self._last
        hour = time // HOUR
        if hour == self._hour:
            self._in_hour += 1
        else:
            self._turn(hour)
        if last is not None and time == last:
            return
        self._moved(line, time, last)

    def stop(self) -> None:
        """All were read."""
        self._turn(0)
        if self.ordered:
            self.notes.silences = [(begin, end) for _length, begin, end in sorted(self._silences, reverse=True)]

    def _turn(self, hour: int) -> None:
        if self._in_hour:
            hours = self.notes.hours
            hours[self._hour] = hours.get(self._hour, 0) + self._in_hour
        self._hour, self._in_hour = hour, 1

    def _moved(self, line: int, time: int, last: int | None) -> None:
        notes = self.notes
        if notes.first is None or time < notes.first:
            notes.first = time
        if notes.last is None or time > notes.last:
            notes.last = time
        self._last = time
        if last is None or not self.ordered:
            return
        if time > last:
            self._silence(time - last, last, time)
        elif last - time > SECOND and len(notes.backward) < LISTED:
            notes.backward.append((line, time, last))

    def _silence(self, length: int, begin: int, end: int) -> None:
        silences = self._silences
        if len(silences) < LISTED:
            heapq.heappush(silences, (length, begin, end))
        elif length > silences[0][0]:
            heapq.heapreplace(silences, (length, begin, end))
