"""Formats of sources: FORMATS has one line per format, one file each says how it is known and read."""

from auditkit.logins.formats import (
    audit,
    evtx,
    exim,
    export,
    faillock,
    journal,
    journaljson,
    lastlog,
    lastlog2,
    logind,
    logread,
    openvpn,
    proftpd,
    smbd,
    sshd,
    sudolog,
    syslog,
    utmp,
    verbose,
    vsftpd,
    winxml,
    wtmpdb,
    xrdp,
)
from auditkit.logins.nouns import Format

FORMATS: tuple[Format, ...] = (
    audit.FORMAT,
    logind.FORMAT,
    wtmpdb.FORMAT,
    lastlog2.FORMAT,
    utmp.WTMP,
    utmp.BTMP,
    utmp.UTMP,
    lastlog.FORMAT,
    faillock.TALLYLOG,
    faillock.FAILLOG,
    faillock.FORMAT,
    journal.FORMAT,
    export.FORMAT,
    journaljson.FORMAT,
    verbose.FORMAT,
    vsftpd.FORMAT,
    logread.FORMAT,
    exim.FORMAT,
    proftpd.FORMAT,
    proftpd.OLD,
    xrdp.FORMAT,
    smbd.FORMAT,
    openvpn.FORMAT,
    openvpn.OLD,
    sudolog.FORMAT,
    sudolog.JSON,
    evtx.FORMAT,
    winxml.FORMAT,
    sshd.WINDOWS,
    sshd.CAUGHT,
    syslog.FORMAT,
    sshd.TIMELESS,
)
"""In the order in which they are tried."""
BEGINNING = 4096
"""Bytes that a format is known by."""


def recognised(name: str, beginning: bytes) -> Format | None:
    """The format of a source by its name and its first BEGINNING bytes; None if it is none of these."""
    return next((form for form in FORMATS if form.recognises(name, beginning)), None)
