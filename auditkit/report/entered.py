"""Did they get in anywhere? What the logins of several hosts come to, in a few lines on top of a report of all of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.model import Severity, State
from auditkit.printable import counted, few, grouped, said
from auditkit.report.document import FAILURES, state
from auditkit.report.look import Options, painted, wrapped

Dict = Mapping[str, Any]
MOST = 8
"""Hosts of a kind that are named, and ten times as many with --all."""
REASONS = 2
"""Reasons of hosts that ended alike which are told; of more the word for how they ended stands for all."""
COVERAGE = {"gap": "with gaps", "source-missing": "with sources missing", "tamper": "with signs of tampering"}


def who_got_in(hosts: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield the sentence on all hosts, and a line for each that a person has to look at; nothing where none was asked."""
    if not any(host["logins"] for host in hosts):
        return
    asked = [host for host in hosts if host["logins"] or state(host) != State.OK]
    seen, claimed, none = (_with(asked, word) for word in ("seen", "unsupported", "none-seen"))
    untold = [host for host in asked if not any(host in told for told in (seen, claimed, none))]
    yield from _wrapped(_sentence(len(asked), seen, claimed, none, untold), "  logins  ", 10, options)
    odd = [host for host in seen if to_ask(host)]
    yield from _rows("ask about it first", [(_name(host), _asked(host)) for host in odd], "critical", options)
    calm = [_name(host) for host in seen if host not in odd]
    yield from _names("success seen, and nothing speaks against it", calm, "", options)
    yield from _rows("success claimed", [(_name(host), _asked(host)) for host in claimed], "high", options)
    yield from _rows("cannot tell", _untold(untold), "medium", options)
    for word, how in COVERAGE.items():
        part = [_name(host) for host in (*seen, *claimed, *none) if host["logins"]["coverage"] == word]
        yield from _names(f"logs {how}", part, "high" if word == "tamper" else "medium", options)


def _with(hosts: Sequence[Dict], access: str) -> list[Dict]:
    """The hosts of which this is said; that nothing was seen counts only of one that was asked to the end."""
    told = [host for host in hosts if host["logins"] and host["logins"]["access"] == access]
    return [host for host in told if access != "none-seen" or state(host) not in FAILURES]


def _sentence(asked: int, seen: Sequence[Dict], claimed: Sequence[Dict], none: Sequence[Dict], untold: Sequence[Dict]) -> str:
    """`success seen on 1 of 5 hosts; no success seen on 3; 1 cannot tell`."""
    parts = [(len(seen), "success seen on {}"), (len(claimed), "success claimed, and nothing supports it, on {}")]
    parts += [(len(none), "no success seen on {}"), (len(untold), "{} cannot tell")]
    words, of = [], f" of {counted(asked, 'host')}"
    for number, form in parts:
        if number:
            words.append(form.format(f"{grouped(number)}{of}"))
            of = ""
    return "; ".join(words)


def to_ask(host: Dict) -> list[Dict]:
    """Logins of a host that something speaks against, the worst first."""
    odd = [one for one in host["logins"]["successes"] if one.get("ask") or one.get("state") in ("forged", "unsupported")]
    return sorted(odd, key=lambda one: -Severity[str(one.get("ask") or "info").upper()])


def _asked(host: Dict) -> str:
    """`anna from 198.51.100.7 at 2026-11-24 03:35:04Z, after 51 guesses, and 2 more`."""
    odd = to_ask(host)
    if not odd:
        return said(host["logins"]["verdict"])
    one = odd[0]
    at = str(one["time"]).replace("T", " ").partition(".")[0].rstrip("Z")
    whence = f" from {one['address']}" if one["address"] else ""
    guesses = one.get("guesses_before", 0)
    after = f", after {grouped(guesses)} {'guess' if guesses == 1 else 'guesses'}" if guesses else ""
    more = f"; and {grouped(len(odd) - 1)} more" if len(odd) > 1 else ""
    return f"{one['user'] or chr(39) * 2}{whence} at {at}Z{after}{more}"


def _untold(hosts: Sequence[Dict]) -> list[tuple[str, str]]:
    """Each host of which nothing can be told, and why."""
    told = [(_name(host), str(state(host)), _why_not(host)) for host in hosts]
    reasons: dict[str, set[str]] = {}
    for _host, how, why in told:
        if why.startswith(f"{how}: "):
            reasons.setdefault(how, set()).add(why)
    many = {how for how, those in reasons.items() if len(those) > REASONS}
    return [(name, how if how in many and why in reasons[how] else why) for name, how, why in told]


def _why_not(host: Dict) -> str:
    """Why nothing can be told of a host: it gave no answer, or none of its logs does."""
    told = host["logins"]
    if told and told["access"] == "cannot-tell":
        return str(told.get("why_not") or told["verdict"])
    reasons = [gap["reason"] for gap in host["gaps"] if gap["subject"] in (host["host"], "logins")]
    return f"{state(host)}: {reasons[0]}" if reasons else str(state(host))


def _rows(title: str, told: Sequence[tuple[str, str]], colour: str, options: Options) -> Iterator[str]:
    """Yield a line for each sentence, with the host that it is true of, or with all of them: `it, on 7 hosts: ws-06, ws-13`."""
    alike: dict[str, list[str]] = {}
    for name, sentence in told:
        alike.setdefault(sentence, []).append(name)
    most = MOST * 10 if options.show_all else MOST
    for sentence, names in list(alike.items())[:most]:
        on = f"{sentence}, on {counted(len(names), 'host')}: {few(names, most)}"
        row = on if len(names) > 1 else f"{names[0]}: {sentence}"
        for line in _wrapped(f"{title}: {row}", " " * 10, 12, options):
            yield painted(line, colour, options)
    if left := sum(map(len, list(alike.values())[most:])):
        yield f"{' ' * 10}{title}: {grouped(left)} more (--all shows them)"


def _names(title: str, names: Sequence[str], colour: str, options: Options) -> Iterator[str]:
    """Yield in one line the hosts that have something in common."""
    if names:
        shown = few(list(names), MOST * 10 if options.show_all else MOST)
        yield from (painted(line, colour, options) for line in _wrapped(f"{title}: {shown}", " " * 10, 12, options))


def _name(host: Dict) -> str:
    return str(host["host"])


def _wrapped(text: str, indent: str, hang: int, options: Options) -> list[str]:
    return wrapped(said(text), indent, hang, options)
