"""What several test files share: the command line as a stranger runs it, trees to look at, and policies for them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import jsonschema
import pytest
from beside import pytest_addoption, pytest_runtestloop  # noqa: F401 - pytest finds them here
from loaded import LOADED, Asked, Run

from auditkit.probe import probe

if TYPE_CHECKING:
    from disks import Rpm
    from disks import Vendor as RpmVendor

SOURCE = str(Path(__file__).resolve().parent.parent)
SCHEMA = jsonschema.Draft202012Validator(json.loads(Path(SOURCE, "auditkit/report/schema.json").read_text("utf-8")))
PATIENCE = 120
"""Seconds after which a run counts as hanging; no test takes a tenth of it."""
STARTED: list["subprocess.Popen[bytes]"] = []
"""What the test under way has started; it ends with the test, see `ended`."""
NOBODY = 65534
COMPILED = "PYTHONPYCACHEPREFIX"
"""Says where Python keeps what it made of the sources."""
HIDER = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <string.h>
struct dirent64 *readdir64(DIR *directory) {
    struct dirent64 *(*plain)(DIR *) = dlsym(RTLD_NEXT, "readdir64"), *entry;
    while ((entry = plain(directory)) && strstr(entry->d_name, "evil")) continue;
    return entry;
}
struct dirent *readdir(DIR *directory) { return (struct dirent *)readdir64(directory); }
"""
"""What rootkits in user space do: readdir(3) leaves out what they want to hide."""
# how long an example takes says how much else the machine has to do, and nothing of us
hypothesis.settings.register_profile("busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("busy")
REQUEST = {"watches": [["/", "content", False, False]], "digests": ["blake3"], "jobs": 2}


PAST = ("first_seen", "news", "since")
"""What a report has from earlier runs."""


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a run of auditkit: this home, and nothing of the user's."""
    compiled = {name: os.environ[name] for name in (COMPILED,) if name in os.environ}
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "PYTHONPATH": SOURCE, "LC_ALL": "C.UTF-8"} | compiled


def without_past(told: Any) -> Any:
    """What a report says, without since when: evidence may lie where no earlier run is known."""
    if isinstance(told, dict):
        return {name: without_past(value) for name, value in told.items() if name not in PAST}
    if isinstance(told, list):
        return [without_past(one) for one in told]
    return told


@dataclass(frozen=True)
class Outcome:
    """What one run of auditkit came to."""

    code: int
    out: str
    err: str

    @property
    def host(self) -> dict[str, Any]:
        """The only host of a JSON report, which is as the schema has it."""
        document = json.loads(self.out)
        SCHEMA.validate(document)
        (host,) = document["hosts"]
        return dict(host)

    @property
    def gaps(self) -> dict[str, str]:
        """Subject to reason of every gap."""
        return {gap["subject"]: gap["reason"] for gap in self.host["gaps"]}

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """Every change that the report shows, by its path."""
        return {change["path"]: change for change in self.host["changes"]}

    @property
    def rules(self) -> dict[str, str]:
        """The rule that judged each change, by path."""
        return {path: change["rule"] for path, change in self.changes.items()}


