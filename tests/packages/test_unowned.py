"""What no package ships: what each such path may be, and that what only resembles one is left for the admin."""

import random

import pytest

from auditkit.model import Entry, Kind
from auditkit.packages import Manifest, Package, Shipped, unowned
from auditkit.packages.layout import Layout
from auditkit.packages.owned import Owned
from auditkit.packages.unowned import Unowned

SHIPPED = [
    *("/etc", "/etc/init.d/ssh", "/etc/sv/ssh", "/etc/ssh/ssh_config", "/lib64"),
    *("/usr/lib/systemd/system/ssh.service", "/usr/lib/systemd/system/getty@.service"),
    *("/usr/lib/python3/dist-packages", "/usr/lib/python3/dist-packages/apt.py"),
    *("/usr/share/ca-certificates/mozilla/X.crt", "/usr/lib/cups/backend-available/lpd"),
    *("/etc/apache2/mods-available/ssl.conf", "/usr/share/fontconfig/conf.avail/10-hint.conf"),
    "/usr/share/nginx/modules-available/mod-http-echo.conf",
]
LINKS = {"/bin/csh": "/etc/alternatives/csh", "/etc/alternatives/csh": "/bin/tcsh"}
HOST = Unowned(
    Owned(
        [Manifest(Package("dpkg", "all", "1", "all"), tuple(Shipped(path, None) for path in SHIPPED), "local", "a test")],
        Layout({"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"}),
    ),
    LINKS,
    {"/etc/ssh/sshd_config": "openssh-server"},
)
KNOWN = """
bytecode              /usr/lib/python3/dist-packages/__pycache__/
bytecode              /usr/lib/python3/dist-packages/__pycache__/apt.cpython-311.pyc
bytecode              /usr/lib/python3/dist-packages/__pycache__/apt.cpython-311.opt-1.pyc
bytecode              /usr/lib/python3/dist-packages/apt.pyc
-                     /usr/lib/python3/dist-packages/__pycache__/evil.cpython-311.pyc
-                     /usr/lib/python3/dist-packages/evil.pth
-                     /srv/__pycache__/
alternative           /usr/bin/csh -> /etc/alternatives/csh
alternative           /etc/alternatives/csh -> /bin/tcsh
-                     /etc/alternatives/csh -> /tmp/evil
-                     /usr/bin/csh
start link            /etc/rc2.d/S01ssh -> ../init.d/ssh
start link            /etc/runit/runsvdir/default/ssh -> /etc/sv/ssh
-                     /etc/rc2.d/S01ssh -> ../init.d/evil
-                     /etc/rc2.d/S01evil -> ../init.d/ssh
-                     /etc/rc2.d/S01ssh
directory of enabled units /etc/systemd/system/multi-user.target.wants/
enabled unit          /etc/systemd/system/multi-user.target.wants/ssh.service -> /lib/systemd/system/ssh.service
enabled unit          /etc/systemd/system/getty.target.wants/getty@tty1.service -> /usr/lib/systemd/system/getty@.service
enabled unit          /etc/systemd/system/sshd.service -> /lib/systemd/system/ssh.service
-                     /etc/systemd/system/multi-user.target.wants/evil.service -> /lib/systemd/system/ssh.service
-                     /etc/systemd/system/multi-user.target.wants/evil.service -> /tmp/evil.service
-                     /etc/systemd/system/ssh.service -> /dev/null
-                     /etc/systemd/system/evil.service
enabled configuration /etc/apache2/mods-enabled/ssl.conf -> ../mods-available/ssl.conf
enabled configuration /etc/fonts/conf.d/10-hint.conf -> ../../../usr/share/fontconfig/conf.avail/10-hint.conf
enabled configuration /etc/nginx/modules-enabled/50-mod-http-echo.conf -> /usr/share/nginx/modules-available/mod-http-echo.conf
-                     /etc/apache2/sites-enabled/own.conf -> ../sites-available/own.conf
CA link               /etc/ssl/certs/X.pem -> /usr/share/ca-certificates/mozilla/X.crt
CA link               /etc/ssl/certs/0a775a30.0 -> X.pem
-                     /etc/ssl/certs/own.pem -> /usr/local/share/ca-certificates/own.crt
-                     /etc/ssl/certs/own.pem
-                     /etc/ssl/certs/0a775a30.0 -> ../../../tmp/own.pem
CA bundle             /etc/ssl/certs/ca-certificates.crt
copied backend        /usr/lib/cups/backend/lpd
-                     /usr/lib/cups/backend/evil
template              /etc/ssh/sshd_config
left by an upgrade    /etc/ssh/sshd_config.ucf-dist
left by an upgrade    /etc/ssh/ssh_config.dpkg-old
-                     /etc/evil.dpkg-old
merged directory      /usr/lib64/
-                     /usr/lib32/
linker cache          /etc/ld.so.cache
-                     /etc/ld.so.cache -> /tmp/x
-                     /etc/ld.so.preload
MIME database         /usr/share/mime/text/x-c.xml
MIME database         /usr/share/mime/text/
-                     /usr/share/mime/text/x/y.xml
desktop cache         /usr/share/icons/hicolor/icon-theme.cache
module index          /usr/lib/modules/6.1.0-56-amd64/modules.dep.bin
-                     /usr/lib/modules/6.1.0-56-amd64/evil.ko
initramfs             /boot/initrd.img-6.1.0-56-amd64
boot loader           /boot/grub/x86_64-efi/normal.mod
kernel link           /vmlinuz.old -> boot/vmlinuz-6.1.0-55-amd64
PAM stack             /etc/pam.d/common-auth
-                     /etc/pam.d/common-evil
host key              /etc/ssh/ssh_host_ed25519_key.pub
accounts              /etc/shadow-
identity              /etc/localtime -> /usr/share/zoneinfo/Etc/UTC
configuration         /etc/apt/sources.list
-                     /etc/sudoers.d/own
-                     /etc/cron.d/own
local hierarchy       /usr/local/bin/
-                     /usr/local/bin/evil
local man link        /usr/local/man -> share/man
"""


def entry(words: str) -> Entry:
    """What `path`, `path/` or `path -> target` means."""
    path, arrow, target = words.partition(" -> ")
    if arrow:
        return Entry(path, Kind.SYMLINK, target=target)
    return Entry(path.rstrip("/"), Kind.DIRECTORY if path.endswith("/") else Kind.FILE)


@pytest.mark.parametrize("line", KNOWN.strip().splitlines())
def test_a_path_is_of_the_category_that_it_deserves(line: str) -> None:
    name, slash, rest = line.partition(" /")
    found = HOST.category(entry(slash.strip() + rest))
    assert (found.name if found else "-") == name.strip()


def test_every_category_says_what_to_compare_with() -> None:
    assert all(category.name and len(category.why) > 20 for category in unowned.CATEGORIES)
    assert all(category.pattern for category in unowned.NAMED)


def test_odd_names_break_nothing() -> None:
    chance = random.Random(7)
    lines = [line.partition(" /")[2] for line in KNOWN.strip().splitlines()]
    for _ in range(500):
        words = "/" + "".join(
            chance.choice([letter, letter, letter, "\udcff", "\n", "/", ""]) for letter in chance.choice(lines)
        )
        found = HOST.category(entry(words))
        assert found is None or found in unowned.CATEGORIES
