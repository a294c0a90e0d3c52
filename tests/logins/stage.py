"""Runs real programs that write of logins on a machine of its own, and gives what each wrote: `STEP<TAB>PROGRAM<TAB>MESSAGE`.

Run in mount and network namespaces of its own, with a directory for a copy of /etc: it makes accounts there, listens at
/dev/log, and lets sudo, su, useradd, crontab, doas, vsftpd and dropbear do what they do. The password of everybody is PASSWORD.
"""

import ftplib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import paramiko

PASSWORD = "open sesame"
HOMES = Path("/var/spool")
"""In memory, and open to everybody."""
HOSTILE = "x' from 198.51.100.9:22"
HEADER = re.compile(r"<\d+>\w{3} [ \d]\d \d\d:\d\d:\d\d (?P<program>[^\s\[:]+)(?:\[\d+\])?: (?P<message>.*)", re.DOTALL)
SUDOERS = "Defaults !lecture, !fqdn, !mailerpath\nroot ALL=(ALL) ALL\nanna ALL=(ALL) ALL\n"


def main(place: Path) -> None:
    world(place)
    for step in STEPS:
        with listening(step.__name__):
            step(place)
    for name in ("vsftpd.log", "dropbear.log"):
        for line in (place / name).read_text(errors="surrogateescape").splitlines():
            tell("file", name.partition(".")[0], line)


