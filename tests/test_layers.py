"""The house rules of the code: who may import whom, what a judge may not know, who may speak, how long a thing may be.

The table below is the design: touch | judge | tell | command. Each check takes a module's name and text, so that it is
itself tested on texts that break the rule.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import quantiles

import pytest

from auditkit.commands import COMMANDS

PACKAGE = Path(__file__).parent.parent / "auditkit"

NOUNS = {"model", "errors", "printable"}
MAY_IMPORT: dict[str, set[str]] = {
    # the nouns and the one way to show foreign text
    "": set(),
    "model": set(),
    "errors": {"model"},
    "printable": set(),
    "header": {"model"},
    # touch: may meet a machine, a disk or a file
    "probe": {"printable"},
    "opening": set(),
    "strict": NOUNS | {"opening"},
    "policy": NOUNS | {"strict", "probe"},
    "inventory": NOUNS | {"strict"},
    "channels": NOUNS | {"strict"},
    "retention": {"strict"},
    "excuses": NOUNS | {"strict", "inexcusable"},
    "config": NOUNS | {"retention", "strict", "policy", "inventory", "channels", "excuses"},
    "ssh": NOUNS | {"answers", "opening", "config", "probe", "entries", "agent", "keys"},
    "ports": NOUNS | {"banners", "config", "ssh"},
    "hosts": NOUNS | {"answers", "ports", "probe", "config", "strict", "mounts", "entries", "ssh", "evidence"},
    "scan": NOUNS | {"hosts", "policy", "mounts", "entries", "growth", "probe"},
    "collect": NOUNS | {"answers", "hosts"},
    "logs": NOUNS | {"kept", "logins", "opening", "probe"},
    "kept": NOUNS | {"baseline", "opening", "seal", "signers"},
    "agent": NOUNS | {"opening", "keys"},
    "signers": NOUNS | {"opening", "keys"},
    "seal": NOUNS | {"agent", "keys", "signers"},
    "baseline": NOUNS | {"opening", "entries", "header"},
    "writer": NOUNS | {"baseline", "header", "opening"},
    "store": NOUNS | {"opening", "baseline", "entries", "policy", "seal", "signers"},
    "evidence": NOUNS | {"opening", "baseline", "store"},
    "recording": NOUNS | {"evidence", "writer", "hosts", "collect"},
    "owners": NOUNS | {"opening", "baseline", "writer", "packages", "explain"},
    "packaged": NOUNS | {"hosts", "packages", "systems", "explain", "probe"},
    "pythons": NOUNS | {"derived"},
    "remade": NOUNS | {"explain", "hosts", "entries", "settle", "derived", "makers", "packaged", "pythons"},
    "vendor": NOUNS | {"opening", "packages", "hosts", "collect", "entries", "probe"},
    "fleet": NOUNS | {"hosts", "scan", "collect"},
    "runs": NOUNS | {"opening", "baseline"},
    "notify": NOUNS | {"channels", "opening"},
    "nights": NOUNS | {"opening"},
    "units": set(),
    "ledger": NOUNS | {"entries", "facts", "peers"},
    "history": NOUNS | {"lifetimes"},
    "incident": NOUNS | {"collect", "hosts", "opening", "probe", "response", "seal", "signers", "words"},
    # judge: frozen data in, frozen data out
    "entries": NOUNS,
    "mounts": NOUNS,
    "compare": NOUNS | {"entries", "mounts", "growth", "probe"},
    "growth": NOUNS | {"compare", "entries", "probe"},
    "settle": NOUNS | {"compare"},
    "coverage": NOUNS | {"entries"},
    "accept": NOUNS | {"compare", "entries", "probe"},
    "timeline": NOUNS | {"entries", "words"},
    "distrust": NOUNS | {"compare", "entries", "probe"},
    "packages": NOUNS | {"importers"},
    "systems": NOUNS | {"packages"},
    "shipped": NOUNS | {"packages", "words"},
    "explain": NOUNS | {"compare", "entries", "packages", "shipped"},
    "databases": NOUNS | {"explain", "packages", "systems"},
    "makers": NOUNS | {"derived"},
    "derived": NOUNS | {"compare", "explain", "packages", "scripts", "shipped"},
    "words": NOUNS,
    "lifetimes": NOUNS,
    "vouched": NOUNS | {"entries", "explain", "packages"},
    "together": NOUNS | {"packages", "vouched"},
    "scripts": NOUNS | {"words"},
    "strays": NOUNS | {"compare", "packages"},
    "against": NOUNS
    | {"compare", "entries", "explain", "facts", "packages", "scripts", "settle", "shipped", "strays", "vouched"},
    "facts": NOUNS,
    "quorum": NOUNS,
    "unlike": NOUNS | {"facts"},
    "peers": NOUNS | {"facts", "quorum", "settle", "unlike"},
    "across": NOUNS | {"keys", "lenient", "quorum"},
    "keys": NOUNS | {"answers"},
    "banners": NOUNS,
    "access": NOUNS | {"answers", "banners", "keys", "sshd"},
    "advisories": NOUNS,
    "audits": NOUNS
    | {"access", "advisories", "answers", "banners", "fields", "keys", "packages", "processes", "sshd", "sudoers", "words"},
    "fields": set(),
    "lenient": NOUNS,
    "inexcusable": set(),
    "answers": NOUNS | {"fields"},
    "processes": NOUNS | {"answers", "fields"},
    "sshd": NOUNS | {"keys"},
    "sudoers": NOUNS,
    "logins": NOUNS | {"access", "answers", "words"},
    "importers": NOUNS | {"entries"},
    "response": NOUNS | {"answers", "facts", "lenient", "logins", "words"},
    # tell
    "report": NOUNS | {"", "lifetimes", "logins", "probe", "response", "words", "inexcusable"},
    "notices": NOUNS | {"report"},
    "schedules": NOUNS,
    "__main__": {"commands"},
}
MAY_IMPORT["commands"] = set(MAY_IMPORT) - {"__main__"} | {"commands"}

JUDGES = {
    "model", "printable", "compare", "explain", "audits", "importers", "keys", "logins", "report", "entries", "mounts",
    "growth", "accept", "timeline", "settle", "coverage", "distrust", "packages", "systems", "derived", "makers",
    "facts", "quorum", "unlike", "peers", "answers", "access", "across", "sshd", "sudoers", "words", "vouched",
    "together", "shipped", "databases", "scripts", "strays", "against", "advisories", "banners", "fields", "processes",
    "response", "notices", "lenient", "lifetimes", "inexcusable", "schedules",
}  # fmt: skip
WORLD = {"os", "io", "pathlib", "socket", "subprocess", "time", "random", "tempfile", "shutil", "paramiko", "importlib"}
KINDS = ("hosts", "inventory", "packages", "derived", "audits", "importers", "report", "commands")
SHARED = {
    "auditkit.inventory.groups": "what both forms of an Ansible inventory come to",
    "auditkit.inventory.variables": "what is taken of the variables of either form",
    "auditkit.inventory.jumps": "jump hosts that either form names",
    "auditkit.inventory.ranges": "many names at once in either form",
    "auditkit.inventory.notes": "what of an inventory was not taken",
    "auditkit.audits.protections.jails": "the jails of fail2ban",
    "auditkit.audits.protections.machine": "what was taken of a host, and the state of its services, for every group",
    "auditkit.audits.protections.rulesets": "what a firewall that is loaded does with what no rule names",
    "auditkit.audits.protections.tools": "what may watch a machine, for every group",
    "auditkit.audits.protections.watcher": "a row of the table of what watches",
    "auditkit.audits.accounts.become": "who may act as whom without being root, for the rules and the summary",
    "auditkit.audits.accounts.known": "what is known of a password, for the rules and the summary",
    "auditkit.audits.accounts.people": "all accounts and groups, for every group of rules",
    "auditkit.audits.accounts.powers": "which groups are as good as root, for the rules and the summary",
    "auditkit.audits.accounts.privileges": "what sudo and doas allow, for every group that judges them",
    "auditkit.audits.accounts.writers": "who may write where, for every group that looks at modes",
    "auditkit.audits.packages.seen": "what is known of the packages of a host, for every group that judges them",
    "auditkit.audits.packages.ends": "until when releases are supported: a table",
    "auditkit.audits.packages.advised": "the rule on fixes that are missing, for packages of pip too",
    "auditkit.audits.packages.states": "rules on packages that other systems than dpkg have too",
    "auditkit.audits.packages.pending": "what misses an update, for the report to tell of each package",
    "auditkit.audits.packages.missed": "what earlier runs saw missing, for how long something is",
    "auditkit.audits.packages.knowledge": "how old the lists are, for the report to tell",
    "auditkit.audits.packages.automatic": "when updates last came by themselves, for the report to tell",
    "auditkit.audits.listeners.seen": "what listens and what it says, for every group that judges it",
    "auditkit.audits.listeners.fixes": "which line makes a product say less",
    "auditkit.audits.listeners.installed": "which version of a program is installed",
    "auditkit.audits.listeners.reach": "how a finding of a port is worded",
    "auditkit.audits.persistence.entry": "what a row of the table is",
    "auditkit.audits.persistence.starts": "rows of the table",
    "auditkit.audits.persistence.logins": "rows of the table",
    "auditkit.audits.persistence.events": "rows of the table",
    "auditkit.audits.persistence.hooks": "rows of the table",
    "auditkit.audits.persistence.table": "all rows, for whoever judges files and for what a baseline says of them",
    "auditkit.audits.persistence.phrases": "what lines say that are odd, for every group that reads files",
    "auditkit.audits.persistence.seen": "the evidence, read once for all groups",
    "auditkit.audits.ssh.accesses": "which line of which file opens which account, for every group that judges keys",
    "auditkit.audits.ssh.opened": "which keys open which account at a server, from where",
    "auditkit.audits.ssh.owned": "which package brought a file, for every group that meets programs",
    "auditkit.audits.ssh.settings": "what a server is set to, for every group that judges settings",
    "auditkit.derived.cpio": "what an initramfs unpacks to",
    "auditkit.derived.linker": "which libraries a cache of the linker names, for the one in an initramfs",
    "auditkit.derived.marshalled": "whether two texts of marshalled code are of the same code",
    "auditkit.packages.changelogs": "when versions were made",
    "auditkit.packages.candidates": "which version apt would install",
    "auditkit.packages.offers": "what the lists of apt offer, for pins and for its policy",
    "auditkit.packages.preferences": "pins, for the policy of apt",
    "auditkit.packages.sources": "which suites a host names, to which its lists belong",
    "auditkit.packages.stanzas": "paragraphs of fields, for all that Debian keeps in them",
    "auditkit.packages.versions": "which version is newer, for the policy of apt",
    "auditkit.packages.layout": "where a host puts what packages ship",
    "auditkit.packages.owned": "which package a path belongs to, for whoever judges paths",
    "auditkit.packages.reading": "which paths and words of a package database are sound",
    "auditkit.packages.rpm_header": "the tags of a header, and what its signatures are over",
    "auditkit.report.access": "who can log in where, for every format that people read",
    "auditkit.report.accepted": "what a person has accepted, taken out of the document",
    "auditkit.report.document": "the document that every format is rendered from",
    "auditkit.report.look": "how a report shall look, for every format",
    "auditkit.report.shape": "what the schema asks of the document",
    "auditkit.report.explained": "what explained changes come to, for every format that people read",
    "auditkit.report.differences": "what differs between before and after, in words",
    "auditkit.report.findings": "the findings of one rule in lines, for the text",
    "auditkit.report.folding": "many changes below one directory as one",
    "auditkit.report.brief.sentence": "a sentence of a brief with its entries, for every format",
    "auditkit.report.entered": "who got in where, of several hosts",
    "auditkit.report.lasting": "what became of what earlier runs told, for every format",
    "auditkit.report.letter": "what a letter is made of, for each of its forms",
    "auditkit.report.letter.plain": "the words of a letter, for its form as a mail",
    "auditkit.report.logins": "the verdict on logins, for every format that people read",
    "auditkit.report.watching": "what watches a machine, for every format that people read",
    "auditkit.report.reported": "what the reports of a case come to, for the terminal",
    "auditkit.report.record": "an incident record in text, for the terminal and for archives",
    "auditkit.report.timelines.events": "an event of logins in words, for every form of a timeline",
    "auditkit.report.html.ages": "how old packages are, for the section of a host",
    "auditkit.report.html.attempts": "the picture of logins, for the section of a host",
    "auditkit.report.html.front": "which findings are of logins, for what to do next",
    "auditkit.report.html.opened": "what a key opens, for the picture of what falls",
    "auditkit.report.html.fleet": "how a state looks, for every part of the page",
    "auditkit.report.html.times": "times and axes, for every part of the page",
    "auditkit.report.html.trend": "what speaks against a host from run to run, for its section and the table of hosts",
    "auditkit.report.html.tree": "changes as a tree, for the section of a host",
    "auditkit.report.items": "what is told of a host item by item, for every format that programs read",
    "auditkit.report.marks": "text in which nothing is a mark of Markdown, for briefs and tickets",
    "auditkit.report.pasting": "commands as they may be pasted, for every format that people read",
    "auditkit.report.timelines.ecs": "a line of the Elastic Common Schema, for timelines and reports",
    "auditkit.report.verdict": "what a host comes to, for every format that people read",
    "auditkit.report.table": "the hosts of a run at a glance, for every format that people read",
    "auditkit.report.steady": "what words say apart from their numbers, for whatever holds one night against another",
}
"""Modules of a kind's folder that their siblings may import, and why; of commands/, what is no command itself."""
BORN_AFTER_3_6 = {"dataclasses", "contextvars", "importlib.resources", "importlib.metadata", "zoneinfo", "graphlib"}
WHERE_PRESENT = {"blake3", "zstandard", "_sha256", "_sha2"}
"""What the probe uses on a host that has it, and does without where the import fails."""
MAY_CATCH_ALL = {
    "auditkit.fleet": "one host's crash hides no other host",
    "auditkit.probe.serve": "a question that fails on a host is told to who asks",
    "auditkit.audits": "one audit's crash silences no other audit",
}
MOST_LINES, MOST_BODY, NINE_OF_TEN = 400, 50, 25


