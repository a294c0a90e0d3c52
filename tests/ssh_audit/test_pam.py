"""The stacks of PAM: what real ones come to for an account, and Linux-PAM itself as the oracle for stacks made up at random."""

import ctypes
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import COMMON_ACCOUNT, COMMON_AUTH, FILES

from auditkit.access import pam
from auditkit.access.modules import Asked, known, says
from auditkit.access.nouns import Login, Password
from auditkit.model import Gap

RHEL = """\
auth required pam_env.so
auth required pam_faildelay.so delay=2000000
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth [default=1 ignore=ignore success=ok] pam_localuser.so
auth sufficient pam_unix.so nullok
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth sufficient pam_sss.so forward_pass
auth required pam_deny.so
account required pam_unix.so
account sufficient pam_localuser.so
account sufficient pam_usertype.so issystem
account [default=bad success=ok user_unknown=ignore] pam_sss.so
account required pam_permit.so
"""
CENTOS7 = """\
auth required pam_env.so
auth sufficient pam_unix.so nullok try_first_pass
auth requisite pam_succeed_if.so uid >= 1000 quiet_success
auth required pam_deny.so
account required pam_unix.so
account sufficient pam_succeed_if.so uid < 1000 quiet
account required pam_permit.so
"""
ALPINE = """\
auth required pam_env.so
auth required pam_nologin.so successok
auth required pam_unix.so nullok
account required pam_unix.so
"""


def login(password: Password = Password.SET, uid: int = 1000, **more: object) -> Login:
    return Login("anna", uid, 1000, ("anna", "sudo"), "/home/anna", "/bin/bash", password, False, **more)  # type: ignore[arg-type]


def comes_to(files: Mapping[str, str], who: Login, kind: str = "auth", *, knows: bool = True, **more: object) -> str:
    """Whether sshd's service lets somebody in: yes, no, or that nobody can tell."""
    told = pam.stack({name: text.encode() for name, text in files.items()}, "sshd", kind)
    asked = Asked(who, knows, **more)  # type: ignore[arg-type]
    outcome = pam.outcomes(told.handlers, lambda handler: says(handler, asked, kind))
    return {frozenset({True}): "yes", frozenset({False}): "no"}.get(outcome, "cannot tell")


def of(text: str) -> dict[str, str]:
    return {"/etc/pam.d/sshd": text}


DEBIAN = {name: text for name, text in FILES.items() if "pam.d" in name}


@pytest.mark.parametrize("files", [DEBIAN, of(RHEL), of(CENTOS7), of(ALPINE)], ids=["debian", "rhel", "centos7", "alpine"])
def test_the_stacks_that_distributions_ship_ask_for_the_password(files: dict[str, str]) -> None:
    assert comes_to(files, login()) == "yes"
    assert comes_to(files, login(), knows=False) == "no"
    assert comes_to(files, login(Password.LOCKED)) == "no"
    assert comes_to(files, login(Password.NONE)) == "no"
    assert comes_to(files, login(Password.UNKNOWN)) == "cannot tell"
    assert comes_to(files, login(), "account") == "yes"


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        ("auth sufficient pam_permit.so\nauth required pam_unix.so\n", "yes", "yes"),
        ("auth required pam_permit.so\nauth required pam_unix.so\n", "yes", "no"),
        ("auth sufficient pam_rootok.so\nauth required pam_unix.so\n", "yes", "yes"),
        ("auth required pam_deny.so\n", "no", "no"),
        ("auth required pam_google_authenticator.so\nauth required pam_unix.so\n", "cannot tell", "no"),
        ("auth sufficient pam_google_authenticator.so\nauth required pam_unix.so\n", "yes", "cannot tell"),
        ("auth required pam_unix.so\nauth optional pam_exec.so /x\n", "yes", "no"),
        ("auth required pam_unix.so\nauth required pam_exec.so /x\n", "cannot tell", "no"),
        ("auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n", "yes", "no"),
        ("auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n", "no", "no"),
        ("auth [default=bad success=ok] pam_unix.so\n", "yes", "no"),
        ("auth required pam_unix.so\nauth [mangled pam_permit.so\n", "cannot tell", "no"),
        ("auth substack inner\nauth required pam_unix.so\n", "yes", "no"),
        ("auth include missing\n", "cannot tell", "cannot tell"),
        ("-auth required \\\n  pam_unix.so # x\n", "yes", "no"),
        ("AUTH Required /lib/security/pam_unix.so\n", "yes", "no"),
        ("", "cannot tell", "cannot tell"),
    ],
)
def test_a_stack_comes_to_what_its_controls_say(text: str, right: str, wrong: str) -> None:
    files = {**of(text), "/etc/pam.d/inner": "auth sufficient pam_winbind_of_ours.so\n"}
    assert (comes_to(files, login()), comes_to(files, login(), knows=False)) == (right, wrong)


