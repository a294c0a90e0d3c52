"""What says that a file holds secrets: its name, or its text."""

import re

from .hashes import CALLED

_SECRET_NAME = re.compile(
    r"g?shadow|.*\.(?:key|pem|p12|pfx|kdbx?|jks|keytab|gpg|asc)|.*(?:secret|passw|credential|token|private|psk).*"
    r"|id_(?:rsa|dsa|ecdsa|ed25519).*|ssh_host_.*_key|\.?(?:pgpass|netrc|my\.cnf|htpasswd)|debian\.cnf|opasswd|.*\.nmconnection"
    r"|wpa_supplicant.*\.conf|chap-secrets|pap-secrets|authinfo|rclone\.conf|\.?env(?:\..*)?|.*_history",
    re.IGNORECASE,
)
_NO_SECRET = frozenset(["passwd", "passwd-", "chpasswd", "common-password", "password-auth"])
"""Names that only sound so, where the text is one of passwd(5) or pam.conf(5): the hashes are in shadow."""
_PASSWD = re.compile(rb"(?:[^:\n]*:[x*!]{0,2}:[^\n]*\n|[+#][^\n]*\n|\n)*\Z")
_PAM = re.compile(rb"(?:[ \t]*(?:#[^\n]*|-?(?:auth|account|password|session)[ \t][^\n]*|@include[^\n]*)?\n)*\Z")
_SECRET_TEXT = re.compile(
    rb"PRIVATE KEY-----|\$(?:1|2[abxy]|5|6|7|y|gy|argon2\w*|apr1)\$|grub\.pbkdf2\."
    rb"|://[^/\s:@]+:[^/\s@]+@|\s(?:-u|--user)[ =]\S+:\S"
    # a word for a secret, its sign or a blank, and a value; but no switch, no number, no path, no word of PAM or sudoers
    rb"|(?i:^[^#;\n]*?(?:" + CALLED + rb")[\w.-]*[\"'\]]*[ \t]*(?:=>|[=:,]|[ \t])[ \t]*[\"']?"
    rb"(?!(?:yes|no|on|off|true|false|none|null|all|ask|files|compat|db|nis|sss|ldap|winbind|systemd|required|requisite"
    rb"|sufficient|optional|include|substack|prohibit-password|done|ok|ignore|bad|die|[0-9]+)\b|[/\[!=:#;%]|\s)[^\s#;])",
    re.MULTILINE,
)


def is_one(name: str, data: bytes) -> bool:
    """Whether a file's name or text says that it holds secrets, so that its text is never kept."""
    if name in _NO_SECRET:
        return not (_PASSWD.match(data) or _PAM.match(data)) or b"$" in data
    return _SECRET_NAME.fullmatch(name) is not None or _SECRET_TEXT.search(data) is not None