@dataclass
class Cli:
    """auditkit in processes of its own, with a store of its own and nothing of the user's."""

    home: Path
    tree: Path
    policy: Path
    user: int | None = None
    limits: tuple[tuple[int, int], ...] = ()
    word: str = ""
    """What to call the tree by, instead of `root:` and its place."""
    tracer: tuple[str, ...] = ()
    """A program that runs auditkit under its eyes."""
    environment: dict[str, str] = field(default_factory=dict)
    """What it is given besides."""
    empty: tuple[str, ...] = ()
    """Directories of this machine of which it sees nothing."""

    @property
    def host(self) -> str:
        """The word for the tree."""
        return self.word or f"root:{self.tree}"

    @property
    def store(self) -> Path:
        """Where baselines go."""
        return self.home / "store"

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A run under way; nothing but the time that it takes tells one that is forked."""
        if not (self.tracer or self.environment):
            asked = Asked(words, str(self.home), surroundings(self.home), self.user, self.limits, empty=self.empty)
            STARTED.append(Run(asked))
            return STARTED[-1]
        process = subprocess.Popen(
            [*self.tracer, sys.executable, "-m", "auditkit", *map(os.fsencode, words)],
            cwd=self.home,
            env=surroundings(self.home) | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        STARTED.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> Outcome:
        """What a run came to; one that hangs is a failure."""
        out, err = process.communicate(timeout=PATIENCE)
        outcome = Outcome(process.returncode, _text(out), _text(err))
        assert "Traceback" not in outcome.err, outcome.err
        return outcome

    def run(self, *words: str) -> Outcome:
        """One run from start to end; a traceback is a failure whatever the exit status."""
        return self.end(self.start(*words))

    def baseline(self, *words: str) -> Outcome:
        """Make the next baseline of the tree."""
        policy, store = str(self.policy), str(self.store)
        return self.run("baseline", self.host, "--policy", policy, "--store", store, "--jobs", "2", *words)

    def check(self, *words: str) -> Outcome:
        """Compare the tree with its newest baseline, as a JSON report."""
        return self.run("check", self.host, "--store", str(self.store), "--jobs", "2", "--format", "json", *words)

    def scan(self) -> tuple[Outcome, list[str]]:
        """A baseline of the tree, and the lines of its text."""
        made = self.baseline("-q")
        return made, text_of(self.baselines()[-1])

    def baselines(self) -> list[Path]:
        """The files of all baselines, the oldest first."""
        return sorted(self.store.glob("baselines/*/*.baseline.zst"))

    def files(self) -> list[str]:
        """Everything that lies in the store, by its name."""
        return sorted(path.name for path in self.store.glob("baselines/*/*"))

    def watch(self, *watches: dict[str, Any], digests: tuple[str, ...] = ("blake3",)) -> None:
        """Write the policy: what to watch, the first match first."""
        write_policy(self.policy, watches, digests)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def text_of(path: Path) -> list[str]:
    """The lines of a baseline, as `zstdcat` shows them."""
    import zstandard

    with path.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as text:
        return _text(text.read()).split("\n")


def write_policy(path: Path, watches: tuple[dict[str, Any], ...], digests: tuple[str, ...] = ("blake3",)) -> None:
    """A policy file; JSON is YAML too."""
    told = {"schema": "auditkit/policy/1", "name": "test", "digests": digests, "watch": watches}
    path.write_text(json.dumps(told), "utf-8")


def build(home: Path) -> Cli:
    """A small tree of a machine in a directory of its own, watched whole."""
    cli = Cli(home, home / "tree", home / "policy.yaml")
    (cli.tree / "etc").mkdir(parents=True)
    (cli.tree / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", "utf-8")
    cli.watch({"path": "/", "level": "content"})
    return cli


def seen(tree: Path, **request: Any) -> tuple[str, dict[str, str]]:
    """All lines of a scan in this process and its workers, and the gaps."""
    blocks, gaps = [], {}
    for told in probe.scan({**REQUEST, "root": str(tree), **request}):
        if told[0] == "blocks":
            blocks += told[1]
        elif told[0] == "gap":
            gaps[told[1]] = told[2]
    return b"".join(blocks).decode("utf-8", "surrogateescape"), gaps


def fill(tree: Path, number: int = 30) -> list[str]:
    """Directories with files around the place of the race, so that workers meet it at every moment."""
    for at in range(number):
        (tree / f"dir{at:02}").mkdir()
        for name in ("a", "b"):
            (tree / f"dir{at:02}" / name).write_text(f"{at}{name}\n", "utf-8")
    return [f"/dir{at:02}" for at in range(number)]


@pytest.fixture(scope="session", autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Python compiles auditkit once for all the runs of the tests, and leaves nothing beside the sources."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(COMPILED, str(tmp_path_factory.getbasetemp() / "compiled"))
        environment.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield
        LOADED.end()


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Nothing that a test has started outlives it, also where it fails in between."""
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        with process:  # closes its pipes, and waits
            pass


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """auditkit with a small tree and an empty store."""
    return build(tmp_path)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every user may enter, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="auditkit-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def by_nobody(public: Path) -> Cli:
    """auditkit run by a normal user, on a tree of that user."""
    cli = build(public)
    if os.geteuid() != 0:
        return cli
    if not all(folder.stat().st_mode & 0o005 == 0o005 for folder in (Path(SOURCE), *Path(SOURCE).parents)):
        pytest.skip("a normal user cannot enter the folder that this checkout lies in")
    cli.user = NOBODY
    for path in (public, *public.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    return cli


@pytest.fixture
def made() -> Iterator[Callable[[Path], Path]]:
    """A function that marks a mount point to be unmounted at the end."""
    points: list[Path] = []

    def note(point: Path) -> Path:
        points.append(point)
        return point

    yield note
    for point in reversed(points):
        subprocess.run(["umount", "-l", str(point)], check=False, capture_output=True)


@pytest.fixture
def hider(tmp_path: Path) -> Path:
    """A library that hides names with `evil` in them from all that is started with it."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no C compiler to build a hider with")
    (tmp_path / "hide.c").write_text(HIDER)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "hide.so", tmp_path / "hide.c", "-ldl"], check=True)
    return tmp_path / "hide.so"


@pytest.fixture(scope="session")
def rpm_vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator["RpmVendor"]:
    """Who signs packages of rpm."""
    if os.geteuid() != 0:
        pytest.skip("rpm installs as root only")
    missing = [name for name in ("rpm", "rpmbuild", "rpmsign", "gpg", "gpgv") if not shutil.which(name)]
    if missing:
        pytest.skip(f"needs {missing[0]}")
    from disks import Vendor

    vendor = Vendor(tmp_path_factory.mktemp("vendor"))
    yield vendor
    subprocess.run(["gpgconf", "--homedir", str(vendor.home), "--kill", "gpg-agent"], check=False)


@pytest.fixture
def rpm(cli: Cli, rpm_vendor: "RpmVendor") -> "Rpm":
    """A disk with rpm, empty."""
    from disks import Rpm

    return Rpm(cli, rpm_vendor)