def test_a_service_that_says_nothing_is_as_other_says() -> None:
    assert comes_to({"/etc/pam.d/other": "auth required pam_deny.so\n"}, login()) == "no"
    assert (
        comes_to({**of("account required pam_permit.so\n"), "/etc/pam.d/other": "auth required pam_unix.so\n"}, login())
        == "yes"
    )
    assert comes_to({"/usr/lib/pam.d/sshd": "auth required pam_unix.so\n"}, login()) == "yes"


@pytest.mark.parametrize(
    ("text", "who", "expected"),
    [
        (COMMON_ACCOUNT, login(), "yes"),
        (COMMON_ACCOUNT, Login("x", 1, 1, (), "/", "/bin/sh", Password.SET, expired=True), "no"),
        (COMMON_ACCOUNT, Login("x", 1, 1, (), "/", "/bin/sh", Password.SET, expired=None), "cannot tell"),
        (COMMON_ACCOUNT, Login("x", 1, 1, (), "/", "/bin/sh", Password.SET, expired=False, inactive=True), "no"),
        ("account required pam_access.so\n", login(), "cannot tell"),
        ("account required pam_listfile.so item=user sense=deny file=/etc/x\n", login(), "cannot tell"),
        ("account required pam_succeed_if.so user ingroup sudo\n", login(), "yes"),
        ("account required pam_succeed_if.so user ingroup wheel\n", login(), "no"),
        ("account required pam_succeed_if.so user in bernd:anna quiet\n", login(), "yes"),
        ("account required pam_succeed_if.so tty =~ ssh*\n", login(), "cannot tell"),
        ("account required pam_nologin.so\naccount required pam_unix.so\n", login(), "yes"),
    ],
)
def test_an_account_that_pam_shuts_out_is_no_door(text: str, who: Login, expected: str) -> None:
    assert comes_to(of(text), who, "account") == expected


def test_nologin_lets_in_root_alone() -> None:
    text = "account required pam_nologin.so\naccount required pam_unix.so\n"
    assert comes_to(of(text), login(), "account", closed=True) == "no"
    assert comes_to(of(text), login(uid=0), "account", closed=True) == "yes"


def test_a_shell_that_is_not_listed_is_refused_where_pam_asks_for_it() -> None:
    text = "auth required pam_shells.so\nauth required pam_unix.so\n"
    assert comes_to(of(text), login(), shells=("/bin/sh",)) == "no"
    assert comes_to(of(text), login(), shells=("/bin/bash",)) == "yes"
    assert comes_to(of(text), login()) == "cannot tell"


def test_an_empty_password_counts_where_sshd_and_pam_both_take_it() -> None:
    who = login(Password.EMPTY)
    assert comes_to(of("auth required pam_unix.so nullok\n"), who, empty_taken=True) == "yes"
    assert comes_to(of("auth required pam_unix.so nullok\n"), who) == "no"
    assert comes_to(of("auth required pam_unix.so\n"), who, empty_taken=True) == "no"


def test_a_module_of_a_directory_knows_nobody_where_no_accounts_come_from_it() -> None:
    text = "auth sufficient pam_unix.so\nauth sufficient pam_sss.so\nauth required pam_deny.so\n"
    assert comes_to(of(text), login(Password.NONE)) == "no"
    assert comes_to(of(text), login(Password.NONE), directories=frozenset({"sss"})) == "cannot tell"


@pytest.mark.parametrize("text", ["@include sshd\n", "auth include sshd\n", "auth substack sshd\n", "auth include a\n" * 2000])
def test_files_that_take_in_themselves_end_and_are_never_a_pass(text: str) -> None:
    files: dict[str, bytes | Gap] = {"/etc/pam.d/sshd": text.encode(), "/etc/pam.d/a": b"auth required pam_unix.so\n" * 300}
    told = pam.stack(files, "sshd", "auth")
    assert told.gaps
    assert len(told.handlers) < 4000
    assert not all(map(known, told.handlers))


WORDS = st.sampled_from(
    ["auth", "account", "-auth", "required", "requisite", "sufficient", "optional", "include", "substack", "sshd", "inner",
     "[success=1 default=ignore]", "[default=die]", "[success=done default=bad]", "pam_unix.so", "pam_deny.so", "pam_permit.so",
     "pam_x.so", "nullok", "\\", "#", "@include", "[", "]", "[success=99 default=reset]"]
)  # fmt: skip


