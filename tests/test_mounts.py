"""Mount tables before and after -> what now covers a watched path, and what is gone from there."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import mounts
from auditkit.model import Mount

BEFORE = rb"""
21 27 0:20 / /proc rw,nosuid - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro
30 27 254:1 / /srv rw,relatime shared:9 - xfs /dev/vdb rw
31 27 7:0 / /snap/core/1 ro - squashfs /dev/loop3 ro
32 27 0:40 / /tmp rw - tmpfs tmpfs rw
33 27 0:41 / /mnt/with\040space\134 rw - ext4 /dev/disk\040b rw
"""
LINES = {line.split(b" ")[4]: line for line in BEFORE.strip().split(b"\n")}


def told(after: bytes, before: bytes = BEFORE, watched: tuple[str, ...] = ("/",)) -> list[tuple[str, str, str]]:
    """Rule, subject and message of what is found, where all below some directories is watched."""

    def concerns(point: str) -> bool:
        return any((point + "/").startswith(path.rstrip("/") + "/") or path.startswith(point + "/") for path in watched)

    found = mounts.compare(mounts.read(before), mounts.read(after), concerns)
    return [(finding.rule.id, finding.subject, finding.message) for finding in found]


def without(point: bytes) -> bytes:
    return BEFORE.replace(LINES[point] + b"\n", b"")


def test_a_table_is_read_line_by_line() -> None:
    assert mounts.read(BEFORE) == (
        Mount("/proc", "proc", "proc", "/", "0:20", "rw,nosuid"),
        Mount("/", "ext4", "/dev/vda", "/", "254:0", "rw,relatime"),
        Mount("/srv", "xfs", "/dev/vdb", "/", "254:1", "rw,relatime"),
        Mount("/snap/core/1", "squashfs", "/dev/loop3", "/", "7:0", "ro"),
        Mount("/tmp", "tmpfs", "tmpfs", "/", "0:40", "rw"),
        Mount("/mnt/with space\\", "ext4", "/dev/disk b", "/", "0:41", "rw"),
    )


def test_the_table_of_this_machine_is_read_and_does_not_differ_from_itself() -> None:
    with open("/proc/self/mountinfo", "rb") as file:
        table = file.read()
    found = mounts.read(table)
    assert len(found) == table.count(b"\n")
    assert all(mount.point.startswith("/") for mount in found)
    assert told(table, table) == []


@pytest.mark.parametrize("line", [b"", b"no table", b"1 2 3", b"36 35 98:0 /a /b rw", b"36 35 98:0 - ext4 /dev/x", b"- - -"])
def test_a_line_of_another_form_is_passed_over(line: bytes) -> None:
    assert mounts.read(line) == ()


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_arbitrary_bytes_are_no_trouble(table: bytes) -> None:
    (*_, (_rule, _subject, message)) = told(table + b"\n1 1 0:1 / /x rw - \x1b[1m \x1b[2J rw", b"", ("/x",))
    assert message.isprintable()


NOTHING = "where nothing was mounted when the baseline was made"
CASES = {
    "an overlay over a directory": (
        b"40 27 0:50 / /etc rw - overlay overlay rw,lowerdir=/etc,upperdir=/tmp/u",
        ("mount-covers-watched-path", "/etc", f"overlay (overlay) is mounted here now, {NOTHING}"),
    ),
    "a tmpfs over a directory": (
        b"40 27 0:50 / /etc/cron.d rw - tmpfs none rw",
        ("mount-covers-watched-path", "/etc/cron.d", f"none (tmpfs) is mounted here now, {NOTHING}"),
    ),
    "a bind mount over one file": (
        b"40 27 254:0 /tmp/passwd /etc/passwd rw - ext4 /dev/vda rw",
        (
            "mount-covers-watched-path",
            "/etc/passwd",
            f"a bind mount of /tmp/passwd on /dev/vda (ext4) is mounted here now, {NOTHING}",
        ),
    ),
    "a name with terminal escapes": (
        b"40 27 0:50 / /etc rw - fuse.x evil\x1b[2J rw",
        ("mount-covers-watched-path", "/etc", f"evil\\x1b[2J (fuse.x) is mounted here now, {NOTHING}"),
    ),
    "one more of the same over it": (
        b"40 32 0:50 / /tmp rw - tmpfs tmpfs rw",
        ("mount-covers-watched-path", "/tmp", "tmpfs (tmpfs) is mounted here now, where tmpfs (tmpfs) was"),
    ),
    "another disk at the same place": (
        b"40 27 254:7 / /srv rw - xfs /dev/vdz rw",
        ("mount-covers-watched-path", "/srv", "/dev/vdz (xfs) is mounted here now, where /dev/vdb (xfs) was"),
    ),
    "another part of the same disk": (
        b"40 27 254:1 /copy /srv rw - xfs /dev/vdb rw",
        (
            "mount-covers-watched-path",
            "/srv",
            "a bind mount of /copy on /dev/vdb (xfs) is mounted here now, where /dev/vdb (xfs) was",
        ),
    ),
}


@pytest.mark.parametrize(("line", "expected"), CASES.values(), ids=CASES)
def test_a_mount_that_covers_something_is_told(line: bytes, expected: tuple[str, str, str]) -> None:
    assert told(BEFORE + line + b"\n") == [expected]


SAME = {
    "nothing": BEFORE,
    "device numbers, as after a boot": BEFORE.replace(b" 254:", b" 253:").replace(b" 0:4", b" 0:9"),
    "mount ids and options": BEFORE.replace(b"\n30 27 ", b"\n99 27 ").replace(b"rw,relatime", b"ro,noatime"),
    "another loop device of the same image": BEFORE.replace(b"/dev/loop3", b"/dev/loop11"),
    "another order": b"\n".join(reversed(BEFORE.split(b"\n"))),
}


@pytest.mark.parametrize("after", SAME.values(), ids=SAME)
def test_what_changes_from_boot_to_boot_is_not_told(after: bytes) -> None:
    assert told(after) == []


def test_a_file_system_that_is_gone_is_told() -> None:
    message = "/dev/vdb (xfs) was mounted here when the baseline was made, and is not now"
    assert told(without(b"/srv")) == [("mount-gone", "/srv", message)]


@pytest.mark.parametrize(("watched", "count"), [("/etc", 0), ("/srv", 1), ("/srv/app", 1), ("/", 1)])
def test_only_what_concerns_a_watched_path_is_told(watched: str, count: int) -> None:
    assert len(told(without(b"/srv"), watched=(watched,))) == count
    assert len(told(BEFORE + b"40 27 0:50 / /srv rw - tmpfs none rw\n", watched=(watched,))) == count


def test_of_several_mounts_at_one_place_the_topmost_counts() -> None:
    over = b"40 30 0:50 / /srv rw - tmpfs none rw\n"
    assert told(BEFORE + over, BEFORE + over) == []
    assert told(over + BEFORE.lstrip(), BEFORE + over) == [
        ("mount-covers-watched-path", "/srv", "/dev/vdb (xfs) is mounted here now, where none (tmpfs) was")
    ]


ITSELF = {
    "a directory": b"40 27 254:0 /var/lib/app /var/lib/app rw - ext4 /dev/vda rw\n",
    "read only": b"40 27 254:0 /home /home ro - ext4 /dev/vda rw\n",
    "a mount point": b"40 30 254:1 / /srv ro - xfs /dev/vdb rw\n",
    "twice": b"40 27 254:0 /home /home ro - ext4 /dev/vda rw\n41 40 254:0 /home /home rw - ext4 /dev/vda rw\n",
    "with what is below": b"40 27 254:0 /snap /snap ro - ext4 /dev/vda rw\n41 40 7:0 / /snap/core/1 ro - squashfs x ro\n",
    "in a mount of its own": b"40 30 254:1 /app /srv/app rw - xfs /dev/vdb rw\n",
}
"""What systemd mounts for a service with ReadWritePaths= and ProtectHome=."""


@pytest.mark.parametrize("lines", ITSELF.values(), ids=ITSELF)
def test_what_is_mounted_on_itself_covers_nothing(lines: bytes) -> None:
    assert told(BEFORE + lines) == []
    assert told(BEFORE, BEFORE + lines) == []


OTHER = {
    "another directory": b"40 27 254:0 /var/lib/copy /var/lib/app rw - ext4 /dev/vda rw\n",
    "the same path of another disk": b"40 27 254:1 /var/lib/app /var/lib/app rw - xfs /dev/vdb rw\n",
    "the file system below a mount": b"40 30 254:0 /srv /srv rw - ext4 /dev/vda rw\n",
    "itself, over what hides it": b"40 27 0:50 / /home rw - tmpfs none rw\n41 40 0:50 /x /home rw - tmpfs none rw\n",
    "itself, without what is mounted below": b"40 27 254:0 /snap /snap ro - ext4 /dev/vda rw\n",
    "the root of its disk": b"40 27 254:0 / /home rw - ext4 /dev/vda rw\n",
}


@pytest.mark.parametrize("lines", OTHER.values(), ids=OTHER)
def test_what_shows_something_else_is_told(lines: bytes) -> None:
    assert {rule for rule, _point, _words in told(BEFORE + lines)} == {"mount-covers-watched-path"}


@pytest.mark.parametrize(
    ("root", "points"),
    [
        ("/", ["/proc", "/", "/srv", "/snap/core/1", "/tmp", "/mnt/with space\\"]),
        ("/srv", ["/"]),
        ("/snap", ["/core/1"]),
        ("/sr", []),
        ("/mnt/with space\\", ["/"]),
    ],
)
def test_a_mounted_disk_sees_its_own_mounts_from_its_root(root: str, points: list[str]) -> None:
    assert [mount.point for mount in mounts.below(mounts.read(BEFORE), root)] == points


def test_both_rules_say_why_and_what_to_do() -> None:
    assert all(rule.title and rule.why and rule.remedy and rule.references for rule in mounts.RULES)