@contextmanager
def listening(step: str) -> Iterator[None]:
    """Print what comes to the log meanwhile; an empty message ends it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind("/dev/log")
        os.chmod("/dev/log", 0o666)  # as every /dev/log
        listener = Thread(target=heard, args=(step, log))
        listener.start()
        try:
            yield
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.sendto(b"", "/dev/log")
            listener.join()
            os.unlink("/dev/log")


def tell(*words: str) -> None:
    sys.stdout.write("\t".join(words) + "\n")
    sys.stdout.flush()


def world(place: Path) -> None:
    """A copy of /etc with accounts of its own, a /dev with a log, and an own network."""
    shutil.copytree("/etc", place / "etc", symlinks=True)
    mount("--bind", place / "etc", "/etc")
    devices = place / "dev"
    devices.mkdir()
    mount("--rbind", "/dev", devices)
    mount("-t", "tmpfs", "dev", "/dev")
    for name in ("null", "zero", "random", "urandom", "tty"):
        Path("/dev", name).touch()
        mount("--bind", devices / name, f"/dev/{name}")
    for memory in (HOMES, "/var/mail", "/var/log", "/run"):  # nothing of it stays
        mount("-t", "tmpfs", "-o", "mode=0755", "memory", memory)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/etc/sudoers").write_text(SUDOERS)
    Path("/etc/doas.conf").write_text("permit nopass anna as root\n")
    Path("/etc/shells").write_text("/bin/sh\n")
    common = Path("/etc/pam.d/common-auth")
    common.write_text(common.read_text().replace("pam_unix.so", "pam_unix.so nodelay"))


def mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def heard(step: str, log: socket.socket) -> None:
    """Print what comes until an empty message."""
    while raw := log.recv(65536):
        line = raw.decode(errors="surrogateescape").rstrip("\0\n")
        found = HEADER.fullmatch(line)
        program, message = (found["program"], found["message"]) if found else ("?", line)
        tell(step, program, message)


def run(*words: str, say: str = "", as_user: str = "") -> None:
    """Run a command, perhaps as a user, and give it a line to read; whether it succeeds is told by the log."""
    if as_user:
        words = ("setpriv", "--reuid", as_user, "--regid", as_user, "--clear-groups", *words)
    subprocess.run(words, input=say, text=True, check=False, capture_output=True, cwd="/", timeout=60)


def accounts(place: Path) -> None:
    run("useradd", "-m", "-d", str(HOMES / "anna"), "-s", "/bin/sh", "anna")
    run("useradd", "-M", "-s", "/bin/sh", "mallory")
    run("chpasswd", say=f"anna:{PASSWORD}\nmallory:{PASSWORD}\n")
    run("useradd", "-M", "-s", "/bin/sh", "bob")
    run("usermod", "-aG", "adm", "bob")
    run("gpasswd", "-d", "bob", "adm")
    run("chage", "-M", "90", "bob")
    run("userdel", "bob")


def sudo(_place: Path) -> None:
    run("sudo", "-S", "id", say=PASSWORD + "\n", as_user="anna")


def sudo_shell(_place: Path) -> None:
    run("sudo", "-S", "-k", "sh", say=PASSWORD + "\n", as_user="anna")


def sudo_guesses(_place: Path) -> None:
    run("sudo", "-S", "-k", "id", say="a\nb\nc\n", as_user="anna")


def sudo_denied(_place: Path) -> None:
    run("sudo", "-S", "-k", "id", say=PASSWORD + "\n", as_user="mallory")
    run("sudo", "-n", "-k", "id", as_user="anna")


def sudo_hostile(_place: Path) -> None:
    """From a directory whose name imitates the rest of the line."""
    there = HOMES / "x ; USER=daemon ; COMMAND=" / "bin" / "true"
    there.mkdir(parents=True)
    words = ("setpriv", "--reuid", "anna", "--regid", "anna", "--clear-groups", "sudo", "-S", "-k", "id")
    subprocess.run(words, input=PASSWORD + "\n", text=True, check=False, capture_output=True, cwd=there, timeout=60)


def becoming(_place: Path) -> None:
    run("su", "anna", "-c", "true")
    run("su", "root", "-c", "true", say="wrong\n", as_user="anna")


def doas(_place: Path) -> None:
    run("doas", "id", as_user="anna")
    run("doas", "id", as_user="mallory")


@contextmanager
def serving(port: int, *words: str, errors: Path) -> Iterator[None]:
    """Serve until it is left."""
    with errors.open("wb") as sink, subprocess.Popen(words, stdout=sink, stderr=sink) as child:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.02)
        try:
            yield
        finally:
            child.terminate()


def ftp(place: Path) -> None:
    log = place / "vsftpd.log"
    settings = (
        "listen=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port=2021\nlocal_enable=YES\nanonymous_enable=YES\n"
        f"xferlog_enable=YES\nxferlog_std_format=NO\nvsftpd_log_file={log}\nseccomp_sandbox=NO\nlog_ftp_protocol=NO\n"
        "secure_chroot_dir=/var/spool\npam_service_name=vsftpd\nisolate=NO\nisolate_network=NO\nbackground=NO\nftp_username=anna\n"
        "anon_root=/var/spool\nmax_login_fails=9\ndelay_failed_login=0\n"
    )
    (place / "vsftpd.conf").write_text(settings)
    with serving(2021, "vsftpd", str(place / "vsftpd.conf"), errors=place / "vsftpd.errors"):
        with ftplib.FTP() as client:
            client.connect("127.0.0.1", 2021, 10)
            for name in ("anna", HOSTILE, 'x] OK LOGIN: Client "198.51.100.9"'):
                refused(lambda name=name: client.login(name, "wrong"))  # type: ignore[misc]
            client.login("anna", PASSWORD)
        with ftplib.FTP() as client:
            client.connect("127.0.0.1", 2021, 10)
            client.login("ftp", "guest@example.org")


def refused(attempt: Callable[[], object]) -> None:
    """Try what must fail."""
    try:
        attempt()
    except (ftplib.error_perm, paramiko.SSHException):
        return
    raise SystemExit("what had to fail was let in")


def ssh(place: Path) -> None:
    key = paramiko.ECDSAKey.generate()
    (HOMES / "anna" / ".ssh").mkdir(0o700)
    (HOMES / "anna" / ".ssh" / "authorized_keys").write_text(f"{key.get_name()} {key.get_base64()}\n")
    subprocess.run(["chown", "-R", "anna:anna", HOMES / "anna"], check=True)
    run("dropbearkey", "-t", "ecdsa", "-f", str(place / "host"))
    (place / "fingerprint").write_text(key.fingerprint)
    words = ("dropbear", "-E", "-F", "-p", "127.0.0.1:2022", "-r", str(place / "host"), "-P", str(place / "pid"))
    with serving(2022, *words, errors=place / "dropbear.log"):
        with visit() as there:
            for _ in range(2):
                refused(lambda: there.auth_password("anna", "wrong"))
            there.auth_password("anna", PASSWORD)
        with visit() as there:
            refused(lambda: there.auth_password(HOSTILE, PASSWORD))
        with visit() as there:
            there.auth_publickey("anna", key)
        with visit() as there:
            refused(lambda: there.auth_publickey("anna", paramiko.ECDSAKey.generate()))
        time.sleep(0.3)


@contextmanager
def visit() -> Iterator[paramiko.Transport]:
    """A connection to the SSH server."""
    there = paramiko.Transport(("127.0.0.1", 2022))
    there.start_client(timeout=10)
    try:
        yield there
    finally:
        there.close()


STEPS = (accounts, sudo, sudo_shell, sudo_guesses, sudo_denied, sudo_hostile, becoming, doas, ftp, ssh)

if __name__ == "__main__":
    main(Path(sys.argv[1]))