@given(st.lists(st.lists(WORDS, max_size=5), max_size=12), st.sampled_from(Password))
def test_whatever_stands_in_the_files_the_answer_is_bounded_and_less_knowledge_never_shuts_a_door(
    rows: list[list[str]], password: Password
) -> None:
    """Where nobody knows the password, everything that would be said with it may still be said."""
    data: dict[str, bytes | Gap] = {
        "/etc/pam.d/sshd": "\n".join(" ".join(row) for row in rows).encode(),
        "/etc/pam.d/inner": COMMON_AUTH.encode(),
    }
    told = pam.stack(data, "sshd", "auth")
    sure, unsure = (
        pam.outcomes(told.handlers, lambda handler, word=word: says(handler, Asked(login(word), knows=True), "auth"))  # type: ignore[misc]
        for word in (password, Password.UNKNOWN)
    )
    assert sure
    assert sure <= unsure


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    told = pam.stack({"/etc/pam.d/sshd": data}, "sshd", "auth")
    assert pam.outcomes(told.handlers, lambda handler: says(handler, Asked(login(), knows=True), "auth")) <= {True, False}
    assert isinstance(pam.includes({"/etc/pam.d/sshd": data}), tuple)


# --- Linux-PAM itself

CODES = {
    "success": 0,
    "auth_err": 7,
    "perm_denied": 6,
    "ignore": 25,
    "user_unknown": 10,
    "new_authtok_reqd": 12,
    "cred_err": 17,
}
"""_pam_types.h"""
CONTROLS = (
    *("required", "requisite", "sufficient", "optional"),
    *("[success=1 default=ignore]", "[success=2 default=1]", "[success=done default=die]", "[success=ok default=bad]"),
    *(
        "[default=done]",
        "[success=ignore default=ok]",
        "[ignore=die success=ok default=ignore]",
        "[user_unknown=done default=1]",
    ),
    *("[success=ok new_authtok_reqd=bad default=ignore]", "[default=2]", "[success=bad]"),
)
DEBUG = sorted(Path("/").glob("lib/*/security/pam_debug.so")) or sorted(Path("/").glob("usr/lib*/security/pam_debug.so"))


class Conversation(ctypes.Structure):
    """struct pam_conv, which is never asked."""

    _fields_ = (("conv", ctypes.c_void_p), ("data", ctypes.c_void_p))


def really(folder: Path) -> bool:
    """Whether Linux-PAM lets somebody in by the service `sshd` of a directory: pam_start_confdir(3)."""
    library = ctypes.CDLL("libpam.so.0")
    handle = ctypes.c_void_p()
    library.pam_start_confdir.argtypes = (
        *(ctypes.c_char_p,) * 2,
        ctypes.POINTER(Conversation),
        ctypes.c_char_p,
        ctypes.c_void_p,
    )
    started = library.pam_start_confdir(b"sshd", b"root", ctypes.byref(Conversation()), bytes(folder), ctypes.byref(handle))
    assert started == 0
    try:
        return bool(library.pam_authenticate(handle, 0x8000) == 0)
    finally:
        library.pam_end(handle, 0)


def made(chance: random.Random, folder: Path, depth: int) -> str:
    """Lines of a stack at random, which may take in the next file, by its path: by a name it would be one of /etc/pam.d."""
    out = []
    for _ in range(chance.randint(1, 6)):
        if depth < 2 and chance.random() < 0.25:
            out.append(f"auth {chance.choice(('include', 'substack'))} {folder}/inner{depth}")
        else:
            out.append(f"auth {chance.choice(CONTROLS)} pam_debug.so auth={chance.choice(('success', 'success', *CODES))}")
    return "".join(f"{line}\n" for line in out)


@pytest.mark.skipif(not DEBUG, reason="there is no pam_debug to ask Linux-PAM with")
def test_linux_pam_comes_to_the_same(tmp_path: Path) -> None:
    chance = random.Random(1)
    different = []
    (tmp_path / "other").write_text("auth required pam_deny.so\n")
    for _ in range(400):
        files = {f"{tmp_path}/{name}": made(chance, tmp_path, depth) for depth, name in enumerate(("sshd", "inner0", "inner1"))}
        for name, text in files.items():
            Path(name).write_text(text)
        told = pam.stack({name: text.encode() for name, text in files.items()}, f"{tmp_path}/sshd", "auth")
        mine = pam.outcomes(told.handlers, lambda handler: frozenset({handler.arguments[0].partition("=")[2]}))
        if mine != {really(tmp_path)}:
            different.append((files, mine))
    assert different == []


@pytest.mark.parametrize(
    ("name", "may"),
    [("sshd", True), ("/etc/pam.d/x-y.z", True), ("..", False), ("../shadow", False), ("/etc/pam.d/../shadow", False),
     ("a b", False), ("/etc/shadow", False), ("", False), ("/etc/pam.d/", False), ("x" * 80, False), ("*", False)],
)  # fmt: skip
def test_only_plain_names_where_services_are_may_be_asked_for(name: str, may: bool) -> None:
    assert pam.askable(name) is may
