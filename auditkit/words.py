"""Extended attributes and times in words: file capabilities as setcap(8) writes them, ACLs as getfacl(1) does."""

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from auditkit.printable import printable

CAPABILITIES = (
    "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
    "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module",
    "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time",
    "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
    "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
)  # fmt: skip
"""The bits of linux/capability.h, in order."""

REVISIONS = {1: 12, 2: 20, 3: 24}
"""Length of struct vfs_cap_data, by VFS_CAP_REVISION (linux/capability.h)."""

TAGS = {0x01: "user", 0x02: "user", 0x04: "group", 0x08: "group", 0x10: "mask", 0x20: "other"}
"""The tags of linux/posix_acl.h: ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_GROUP, ACL_MASK, ACL_OTHER."""
NAMED = (0x02, 0x08)
ACL_VERSION = 2
_SECONDS = len("2026-11-24T09:54:54")


def written(time_ns: int | None) -> str | None:
    """A time of an inode as documents have it, to the nanosecond; one that no calendar has stays a number of seconds."""
    if time_ns is None:
        return None
    seconds, rest = divmod(time_ns, 1_000_000_000)
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
    except (OverflowError, ValueError, OSError):
        return f"{seconds}.{rest:09d}"


def read(value: object) -> datetime | None:
    """A time as documents have it, without its fraction; None for none, and for one that no calendar has."""
    if not isinstance(value, str) or len(value) < _SECONDS:
        return None
    try:
        return datetime.strptime(value[:_SECONDS], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def attributes(values: Mapping[str, str]) -> dict[str, str]:
    """Extended attributes by name, each value in words where it has some, else in the hex it came in."""
    return {name: decoded(name, value) for name, value in values.items()}


def decoded(name: str, value: str) -> str:
    """The value of an extended attribute in words."""
    try:
        data = bytes.fromhex(value.removeprefix("0x"))
    except ValueError:
        return printable(value)
    match name:
        case "security.capability":
            return capability(data) or data.hex()
        case "system.posix_acl_access" | "system.posix_acl_default":
            return acl(data) or data.hex()
        case "security.selinux":
            return printable(data.rstrip(b"\0").decode("utf-8", "surrogateescape"))
    return data.hex()  # not the value itself: fromhex() passes over blanks and line feeds


def capability(data: bytes) -> str | None:
    """`cap_setuid=ep`, from a security.capability of any revision; None if it is none."""
    if len(data) < 4:
        return None
    (magic,) = struct.unpack_from("<I", data)
    revision, effective = magic >> 24, magic & 1
    if REVISIONS.get(revision) != len(data):
        return None
    words = struct.unpack_from("<II" if revision == 1 else "<IIII", data, 4)
    permitted, inheritable = words[0], words[1]
    if revision > 1:
        permitted, inheritable = permitted | words[2] << 32, inheritable | words[3] << 32
    told = " ".join(_clauses(permitted, inheritable, bool(effective))) or "="
    return told + (f" rootid={struct.unpack_from('<I', data, 20)[0]}" if revision == 3 else "")


def _clauses(permitted: int, inheritable: int, effective: bool) -> Iterator[str]:
    """Yield one clause per set of flags: cap_from_text(3)."""
    for bits, flags in (
        (permitted & ~inheritable, "p"),
        (permitted & inheritable, "ip"),
        (inheritable & ~permitted, "i"),
    ):
        names = [_name(bit) for bit in range(64) if bits >> bit & 1]
        if names:
            yield f"{','.join(names)}={'e' if effective else ''}{flags}"


def _name(bit: int) -> str:
    return f"cap_{CAPABILITIES[bit]}" if bit < len(CAPABILITIES) else f"cap_{bit}"


def acl(data: bytes) -> str | None:
    """`user::rw-,user:1000:rw-,group::r--,…`, from a POSIX ACL as the kernel keeps it (linux/posix_acl_xattr.h)."""
    if len(data) < 4 or (len(data) - 4) % 8 or struct.unpack_from("<I", data)[0] != ACL_VERSION:
        return None
    entries = list(struct.iter_unpack("<HHI", data[4:]))
    if any(tag not in TAGS or rights > 7 for tag, rights, _id in entries):
        return None
    return ",".join(f"{TAGS[tag]}:{number if tag in NAMED else ''}:{_rights(bits)}" for tag, bits, number in entries)


def _rights(bits: int) -> str:
    return "".join(letter if bits & bit else "-" for letter, bit in (("r", 4), ("w", 2), ("x", 1)))
