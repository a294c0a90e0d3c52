"""Which line makes each product say less, where it goes, and how it is undone: one row for each product.

The lines were tried on the daemons of Debian 12; of those that Debian has not, the vendor's documentation says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fix:
    """How a product is made to show less of itself."""

    line: str
    """What to set, as people say it to each other; empty where nothing can be set."""
    how: str
    """Commands that can be pasted, with their undo; or what else to do."""
    programs: tuple[str, ...] = ()
    """The names of its files that run and that a package's version is the version of; none where that says nothing."""
    files: tuple[str, ...] = ()
    """Where such a line stands, as needs have it."""
    hides: re.Pattern[str] | None = None
    """A line that is meant to hide the version."""


def _hides(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^[ \t]*(?:{pattern})", re.IGNORECASE | re.MULTILINE)


FIXES: Mapping[str, Fix] = {
    "nginx": Fix(
        "server_tokens off;",
        "`server_tokens off;` in the http block of /etc/nginx/nginx.conf: sed -Ei.before"
        r" 's/^(\s*)#?\s*server_tokens\s.*/\1server_tokens off;/' /etc/nginx/nginx.conf && nginx -t && systemctl reload nginx"
        " (undo: mv /etc/nginx/nginx.conf.before /etc/nginx/nginx.conf && systemctl reload nginx).",
        ("nginx",),
        ("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*"),
        _hides(r"server_tokens[ \t]+off[ \t]*;"),
    ),
    "apache": Fix(
        "ServerTokens Prod",
        r"`ServerTokens Prod` and `ServerSignature Off` in a file that is read last: printf 'ServerTokens"
        r" Prod\nServerSignature Off\n' > /etc/apache2/conf-available/zz-tokens.conf && a2enconf zz-tokens && apachectl"
        r" configtest && systemctl reload"
        " apache2 (undo: a2disconf zz-tokens && systemctl reload apache2). Elsewhere than on Debian the file belongs into"
        " /etc/httpd/conf.d, and the service is httpd.",
        ("apache2", "httpd"),
        (
            *("/etc/apache2/apache2.conf", "/etc/apache2/conf-enabled/*.conf"),
            *("/etc/httpd/conf/httpd.conf", "/etc/httpd/conf.d/*.conf"),
        ),
        _hides(r"ServerTokens[ \t]+Prod(?:uctOnly)?\b"),
    ),
    "lighttpd": Fix(
        'server.tag = ""',
        r"""`server.tag = ""`: printf 'server.tag = ""\n' > /etc/lighttpd/conf-enabled/99-tag.conf && lighttpd -tt -f"""
        " /etc/lighttpd/lighttpd.conf && systemctl restart lighttpd (undo: rm /etc/lighttpd/conf-enabled/99-tag.conf &&"
        " systemctl restart lighttpd).",
        ("lighttpd",),
        ("/etc/lighttpd/lighttpd.conf", "/etc/lighttpd/conf-enabled/*.conf"),
        _hides(r'server\.tag[ \t]*=[ \t]*""'),
    ),
    "php": Fix(
        "expose_php = Off",
        "`expose_php = Off` in the php.ini of what serves the pages: sed -i.before 's/^expose_php *=.*/expose_php = Off/'"
        " /etc/php/*/*/php.ini, then restart php-fpm or the web server (undo: move each php.ini.before back).",
        (),
        ("/etc/php/*/*/php.ini", "/etc/php.ini"),
        _hides(r"expose_php[ \t]*=[ \t]*(?:Off|0)\b"),
    ),
    "squid": Fix(
        "httpd_suppress_version_string on",
        "`httpd_suppress_version_string on`: echo 'httpd_suppress_version_string on' > /etc/squid/conf.d/version.conf && squid"
        " -k parse && systemctl reload squid (undo: rm /etc/squid/conf.d/version.conf && systemctl reload squid).",
        ("squid",),
        ("/etc/squid/squid.conf", "/etc/squid/conf.d/*.conf"),
        _hides(r"httpd_suppress_version_string[ \t]+on\b"),
    ),
    "cups": Fix(
        "ServerTokens ProductOnly",
        "Where it prints for this machine only: `Listen localhost:631`. Else `ServerTokens ProductOnly` in"
        " /etc/cups/cupsd.conf; `None` does not hide the version, it shows all of it (CUPS 2.4.2): cp -p /etc/cups/cupsd.conf"
        " /etc/cups/cupsd.conf.before && sed -i '/^ServerTokens/d; 1i ServerTokens ProductOnly' /etc/cups/cupsd.conf && cupsd"
        " -t && systemctl restart cups (undo: mv /etc/cups/cupsd.conf.before /etc/cups/cupsd.conf && systemctl restart cups).",
        ("cupsd",),
        ("/etc/cups/cupsd.conf",),
        _hides(r"ServerTokens[ \t]+(?:None|Prod(?:uctOnly)?)\b"),
    ),
    "iis": Fix(
        'removeServerHeader="true"',
        '`<requestFiltering removeServerHeader="true"/>` in web.config, under system.webServer/security (IIS 10 and newer).',
    ),
    "asp.net": Fix(
        'enableVersionHeader="false"',
        '`<httpRuntime enableVersionHeader="false"/>` in web.config; remove X-Powered-By under httpProtocol/customHeaders.',
    ),
    "exim": Fix(
        "smtp_banner = $primary_hostname ESMTP",
        "`smtp_banner = $primary_hostname ESMTP` in the main part of the configuration: echo 'smtp_banner = $primary_hostname"
        " ESMTP' >> /etc/exim4/exim4.conf.localmacros && update-exim4.conf && exim4 -bV && systemctl restart exim4 (undo: sed"
        " -i '/^smtp_banner = /d' /etc/exim4/exim4.conf.localmacros && update-exim4.conf && systemctl restart exim4); where"
        " exim4.conf is split, the file is /etc/exim4/conf.d/main/00_local_banner.",
        ("exim4", "exim"),
        ("/etc/exim4/exim4.conf", "/etc/exim4/exim4.conf.localmacros", "/etc/exim4/conf.d/main/*", "/etc/exim/exim.conf"),
        _hides(r"smtp_banner[ \t]*=(?![^\n]*\$(?:version_number|\{version_number\}))"),
    ),
    "postfix": Fix(
        "smtpd_banner = $myhostname ESMTP",
        "postconf -e 'smtpd_banner = $myhostname ESMTP' && postfix reload (undo: postconf -X smtpd_banner && postfix reload).",
    ),
    "sendmail": Fix(
        "SmtpGreetingMessage",
        "define(`confSMTP_LOGIN_MSG', `$j ESMTP') in /etc/mail/sendmail.mc, then make -C /etc/mail and restart it.",
    ),
    "exchange": Fix("-Banner", 'Set-ReceiveConnector "NAME" -Banner "220 mail" in the shell of Exchange.'),
    "dovecot": Fix(
        "login_greeting = ready.",
        "echo 'login_greeting = ready.' > /etc/dovecot/conf.d/99-greeting.conf && doveconf -n >/dev/null && systemctl reload"
        " dovecot (undo: rm /etc/dovecot/conf.d/99-greeting.conf && systemctl reload dovecot).",
    ),
    "vsftpd": Fix(
        "ftpd_banner=Welcome",
        "`ftpd_banner=Welcome` in /etc/vsftpd.conf: cp -p /etc/vsftpd.conf /etc/vsftpd.conf.before && sed -i"
        " '/^ftpd_banner=/d; 1i ftpd_banner=Welcome' /etc/vsftpd.conf && systemctl restart vsftpd (undo: mv"
        " /etc/vsftpd.conf.before /etc/vsftpd.conf && systemctl restart vsftpd).",
        ("vsftpd",),
        ("/etc/vsftpd.conf", "/etc/vsftpd/vsftpd.conf"),
        _hides(r"(?:ftpd_banner|banner_file)="),
    ),
    "proftpd": Fix(
        'ServerIdent on "FTP ready"',
        """`ServerIdent on "FTP ready"`; `off` names an address instead: printf 'ServerIdent on "FTP ready"\\n' >"""
        " /etc/proftpd/conf.d/ident.conf && proftpd -t && systemctl reload proftpd (undo: rm /etc/proftpd/conf.d/ident.conf &&"
        " systemctl reload proftpd).",
        ("proftpd",),
        ("/etc/proftpd/proftpd.conf", "/etc/proftpd/conf.d/*.conf", "/etc/proftpd.conf"),
        _hides(r"ServerIdent[ \t]+(?:off|on[ \t]+\")"),
    ),
    "mariadb": Fix(
        "bind-address = 127.0.0.1",
        "Its version cannot be hidden. Where no other machine needs it: `bind-address = 127.0.0.1` in"
        " /etc/mysql/mariadb.conf.d/50-server.cnf, then systemctl restart mariadb (undo: the address that stood there before);"
        " else let only those in that need it, with the firewall.",
        ("mariadbd", "mysqld"),
    ),
    "mysql": Fix(
        "bind-address = 127.0.0.1",
        "Its version cannot be hidden. Where no other machine needs it: `bind-address = 127.0.0.1` under [mysqld], then"
        " restart it; else let only those in that need it, with the firewall.",
        ("mysqld",),
    ),
    "redis": Fix("requirepass", "With a password it tells nothing before a login.", ("redis-server", "redis-check-rdb")),
    "memcached": Fix("-l 127.0.0.1", "`-l 127.0.0.1` in /etc/memcached.conf, then restart it.", ("memcached",)),
    "mongodb": Fix("bindIp: 127.0.0.1", "`bindIp: 127.0.0.1` in /etc/mongod.conf, under net:, then restart it.", ("mongod",)),
    "elasticsearch": Fix("xpack.security.enabled: true", "With security on it tells nothing before a login."),
    "opensearch": Fix("plugins.security", "With the security plugin it tells nothing before a login."),
    "bind": Fix(
        "version none;",
        "`version none; hostname none; server-id none;` in the options block of /etc/bind/named.conf.options: cp -p"
        " /etc/bind/named.conf.options /etc/bind/named.conf.options.before && sed -i '/^[[:space:]]*version none;/d;"
        " s/^options {/&\\n\\tversion none; hostname none; server-id none;/' /etc/bind/named.conf.options &&"
        " named-checkconf && rndc reconfig (undo: mv /etc/bind/named.conf.options.before /etc/bind/named.conf.options &&"
        " rndc reconfig).",
        ("named",),
        ("/etc/bind/named.conf.options", "/etc/bind/named.conf", "/etc/named.conf"),
        _hides(r"(?:[^#/\n]*[;{\s])?version[ \t]+(?:none|\"[^\"]*\")[ \t]*;"),
    ),
    "dnsmasq": Fix(
        "",
        "dnsmasq has no line that hides it. Where it serves this machine or one network only: `interface=NAME` and"
        " `bind-interfaces` in /etc/dnsmasq.conf, then systemctl restart dnsmasq.",
        ("dnsmasq",),
    ),
    "unbound": Fix(
        "hide-version: yes",
        r"`hide-version: yes` and `hide-identity: yes`: printf 'server:\n  hide-version: yes\n  hide-identity: yes\n' >"
        " /etc/unbound/unbound.conf.d/hide.conf && unbound-checkconf && systemctl reload unbound (undo: rm"
        " /etc/unbound/unbound.conf.d/hide.conf && systemctl reload unbound).",
        ("unbound",),
        ("/etc/unbound/unbound.conf", "/etc/unbound/unbound.conf.d/*.conf"),
        _hides(r"hide-version:[ \t]+\"?yes\b"),
    ),
    "ntpsec": Fix(
        "restrict default noquery",
        "`noquery` in each line `restrict default ...` of /etc/ntpsec/ntp.conf, as Debian ships it, then systemctl restart"
        " ntpsec.",
        ("ntpd",),
        ("/etc/ntpsec/ntp.conf",),
        _hides(r"restrict[ \t]+default[ \t][^#\n]*\bnoquery\b"),
    ),
    "ntp": Fix("restrict default noquery", "`noquery` in each line `restrict default ...` of ntp.conf, then restart it."),
    "snmp": Fix(
        "sysDescr",
        "`sysDescr server` in /etc/snmp/snmpd.conf, and no `rocommunity`; then systemctl restart snmpd.",
    ),
    "telnet": Fix("", "Do without telnet. What it shows before the login stands in /etc/issue.net."),
}  # fmt: skip
OTHERWISE = Fix("", "See in its documentation how it is made to tell less; and let only those reach it that need it.")
OF_DEVICES = Fix(
    "", "Look in the settings of the device for a way to make it tell less; and let only those reach it that need it."
)


def fix(product: str, *, device: bool = False) -> Fix:
    """How a product is made to show less; on a device nobody knows the files."""
    return OF_DEVICES if device else FIXES.get(product, OTHERWISE)
