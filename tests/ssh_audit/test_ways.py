"""Where servers take keys from besides the files of accounts: programs and authorities; and whether they look at modes."""

from machine import DEBIAN, Machine
from stock import KEY, answers_of, debian, fingerprint, said

from auditkit.audits.ssh import ways

COMMAND = "AuthorizedKeysCommand /opt/keys %u\nAuthorizedKeysCommandUser nobody\n"
SEEN = "gap sshd: the keys that AuthorizedKeysCommand /opt/keys gives (/etc/ssh/sshd_config:8) were not seen"
NOT_FOUND = b"1\n\0dpkg-query: no path found matching pattern /opt/keys\n"
QUESTION = "/usr/bin/dpkg-query -S /opt/keys"


def machine(config: str, files: dict[str, str] | None = None, **more: object) -> Machine:
    """A Debian with these lines at its end, and no dump of sshd."""
    return debian("12", {"/etc/ssh/sshd_config": DEBIAN + config, **(files or {})}, **{"runs": lambda command: None, **more})


def test_a_program_that_gives_keys_is_told_with_what_is_known_of_it() -> None:
    assert said(ways, machine(COMMAND)) == [
        SEEN,
        "medium ssh-keys-from-command sshd: AuthorizedKeysCommand is /opt/keys: whether a package brought it is not known",
    ]
    own = machine(COMMAND, runs=answers_of("12", {QUESTION: NOT_FOUND}), status={"/opt/keys": (0o755, 0)})
    assert said(ways, own)[1] == (
        "high ssh-keys-from-command sshd: AuthorizedKeysCommand is /opt/keys: no package has brought it, uid 0, mode 0755"
    )


def test_one_of_a_package_is_a_note_unless_others_may_write_to_it() -> None:
    sss = COMMAND.replace("/opt/keys", "/usr/bin/sss_ssh_authorizedkeys")
    runs = answers_of("12", {"/usr/bin/dpkg-query -S": b"0\nsssd-common: /usr/bin/sss_ssh_authorizedkeys\n\0"})
    path = "/usr/bin/sss_ssh_authorizedkeys"
    assert said(ways, machine(sss, runs=runs, status={path: (0o755, 0)}))[1].startswith("info ssh-keys-from-command sshd: ")
    assert said(ways, machine(sss, runs=runs, status={path: (0o777, 0)}))[1].startswith("high ssh-keys-from-command sshd: ")


def test_one_that_prints_what_it_is_told_to_is_vouched_for_by_no_package() -> None:
    cat = COMMAND.replace("/opt/keys %u", "/bin/cat /var/lib/.k")
    runs = answers_of("12", {"/usr/bin/dpkg-query -S": b"0\ncoreutils: /bin/cat\n\0"})
    assert said(ways, machine(cat, runs=runs, status={"/bin/cat": (0o755, 0)}))[1] == (
        "high ssh-keys-from-command sshd: AuthorizedKeysCommand is /bin/cat: of coreutils, uid 0, mode 0755, but does what its"
        " line says: /bin/cat /var/lib/.k"
    )


ELSEWHERE = {"/etc/ssh/keys/anna": f"{KEY} anna\n"}


def test_keys_in_a_place_of_their_own_are_told_with_the_line_that_names_it() -> None:
    line = "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u"
    key = "low ssh-keys-elsewhere sshd: a key in /etc/ssh/keys/anna opens anna: /etc/ssh/sshd_config:"
    assert said(ways, machine(f"{line}\n", ELSEWHERE)) == [f"{key}8 says {line}"]
    assert said(ways, machine(f"Match Group sudo\n{line}\n", ELSEWHERE)) == [f"{key}9 says {line}, under Match Group sudo"]
    (one,) = said(ways, machine(f"Match User anna\n{line}\n", ELSEWHERE))
    assert one == f"{key}9 says {line}, under Match User anna".replace("low", "medium")
    (odd,) = said(ways, machine("AuthorizedKeysFile /opt/k\n", {"/opt/k": f"{KEY}\n"}))
    assert odd.startswith("medium ssh-keys-elsewhere sshd: keys in /opt/k open root, daemon, anna and bernd: ")
    (known,) = said(ways, machine(f"{line}\n", ELSEWHERE), known_keys=((fingerprint("user"), "anna"),))
    assert known.startswith("info ")
    assert said(ways, machine("AuthorizedKeysFile .ssh/authorized_keys\n", {"/root/.ssh/authorized_keys": KEY})) == []


def test_a_program_in_a_match_block_counts_too() -> None:
    assert SEEN.replace(":8)", ":9)") in said(ways, machine("Match User backup\n" + COMMAND))


CA = "TrustedUserCAKeys /etc/ssh/ca.pub\n"


def test_an_authority_is_told_with_its_fingerprint_and_whom_it_may_become() -> None:
    one = machine(CA, {"/etc/ssh/ca.pub": f"{KEY} office ca\n"})
    certificates = f"certificates of {fingerprint('user')}"
    assert said(ways, one) == [f"high ssh-authority-trusted sshd: {certificates} open accounts, root too, RevokedKeys is none"]
    (known,) = said(ways, one, known_keys=((fingerprint("user"), "the office"),))
    assert known.startswith(f"info ssh-authority-trusted sshd: {certificates} (the office) open accounts")
    (no_root,) = said(ways, machine(CA + "PermitRootLogin no\nRevokedKeys /etc/ssh/gone\n", {"/etc/ssh/ca.pub": KEY}))
    assert no_root.endswith("open accounts")


def test_an_authority_whose_key_was_not_seen_is_not_known() -> None:
    gap, finding = said(ways, machine(CA))
    assert gap == "gap /etc/ssh/ca.pub: which authorities are trusted (/etc/ssh/sshd_config:8) is not known"
    assert finding.startswith(
        "high ssh-authority-trusted sshd: certificates of the authorities in /etc/ssh/ca.pub, which was not read"
    )


def test_strict_modes_off_is_told_with_the_line_that_turns_it_on() -> None:
    taken = machine("StrictModes no\n").evidence()
    (finding,) = ways.judge(taken)
    assert said(ways, machine("StrictModes no\n")) == [
        "high ssh-strict-modes-off sshd: StrictModes is no (/etc/ssh/sshd_config:8)"
    ]
    assert "StrictModes yes" in getattr(finding, "remedy", "")
    assert said(ways, machine("")) == []


def test_what_is_said_to_be_none_is_none() -> None:
    assert said(ways, machine("AuthorizedKeysCommand none\nTrustedUserCAKeys none\nStrictModes yes\n")) == []


def test_keys_of_root_that_come_with_the_credentials_of_the_system() -> None:
    path = "/etc/credstore/ssh.authorized_keys.root"
    assert said(ways, machine("", status={path: (0o600, 0)})) == [
        f"medium ssh-keys-by-credential {path}: it holds keys of root"
    ]