@dataclass(frozen=True, slots=True)
class Module:
    """A module by its dotted name, and its text."""

    name: str
    text: str
    package: bool = False

    @property
    def part(self) -> str:
        """The word of the table that it belongs to: the top-level module or folder."""
        return part_of(self.name)

    @property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return parsed(self.text)

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All nodes of its syntax."""
        return walked(self.text)


@cache
def parsed(text: str) -> ast.Module:
    """The syntax of a text, read once for all checks."""
    return ast.parse(text)


@cache
def walked(text: str) -> tuple[ast.AST, ...]:
    """The nodes of the syntax of a text, found once for all checks."""
    return tuple(ast.walk(parsed(text)))


def modules() -> tuple[Module, ...]:
    """Every module of auditkit."""
    return tuple(map(module_of, sorted(PACKAGE.rglob("*.py"))))


def module_of(path: Path) -> Module:
    names = path.relative_to(PACKAGE.parent).with_suffix("").parts
    package = names[-1] == "__init__"
    return Module(".".join(names[:-1] if package else names), path.read_text(), package)


Check = Callable[[Module], Iterator[str]]
MODULES = modules()
NAMES = frozenset(module.name for module in MODULES)


def part_of(name: str) -> str:
    return [*name.split("."), ""][1]


def imported(module: Module) -> Iterator[str]:
    """Yield the dotted name of every module that is imported, inside functions too."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = absolute(module, node)
            yield source
            members = [f"{source}.{alias.name}" for alias in node.names]
            # a member of auditkit itself is a module, but for __version__; below, only what is a file
            yield from (m for m in members if m in NAMES or (source == "auditkit" and not m.endswith("__")))


