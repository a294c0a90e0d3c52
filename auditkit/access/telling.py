"""How findings about logins are put in words: who, from where, by which lines, and what to do about it on this very host."""

import re
from collections.abc import Iterable, Mapping, Sequence

from auditkit import answers
from auditkit.access import needs
from auditkit.access.configuring import COMMAND_LINE
from auditkit.access.finding import NO_FILE
from auditkit.access.nouns import Server
from auditkit.access.sources import STATION, is_in, network_of
from auditkit.answers import Shown
from auditkit.model import Evidence, Gap, Quote
from auditkit.printable import printable
from auditkit.sshd import keywords
from auditkit.sshd.effective import MAIN, Effective
from auditkit.sshd.globbing import globbed
from auditkit.sshd.keywords import Keyword
from auditkit.sshd.lines import Line, Version, lowered
from auditkit.sshd.reading import DIRECTORY, Place, Statement
from auditkit.sshd.values import Value

DROP_IN = f"{DIRECTORY}/sshd_config.d/00-auditkit.conf"
OUT = "#auditkit#"
"""What is written before a line that is taken out."""
MOST_NAMES = 3
MOST_QUOTES = 10
LONGEST = 200
KBD_RENAMED: Version = (8, 7)
"""Since then the keyword is KbdInteractiveAuthentication, before ChallengeResponseAuthentication."""
_WORD = re.compile(r"[A-Za-z0-9]{1,60}")
_SUDO = re.compile(r"\bsudo (?=(?:cp|sed|tee|sshd|systemctl|kill|passwd|usermod|chown|chmod|groupadd) )")
_COMMAND = re.compile(r"\b(?:sudo|cp|systemctl|passwd|usermod|apt) ")
_UNIT = re.compile(r"([A-Za-z0-9@_.-]{1,80})\.service(?:/|$)")
PLAIN_VALUE = re.compile(r"[A-Za-z0-9,:_-]{1,80}")
"""A value that may stand in a command."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,31}")
"""A name of an account that may stand in a command."""
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/\[\]-]{0,100}")
_HASH = re.compile(r"\$[0-9a-z]{1,10}\$\S+")


def names(words: Iterable[str], most: int = MOST_NAMES) -> str:
    """Names as a sentence has them: `anna, bernd and 2 others`."""
    told = [printable(word[:80]) for word in dict.fromkeys(words)]
    if len(told) > most + 1:
        return f"{', '.join(told[:most])} and {len(told) - most} others"
    return f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else "".join(told)


def origins(open_ones: Iterable[str], server: Server, evidence: Evidence) -> tuple[str, ...]:
    """Sources in few words: `anywhere`, `own networks` where all of them are, and what is left by its name.

    What is shut out of a network that is told stands behind it: `10.0.0.0/8 except 10.1.0.0/16`.
    """
    opened = list(dict.fromkeys(open_ones))
    if len(opened) > 1 and {source.name for source in server.sources} == set(opened):
        return ("anywhere",)
    own = [source.name for source in server.sources if source.name in evidence.office.networks]
    shut = [source.name for source in server.sources if source.name not in opened and not source.name.endswith(STATION)]
    left = [name for name in opened if not (name.endswith(STATION) and _within(name, opened))]
    whole: dict[str, list[str]] = {name: [name] for name in left}
    if len(own) > 1 and set(own) <= set(left):
        whole = {"own networks": own, **{name: [name] for name in left if name not in own}}
    internet = [name for name in whole if name.startswith("internet ")]
    return tuple(_but(name, nets, shut) for name, nets in whole.items() if name not in internet[1:])


def _but(name: str, nets: Sequence[str], shut: Sequence[str]) -> str:
    """A source with those that lie in it and are shut out: `10.0.0.0/8 except 10.1.0.0/16`."""
    inside = [each for each in shut if _within(each, nets)]
    return f"{name} except {', '.join(inside)}" if inside else name


def _within(name: str, others: Iterable[str]) -> bool:
    """Whether one of the others says it already: a network that this one lies in, or the same without who came from there."""
    mine = network_of(name.removesuffix(STATION))
    nets = {other: network_of(other.removesuffix(STATION)) for other in others if other != name} if mine else {}
    told = (net for net in nets.values() if net is not None and (mine != net or name.endswith(STATION)))
    return any(is_in(mine, net) for net in told if mine)


def sources(words: Sequence[str]) -> str:
    """From where, as a sentence has it: without what lies in another one."""
    return f"from {names(word for word in words if not _within(word, words))}"


def lines(places: Iterable[Place]) -> str:
    """Where lines stand: `FILE:LINE, FILE:LINE`; `default` where no line says it."""
    return ", ".join(shown(place) for place in places) or "default"


def sees_all_keys(evidence: Evidence) -> bool:
    """Whether no file of keys was withheld, so that who has a key is known."""
    return not any("/.ssh" in gap.subject or "authorized_keys" in gap.subject for gap in evidence.gaps)


def shown(place: Place) -> str:
    """Where a line stands, as it may be shown."""
    return COMMAND_LINE if place.file == COMMAND_LINE else f"{printable(place.file)}:{place.line}"


def statement(server: Server, place: Place) -> Statement | None:
    """The line that stands at a place of the configuration."""
    return next((each for each in read_of(server, place.file) if each.at == place), None)


def text(server: Server, place: Place) -> str:
    """A line as it is quoted."""
    found = statement(server, place)
    written = f"{found.line.keyword} {found.line.rest.strip()}" if found else ""
    return _HASH.sub("<hash>", written)[:LONGEST]


def quotes(server: Server, places: Iterable[Place]) -> tuple[Quote, ...]:
    """The lines as a finding quotes them."""
    told = dict.fromkeys(places)
    return tuple(Quote(place.file, place.line, text(server, place)) for place in told if text(server, place))[:MOST_QUOTES]


def dead(server: Server, winner_of: Iterable[str]) -> tuple[Place, ...]:
    """The lines of these keywords that are never used."""
    wanted = set(winner_of)
    held = server.configuration.start.held.dead if server.configuration else []
    return tuple(each.line for each in held if each.keyword in wanted)


def saying(server: Server, effective: Effective, keyword: str) -> str:
    """What holds of a keyword and by which line: `/etc/ssh/sshd_config:57 says PasswordAuthentication yes`."""
    effect = effective.effects[keyword]
    if effect.value is None:
        return f"what {keyword} is cannot be told"
    value = printable(" ".join(effect.value)[:80]) or "empty"
    if not effect.set_by:
        return f"{keyword} is {value} by default, and no line says otherwise"
    return f"{shown(effect.set_by[0])} says {keyword} {value}"


def general(server: Server, keyword: str) -> Value | None:
    """The value of a keyword where no Match line holds but `Match all`; None where nobody can tell."""
    configuration = server.configuration
    if configuration is None or keyword in configuration.start.held.open or lowered(keyword) not in configuration.files.known:
        return None
    default = keywords.default(configuration.files.known[lowered(keyword)], configuration.files.version)
    return configuration.start.held.values.get(keyword, default)


def block(server: Server, place: Place) -> Line | None:
    """The Match line that a line stands under, in its file; none of `Match all`."""
    found = None
    for each in read_of(server, place.file):
        if each.at.line >= place.line:
            break
        found = each.line if lowered(each.line.keyword) == "match" else found
    return found if found and lowered(found.rest.strip()) != "all" else None


def note(server: Server) -> str:
    """What a reader must know first: that it does not run now."""
    return f"{server.name} does not run now; once it does, " if server.running is False else ""


def offered(server: Server) -> str:
    """What it was seen to offer over the network."""
    told = next((show for show in server.shown if show.methods), None)
    if told is None:
        return ""
    return f" (on the network it offers {printable(', '.join(told.methods)[:100])} to {printable(told.user[:40])})"


# --- what to do


def closing(server: Server, evidence: Evidence, wanted: Sequence[str], out: Sequence[Place] = ()) -> str:
    """How to say these lines for all connections, where to put them, how to test that, and how to take it back.

    The first value counts, so the lines go where nothing stands before them. `out`: lines that are to be taken out first,
    of Match blocks that say otherwise.
    """
    by_option = [each for each in server.options if _keywords([each]) & _keywords(wanted)]
    if by_option:
        option = printable(by_option[0][:80])
        return (
            f"Its command line says {option}, which counts before any file: change it where {server.name} is started (its unit,"
            f" or /etc/default/ssh), and restart it. Keep this session open. {again(evidence)}"
        )
    gone = isinstance(server.configuration.files.files.get(server.main), Gap) if server.configuration else False
    if gone and server.main != MAIN:
        return f"Its file was not read, so end it, and what starts it: {printable(server.name)}. {again(evidence)}"
    if server.main.lower() in NO_FILE:
        options = " ".join(f"-o '{line}'" for line in wanted)
        return (
            f"Its command line is all that configures it: add {options} where {server.name} is started, or end it if nobody"
            f" needs it. Keep this session open. {again(evidence)}"
        )
    if drop_in_first(server, wanted):
        each = [f"echo '{line}'" for line in wanted]
        words = each[0] if len(each) == 1 else f"{{ {'; '.join(each)}; }}"
        do = f"{words} | sudo tee -a {DROP_IN}"
        undo = f"take the line{'s' if len(wanted) > 1 else ''} out of {DROP_IN}"
    elif needs.PLAIN.fullmatch(server.main or MAIN):
        file = server.main or MAIN
        do = f"sudo sed -i {_inserted(wanted)} {file}"
        undo = f"sudo sed -i '/^{_mark(wanted)}$/,+{len(wanted)}d' {file}"
    else:
        return f"Write as the first lines of {printable(server.main)}: {'; '.join(wanted)}. Keep this session open."
    taken = [_taken_out(server, places) for places in _by_file(out)]
    before = "".join(f"{one[0]} && " for one in taken if one)
    back = " && ".join(one[1] for one in taken if one)
    undo = f"{back}{' && ' if undo.startswith('sudo') else ', and '}{undo}" if back else undo
    left = [places for places, one in zip(_by_file(out), taken, strict=True) if not one]
    also = f"Lines of Match blocks count before any global one: take {lines(left[0][:3])} out, too. " if left else ""
    return f"{also}{before}{do}{tested(server)}. {KEEP} {again(evidence)} (undo: {undo}{reload(server, ', then ')})"


def overriding(server: Server, wanted: Sequence[str]) -> tuple[Place, ...]:
    """The lines of Match blocks that turn on again what these lines turn off."""
    known = server.configuration.files.known if server.configuration else {}
    off = _keywords(wanted, known)
    found = (
        each for name in (server.configuration.files.read if server.configuration else ()) for each in read_of(server, name)
    )
    on = (each for each in found if each.value == ("yes",) and _keywords([each.line.keyword], known) <= off)
    return tuple(each.at for each in on if block(server, each.at))


def _by_file(places: Iterable[Place]) -> list[list[Place]]:
    by_file: dict[str, list[Place]] = {}
    for place in places:
        by_file.setdefault(place.file, []).append(place)
    return list(by_file.values())


def _inserted(wanted: Sequence[str]) -> str:
    """What sed(1) does to have these lines before all others, below a remark by which they are found again."""
    return " ".join(f"-e '1i {line}'" for line in (_mark(wanted), *wanted))


def _mark(wanted: Sequence[str]) -> str:
    return f"# auditkit: {', '.join(re.split(r'[ =]', line, maxsplit=1)[0] for line in wanted)}"


def instead(server: Server, evidence: Evidence, places: Sequence[Place], wanted: Sequence[str]) -> str:
    """How to have these lines hold in place of those that do: what a Match block says no global line changes."""
    matched = [place for place in places if block(server, place)]
    return commented(server, evidence, matched) if matched else closing(server, evidence, wanted)


def keys_first(server: Server, evidence: Evidence) -> str:
    """A warning where nobody has a key, who would then be locked out."""
    elsewhere = any(general(server, name) != ("none",) for name in ("AuthorizedKeysCommand", "TrustedUserCAKeys"))
    files = (item.data for item in evidence.items if item.need.what.startswith("~/.ssh/authorized_keys"))
    rows = (row for data in files for row in data.split(b"\n"))
    if elsewhere or not sees_all_keys(evidence) or any(row.strip() and not row.startswith(b"#") for row in rows):
        return ""
    return "No key of any account was found here: give somebody one first (ssh-copy-id), and log in with it. "


KEEP = "Keep this session open, and log in with a second one before you close it."


def commented(server: Server, evidence: Evidence, places: Sequence[Place]) -> str:
    """How to take lines out of a file, to test that, and to take it back."""
    told = _taken_out(server, places)
    if told is None:
        return f"Take {lines(places[:MOST_QUOTES])} out. {KEEP}"
    do, undo = told
    return f"{do}{tested(server)}. {KEEP} {again(evidence)} (undo: {undo}{reload(server, ', then ')})"


def _taken_out(server: Server, places: Sequence[Place]) -> tuple[str, str] | None:
    """The command that takes lines out of their file, and the one that takes it back; None where there is none."""
    file = places[0].file
    words = {place: found.line.keyword for place in places if (found := statement(server, place)) and place.file == file}
    if not needs.PLAIN.fullmatch(file) or not _configures(server, file) or not all(map(_WORD.fullmatch, words.values())):
        return None
    # only a line that begins so: the numbers count no more when something else was changed before
    script = ";".join(f"{place.line}{{/^[[:space:]]*{word}/s/^/{OUT}/;}}" for place, word in words.items())
    undo = " ".join(f"-e 's/^{OUT}\\([[:space:]]*{word}\\)/\\1/'" for word in dict.fromkeys(words.values()))
    return f"sudo sed -i '{script}' {file}", f"sudo sed -i {undo} {file}"


def _configures(server: Server, file: str) -> bool:
    """Whether lines of a file may be taken out one by one: it is a configuration of sshd by its name, whoever includes it."""
    return file == server.main or (file.startswith(f"{DIRECTORY}/") and file.endswith((".conf", "_config")))


def including(server: Server, file: str) -> Place | None:
    """The Include line by which a file is read that is no configuration by its name."""
    for name in server.configuration.files.read if server.configuration and not _configures(server, file) else ():
        for each in read_of(server, name):
            globs = each.line.words if lowered(each.line.keyword) == "include" else ()
            if any(globbed(file, glob if glob.startswith("/") else f"{DIRECTORY}/{glob}") for glob in globs):
                return each.at
    return None


def tested(server: Server) -> str:
    """The test of a changed configuration, and what makes it count."""
    file = "" if server.main in ("", MAIN) or not needs.PLAIN.fullmatch(server.main) else f" -f {server.main}"
    return f" && sudo sshd -t{file}{reload(server, ' && ')}"


def reload(server: Server, before: str) -> str:
    """The command that makes it read its files again; nothing where it does not run.

    Where no process was seen, systemd may start it for each login: then there is nothing to be told.
    """
    process = server.process
    if process is None:
        return f"{before}sudo systemctl try-reload-or-restart ssh" if server.running is not False else ""
    unit = _UNIT.search(process.unit)
    return f"{before}sudo systemctl reload {unit[1]}" if unit else f"{before}sudo kill -HUP {process.pid}"


def again(evidence: Evidence) -> str:
    """How to see whether it helped."""
    if evidence.host.startswith(needs.DISK):
        return "Then audit it again."
    host = printable(evidence.host)
    return f"Then run auditkit audit --only ssh {host if _HOST.fullmatch(host) else 'HOST'} again."


def fitted(remedy: str, evidence: Evidence) -> str:
    """A remedy as it is right on this host: without sudo where root logs in, and not for here where a disk was looked at."""
    if any(show.user == "root" for show in needs.read(evidence, needs.BANNER, answers.shown) if isinstance(show, Shown)):
        remedy = _SUDO.sub("", remedy)
    if evidence.host.startswith(needs.DISK) and _COMMAND.search(remedy):
        return f"Not here, but on the machine of that disk once it runs: {remedy}"
    return remedy


def drop_in_first(server: Server, wanted: Sequence[str]) -> bool:
    """Whether a line in our drop-in would be the first of its keyword that sshd reads."""
    configuration = server.configuration
    read = read_of(server, server.main)
    if configuration is None or server.options or not read or lowered(read[0].line.keyword) != "include":
        return False
    globs = read[0].line.words
    if len(globs) != 1 or globs[0] not in (f"{DIRECTORY}/sshd_config.d/*.conf", "sshd_config.d/*.conf"):
        return False
    found = configuration.files.named(globs[0])
    before = [name for name in found if name <= DROP_IN] if not isinstance(found, Gap) else []
    held = [each for name in before for each in read_of(server, name)]
    said = {each.keyword.name if each.keyword else each.line.keyword for each in held}
    return _keywords(said).isdisjoint({*_keywords(wanted), *_keywords(wanted, configuration.files.known), "match"})


def read_of(server: Server, file: str) -> tuple[Statement, ...]:
    """The lines of a file that was read."""
    found = server.configuration.files.read.get(file) if server.configuration else None
    return () if found is None or isinstance(found, Gap) else found


def _keywords(wanted: Iterable[str], known: Mapping[str, Keyword] | None = None) -> set[str]:
    """The keywords of lines, in lower case; where `known` is given those that they are other names of."""
    said = {lowered(re.split(r"[ =]", line, maxsplit=1)[0]) for line in wanted}
    return {lowered(known[word].means or word) if known and word in known else word for word in said}


def keyboard(version: Version | None) -> str:
    """The keyword that turns keyboard-interactive off."""
    return "ChallengeResponseAuthentication" if version and version < KBD_RENAMED else "KbdInteractiveAuthentication"
