"""What stands on top of a report of several hosts, at 80 columns: where somebody got in, and where nobody can tell."""

from typing import Any

from auditkit.report.entered import who_got_in
from auditkit.report.look import Options


def host(name: str, access: str | None = None, **more: Any) -> dict[str, Any]:
    """A host of a report, as far as this is told from it."""
    logins: dict[str, Any] = {"access": access, "coverage": "complete", "verdict": "", "successes": []}
    told = None if access is None else {**logins, **{key: more.pop(key) for key in tuple(more) if key in {*logins, "why_not"}}}
    empty: dict[str, Any] = {"host": name, "untrusted": None, "changes": [], "findings": [], "gaps": [], "logins": told}
    return {**empty, **more}


def login(user: str, time: str, ask: str | None = None, guesses: int = 0) -> dict[str, Any]:
    """One that was seen."""
    return {
        "user": user,
        "address": "198.51.100.7",
        "time": f"2026-11-24T{time}.000000000Z",
        "ask": ask,
        "guesses_before": guesses,
    }


def gone(name: str, state: str = "unreachable") -> dict[str, Any]:
    """A host that gave no answer."""
    return host(name, state=state, gaps=[{"subject": name, "reason": "it does not answer"}])


def shown(*hosts: dict[str, Any], width: int = 80) -> str:
    return "\n".join(who_got_in(hosts, Options(width=width)))


def test_the_worst_login_of_a_host_is_named_and_who_cannot_tell_says_why() -> None:
    logins = [login("bert", "01:00:00", "medium"), login("anna", "03:35:04", "critical", 51), login("carl", "08:00:00")]
    told = shown(
        host("srv-01", "seen", successes=logins),
        host("srv-02", "seen", successes=[login("carl", "08:00:00")]),
        host("ws-01", "none-seen"),
        host("ws-02", "none-seen", coverage="tamper"),
        host("ws-03", "cannot-tell", why_not="no source tells of logins"),
        gone("ws-04"),
    )
    assert told == (
        "  logins  success seen on 2 of 6 hosts; no success seen on 2; 2 cannot tell\n"
        "          ask about it first: srv-01: anna from 198.51.100.7 at 2026-11-24\n"
        "            03:35:04Z, after 51 guesses; and 1 more\n"
        "          success seen, and nothing speaks against it: srv-02\n"
        "          cannot tell: ws-03: no source tells of logins\n"
        "          cannot tell: ws-04: unreachable: it does not answer\n"
        "          logs with signs of tampering: ws-02"
    )


def test_a_host_that_lied_is_not_one_where_nobody_was_seen() -> None:
    told = shown(host("ws-01", "none-seen"), host("ws-02", "none-seen", state="lied"))
    assert told.splitlines()[0] == "  logins  no success seen on 1 of 2 hosts; 1 cannot tell"


def test_of_hosts_of_which_no_logs_were_asked_nothing_is_said() -> None:
    assert not shown(host("ws-01"), gone("ws-02"))


def test_many_hosts_do_not_fill_the_screen() -> None:
    told = shown(*(gone(f"ws-{number:02}") for number in range(40)), host("srv-01", "none-seen"))
    assert told.splitlines()[0] == "  logins  no success seen on 1 of 41 hosts; 40 cannot tell"
    first = ", ".join(f"ws-{number:02}" for number in range(8))
    words = " ".join(told.split())
    assert words.endswith(f"cannot tell: unreachable: it does not answer, on 40 hosts: {first} and 32 more")


def test_what_is_true_of_several_hosts_is_said_once() -> None:
    """With up to two reasons; where each host has its own, the word for how it ended stands for all."""
    same = [host(f"srv-{n}", "seen", successes=[login("root", "03:35:04", "critical", 51)]) for n in (1, 2)]
    alone = host("ws-9", "cannot-tell", why_not="no source tells of logins")
    own = [gone(f"ws-{n}") for n in range(3)]
    for number, one in enumerate(own):
        one["gaps"][0]["reason"] = f"192.0.2.{number} does not answer"
    ask = "root from 198.51.100.7 at 2026-11-24 03:35:04Z, after 51 guesses"
    assert shown(*same, gone("ws-04"), gone("ws-05"), alone, width=200).splitlines()[1:] == [
        f"          ask about it first: {ask}, on 2 hosts: srv-1, srv-2",
        "          cannot tell: unreachable: it does not answer, on 2 hosts: ws-04, ws-05",
        "          cannot tell: ws-9: no source tells of logins",
    ]
    assert shown(*same, *own, width=200).splitlines()[-1] == "          cannot tell: unreachable, on 3 hosts: ws-0, ws-1, ws-2"


def test_no_host_is_left_out_without_a_word() -> None:
    many = [host(f"srv-{n}", "seen", successes=[login(f"user{n}", "03:35:04", "critical")]) for n in range(20)]
    assert shown(*many, width=200).splitlines()[-1] == "          ask about it first: 12 more (--all shows them)"


def test_no_name_that_a_client_sent_paints_the_screen() -> None:
    told = shown(host("srv-01", "seen", successes=[login("\x1b[2J\u202eroot", "01:00:00", "high")]))
    assert "\x1b" not in told
    assert "\u202e" not in told
