"""What a line says that starts something, where honest ones hardly ever say it: each with the reason."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.model import Severity

LONGEST, OVERLAP = 1000, 300
"""Characters of a line that are looked at in one go, and how many of them once more in the next."""
_BLANKS = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, and what they do."""

    pattern: re.Pattern[str]
    does: str
    severity: Severity = Severity.HIGH


def _phrase(does: str, *patterns: str, severity: Severity = Severity.HIGH) -> Phrase:
    return Phrase(re.compile("|".join(patterns)), does, severity)


_START = (
    r"(?:^\s*(?:Exec\w*\s*=\s*[-@:+!|]*|(?:[-*0-9,/]+\s+){5}(?:\w+\s+)?|@\w+\s+(?:\w+\s+)?)?|[;&|`(]\s*|\bRUN(?:\{\w+\})?\+?=\s*\"?"
    r"|(?:^|\s)\.\s+|Invoke\s*\{?\s*\"|pam_exec\.so\s+(?:\w+\s+)*|\|\s*\"?"
)
_RUNS = (
    _START + r"|(?:^|[\s;&|(/\"'=])(?:sh|bash|dash|zsh|python[0-9.]*|perl|ruby|php|exec|nohup|setsid|source|env|sudo)"
    r"\s+(?:-\w+\s+)*[\"']?)"
)
_EVERYBODYS = r"(?:/tmp|/var/tmp|/dev/shm|/run/user)/+[^\s;|&\"')]"
_FETCH = r"\b(?:curl|wget|fetch|lwp-download)\b"
_SHELL = r"(?:/(?:usr/)?bin/)?(?:ba|da|z|k|a)?sh\b"
_SCRIPT = r"(?:python[0-9.]*|perl|ruby|php[0-9.]*|lua|node)"

PHRASES: tuple[Phrase, ...] = (
    _phrase("opens a connection as a file of the shell", r"/dev/(?:tcp|udp)/[\w.$@{]"),
    _phrase(
        "hands a shell to a connection, or listens for one",
        r"\b(?:nc|ncat|netcat|nc\.\w+)\b[^\n;|]*\s-\w*[ecl]\w*\b",
        r"\bsocat\b[^\n]*(?:EXEC|SYSTEM|exec|system):",
        r"\A(?=.*\bmkfifo\b)(?=.*\|).*\b(?:nc|ncat|telnet|openssl)\b",
        r"\btelnet\b[^\n|]*\|\s*" + _SHELL,
        r"\bopenssl\s+s_client\b[^\n]*\|\s*" + _SHELL,
    ),
    _phrase(
        "runs what it has just fetched",
        _FETCH + r"[^\n]*\|\s*(?:sudo\s+)?(?:" + _SHELL + "|" + _SCRIPT + r"\b)",
        r"(?:" + _SHELL + r"|eval|source)\s[^\n]*[<$`]\(?\s*" + _FETCH,
        _FETCH + r"[^\n]*(?:&&|;)\s*(?:chmod\s+\S+\s+\S+\s*(?:&&|;)\s*)?(?:" + _SHELL + r"\s|\./|/tmp/|/var/tmp/|/dev/shm/)",
    ),
    _phrase(
        "runs what was hidden by an encoding",
        r"\bbase(?:64|32)\s+(?:-\w*[dD]|--decode)\b[^\n]*\|",
        r"\b(?:eval|exec)\b[^\n]*(?:b64decode|base64|fromhex|decompress|gzinflate)",
        r"\bxxd\s+-\w*r\w*\b[^\n]*\|",
        r"\becho\s+-\w*e\w*\s+[\"']?(?:\\x[0-9a-f]{2}){8}",
    ),
    _phrase(
        "opens a connection in one line of a script",
        r"\b" + _SCRIPT + r"\b[^\n]*\s-\w*[ecr]\w*\b[^\n]*(?:socket|pty\.spawn|fsockopen|TCPSocket|Socket\b)",
        r"\A(?=.*\bimport\b)(?=.*\bsocket\b).*\b(?:subprocess|dup2|pty)\b",
    ),
    _phrase("starts a shell that talks to somebody", r"\b(?:ba|da|z|k)?sh\s+-i\b[^\n]*(?:[<>]&|>\s*/dev|\|)"),
    _phrase("runs what lies where everybody may write", _RUNS + _EVERYBODYS + r"(?![^\n]*\{\s*$)"),
    _phrase(
        "runs what is in a hidden directory of the system",
        _RUNS + r"/(?:usr|etc|var|lib|dev|opt|bin|sbin|run)/(?:[^\s;|&\"']*/)?\.[\w. -][^\s;|&\"'/]*(?=/|\s|$|[;|&\"'])",
    ),
    _phrase(
        "makes a program setuid",
        r"\bchmod\s+(?:-\w+\s+)*(?:[ugoa]*\+[rwx]*s|0?[2467][0-7]{3}\s)[^\n]*(?:/(?:ba|da|z|k)?sh\b|/tmp/|/var/tmp/|/dev/shm/|\bsuid|rootbash)",
        r"\bsetcap\b[^\n]*cap_(?:setuid|setgid|dac_override|sys_admin|sys_ptrace)",
    ),
    _phrase(
        "adds an account, a key or a right",
        r">>?\s*\S*(?:/etc/(?:passwd|shadow|sudoers|sudoers\.d/\S+|crontab|ld\.so\.preload)|authorized_keys2?)\b",
        r"\b(?:useradd|usermod|adduser)\b[^\n]*(?:-o\b[^\n]*-u\s*0|-u\s*0\b|-\w*G\s*\S*(?:sudo|wheel|root))",
        r"\becho\b[^\n|]*\|\s*(?:chpasswd|passwd\s+--stdin|tee\s+-a\s+\S*(?:/etc/(?:passwd|shadow|sudoers)|authorized_keys))",
    ),
    _phrase("loads a library before all others", r"\bLD_(?:PRELOAD|AUDIT)\s*=\s*[\"']?[^\s\"';]", severity=Severity.MEDIUM),
    _phrase(
        "takes the place of a program that is given passwords",
        r"\balias\s+(?:sudo|su|ssh|doas|passwd|scp|pkexec)\s*=",
        r"^\s*(?:function\s+)?(?:sudo|su|ssh|doas|passwd|pkexec)\s*\(\)",
        severity=Severity.MEDIUM,
    ),
    _phrase(
        "keeps what is typed from being written down",
        r"\bHISTFILE\s*=\s*[\"']?(?:/dev/null|[\"']?\s*(?:$|;))",
        r"\bunset\s+[^\n;]*\bHISTFILE\b",
        r"\bHISTSIZE\s*=\s*[\"']?0\b",
        r"\bset\s+\+o\s+history\b",
        r"\bhistory\s+-c\b",
        severity=Severity.MEDIUM,
    ),
    _phrase(
        "turns off who watches",
        r"\b(?:auditctl\s+-[De]\b|setenforce\s+0|systemctl\s+(?:stop|disable|mask)\b[^\n]*\b(?:auditd|rsyslog|systemd-journald|fail2ban|crowdsec|falco|wazuh))",
        r"\b(?:chattr\s+\+i)\b",
        r"\b(?:shred|rm)\b[^\n]*/var/log/",
        severity=Severity.MEDIUM,
    ),
    _phrase("holds a long text that is encoded", r"[A-Za-z0-9+/]{240,}={0,2}", severity=Severity.MEDIUM),
)
"""What lines of every kind of file may say."""

