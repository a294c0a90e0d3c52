"""Until when releases of distributions are supported: a table that is shipped, and never the audited host's own.

Debian's and Ubuntu's dates are those of distro-info-data (ISC), the others those that their makers publish.
"""

from dataclasses import dataclass
from datetime import date

AS_OF = date(2026, 11, 24)
"""When the table was made."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of one release; `None` is what its makers do not offer."""

    name: str
    standard: date
    extended: date | None = None
    """By volunteers or the makers, for everybody: Debian LTS."""
    paid: date | None = None
    """For who pays or registers: ELTS, Ubuntu Pro."""


def _end(name: str, *days: str) -> End:
    dates = [date.fromisoformat(day) if day else None for day in (*days, "", "")]
    return End(name, dates[0] or date.min, dates[1], dates[2])


ROLLING = frozenset({"arch", "manjaro", "endeavouros", "opensuse-tumbleweed", "kali", "gentoo", "void", "nixos"})
"""Without releases: what is supported is what is newest."""
UNRELEASED = frozenset({("debian", "sid"), ("debian", "forky"), ("debian", "duke"), ("fedora", "rawhide")})
"""By ID and VERSION_CODENAME."""
TABLE: dict[tuple[str, str], End] = {
    ("debian", "8"): _end("Debian 8", "2018-06-17", "2020-06-30", "2025-06-30"),
    ("debian", "9"): _end("Debian 9", "2020-07-18", "2022-06-30", "2027-06-30"),
    ("debian", "10"): _end("Debian 10", "2022-09-10", "2024-06-30", "2029-06-30"),
    ("debian", "11"): _end("Debian 11", "2024-08-14", "2026-08-31", "2031-06-30"),
    ("debian", "12"): _end("Debian 12", "2026-07-11", "2028-06-30", "2033-06-30"),
    ("debian", "13"): _end("Debian 13", "2028-08-09", "2030-06-30", "2035-06-30"),
    ("ubuntu", "14.04"): _end("Ubuntu 14.04", "2019-04-25", "", "2026-04-28"),
    ("ubuntu", "16.04"): _end("Ubuntu 16.04", "2021-04-30", "", "2028-04-25"),
    ("ubuntu", "18.04"): _end("Ubuntu 18.04", "2023-05-31", "", "2030-04-30"),
    ("ubuntu", "20.04"): _end("Ubuntu 20.04", "2025-05-29", "", "2032-04-27"),
    ("ubuntu", "22.04"): _end("Ubuntu 22.04", "2027-06-01", "", "2034-04-25"),
    ("ubuntu", "22.10"): _end("Ubuntu 22.10", "2023-07-20"),
    ("ubuntu", "23.04"): _end("Ubuntu 23.04", "2024-01-25"),
    ("ubuntu", "23.10"): _end("Ubuntu 23.10", "2024-07-11"),
    ("ubuntu", "24.04"): _end("Ubuntu 24.04", "2029-05-31", "", "2036-04-29"),
    ("ubuntu", "24.10"): _end("Ubuntu 24.10", "2025-07-10"),
    ("ubuntu", "25.04"): _end("Ubuntu 25.04", "2026-01-15"),
    ("ubuntu", "25.10"): _end("Ubuntu 25.10", "2026-07-09"),
    ("ubuntu", "26.04"): _end("Ubuntu 26.04", "2031-05-29", "", "2038-04-27"),
    ("alpine", "3.17"): _end("Alpine 3.17", "2024-11-22"),
    ("alpine", "3.18"): _end("Alpine 3.18", "2025-05-09"),
    ("alpine", "3.19"): _end("Alpine 3.19", "2025-11-01"),
    ("alpine", "3.20"): _end("Alpine 3.20", "2026-04-01"),
    ("alpine", "3.21"): _end("Alpine 3.21", "2026-11-01"),
    ("alpine", "3.22"): _end("Alpine 3.22", "2027-05-01"),
    ("alpine", "3.23"): _end("Alpine 3.23", "2027-11-01"),
    ("centos", "6"): _end("CentOS 6", "2020-11-30"),
    ("centos", "7"): _end("CentOS 7", "2024-06-30"),
    ("centos", "8"): _end("CentOS Stream 8", "2024-05-31"),
    ("centos", "9"): _end("CentOS Stream 9", "2027-05-31"),
    ("centos", "10"): _end("CentOS Stream 10", "2030-05-31"),
    ("rhel", "7"): _end("RHEL 7", "2024-06-30", "", "2028-06-30"),
    ("rhel", "8"): _end("RHEL 8", "2029-05-31", "", "2032-05-31"),
    ("rhel", "9"): _end("RHEL 9", "2032-05-31", "", "2035-05-31"),
    ("rhel", "10"): _end("RHEL 10", "2035-05-31", "", "2038-05-31"),
    ("rocky", "8"): _end("Rocky Linux 8", "2029-05-31"),
    ("rocky", "9"): _end("Rocky Linux 9", "2032-05-31"),
    ("rocky", "10"): _end("Rocky Linux 10", "2035-05-31"),
    ("almalinux", "8"): _end("AlmaLinux 8", "2029-03-01"),
    ("almalinux", "9"): _end("AlmaLinux 9", "2032-05-31"),
    ("almalinux", "10"): _end("AlmaLinux 10", "2035-05-31"),
    ("ol", "7"): _end("Oracle Linux 7", "2024-12-31", "", "2028-06-30"),
    ("ol", "8"): _end("Oracle Linux 8", "2029-07-31", "", "2032-07-31"),
    ("ol", "9"): _end("Oracle Linux 9", "2032-06-30", "", "2035-06-30"),
    ("amzn", "2"): _end("Amazon Linux 2", "2026-06-30"),
    ("amzn", "2023"): _end("Amazon Linux 2023", "2029-06-30"),
    ("fedora", "40"): _end("Fedora 40", "2025-05-13"),
    ("fedora", "41"): _end("Fedora 41", "2025-12-15"),
    ("fedora", "42"): _end("Fedora 42", "2026-05-13"),
    ("fedora", "43"): _end("Fedora 43", "2026-12-02"),
    ("opensuse-leap", "15.5"): _end("openSUSE Leap 15.5", "2024-12-31"),
    ("opensuse-leap", "15.6"): _end("openSUSE Leap 15.6", "2026-04-30"),
    ("sles", "15.5"): _end("SLES 15 SP5", "2024-12-31", "", "2027-12-31"),
    ("sles", "15.6"): _end("SLES 15 SP6", "2025-12-31", "", "2028-12-31"),
    ("sles", "15.7"): _end("SLES 15 SP7", "2031-07-31", "", "2034-07-31"),
}
"""By ID and VERSION_ID of os-release(5), the latter as far as it counts."""


def end_of(system: str, version: str) -> End | None:
    """The end of a release by ID and VERSION_ID, `rhel` and `9.4`; None where the table has not got it."""
    parts = version.split(".")
    wanted = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((TABLE[system, each] for each in wanted if (system, each) in TABLE), None)
