"""The log of vsftpd, /var/log/vsftpd.log: `Mon Nov 24 10:00:00 2025 [pid 3] [bob] OK LOGIN: Client "192.0.2.1"`."""

from auditkit.logins.formats.own import CTIME, own

FORMAT = own("vsftpd", "log of vsftpd", rf"{CTIME} \[pid (?P<pid>[0-9]+)\] (?P<message>.*)")
