"""The heartbeat of a source: its first and last record are those, whichever way its clock was set."""

from auditkit.logins.journals.pulse import HOUR, Pulse
from auditkit.logins.nouns import Notes

MINUTE = 60 * 10**9
BEGAN = 490_000 * HOUR


def beaten(*minutes: int, ordered: bool = True) -> Notes:
    notes = Notes()
    pulse = Pulse(notes, ordered=ordered)
    for number, minute in enumerate(minutes, 1):
        pulse.beat(BEGAN + minute * MINUTE, number)
    pulse.done()
    return notes


def test_a_clock_that_is_set_back_within_an_hour_moves_neither_the_first_nor_the_last_record() -> None:
    notes = beaten(30, 50, 10)
    assert (notes.first, notes.last) == (BEGAN + 10 * MINUTE, BEGAN + 50 * MINUTE)
    assert notes.backward == [(3, BEGAN + 10 * MINUTE, BEGAN + 50 * MINUTE)]


def test_records_in_no_order_are_neither_silent_nor_backward() -> None:
    notes = beaten(500, 10, 900, ordered=False)
    assert (notes.first, notes.last) == (BEGAN + 10 * MINUTE, BEGAN + 900 * MINUTE)
    assert (notes.backward, notes.silences, sum(notes.hours.values())) == ([], [], 3)