def absolute(module: Module, node: ast.ImportFrom) -> str:
    """What a relative import means."""
    if not node.level:
        return node.module or ""
    above = module.name.split(".")
    base = above[: len(above) - node.level + module.package]
    return ".".join([*base, *([node.module] if node.module else [])])


def ours(module: Module) -> Iterator[str]:
    return (name for name in imported(module) if name.split(".")[0] == "auditkit")


def layers(module: Module) -> Iterator[str]:
    """Yield each import that the table does not allow."""
    if module.part not in MAY_IMPORT:
        yield f"{module.name}: no word of the table in {Path(__file__).name}; which layer is it?"
        return
    for name in ours(module):
        allowed = MAY_IMPORT[module.part] | {module.part}
        if name != "auditkit" and part_of(name) not in allowed:
            yield f"{module.name}: imports {name}"
        elif name == "auditkit" and "" not in allowed and imports_version(module):
            yield f"{module.name}: imports the version"


def imports_version(module: Module) -> bool:
    froms = (node for node in module.nodes if isinstance(node, ast.ImportFrom))
    return any(absolute(module, node) == "auditkit" and node.names[0].name.startswith("__") for node in froms)


def purity(module: Module) -> Iterator[str]:
    """Yield each way in which a judge could meet a machine, the clock or chance."""
    if module.part in JUDGES:
        yield from (f"{module.name}: a judge imports {n}" for n in imported(module) if n.split(".")[0] in WORLD)
        for node in module.nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "open",
                "datetime.now",
                "datetime.utcnow",
                "date.today",
            ):
                yield f"{module.name}:{node.lineno}: a judge calls {ast.unparse(node.func)}"


