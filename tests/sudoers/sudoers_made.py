"""Sudoers files at random: mostly as people write them, some with a mistake in them; and the words of cvtsudoers on one."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from auditkit.sudoers.grammar import entries
from auditkit.sudoers.nouns import Alias, Broken, Include, Kind, Member, Members, Rule, Setting

USERS = (
    *("anna", "bernd", "%sudo", "%#27", "#1000", "+net", "%:nonunix", "ALL", "ADMINS", "be\\ rnd", '"%two words"', '"x y"'),
    *("al\\x41", "a.b", "a@b", "ada\\,x", "root", "OPS", "a-b", "x\\=y", '"+n"', "%a\\ b", "A1", "%ALL", "12"),
)
HOSTS = (
    "ALL",
    "srv",
    "srv-01",
    "10.0.0.0/8",
    "10.1.2.3",
    "::1",
    "fe80::/10",
    "+hosts",
    "SERVERS",
    "*.lan",
    "10.0.0.0/255.0.0.0",
)
COMMANDS = (
    *("ALL", "/bin/sh", "/usr/bin/vi /etc/hosts", "/usr/bin/", '/bin/ls ""', "/bin/a\\,b", "/bin/a c\\:d e\\=f", "SHELLS"),
    *(
        "sudoedit /etc/motd",
        "sudoedit",
        "/usr/bin/*",
        "/bin/[a-z]*",
        "/bin/x   a    b",
        "/bin/x ^-[a-z]+ b$",
        "^/bin/.*$",
        "list",
    ),
    *("^/bin/x$ a b", "/bin/x y\\*", "/bin/a\\ b c\\ d", "/bin/chmod 4755 *", "/bin/x a(b)", "/bin/x 'a b'", '/bin/x "a b"'),
    *(
        "/bin/x \\\n   a",
        "sha224:" + "ab" * 28 + " /bin/ls",
        "sha256:" + "Z" * 43 + " /bin/ls",
        "sha512:" + "A" * 86 + "== ALL",
    ),
    *("sha224:" + "0" * 56 + ", sha224:" + "1" * 56 + " /bin/ls", "/bin/x!y", "/bin/x a!b !c", "/bin/x a@b"),
    *("sudoedit /a /b", "/bin/x a\\!b \\^", "/bin/a>b", "/bin/a(b)", "/bin/x /y/"),
)
TAGS = (
    *("NOPASSWD:", "PASSWD:", "NOEXEC:", "EXEC:", "SETENV:", "NOSETENV:", "LOG_INPUT:", "NOLOG_OUTPUT:", "MAIL :", "NOMAIL:"),
    *("FOLLOW:", "NOFOLLOW:", "NOPASSWD :", "INTERCEPT:", "NOINTERCEPT:"),
)
OPTIONS = (
    "TIMEOUT=5m",
    "CWD=/tmp",
    "CWD=*",
    "CHROOT=/srv",
    "NOTBEFORE=20260101000000Z",
    "TIMEOUT=1d2h3m4s",
    "ROLE=r",
    "TYPE=t",
)
SETTINGS = (
    *("env_reset", "!authenticate", 'env_keep += "A B"', "timestamp_timeout=-1", "!lecture", "targetpw", "setenv", "insults"),
    *('secure_path="/usr/sbin:/usr/bin"', "secure_path=/usr/sbin\\:/usr/bin", "env_keep -= X", "editor=/bin/vi", "umask=0022"),
    *("passwd_tries=2", "! visiblepw", "!!insults", "env_keep=A", "runas_default=anna", 'badpass_message="a \\" b"'),
)
RUNAS = (
    "",
    "",
    "",
    "(root) ",
    "(ALL) ",
    "(ALL:ALL) ",
    "(root:wheel) ",
    "(:adm) ",
    "() ",
    "(:) ",
    "(anna, !root) ",
    "(#0) ",
    "(%g) ",
    "(RU) ",
)
BLANKS = (" ", " ", " ", "\t", "  ", " \\\n ")


def some(at: Random, of: tuple[str, ...], most: int = 3) -> str:
    """A list of these, some negated."""
    sign = ("", "", "", "", "", "!", "!!", "! ")
    return at.choice((", ", ",", " , ", ",\\\n  ")).join(at.choice(sign) + at.choice(of) for _ in range(at.randint(1, most)))


def line(at: Random) -> str:
    """One line."""
    blank = at.choice(BLANKS) or " "
    match at.randint(0, 11):
        case 0:
            kind, of = at.choice((("User", USERS), ("Runas", USERS), ("Host", HOSTS), ("Cmnd", COMMANDS), ("Cmd", COMMANDS)))
            named = (f"{at.choice('ABCDEFG')}{at.randint(0, 999)}_X = {some(at, of)}" for _ in range(at.randint(1, 2)))
            return f"{at.choice(('', '', ' '))}{kind}_Alias{blank}{' : '.join(named)}"
        case 1 | 2:
            scope = at.choice(
                ("", "", "", f":{some(at, USERS)}", f">{some(at, USERS)}", f"@{some(at, HOSTS)}", f"!{some(at, COMMANDS, 1)}")
            )
            return f"Defaults{scope}{blank}{', '.join(at.choice(SETTINGS) for _ in range(at.randint(1, 2)))}"
        case 3:
            return at.choice(
                ("", "# a comment", "#", "   ", "\t# x", "#-x", "root ALL=ALL # x", "root ALL=ALL#x", "#1 ALL=ALL")
            )
    parts = (f"{some(at, HOSTS, 2)}{at.choice((' = ', '=', ' ='))}{commands(at)}" for _ in range(at.choice((1, 1, 1, 2))))
    return f"{some(at, USERS)}{blank}{' : '.join(parts)}{at.choice(('', '', '', ' ', ' # why'))}"


def commands(at: Random) -> str:
    """What stands behind `=`."""
    told = []
    for _ in range(at.randint(1, 3)):
        options = at.choice(("", "", "", "", f"{at.choice(OPTIONS)} ", f"{at.choice(OPTIONS)} {at.choice(OPTIONS)} "))
        tags = at.choice(("", "", f"{at.choice(TAGS)} ", f"{at.choice(TAGS)}{at.choice(TAGS)} "))
        told.append(f"{at.choice(RUNAS)}{options}{tags}{some(at, COMMANDS, 1)}")
    return at.choice((", ", ",")).join(told)


def sudoers(at: Random) -> str:
    """A file."""
    text = "\n".join(line(at) for _ in range(at.randint(1, 4))) + at.choice(("\n", "\n", ""))
    if at.random() < 0.3:
        spot = at.randint(0, len(text))
        text = (
            text[:spot] + at.choice(("", *',=:!()"\\#%+^$* \n\tA/@x', "\r\n", "\\\n", "\f")) + text[spot + at.randint(0, 2) :]
        )
    return text


# --- what cvtsudoers makes of one, and what we do, in the same form


def told(text: str, place: Path) -> list[Any] | None:
    """What cvtsudoers says of it; None where it says that there is a mistake."""
    (place / "sudoers").write_bytes(text.encode("latin-1"))
    words = ["/usr/bin/cvtsudoers", "-c", "/dev/null", "-f", "json", "-i", "sudoers", str(place / "sudoers")]
    done = subprocess.run(words, capture_output=True, check=False, timeout=20)
    if done.returncode:
        return None
    mended = _BARE.sub(r"\1{\2}\3", done.stdout.decode("latin-1"))
    return without_setenv(list(_flat(json.loads(mended, strict=False)))) if mended.strip() else []


_BARE = re.compile(r"^( +)(\"(?:runchroot|runcwd|role|type|notbefore|notafter)\": \"[^\n]*\")(,?)$", re.MULTILINE)
"""Options that cvtsudoers 1.9.13 writes so that its list is no JSON."""


def without_setenv(read: list[Any]) -> list[Any]:
    """What was read, without the tag SETENV where a rule is of ALL: cvtsudoers says it of others in the list too."""
    if not any(len(each) == 6 and each[5].get("command") == "ALL" for each in read):
        return read
    return [(*each[:4], [one for one in each[4] if "setenv" not in one], each[5]) if len(each) == 6 else each for each in read]


def _flat(json_: dict[str, Any]) -> Iterator[Any]:
    kinds = {"User_Aliases": "User", "Runas_Aliases": "Runas", "Host_Aliases": "Host", "Command_Aliases": "Cmnd"}
    for name, kind in kinds.items():
        yield from sorted((kind, alias, members) for alias, members in json_.get(name, {}).items())
    for each in json_.get("User_Specs", ()):
        for one in each["Cmnd_Specs"]:
            for command in one["Commands"]:
                named = {name: value for each in one.get("Options", ()) for name, value in each.items() if name in OF_OPTION}
                options = sorted(json.dumps({name: value}) for name, value in named.items())
                yield each["User_List"], each["Host_List"], one.get("runasusers"), one.get("runasgroups"), options, command


TAG_NAMES = {
    "PASSWD": ("authenticate", True), "NOPASSWD": ("authenticate", False),
    "NOEXEC": ("noexec", True), "EXEC": ("noexec", False),
    "SETENV": ("setenv", True), "NOSETENV": ("setenv", False), "LOG_INPUT": ("log_input", True),
    "NOLOG_INPUT": ("log_input", False), "LOG_OUTPUT": ("log_output", True), "NOLOG_OUTPUT": ("log_output", False),
    "MAIL": ("send_mail", True), "NOMAIL": ("send_mail", False), "FOLLOW": ("sudoedit_follow", True),
    "NOFOLLOW": ("sudoedit_follow", False), "INTERCEPT": ("intercept", True), "NOINTERCEPT": ("intercept", False),
}  # fmt: skip
OPTION_NAMES = {"CWD": "runcwd", "CHROOT": "runchroot"}
OF_OPTION = {name for name, _value in TAG_NAMES.values()} | set(OPTION_NAMES.values())


def ours(text: str) -> list[Any] | None:
    """What we make of it in the form of `told`."""
    read = list(entries("sudoers", text))
    aliases: dict[tuple[str, str], Alias] = {}
    for each in read:
        if isinstance(each, Alias):
            if (each.kind, each.name) in aliases:
                return None
            aliases[each.kind, each.name] = each
    if any(isinstance(each, Broken) for each in read):
        return None
    out: list[Any] = []
    for kind in ("User", "Runas", "Host", "Cmnd"):
        of = (alias for alias in aliases.values() if alias.kind == kind)
        out += sorted((kind, alias.name, _members(alias.members, kind)) for alias in of)
    return without_setenv(out + [_rule(each) for each in read if isinstance(each, Rule)])


def _rule(rule: Rule) -> Any:
    tags = dict(TAG_NAMES[tag] for tag in rule.tags)
    named = {OPTION_NAMES[name]: value for name, value in rule.options if name in OPTION_NAMES}
    options = sorted(json.dumps({name: value}) for name, value in {**tags, **named}.items())
    users = None if rule.runas_users is None else _members(rule.runas_users, "User", runas=True)
    groups = None if rule.runas_groups is None else _members(rule.runas_groups, "Group")
    return _members(rule.users, "User"), _members(rule.hosts, "Host"), users, groups, options, _member(rule.command, "Cmnd")


def _members(members: Members, kind: str, *, runas: bool = False) -> list[Any]:
    return [_member(each, "Runas" if runas else kind) for each in members]


def _member(member: Member, kind: str) -> dict[str, Any]:
    names = {"User": "username", "Runas": "username", "Host": "hostname", "Group": "usergroup", "Cmnd": "command"}
    name, value = names[kind], member.written.lstrip("!" if member.negated else "")
    match member.kind:
        case Kind.MYSELF:
            value = ""
        case Kind.ALIAS:
            name = {"User": "useralias", "Host": "hostalias", "Cmnd": "cmndalias"}.get(kind, "runasalias")
        case Kind.NETGROUP:
            name, value = "netgroup", member.text
        case Kind.NETWORK:
            name = "networkaddr"
        case Kind.GROUP:
            name, value = "usergroup", member.text
            if value.startswith(":"):
                name, value = "nonunixgroup", value[1:]
    found: dict[str, Any] = {name: value}
    number = value.removeprefix("#")
    if value.startswith("#") and number.lstrip("-").isdigit() and name.startswith("user"):
        found = {"userid" if name == "username" else "usergid": int(number)}
    for digest in member.digests:
        algorithm, _colon, text = digest.partition(":")
        found[algorithm] = text
    return found | ({"negated": True} if member.negated else {})


__all__ = ["Include", "Setting", "ours", "sudoers", "told"]
