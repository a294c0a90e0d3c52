"""Greetings of programs that auditkit has no line for: which version they show, and what only looks like one.

The forms are those that vendors document and that collections of fingerprints such as rapid7/recog list.
"""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.banners import READERS
from auditkit.banners.naming import named
from auditkit.banners.reading import Product

SHOWS = (
    ("smtp", "220 h.example ESMTP MDaemon 24.0.1; Tue, 24 Nov 2026 09:10:56 +0100", "mdaemon 24.0.1"),
    ("smtp", "220 h.example SMTP AnalogX Proxy 4.15 (Release) ready", "proxy 4.15"),
    ("smtp", "220 h.example ESMTP MailEnable Service, Version: 10.44-- ready at 11/24/26 08:50:22", "mailenable 10.44"),
    ("smtp", "220 MERCUR SMTP-Server (v3.30.09 SA-0000005) for Windows NT ready", "mercur 3.30.09"),
    ("smtp", "220 h.example SMTP Server (JAMES SMTP Server 2.3.2) ready", "james 2.3.2"),
    ("smtp", "220 h.example ESMTP Haraka/3.0.3 ready", "haraka 3.0.3"),
    ("smtp", "220 h.example ESMTP OpenSMTPD 6.0.1p1", "opensmtpd 6.0.1p1"),
    ("ftp", "220 Serv-U FTP Server v15.4.2 ready...", "serv-u 15.4.2"),
    ("ftp", "220 h.example FTP server (Version wu-2.6.2(1) Mon Jul 1 16:21:30 UTC 2002) ready.", "wu 2.6.2"),
    ("ftp", "220 AP7932 Network Management Card AOS v6.5.6 FTP server ready.", "aos 6.5.6"),
    ("ftp", "220 xx Microsoft FTP Service (Version 5.0).", "iis 5.0"),
    ("ftp", "220 ready (vsFTPd 1.1.0: hello)", "vsftpd 1.1.0"),
    ("imap", "* OK h.example Zimbra 8.8.15_GA_3869 IMAP4rev1 server ready", "zimbra 8.8.15_GA_3869"),
    ("imap", "* OK h.example Cyrus IMAP Murder v3.4.2 server ready", "cyrus 3.4.2"),
    ("pop3", "+OK Qpopper (version 4.0.5) at h.example starting.", "qpopper 4.0.5"),
    ("http", "HTTP/1.1 200 OK\r\nServer: MiniServ/2.111\r\n\r\n", "miniserv 2.111"),
    ("http", "HTTP/1.1 200 OK\r\nServer: gunicorn/20.0.4\r\n\r\n", "gunicorn 20.0.4"),
    ("http", "HTTP/1.1 200 OK\r\nServer: Jetty(9.4.48.v20220622)\r\n\r\n", "jetty 9.4.48.v20220622"),
    ("http", "HTTP/1.1 200 OK\r\nServer: Phusion Passenger 5.6.2\r\n\r\n", "passenger 5.6.2"),
    ("http", "HTTP/1.1 200 OK\r\nServer: Apache/2.4.6 (X) mod_ssl/2.4.6\r\n\r\n", "apache 2.4.6"),
    ("listen", "200 news.example InterNetNews NNRP server INN 2.6.3 ready (posting ok)", "inn 2.6.3"),
)
SHOWS_NOTHING = (
    ("smtp", "220 h.example ESMTP Postfix (Debian/GNU)"),
    ("smtp", "220 h.example Microsoft ESMTP MAIL Service ready at Tue, 24 Nov 2026 19:04:24 +0100"),
    ("smtp", "220 10.11.12.13 ESMTP"),
    ("smtp", "220 srv-01 Server 10.11.12.13 ready 24.11.2026"),
    ("smtp", "220 mx-2.0.example ESMTP Service"),
    ("smtp", "220 mail.192-168-1-20.example.net ESMTP TLS 1.3 ready at 10.30"),
    ("smtp", "220 h.example ESMTP 5si1234567wmb.12.3 - gsmtp"),
    ("smtp", "220 ***************************"),
    ("ftp", "220 JD FTP Server Ready"),
    ("ftp", "220-Local time is now 10.30. Server port: 21."),
    ("ftp", "220 ProFTPD Server (srv) [10.1.2.3]"),
    ("imap", "* OK Courier-IMAP ready. Copyright 1998-2026 Double Precision, Inc."),
    ("pop3", "+OK <12345.1700000000@h.example.org>"),
    ("http", "HTTP/1.1 200 OK\r\nServer: lwIP\r\n\r\n"),
    ("http", "HTTP/1.1 200 OK\r\nServer: pve-api-daemon/3\r\n\r\n"),
    ("listen", "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10"),
    ("listen", "RFB 003.008"),
)


def shown(service: str, said: str) -> list[str]:
    """Each product with a version that a reader finds."""
    products = READERS[service]((f"{said}\r\n".encode(),)).products
    return [f"{each.name} {each.version}" for each in products if each.version]


@pytest.mark.parametrize(("service", "said", "expected"), SHOWS)
def test_a_version_is_seen_whoever_shows_it(service: str, said: str, expected: str) -> None:
    assert shown(service, said) == [expected]


@pytest.mark.parametrize(("service", "said"), SHOWS_NOTHING)
def test_an_address_a_date_or_a_name_is_no_version(service: str, said: str) -> None:
    assert shown(service, said) == []


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("5.5.5-10.4.13-MariaDB-1:10.4.13+maria~bionic", "mariadb 10.4.13-1:10.4.13+maria~bionic"),
        ("10.3.38-MariaDB-0ubuntu0.20.04.1-log", "mariadb 10.3.38-0ubuntu0.20.04.1-log"),
        ("8.0.36-0ubuntu0.22.04.1", "mysql 8.0.36"),
    ],
)
def test_mariadb_is_never_taken_for_the_version_that_it_tells_old_clients(version: str, expected: str) -> None:
    packet = b"\x0a" + version.encode() + b"\0" + bytes(40)
    (product,) = READERS["mysql"]((len(packet).to_bytes(3, "little") + b"\0" + packet,)).products
    assert f"{product.name} {product.version}" == expected


@given(st.text(max_size=500) | st.from_regex(r"([A-Za-z]{2,8}[ /-]v?[0-9.]{1,12}[ ,]?){1,9}", fullmatch=True))
def test_whatever_is_said_a_version_is_short_and_of_digits_and_dots_at_first(said: str) -> None:
    for product in named(said):
        assert isinstance(product, Product)
        assert re.fullmatch(r"[0-9]+\.[0-9][0-9A-Za-z.+~_-]{0,90}", product.version)
        assert 0 < len(product.name) < 45