def siblings(module: Module) -> Iterator[str]:
    """Yield each import of one file of a kind by another; only the folder's own __init__ knows them all."""
    if module.part in KINDS and not module.package:
        for name in ours(module):
            if part_of(name) == module.part and name.count(".") > 1 and name != module.name and not shared(name):
                yield f"{module.name}: imports its sibling {name}"


def shared(name: str) -> bool:
    """Whether a module stands in a kind's folder to serve the others there."""
    return name in SHARED or (part_of(name) == "commands" and name.split(".")[2] not in COMMANDS)


def old_python(module: Module) -> Iterator[str]:
    """Yield what does not run on a host with only Python 3.6: the probe travels alone."""
    if module.part not in ("probe", "printable"):
        return
    try:
        ast.parse(module.text, feature_version=(3, 6))
    except SyntaxError as error:
        yield f"{module.name}:{error.lineno}: {error.msg}"
        return
    for name in imported(module):
        known = {*sys.stdlib_module_names, "auditkit", *(WHERE_PRESENT & caught_imports(module))}
        if name.split(".")[0] not in known or name in BORN_AFTER_3_6:
            yield f"{module.name}: imports {name}"
    if any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in module.nodes):
        yield f"{module.name}: imports from __future__"


def caught_imports(module: Module) -> set[str]:
    """What is imported where the failure of the import is caught."""
    tries = [n for n in module.nodes if isinstance(n, ast.Try) and any("ImportError" in caught(h) for h in n.handlers)]
    imports = [n for attempt in tries for n in attempt.body if isinstance(n, ast.Import)]
    return {alias.name for node in imports for alias in node.names}


