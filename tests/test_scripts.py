"""What maintainer scripts set: found where a line names path and value, and nowhere else."""

import pytest

from auditkit.scripts import lines_about, mentions, sets_capabilities, sets_mode, sets_owner

POSTINST = r"""#!/bin/sh
crondir="/var/spool/cron"
set_perms() {
    chown "$1:$2" "$4"
    chmod "$3" "$4"
}
if ! dpkg-statoverride --list /usr/bin/crontab > /dev/null ; then
  dpkg-statoverride --update --add root crontab 2755 \
     /usr/bin/crontab
fi
chown root:crontab $crondir/crontabs
chmod 1730 ${crondir}/crontabs
set_perms root messagebus 4754 /usr/lib/helper
PROGRAM=$(dpkg-divert --truename /bin/ping)
setcap cap_net_raw+ep $PROGRAM
install -d -m0750 -o root -g adm /var/log/tool
update-alternatives --install /usr/bin/vi vi /usr/bin/vim.tiny 30
echo chmod 4755 >/usr/bin/vim
"""


@pytest.mark.parametrize(
    ("path", "mode", "group"),
    [
        ("/usr/bin/crontab", 0o2755, "crontab"),
        ("/var/spool/cron/crontabs", 0o1730, "crontab"),
        ("/usr/lib/helper", 0o4754, "messagebus"),
        ("/var/log/tool", 0o750, "adm"),
    ],
)
def test_what_a_script_sets_is_the_packages_own(path: str, mode: int, group: str) -> None:
    lines = lines_about(POSTINST, (path,))
    assert sets_mode(lines, mode)
    assert sets_owner(lines, group)
    assert not sets_mode(lines, 0o4755)
    assert not sets_owner(lines, "www-data")


@pytest.mark.parametrize("path", ["/usr/bin/vim.tiny", "/usr/bin/crontab.old", "/bin/crontab", "/var/spool/cron", "/usr/lib"])
def test_a_path_that_is_only_named_is_not_set(path: str) -> None:
    assert lines_about(POSTINST, (path,)) == []


def test_capabilities_are_those_that_the_script_gives() -> None:
    lines = lines_about(POSTINST, ("/bin/ping",))
    assert sets_capabilities(lines, "0x0100000200200000000000000000000000000000")
    assert not sets_capabilities(lines, "0x0100000280000000000000000000000000000000")
    assert not sets_capabilities(lines, "0xzz")
    assert not sets_capabilities([], "0x0100000200200000000000000000000000000000")


def test_a_path_is_mentioned_under_the_name_of_a_variable_too() -> None:
    assert mentions(POSTINST, "/var/spool/cron/crontabs")
    assert not mentions(POSTINST, "/var/spool/cron/other")


def test_a_loop_is_gone_through_word_by_word() -> None:
    script = """for d in lib32 libx32; do
    dpkg-divert --package base-files --add --divert "/.$d.usr-is-merged" "/$d"
    chmod 0710 "$DPKG_ROOT/srv/$d"
done
chmod 4755 /$d
"""
    assert mentions(script, "/lib32")
    assert mentions(script, "/libx32")
    assert not mentions(script, "/lib64")
    assert sets_mode(lines_about(script, ("/srv/lib32",)), 0o710)
    assert lines_about(script, ("/lib32",)) == []  # after the loop nobody knows what it is


@pytest.mark.parametrize(
    "text",
    [
        "A=" + "x" * 100_000,
        "f() {\n" * 3000,
        "$A" * 100_000,
        "A=$A\n" * 10_000,
        "\\\n" * 100_000,
        "for a in b c; do\n$a $A" * 5000,
    ],
)
def test_a_script_takes_no_longer_than_it_is_long(text: str) -> None:
    assert lines_about(f"{text}\nchmod 755 /x", ("/x",)) in (["chmod 755 /x"], [])
