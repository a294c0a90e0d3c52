"""A row as a machine of the fleet: its accounts and files over an image of Debian, and sshd as its first process."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet import keys, machines
from fleet.fleet import Fleet
from fleet.machines import HERE, NAMESPACES, PATIENCE

from truth.rows import NETWORKS, Account, Row

PASSWORD = "correct horse"
CRYPTED = "$6$rounds=1000$auditkit$RbaO/K6yvFSUzWXnkm4LGk0Hhn3un5tO6FAW4yY6jcR/82p8flL5CTZlldTENXQSKZA0IbPtY/RyCXezJ4mGv."
SSHD = ("/usr/sbin/sshd", "-D", "-e")
FIRST_UID = 2001


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is to be: a number that no other has, an image, a folder, and what its files may name in braces."""

    number: int
    image: Path
    folder: Path
    host_key: keys.Key
    public: Mapping[str, str]

    @property
    def address(self) -> str:
        """Its own on the network of the fleet."""
        return f"10.99.{1 + self.number // 250}.{1 + self.number % 250}"


@dataclass(frozen=True, slots=True)
class System:
    """A row that is up."""

    address: str
    pid: int
    """Its first process, which is sshd."""


@contextmanager
def running(row: Row, place: Place, fleet: Fleet) -> Iterator[System]:
    """The row, until the block ends."""
    files, root = place.folder / "files", place.folder / "place"
    root.mkdir(parents=True)
    _write(row, place, files)
    below = ("nsenter", f"--target={fleet.controller}", "--net", "--mount", "--pid", "--", "unshare", *NAMESPACES)
    told = (str(fleet.controller), f"t{place.number}", place.address, str(place.image), str(files), str(root), "")
    server = ("sh", "-c", f"{row.runs} && exec {' '.join(SSHD)}") if row.runs else SSHD
    with (place.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*below, "sh", str(HERE / "host.sh"), *told, *server], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
    pid = machines.first_number(process)
    try:
        machines.until(lambda: machines.listens(pid) or process.poll() is not None, f"{row} lets clients in")
        assert process.poll() is None
        _answer_all(pid)
        time.sleep(1.1 if row.later else 0)  # a second later, for times of files are told in whole ones
        for path, file in row.later.items():
            _file(Path(f"/proc/{pid}/root{path}"), file.text, 0o644)
        yield System(place.address, pid)
    except BaseException as error:
        error.add_note((place.folder / "log").read_text("utf-8", "replace"))
        raise
    finally:
        if process.poll() is None:
            os.kill(pid, signal.SIGKILL)  # all else of it ends with its first process
        process.wait(PATIENCE)


def _answer_all(pid: int) -> None:
    """Have it find the way to clients that are not of its own network."""
    subprocess.run(["nsenter", f"--target={pid}", "--net", "ip", "route", "add", "default", "dev", "eth0"], check=True)


def clients(fleet: Fleet) -> None:
    """Give the place of the clients every address that one may come from."""
    told = "".join(f"address add {net}.{last}/32 dev fleet\n" for net in NETWORKS.values() for last in range(2, 251))
    subprocess.run([*fleet.prefix, "ip", "-batch", "-"], input=told.encode(), check=True)


# --- its files