PAGES: tuple[Phrase, ...] = (
    _phrase(
        "runs what a request says",
        r"\b(?:eval|assert|system|passthru|shell_exec|popen|proc_open|pcntl_exec|exec|create_function)\s*\(\s*(?:@?\s*\w+\s*\(\s*)*@?\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)",
        r"`\s*\$_(?:GET|POST|REQUEST|COOKIE)",
        r"\$_(?:GET|POST|REQUEST|COOKIE)\s*\[[^\]]*\]\s*\(",
        r"Runtime\.getRuntime\(\)\.exec\(\s*request\.",
        r"Process\.Start\([^)]*Request",
        r"(?:include|require)(?:_once)?\s*\(?\s*@?\$_(?:GET|POST|REQUEST|COOKIE)",
    ),
    _phrase(
        "runs what was hidden by an encoding",
        r"\b(?:eval|assert|create_function)\s*\(\s*(?:@?\s*\w+\s*\(\s*)*(?:base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin|strrev)\s*\(",
        r"preg_replace\s*\(\s*[\"']([/#~]).{0,200}\1\w*e\w*[\"']",
    ),
)
"""What pages say that run programs for whoever asks."""


def said(line: str, phrases: tuple[Phrase, ...] = PHRASES) -> Iterator[Phrase]:
    """Yield what a line says of these, however far to the right it says it."""
    for phrase in phrases:
        if any(phrase.pattern.search(piece) for piece in _pieces(line)):
            yield phrase


def _pieces(line: str) -> Iterator[str]:
    """Yield a line in pieces that overlap: to search a long one takes more than its share of time. Blanks are one blank."""
    text = _BLANKS.sub(" ", line) if len(line) > LONGEST else line
    for at in range(0, max(1, len(text) - OVERLAP), LONGEST - OVERLAP):
        yield ("x" if at else "") + text[at : at + LONGEST]  # where a piece begins no line does