def catches(module: Module) -> Iterator[str]:
    """Yield each handler that swallows whatever comes; one that raises again only tidies up."""
    if module.name in MAY_CATCH_ALL:
        return
    for node in module.nodes:
        if isinstance(node, ast.ExceptHandler) and {"Exception", "BaseException", ""} & caught(node):
            last = node.body[-1]
            if not (isinstance(last, ast.Raise) and last.exc is None):
                yield f"{module.name}:{node.lineno}: catches everything"


def caught(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {""}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {ast.unparse(kind).removeprefix("builtins.") for kind in kinds}


SPEAKS = {
    "print",
    "input",
    "exit",
    "quit",
    "sys.exit",
    "SystemExit",
    "os.getenv",
    "click.echo",
    "sys.stdout",
    "sys.stderr",
}


def talk(module: Module) -> Iterator[str]:
    """Yield each place below commands/ that prints, exits or reads the environment."""
    if module.part in ("commands", "__main__"):
        return
    for node in module.nodes:
        spoken = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        spoken = ast.unparse(node) if isinstance(node, ast.Attribute) and not spoken else spoken
        if isinstance(node, ast.expr) and (spoken in SPEAKS or spoken in ("os.environ", "os.environb")):
            yield f"{module.name}:{node.lineno}: {spoken}"


def length(module: Module) -> Iterator[str]:
    """Yield what does not fit: a file on a few screens, a function on one."""
    lines = module.text.count("\n")
    if lines > MOST_LINES:
        yield f"{module.name}: {lines} lines"
    for function, body in bodies(module):
        if body > MOST_BODY:
            yield f"{module.name}: {function} has {body} lines"


def bodies(module: Module) -> Iterator[tuple[str, int]]:
    """Yield each function with the lines of its body, the docstring not counted."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


CHECKS = (layers, purity, siblings, old_python, catches, talk, length)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_is_in_order(check: Check) -> None:
    assert [breach for module in MODULES for breach in check(module)] == []


def test_nine_of_ten_functions_fit_on_half_a_screen() -> None:
    lengths = [body for module in MODULES for _name, body in bodies(module)]
    assert quantiles(lengths, n=10)[-1] <= NINE_OF_TEN


def test_the_table_has_no_circle_but_that_of_rules_and_growth() -> None:
    mutual = {frozenset((a, b)) for a in MAY_IMPORT for b in MAY_IMPORT[a] if a in MAY_IMPORT[b] and a != b}
    assert mutual <= {frozenset(("compare", "growth"))}


def test_the_tests_have_one_conftest_that_is_called_so() -> None:
    """Two of them would take turns at the name, unless all but one stand in packages: `vendor.conftest`."""
    below = Path(__file__).parent.glob("*/**/conftest.py")
    assert [path.parent.name for path in below if not (path.parent / "__init__.py").exists()] == []


BREACHES = [
    (layers, "auditkit.hosts.local", "from auditkit.audits import AUDITS"),
    (layers, "auditkit.hosts.local", "from auditkit import audits"),
    (layers, "auditkit.hosts.local", "def f():\n    import auditkit.audits.accounts"),
    (layers, "auditkit.hosts.local", "from ..audits import AUDITS"),
    (layers, "auditkit.model", "from auditkit.errors import FormatError"),
    (layers, "auditkit.scan", "from auditkit.commands import main"),
    (layers, "auditkit.audits.accounts", "from auditkit.hosts import Host"),
    (layers, "auditkit.utils", ""),
    (purity, "auditkit.compare", "import os"),
    (purity, "auditkit.compare", "from os import path"),
    (purity, "auditkit.audits.accounts", "def f():\n    import socket"),
    (purity, "auditkit.logins.wtmp", "import importlib.resources"),
    (purity, "auditkit.explain", "now = datetime.now(UTC)"),
    (purity, "auditkit.report.text", "text = open('/etc/passwd').read()"),
    (siblings, "auditkit.hosts.root", "from auditkit.hosts import local"),
    (siblings, "auditkit.hosts.root", "from auditkit.hosts.local import Local"),
    (siblings, "auditkit.hosts.root", "from .local import Local"),
    (siblings, "auditkit.audits.sshd", "from . import accounts"),
    (siblings, "auditkit.commands.scan", "from auditkit.commands.check import command"),
    (old_python, "auditkit.probe.take", "if (n := 1): pass"),
    (old_python, "auditkit.probe.take", "def f(a, /): pass"),
    (old_python, "auditkit.probe.take", "import paramiko"),
    (old_python, "auditkit.probe.take", "import blake3"),
    (old_python, "auditkit.probe.take", "from dataclasses import dataclass"),
    (old_python, "auditkit.probe.take", "from __future__ import annotations"),
    (layers, "auditkit.probe.take", "from auditkit.model import Need"),
    (catches, "auditkit.scan", "try: f()\nexcept Exception: pass"),
    (catches, "auditkit.scan", "try: f()\nexcept (OSError, Exception) as error: raise ValueError"),
    (catches, "auditkit.commands.check", "try: f()\nexcept BaseException: pass"),
    (catches, "auditkit.scan", "try: f()\nexcept: pass"),
    (talk, "auditkit.scan", "print('done')"),
    (talk, "auditkit.scan", "import sys\nsys.exit(1)"),
    (talk, "auditkit.scan", "raise SystemExit(1)"),
    (talk, "auditkit.config", "import os\nos.environ.get('HOME')"),
    (length, "auditkit.scan", "\n" * 401),
    (length, "auditkit.scan", "def f():\n" + "    x = 1\n" * 51),
]


@pytest.mark.parametrize(("check", "name", "text"), BREACHES)
def test_a_breach_is_found(check: Check, name: str, text: str) -> None:
    assert list(check(Module(name, text)))


HARMLESS = [
    ("auditkit.audits", "from auditkit.audits import accounts\ntry: f()\nexcept Exception: pass", True),
    ("auditkit.baseline", "try: f()\nexcept BaseException:\n    g()\n    raise", False),
    ("auditkit.hosts.local", "from auditkit.hosts import Seen\nfrom auditkit.probe import probe", False),
    ("auditkit.hosts", "from auditkit.hosts import local", True),
    ("auditkit.report.json", "import json\nfrom auditkit.model import Evidence\nfrom auditkit import __version__", False),
    ("auditkit.commands.check", "import os, sys\nfrom auditkit.hosts import local\nsys.exit(os.environ['X'])", False),
    ("auditkit.probe.digest", "try:\n    import blake3\nexcept ImportError:\n    blake3 = None", False),
    ("auditkit.probe.take", "import os\nfrom typing import Tuple\nfrom .chain import Chain", False),
    ("auditkit.scan", 'def f():\n    """' + "long\n" * 60 + '"""\n', False),
]


@pytest.mark.parametrize(("name", "text", "package"), HARMLESS)
def test_what_is_allowed_is_no_breach(name: str, text: str, package: bool) -> None:
    assert [breach for check in CHECKS for breach in check(Module(name, text, package))] == []
