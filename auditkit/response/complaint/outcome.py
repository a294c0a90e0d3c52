"""What is known of whether a login from an address succeeded: what the verdict carries, and nothing more."""

from collections.abc import Sequence

from auditkit.logins.sentence import COMPLETE, NONE_SEEN, SEEN
from auditkit.logins.wording import plural
from auditkit.response.complaint.seen import Host, Seen
from auditkit.response.complaint.stamps import moment
from auditkit.response.complaint.subject import Address, same

REAL = ("supported", "bare", "sourceless")
"""States of a success that may be one."""
WITH_A_LINE = ("supported", "bare")
"""Those of which it is known from where they came."""


def outcome(every: Sequence[Seen], told: Sequence[Host], address: Address) -> str:
    """The sentence of a letter; empty where nothing can be said."""
    logins = [host["logins"] for host in told if host["logins"] is not None]
    got_in = [one for each in logins for one in each["successes"] if same(one["address"], address)]
    times = sorted({one["time"] for one in got_in if one.get("state", REAL[0]) in REAL})
    if times:
        when = f", the first at {moment(times[0]):%Y-%m-%d %H:%M:%S} UTC" if times[0] else ""
        whose = "whose that was" if len(times) == 1 else "whose these were"
        return f"Our logs also have {plural(len(times), 'login')} from this address{when}; {whose} we are finding out."
    if got_in or not all(map(_none_seen, every)):
        return ""
    gaps = any(one.logins["coverage"] != COMPLETE for one in every)
    return f"No login from this address succeeded as far as our logs show{', which have gaps' if gaps else ''}."


def _none_seen(one: Seen) -> bool:
    """Whether the verdict carries that nobody got in from there: nobody at all did, or each who did came from elsewhere."""
    logins = one.logins
    if one.source.get("other_logins") != 0:  # outside of the window, or to mail; or it is not known
        return False
    if logins["access"] == NONE_SEEN:
        return True
    elsewhere = all(each["address"] and each.get("state") in WITH_A_LINE for each in logins["successes"])
    return logins["access"] == SEEN and elsewhere and not logins.get("more_successes") and not one.source.get("logins")
