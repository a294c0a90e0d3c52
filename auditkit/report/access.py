"""Who can log in where, for people: passwords, keys, host keys of several machines, and what falls with one of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from auditkit.printable import clipped, counted, grouped, printable, said
from auditkit.report.look import Options, painted

MOST_DOORS, MOST_KEYS, MOST_HOST_KEYS, MOST_FALLS = 15, 12, 10, 8
"""Lines of each part."""
MOST_NAMED = 5
"""Hosts that are named of many."""
LONGEST_CELL, LONGEST_COMMENT = 60, 40
ALL = "--format json has all"
COLUMNS = ("HOST", "ACCOUNT", "FROM", "METHOD", "SET BY")
DOUBTS: Mapping[str, str] = {
    "passphrase": "with a passphrase",
    "command=": "one command only",
    "from=": "not from its known address",
    "its sshd": "sshd takes it from some addresses only",
}
"""Why a step is not certain, for a reader; other words stand for themselves."""

Dict = Mapping[str, Any]


def sentence_on_passwords(access: Dict | None, options: Options) -> Iterator[str]:
    """Yield the sentence on passwords."""
    if access:
        passwords = access["passwords"]
        colour = "high" if passwords["open"] else "medium" if passwords["unchecked"] else "good"
        yield painted(f"  passwords  {said(passwords['sentence'])}", colour, options)


def who_on_one(access: Dict | None, options: Options) -> Iterator[str]:
    """Yield what is to be said of one host: the sentence, its doors, and how many keys there are."""
    if not access:
        return
    yield from sentence_on_passwords(access, options)
    yield from _doors(access["passwords"]["doors"], COLUMNS[1:], options)
    yield from _unsure(access["passwords"]["unknown"])
    if access["keys"]:
        yield keys_head(access["keys"])
    yield from left_out(access)


def who_on_all(access: Dict | None, options: Options) -> Iterator[str]:
    """Yield what is to be said of several hosts: passwords, keys, shared host keys, and what falls with one."""
    if not access:
        return
    yield from sentence_on_passwords(access, options)
    yield from _doors(access["passwords"]["doors"], COLUMNS, options)
    if access["keys"]:
        yield keys_head(access["keys"])
        yield from _first(access["keys"], MOST_KEYS, "key", _key)
    if access["host_keys"]:
        yield painted(f"  host keys  {counted(len(access['host_keys']), 'key')} of more than one machine", "high", options)
        yield from _first(access["host_keys"], MOST_HOST_KEYS, "key", _host_key)
    yield from _falls(access["reach"])
    yield from unseen_on(access["unseen"])
    yield from left_out(access)


def left_out(access: Dict) -> Iterator[str]:
    """Yield how much is beyond the bounds."""
    if any(access["left_out"].values()):
        told = ", ".join(f"{grouped(number)} {printable(what)}" for what, number in access["left_out"].items() if number)
        yield f"  left out, for there are too many: {told} (facts.ssh of each host has them)"


def _doors(doors: Sequence[Dict], columns: Sequence[str], options: Options) -> Iterator[str]:
    names = [column.lower().replace(" ", "_") for column in columns]
    rows = [[_cell(door[name]) for name in names] for door in doors[:MOST_DOORS]]
    table = [list(columns), *rows] if rows else []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for number, row in enumerate(table):
        line = "    " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        yield painted(line, "high", options) if number else line
    yield from _more(len(doors) - len(rows), "door")


def _unsure(unsure: Sequence[Dict]) -> Iterator[str]:
    """Yield of whom it cannot be told, those together of whom it is for the same reason."""
    alike = dict[tuple[str, str], list[str]]()
    for one in unsure:
        alike.setdefault((one["from"], one["why"]), []).append(_cell(one["account"]))
    lines = [f"    ? {_named(who)} from {said(origin)}: {said(why)}" for (origin, why), who in alike.items()]
    yield from lines[:MOST_DOORS]
    yield from _more(len(lines) - MOST_DOORS, "reason")


def _cell(text: str) -> str:
    return clipped(printable(text), LONGEST_CELL)


# --- keys


def keys_head(keys: Sequence[Dict]) -> str:
    """How many keys open accounts, as a sentence that begins with `keys`."""
    alive = [key for key in keys if any(one["effective"] is not False for one in key["opens"])]
    root = sum(key["root_on"] > 0 for key in alive)
    known = sum(key["known"] is not None for key in alive)
    dead = f"{counted(len(keys) - len(alive), 'key')} without effect" if len(alive) < len(keys) else ""
    if not alive:
        return f"  keys  none opens an account; {dead}"
    may = "" if any(one["effective"] for key in alive for one in key["opens"]) else "may "
    if len(alive) == 1:
        opens = f"{may}open{'' if may else 's'} accounts{', root too' if root else ''}"
        told = f"1 key {opens}; known_keys {'names it' if known else 'does not name it'}"
    else:
        told = f"{counted(len(alive), 'key')} {may}open accounts, {_of(root, len(alive))} of them root; known_keys names"
        told = f"{told} {_of(known, len(alive))} of them"
    return f"  keys  {told}{f'; {dead}' if dead else ''}"


def _of(number: int, whole: int) -> str:
    """How many of so many, in words where that is none or all."""
    return "none" if not number else "all" if number == whole else grouped(number)


def _key(key: Dict) -> str:
    alive = [one for one in key["opens"] if one["effective"] is not False]
    root = [one for one in alive if one["root"]]
    others = dict[str, list[Dict]]()
    for one in alive:
        if not one["root"]:
            others.setdefault(one["account"], []).append(one)
    parts = [f"as root on {_places(root)}"] if root else []
    parts += [f"as {printable(account)} on {_places(several)}" for account, several in [*others.items()][:MOST_NAMED]]
    parts += [f"as {grouped(len(others) - MOST_NAMED)} more accounts"] if len(others) > MOST_NAMED else []
    return f"{whose(key)} can log in {', '.join(parts)}" if parts else f"{whose(key)} has no effect"


def whose(key: Dict) -> str:
    """`SHA256:... (anna's laptop)`; what lines call a key proves nothing, and stands in quotation marks."""
    comment = f', its comment says "{printable(key["comments"][0][:LONGEST_COMMENT])}"' if key["comments"] else ""
    return f"{printable(key['fingerprint'])} ({printable(key['known']) if key['known'] else f'not in known_keys{comment}'})"


def _places(opens: Sequence[Dict]) -> str:
    """`7 hosts: srv-01, srv-02 (from=), ...`; on one host just its name."""
    by_host = dict[str, list[Dict]]()
    for one in opens:
        by_host.setdefault(one["host"], []).append(one)
    names = [f"{printable(host)}{limits(several)}" for host, several in by_host.items()]
    return names[0] if len(names) == 1 else f"{counted(len(names), 'host')}: {_named(names)}"


def limits(opens: Sequence[Dict]) -> str:
    """How the lines of a host limit a key, where each of them does."""
    marks = ["from="] if all(one["from"] is not None for one in opens) else []
    marks += ["from some addresses only"] if all(one.get("everywhere") is False for one in opens) else []
    marks += ["command="] if all(one["command"] for one in opens) else []
    marks += ["by certificate"] if all(one["authority"] for one in opens) else []
    marks += ["effect not known"] if all(one["effective"] is None for one in opens) else []
    return f" ({', '.join(marks)})" if marks else ""


def _host_key(key: Dict) -> str:
    return f"{printable(key['type'])} {printable(key['fingerprint'])}: {_named([printable(host) for host in key['hosts']])}"


# --- what falls


def _falls(reach: Sequence[Dict]) -> Iterator[str]:
    if not reach:
        yield "  if one falls  no private key that was found opens an account of another host"
        return
    yield f"  if one falls  {counted(len(reach), 'host')} with private keys that open others"
    for fall in reach[:MOST_FALLS]:
        yield f"    {fallen(fall)}"
        yield from (f"      {line}" for line in also(fall))
    yield from _more(len(reach) - MOST_FALLS, "host")


def fallen(fall: Dict) -> str:
    """What an intruder has first who has a host, as a sentence."""
    if not fall["hosts"] or not fall["hosts"][0]["steps"]:
        return f"if {printable(fall['from'])} falls, what else does was not followed: there are too many keys"
    first = fall["hosts"][0]
    what = "root" if first["root"] else ", ".join(printable(account) for account in first["accounts"][:MOST_NAMED])
    verb = "has" if first["sure"] else "may have"
    last = first["steps"][-1]
    by_way = [printable(step["to"]) for step in first["steps"][:-1]]
    way = f", by way of {', '.join(by_way[:MOST_NAMED])}" if by_way else ""
    return (
        f"if {printable(fall['from'])} falls, the intruder {verb} {what} on {printable(first['host'])} via key"
        f" {printable(last['fingerprint'])} of {_owner(last)} ({_lock(first['steps'])}){way}"
    )


def _owner(step: Dict) -> str:
    return f"{printable(step['of'][0]) if step['of'] else '?'}@{printable(step['on'])}"


def _lock(steps: Sequence[Dict]) -> str:
    doubts = list(dict.fromkeys(doubt for step in steps for doubt in step["doubts"]))
    told = [DOUBTS.get(doubt, said(doubt)) for doubt in doubts]
    return ", ".join(told or ["no passphrase"])


def also(fall: Dict) -> Iterator[str]:
    """Yield what else falls: root, other accounts, and what may."""
    rest = fall["hosts"][1:]
    kinds = {
        "also root on": [one for one in rest if one["sure"] and one["root"]],
        "also other accounts on": [one for one in rest if one["sure"] and not one["root"]],
        "perhaps root on": [one for one in rest if not one["sure"] and one["root"]],
        "perhaps other accounts on": [one for one in rest if not one["sure"] and not one["root"]],
    }
    parts = [f"{what} {_named([printable(one['host']) for one in several])}" for what, several in kinds.items() if several]
    parts += [] if fall["complete"] else ["more was not followed: there are too many keys"]
    if parts:
        yield "; ".join(parts)


def unseen_on(unseen: Sequence[Dict]) -> Iterator[str]:
    """Yield of which hosts not all keys are known, and why."""
    by_host = dict[str, tuple[list[str], str]]()
    for one in unseen:
        by_host.setdefault(one["host"], ([], one["why"]))[0].append(one["what"].replace("_", " "))
    told = [
        f"{printable(host)} ({clipped(said(why), LONGEST_CELL)}: {', '.join(what)})" for host, (what, why) in by_host.items()
    ]
    if told:
        yield f"  not all keys are known of {counted(len(told), 'host')}: {_named(told)}"


# --- of many the first


def _named(names: Sequence[str]) -> str:
    more = f" and {grouped(len(names) - MOST_NAMED)} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _first(several: Sequence[Dict], most: int, noun: str, line: Callable[[Dict], str]) -> Iterator[str]:
    yield from (f"    {line(one)}" for one in several[:most])
    yield from _more(len(several) - most, noun)


def _more(number: int, noun: str) -> Iterator[str]:
    if number > 0:
        yield f"    ... and {counted(number, f'more {noun}')} ({ALL})"
