"""What is said of links of update-alternatives: a signed script registers them, and the program came with it; nothing else."""

from dataclasses import replace

import pytest

from auditkit.derived import Known, alternatives
from auditkit.explain import ALTERED, Account, Claim
from auditkit.model import Change, ChangeKind, Entry, Explanation, Kind, Level, Severity
from auditkit.packages import Manifest, Package, Shipped
from auditkit.scripts import registers

KEY, NEW = "edit:amd64", "1"
PROGRAM, PAGE = "/usr/bin/newedit", "/usr/share/man/man1/newedit.1.gz"
SCRIPT = """# postinst
#!/bin/sh
if [ "$1" = configure ]; then
    update-alternatives --install /usr/bin/edit edit "/usr/bin/newedit" 50 \\
        --slave /usr/share/man/man1/edit.1.gz edit.1.gz /usr/share/man/man1/newedit.1.gz
fi
"""
GROUP = f"auto\n/usr/bin/edit\nedit.1.gz\n/usr/share/man/man1/edit.1.gz\n\n{PROGRAM}\n50\n{PAGE}\n\n"
LINKS = {
    "/usr/bin/edit": "/etc/alternatives/edit",
    "/etc/alternatives/edit": PROGRAM,
    "/usr/share/man/man1/edit.1.gz": "/etc/alternatives/edit.1.gz",
    "/etc/alternatives/edit.1.gz": PAGE,
}


def added(path: str, kind: Kind, target: str | None = None, proof: str = "") -> Change:
    digests = ("blake3:00",) if kind is Kind.FILE else None
    entry = Entry(path, kind, 0o755, 0, 0, "root", "root", size=1, digests=digests, target=target, flags="", xattrs=())
    settled = Explanation("package", f"edit {NEW} installed", proof) if proof else None
    return Change(path, ChangeKind.ADDED, None, entry, (), Severity.HIGH, Level.CONTENT, "path-added", explanation=settled)


def explained(
    group: str = GROUP, script: str = SCRIPT, proof: str = "signed", owned: str = "", leads: str = ""
) -> dict[str, str]:
    """The proof of each link that is explained, where the package brought its program and its page."""
    files = tuple(Shipped(path, Kind.FILE) for path in (PROGRAM, PAGE, owned))
    manifest = Manifest(Package("dpkg", "edit", NEW, "amd64"), files, proof, "InRelease", script)
    links = {path: leads or to for path, to in LINKS.items()}
    brought = (added(path, Kind.FILE, proof=proof) for path in (PROGRAM, PAGE))
    changes = {change.path: change for change in (*brought, *(added(path, Kind.SYMLINK, to) for path, to in links.items()))}
    account = Account({}, {KEY: NEW}, now={file.path: (Claim(manifest, file),) for file in files})
    host = Known(changes, account, files={"/var/lib/dpkg/alternatives/edit": group.encode()})
    alternatives.judge(host)
    return {path: why.proof for path in links if (why := host.changes[path].explanation)}


def test_links_that_a_signed_script_registers_are_explained_on_the_host_s_word_that_nobody_chose() -> None:
    assert explained() == dict.fromkeys(LINKS, "local")


@pytest.mark.parametrize(
    "script", [SCRIPT.replace("newedit", "other"), SCRIPT.replace("--install", "--x").replace("--slave", "--x"), ""]
)
def test_links_that_no_signed_script_registers_are_left(script: str) -> None:
    assert explained(script=script) == {}


def test_the_script_of_the_host_alone_registers_nothing() -> None:
    assert explained(proof="local") == {}


@pytest.mark.parametrize("group", [GROUP.replace("auto", "manual"), GROUP[:-1] + "/usr/bin/better\n90\n\n\n", "rubbish"])
def test_links_that_somebody_chose_or_another_program_should_have_are_left(group: str) -> None:
    assert explained(group) == {}


def test_links_to_elsewhere_are_left() -> None:
    assert explained(leads="/tmp/x") == {}


def test_a_link_in_place_of_a_file_that_a_package_has_is_left() -> None:
    """pam_unix.so that leads to pam_permit.so, both of a package that was upgraded."""
    assert "/usr/bin/edit" not in explained(owned="/usr/bin/edit")


def test_what_contradicts_its_package_is_never_explained_by_what_it_is_made_of() -> None:
    change = replace(added("/usr/bin/edit", Kind.SYMLINK, "/etc/alternatives/edit"), rule=ALTERED.id)
    assert list(Known({change.path: change}, Account({}, {})).open()) == []


def test_a_script_registers_what_it_names_in_this_order_and_nothing_else() -> None:
    assert registers(SCRIPT, "/usr/bin/edit", "edit", PROGRAM)
    assert registers(SCRIPT, "/usr/share/man/man1/edit.1.gz", "edit.1.gz", PAGE)
    assert registers("A=/usr/bin/x\nupdate-alternatives --install /usr/bin/y y $A 1\n", "/usr/bin/y", "y", "/usr/bin/x")
    for link, name, path in (
        ("/usr/bin/edi", "edit", PROGRAM),
        ("/usr/bin/edit", "edit", PROGRAM + "x"),
        (PROGRAM, "edit", ""),
    ):
        assert not registers(SCRIPT, link, name, path)
