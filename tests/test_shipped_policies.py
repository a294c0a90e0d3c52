"""The policies that auditkit ships: intruders' favourite places are watched as they deserve, an untouched host is quiet."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from auditkit import policy
from auditkit.model import Level, Policy, Severity, Watch
from auditkit.probe.patterns import Matcher

SHIPPED = ("full", "linux", "web", "workstation")
HOMES = ("/root", "/home/anna", "/usr/sbin", "/bin", "/")

# Where intruders stay: a path for each place that the ATT&CK techniques for persistence on Linux name (T1053 jobs, T1543
# services, T1546 shell and package hooks, T1547 modules and autostart, T1098 keys, T1136 accounts, T1556 PAM, T1574
# preload, T1542 boot, T1548 sudo), under the least severity that it deserves on a server.
CRITICAL = """
/etc/passwd /etc/shadow /etc/sudoers /etc/sudoers.d/x /etc/doas.conf /etc/pam.d/sudo /etc/pam.conf /etc/ld.so.preload
/etc/ssh/sshd_config /etc/ssh/sshd_config.d/x.conf /etc/ssh/sshrc /etc/ssh/ssh_host_ed25519_key
/root/.ssh/authorized_keys /root/.ssh/authorized_keys2 /home/anna/.ssh/environment /home/anna/.ssh/rc
/home/ldapuser/.ssh/authorized_keys /usr/sbin/.ssh/authorized_keys /nonexistent/.ssh/authorized_keys
/lib/x86_64-linux-gnu/security/pam_x.so /usr/lib/x86_64-linux-gnu/security/pam_x.so /lib/security/pam_x.so
/usr/lib64/security/pam_x.so /lib/modules/6.1.0/kernel/x.ko /usr/lib/modules/6.1.0/kernel/x.ko.xz
/boot/grub/grub.cfg /boot/initrd.img-6.1.0 /boot/vmlinuz-6.1.0 /boot/efi/EFI/debian/grubx64.efi
"""
HIGH = """
/etc/crontab /etc/anacrontab /etc/cron.d/x /etc/cron.daily/x /etc/cron.allow /var/spool/cron/crontabs/anna
/var/spool/cron/anna /var/spool/cron/atjobs/a1 /var/spool/at/a1 /var/spool/atjobs/a1 /etc/at.allow
/etc/systemd/system/x.service /etc/systemd/system/multi-user.target.wants/x.service
/etc/systemd/system/ssh.service.d/override.conf /etc/systemd/user/x.timer /etc/systemd/system-generators/x
/run/systemd/system/x.service /run/systemd/system-generators/x /usr/local/lib/systemd/system/x.service
/lib/systemd/system/x.service /usr/lib/systemd/system/x.service /usr/lib/systemd/user-generators/x
/usr/lib/systemd/system-sleep/x /home/anna/.config/systemd/user/x.service /home/anna/.local/share/systemd/user/x.service
/etc/init.d/x /etc/rc2.d/S01x /etc/rc.local /etc/rc.d/rc.local /etc/init/x.conf /etc/inittab
/etc/profile /etc/profile.d/x.sh /etc/bash.bashrc /etc/environment /etc/zsh/zshrc /etc/csh.cshrc /etc/fish/config.fish
/root/.bashrc /home/anna/.profile /home/anna/.bash_logout /home/anna/.bash_aliases /home/anna/.zshenv /home/anna/.kshrc
/home/anna/.tcshrc /home/anna/.config/fish/config.fish /home/anna/.pam_environment
/etc/group /etc/gshadow /etc/subuid /etc/shells /usr/sbin/nologin /etc/security/pam_env.conf /usr/share/pam-configs/x
/etc/ld.so.conf /etc/ld.so.conf.d/x.conf /lib64/ld-linux-x86-64.so.2
/etc/modules /etc/modules-load.d/x.conf /usr/lib/modules-load.d/x.conf /run/modules-load.d/x.conf
/etc/modprobe.d/x.conf /lib/modprobe.d/x.conf /run/modprobe.d/x.conf
/etc/udev/rules.d/x.rules /run/udev/rules.d/x.rules /usr/lib/udev/rules.d/x.rules /lib/udev/rules.d/x.rules
/etc/apt/apt.conf.d/x /etc/apt/sources.list /etc/apt/trusted.gpg.d/x.asc /etc/apt/keyrings/x.gpg /etc/dpkg/dpkg.cfg.d/x
/var/lib/dpkg/info/bash.postinst /var/lib/dpkg/info/bash.prerm /var/lib/dpkg/info/bash.triggers
/etc/yum/pluginconf.d/x /etc/dnf/plugins/x /etc/yum.repos.d/x.repo /usr/lib/yum-plugins/x.py
/usr/lib/python3.9/site-packages/dnf-plugins/x.py /etc/update-motd.d/x /usr/lib/update-motd.d/x
/etc/xdg/autostart/x.desktop /usr/share/autostart/x /home/anna/.config/autostart/x.desktop
/home/anna/.config/autostart-scripts/x /home/anna/.kde4/Autostart/x /home/anna/.local/share/autostart/x
/home/anna/.xinitrc /home/anna/.xprofile /home/anna/.xsession
/etc/dbus-1/system.d/x.conf /usr/share/dbus-1/system-services/x.service /run/dbus/system.d/x.conf
/home/anna/.local/share/dbus-1/services/x.service /etc/polkit-1/rules.d/x.rules /usr/share/polkit-1/actions/x.policy
/var/lib/polkit-1/localauthority/x.pkla /usr/local/share/polkit-1/x
/etc/NetworkManager/dispatcher.d/x /etc/network/if-up.d/x /etc/network/interfaces /etc/dhcp/dhclient-exit-hooks.d/x
/etc/ppp/ip-up.d/x /usr/lib/networkd-dispatcher/routable.d/x /etc/networkd-dispatcher/routable.d/x
/etc/default/grub /etc/default/grub.d/x.cfg /etc/grub.d/40_custom /etc/initramfs-tools/hooks/x
/usr/share/initramfs-tools/hooks/x /usr/lib/dracut/modules.d/x /etc/dracut.conf.d/x.conf /etc/kernel/postinst.d/x
/usr/bin/passwd /bin/bash /usr/local/bin/x /usr/local/sbin/x /etc/gitconfig
/usr/lib/python3/dist-packages/x.pth /usr/local/lib/python3.11/dist-packages/x.pth
/home/anna/.local/lib/python3.11/site-packages/x.pth /home/anna/.local/lib/python3.11/site-packages/usercustomize.py
/etc/docker/daemon.json /etc/kubernetes/manifests/x.yaml /etc/aliases /home/anna/.forward /home/anna/.procmailrc
/etc/postfix/master.cf /etc/nsswitch.conf /etc/inetd.conf /etc/xinetd.d/x /etc/logrotate.d/x /etc/rsyslog.d/x.conf
/etc/audit/rules.d/x.rules /usr/share/ca-certificates/x.crt /etc/ssl/certs/x.pem /etc/vim/vimrc
"""
MEDIUM = """
/run/user/1000/systemd/transient/run-1.timer /etc/passwd- /etc/shadow-
/etc/ld.so.cache /opt/x/run /home/anna/.gitconfig /etc/hosts /etc/resolv.conf /home/anna/.vimrc /home/anna/.vim/plugin/x.vim
"""
LEAST = {Severity.CRITICAL: CRITICAL, Severity.HIGH: HIGH, Severity.MEDIUM: MEDIUM}

# What is watched for coming, going and turning into a link alone: shells write the one, sessions come and go in the other.
LOOSELY = "/root/.bash_history /run/systemd/transient/x.service"

# What the policy linux leaves alone though intruders come there: everybody writes to the first ones, /run is made anew at
# every boot, web roots have the policy web, and git hooks in people's own files are for an audit to find.
LEFT_OUT = "/tmp/x /var/tmp/x /dev/shm/x /run/x /var/www/html/x.php /home/anna/project/.git/hooks/post-commit"

# What an untouched host changes by itself within days: clocks, printers, certificates, histories, boot counters, sessions,
# journals, package lists, logs. None of it may make a finding of medium or more by its content.
BY_ITSELF = """
/etc/adjtime /etc/fake-hwclock.data /etc/cups/subscriptions.conf /etc/cups/subscriptions.conf.O
/etc/cups/printers.conf /etc/ppp/resolv.conf /etc/apparmor.d/cache/usr.bin.man /etc/zfs/zpool.cache
/etc/cni/net.d/calico-kubeconfig /etc/openvpn/openvpn-status.log /etc/systemd/system/snap-core-1.mount
/etc/letsencrypt/live/example.org/cert.pem /etc/letsencrypt/archive/example.org/cert2.pem
/etc/lvm/archive/vg0_00001.vg /etc/.git/index
/root/.bash_history /root/.python_history /root/.ssh/known_hosts /root/.zcompdump /root/.z /root/.ssh/cm-host
/root/.ssh/agent/s.1 /root/.google_authenticator /home/anna/.xsession-errors /home/anna/.config/fish/fish_variables
/boot/grub/grubenv /boot/efi/EFI/redhat/grubenv /boot/efi/loader/random-seed /run/systemd/transient/session-3.scope
/run/utmp /tmp/x /var/cache/man/index.db /var/backups/dpkg.status.0 /var/lib/dpkg/status
/var/log/journal/0123/system@0123.journal /var/log/journal/0123/system.journal /var/log/lastlog /var/log/syslog
/var/log/syslog.1 /var/log/wtmp /var/log/apt/eipp.log.xz /var/log/sysstat/sa24 /var/spool/anacron/cron.daily
/usr/lib/python3/dist-packages/apt/__pycache__/x.cpython-311.pyc
/usr/lib/sysimage/rpm/rpmdb.sqlite-shm /var/lib/rpm/rpmdb.sqlite-shm
/opt/x/logs/run.log /var/log/dmesg /var/log/Xorg.0.log /var/log/pods/x/0.log
/var/lib/NetworkManager/x.lease /var/lib/apt/lists/x /var/lib/logrotate/status /var/spool/mail/anna
"""
ALL_SECRETS = "/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /root/.ssh/id_ed25519 /etc/security/opasswd"
MAY_HOLD_SECRETS = """
/etc/apt/auth.conf.d/90esm /etc/NetworkManager/system-connections/office /etc/network/interfaces /etc/netplan/50.yaml
/etc/wireguard/wg0.conf /etc/openvpn/client.conf /etc/ppp/options /etc/sssd/sssd.conf /etc/sudo-ldap.conf /etc/machine-id
/etc/grub.d/40_custom /etc/cloud/cloud.cfg.d/x.cfg /etc/docker/daemon.json /etc/exim4/passwd.client /etc/postfix/main.cf
/etc/kubernetes/admin.conf /etc/whatever.conf /var/spool/cron/atjobs/a1 /root/.ssh/config /root/.gitconfig
/var/www/html/wp-config.php
"""
DESKTOP = """
/etc/X11/Xsession.d/99x /etc/gdm3/PostLogin/Default /etc/lightdm/lightdm.conf /etc/firefox/policies/policies.json
/etc/opt/chrome/policies/managed/x.json /etc/chromium/native-messaging-hosts/x.json
/home/anna/.mozilla/native-messaging-hosts/x.json /home/anna/.config/chromium/NativeMessagingHosts/x.json
/home/anna/.config/autostart/x.desktop /etc/polkit-1/rules.d/x.rules /usr/share/xsessions/x.desktop
/home/anna/.local/share/flatpak/overrides/global
"""
QUIET = (Level.EXISTS, Level.IGNORE, Level.GROWING, Level.ROTATED)


@cache
def shipped(name: str) -> Policy:
    return policy.expand(policy.load(name), HOMES)


@cache
def matcher(name: str) -> Matcher:
    return Matcher([(watch.path, str(watch.level)) for watch in shipped(name).watches])


def watch_of(name: str, path: str) -> Watch | None:
    """The watch of a shipped policy that covers a path, on a host with a few homes."""
    index = matcher(name).find(path).watch
    return None if index is None else shipped(name).watches[index]


def told(watch: Watch | None) -> str:
    return "not watched" if watch is None else f"{watch.path} {watch.level} {watch.severity.word}"


def by_content(watch: Watch | None, least: Severity) -> bool:
    return watch is not None and watch.level is Level.CONTENT and watch.severity >= least


def test_these_policies_are_shipped() -> None:
    assert policy.shipped() == SHIPPED
    assert tuple(policy.load(name).name for name in SHIPPED) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_every_watch_says_why(name: str) -> None:
    assert [watch.path for watch in shipped(name).watches if not watch.why] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_no_text_is_kept_of_what_is_all_secrets(name: str) -> None:
    watches = {path: watch_of(name, path) for path in ALL_SECRETS.split()}
    assert {path: told(watch) for path, watch in watches.items() if watch is None or watch.keep} == {}


@pytest.mark.parametrize("name", SHIPPED)
def test_no_text_is_kept_where_a_secret_may_stand_that_no_deny_list_knows(name: str) -> None:
    watches = {path: watch_of(name, path) for path in MAY_HOLD_SECRETS.split()}
    assert {path: told(watch) for path, watch in watches.items() if watch and watch.keep} == {}


@pytest.mark.parametrize("name", ["linux", "web"])
@pytest.mark.parametrize("least", LEAST, ids=lambda least: least.word)
def test_where_intruders_stay_is_watched_by_content(name: str, least: Severity) -> None:
    watches = {path: watch_of(name, path) for path in LEAST[least].split()}
    assert {path: told(watch) for path, watch in watches.items() if not by_content(watch, least)} == {}


@pytest.mark.parametrize("name", ["full", "workstation"])
def test_the_other_policies_watch_these_places_too(name: str) -> None:
    paths = f"{CRITICAL} {HIGH}".split()
    watches = {path: watch_of(name, path) for path in paths if not path.startswith("/run/")}
    assert {path: told(watch) for path, watch in watches.items() if not by_content(watch, Severity.LOW)} == {}


@pytest.mark.parametrize("path", LOOSELY.split())
def test_what_is_written_by_itself_but_starts_or_steers_something_is_not_ignored(path: str) -> None:
    watch = watch_of("linux", path)
    assert watch is not None
    assert watch.level is not Level.IGNORE


def test_what_linux_leaves_out_it_leaves_out_with_a_reason() -> None:
    watches = {path: watch_of("linux", path) for path in LEFT_OUT.split()}
    assert {path: told(watch) for path, watch in watches.items() if watch is None or watch.level is not Level.IGNORE} == {}


@pytest.mark.parametrize("name", ["linux", "web", "workstation"])
def test_what_changes_by_itself_is_no_alarm(name: str) -> None:
    watches = {path: watch_of(name, path) for path in BY_ITSELF.split()}
    loud = {path: w for path, w in watches.items() if w and w.level not in QUIET and w.severity > Severity.LOW}
    assert {path: told(watch) for path, watch in loud.items()} == {}


def test_web_watches_all_that_linux_does() -> None:
    paths = f"{CRITICAL} {HIGH} {MEDIUM} {BY_ITSELF}".split()
    assert {path: told(watch_of("web", path)) for path in paths} == {path: told(watch_of("linux", path)) for path in paths}


@pytest.mark.parametrize(
    ("path", "level", "least"),
    [
        ("/var/www/html/index.php", Level.CONTENT, Severity.HIGH),
        ("/var/www/html/app.js", Level.CONTENT, Severity.HIGH),
        ("/var/www/html/wp-content/uploads/2026/11/shell.php", Level.CONTENT, Severity.CRITICAL),
        ("/var/www/html/uploads/shell.phtml", Level.CONTENT, Severity.CRITICAL),
        ("/var/www/html/sites/default/files/shell.phar", Level.CONTENT, Severity.CRITICAL),
        ("/var/www/html/uploads/.htaccess", Level.CONTENT, Severity.HIGH),
        ("/var/www/html/templates_c/page.tpl.php", Level.CONTENT, Severity.LOW),
        ("/usr/share/phpmyadmin/index.php", Level.CONTENT, Severity.HIGH),
        ("/var/www/html/uploads/cat.jpg", Level.METADATA, Severity.LOW),
        ("/var/www/html/cache/page.html", Level.IGNORE, Severity.INFO),
        ("/srv/www/site/app.js", Level.CONTENT, Severity.HIGH),
        ("/usr/share/nginx/html/index.html", Level.CONTENT, Severity.HIGH),
        ("/srv/data/x", Level.IGNORE, Severity.INFO),
    ],
)
def test_web_watches_what_is_served(path: str, level: Level, least: Severity) -> None:
    watch = watch_of("web", path)
    assert watch is not None
    assert watch.level is level, told(watch)
    assert watch.severity >= least, told(watch)


def test_a_workstation_s_own_ways_to_start_things() -> None:
    watches = {path: watch_of("workstation", path) for path in DESKTOP.split()}
    assert {path: told(watch) for path, watch in watches.items() if not by_content(watch, Severity.HIGH)} == {}


def test_full_leaves_out_only_what_it_names() -> None:
    last = shipped("full").watches[-1]
    assert (last.path, last.cross_mounts) == ("/", True)
    ignored = {watch.path for watch in shipped("full").watches if watch.level is Level.IGNORE}
    assert {"/proc", "/sys", "/dev", "/run", "/tmp"} <= ignored


@pytest.mark.parametrize("name", SHIPPED)
def test_no_watch_is_dead(name: str) -> None:
    """A plain path that an earlier pattern covers would never be asked: the reader refuses the easy cases, this the rest."""
    watches = policy.load(name).watches
    asked = Matcher([(watch.path, str(watch.level)) for watch in watches])
    plain = [(at, watch.path) for at, watch in enumerate(watches) if not re.search(r"[*?\[~]", watch.path)]
    assert [path for at, path in plain if asked.find(path).watch != at] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_pattern_of_any_depth_begins_with_a_place(name: str) -> None:
    """`/**/x` would be tried on every path of the host."""
    assert [watch.path for watch in policy.load(name).watches if watch.path.startswith(("/**", "~/**", "/*"))] == []


def test_an_extension_that_updates_itself_is_quiet_and_a_new_one_is_told() -> None:
    extension = "/home/anna/.config/chromium/Default/Extensions/abcdef"
    new, update = watch_of("workstation", extension), watch_of("workstation", f"{extension}/1.1_0/manifest.json")
    assert (new and new.level, update and update.level) == (Level.EXISTS, Level.IGNORE)


def test_the_wheel_holds_them() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["baselines"] == "auditkit/baselines"