def _write(row: Row, place: Place, files: Path) -> None:
    """Write what is laid over the image."""
    known = {name: int(uid) for name, _, uid, _ in (line.split(":", 3) for line in _lines(place.image / "etc/passwd"))}
    uids = {**known, **dict(_accounts(row, place, files))}
    _file(files / "etc/hostname", "truth\n", 0o644)
    _file(files / "etc/ssh/ssh_host_ed25519_key", place.host_key.openssh.decode(), 0o600)
    _file(files / "etc/ssh/ssh_host_ed25519_key.pub", place.host_key.public + "\n", 0o644)
    for account in row.accounts:
        if account.name not in known or account.name == "root":
            _home(account, uids[account.name], files)
    for path, file in row.files.items():
        home = next((one for one in row.accounts if path.startswith(one.home + "/")), None)
        own = uids[home.name] if home else 0
        uid = uids[file.owner] if file.owner else own
        text = file.text
        for name, line in place.public.items():
            text = text.replace("{" + name + "}", line)
        below = files / path[1:]
        made = [each for each in below.parents if not each.exists()]
        if file.link:
            below.parent.mkdir(parents=True, exist_ok=True)
            below.symlink_to(file.link)
        else:
            _file(below, text, int(file.mode or ("600" if home else "644"), 8))
        os.lchown(below, uid, uid)
        for each in made if home else ():
            os.chown(each, own, own)
            each.chmod(0o700)


def _accounts(row: Row, place: Place, files: Path) -> Iterator[tuple[str, int]]:
    """Write passwd, shadow and group: those of the image without its people, and the row's; yield names and uids."""
    named = {one.name for one in row.accounts}
    passwd = [line for line in _lines(place.image / "etc/passwd") if not 1000 <= int(line.split(":")[2]) < 60000]
    shadow = [line for line in _lines(place.image / "etc/shadow") if line.split(":")[0] in {p.split(":")[0] for p in passwd}]
    group = [line for line in _lines(place.image / "etc/group") if not 1000 <= int(line.split(":")[2]) < 60000]
    shadow = [line for line in shadow if line.split(":")[0] not in named]
    known = {line.split(":")[0]: int(line.split(":")[2]) for line in passwd}
    members = dict[str, list[str]]()
    for at, one in enumerate(row.accounts):
        uid = int(one.values.get("uid", known.get(one.name, FIRST_UID + at)))
        if one.name not in known:
            shell = "/usr/sbin/nologin" if "nologin" in one.words else one.values.get("shell", "/bin/sh")
            passwd.append(f"{one.name}:{_in_passwd(one)}:{uid}:{uid}::{one.home}:{shell}")
            group += [f"{one.name}:x:{uid}:"] if uid else []
        for name in one.values.get("groups", "").split(","):
            members.setdefault(name, []).append(one.name)
        shadow += [] if "no-shadow" in one.words else [f"{one.name}:{_crypted(one)}:{_ages(one)}:"]
        yield one.name, uid
    members.pop("", None)
    group += [f"{name}:x:{5000 + at}:{','.join(several)}" for at, (name, several) in enumerate(members.items())]
    for name, lines, mode in (("passwd", passwd, 0o644), ("shadow", shadow, 0o640), ("group", group, 0o644)):
        _file(files / "etc" / name, "\n".join(lines) + "\n", mode)


def _in_passwd(account: Account) -> str:
    """Its second field in passwd(5)."""
    given = {"hash-in-passwd": CRYPTED, "empty-in-passwd": ""}
    return next((text for word, text in given.items() if word in account.words), "x")


def _crypted(account: Account) -> str:
    """Its second field in shadow(5)."""
    given = {"empty": "", "locked": f"!{CRYPTED}", "bang": "!", "nonsense": "abc"}
    given |= dict.fromkeys(("password", "must-change", "aged"), CRYPTED)
    return next((text for word, text in given.items() if word in account.words), "*")


def _ages(account: Account) -> str:
    """Fields three to eight: when it was changed, and what follows from that."""
    days = (
        "0:0:99999:7::"
        if "must-change" in account.words
        else "19000:0:7:7:7:"
        if "aged" in account.words
        else "19000:0:99999:7::"
    )
    return days + ("1" if "expired" in account.words else "")


def _home(account: Account, uid: int, files: Path) -> None:
    """Make its home, unless it is that of somebody before it."""
    home = files / account.home[1:]
    if home.exists():
        return
    home.mkdir(parents=True)
    home.chmod(0o777 if "open-home" in account.words else 0o755 if uid else 0o700)
    os.chown(home, uid, uid)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def _file(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    path.chmod(mode)
