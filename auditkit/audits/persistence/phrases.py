"""What a line says that starts something, where honest ones hardly ever say it: each with the reason."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditkit.model import Severity

LONGEST, OVERLAP = 1000, 300
"""Characters of a line that are looked at in one go, and how many of them once more in the next."""
_BLANKS = re.compile(r"[^\S\n]+")
_SPLIT = re.compile(r"(?<=\w)(?:\'\'|\"\")(?=\w)|(?<=[a-z])\\(?=[a-z])|(?<=[a-z])\$[@*](?=[a-z])")
"""What a shell leaves out, and whoever hides a word puts into it: c''url, b\\ash, w$@get."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, and what they do."""

    pattern: re.Pattern[str]
    does: str
    severity: Severity = Severity.HIGH


def _phrase(does: str, *patterns: str, severity: Severity = Severity.HIGH) -> Phrase:
    return Phrase(re.compile("|".join(patterns)), does, severity)


_SETS = (
    r"\b(?:SHELL|BASH_ENV|ENV|ZDOTDIR|PYTHONSTARTUP|PYTHONPATH|PERL5LIB|NODE_OPTIONS|GIT_SSH\w*|LD_LIBRARY_PATH|PAGER|EDITOR|MANPAGER"
    r"|Environment(?:File)?|RootDirectory|RootImage|Bind(?:ReadOnly)?Paths|Extension(?:Images|Directories)|MountImages|hooks[pP]ath"
    r"|fsmonitor|binary|server|argv|dynamic_path|auto_(?:ap|pre)pend_file|core_pattern|modprobe)\s*[= ]\s*"
)
"""Settings that name what is run or loaded."""
OF_TUNNELS = (
    r"(?:(?:post-|pre-)?(?:up|down)\s+|(?i:(?:pre|post)(?:up|down)\s*=\s*)|(?:route-up|route-pre-down|ipchange|iproute|plugin"
    r"|client-connect|client-disconnect|client-crresponse|learn-address|auth-user-pass-verify|tls-verify|tls-crypt-v2-verify)\s+)"
)
"""What names a program in interfaces(5), wg-quick(8) and openvpn(8)."""
_START = (
    r"(?:^\s*(?:Exec\w*\s*=\s*[\"']?[-@:+!|]*|(?:[-*0-9,/]+\s+){5}(?:\w+\s+)?|@\w+\s+(?:\w+\s+)?|[0-9]+\s+[0-9]+\s+\S+\s+"
    r"|" + OF_TUNNELS + r"[\"']?|(?i:use_?askpass)\s*=\s*|(?:install|remove)\s+\S+\s+|[^:\s]*:\w*:\w+:"
    r"|(?:extend|pass|pass_persist)\s+\S+\s+|path\s*=\s*"
    r"|\\!\s*|pinentry-program\s+|(?:Path|Plugin)\s+\w+\s+)?"
    r"|[;&|`(^]\s*|\bRUN(?:\{\w+\})?\s*\+?=\s*\"?|(?:^|\s)\.\s+|Invoke\s*\{?\s*\"|pam_exec\.so\s+(?:\w+\s+)*|\|\s*\"?"
    r"|:include:\s*|\b(?:system|popen|Popen|run|call|spawn|shell-command|program)\s*\(?\[?\s*[\"']|" + _SETS + r"[\"'|-]*"
)
_RUNS = (
    _START + r"|(?:^|[\s;&|(/\"'=])(?:sh|bash|dash|zsh|python[0-9.]*|perl|ruby|php|exec|nohup|setsid|source|env|sudo)"
    r"\s+(?:-\w+\s+)*[\\\"']{0,2})"
)
_EVERYBODYS = r"/{0,3}(?:/tmp|/var/tmp|/dev/shm|/run/user)/+[^\s;|&\"')]"
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
        _FETCH + r"(?:(?!\s-\w{0,9}[oO])[^\n;&|])*\s-\w{0,9}[oO]\w{0,9}[ =]?[\"']?(?P<file>[/~$][^\s\"';&|]+)"
        r"[^\n]*[;&]\s*(?:(?:sudo|nohup|exec|setsid|source|\.|(?:ba|da|z)?sh|"
        + _SCRIPT
        + r"|chmod\s+(?:[augo]*\+[rw]*x|0?7[0-7]{2}))"
        r"\s+)*[\"']?(?P=file)",
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
        r"\A(?=.*\bimport\b)(?=.*\bsocket\b)(?=.*;).*\b(?:subprocess|dup2|pty)\b",
    ),
    _phrase("starts a shell that talks to somebody", r"\b(?:ba|da|z|k)?sh\s+-i\b[^\n]*(?:[<>]&|>\s*/dev|\|)"),
    _phrase(
        "gives a shell to whoever connects",
        r"^\s*Exec\w*\s*=\s*[-@:+!|]*" + _SHELL + r"\s+-i\s*$",
        r"^\s*\w+\s+(?:stream|dgram)\s[^#\n]*\s" + _SHELL,
        r"^\s*server\s*=\s*" + _SHELL + r"\s*$",
    ),
    _phrase(
        "starts a program for whoever connects",
        r"^\s*[\w@.,* -]+:[^#\n]*:\s*(?:spawn|twist)\s",
        severity=Severity.MEDIUM,
    ),
    _phrase(
        "looks for programs first where everybody may write",
        r"\bPATH\s*=\s*[\"']?(?:\$\{?PATH\}?:)?(?:\.:|" + _EVERYBODYS + ")",
    ),
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
    _phrase(
        "loads a library before all others",
        r"\bLD_(?:PRELOAD|AUDIT)(?:\s+(?:DEFAULT|OVERRIDE))?\s*=\s*[\"']?[^\s\"';]",
        severity=Severity.MEDIUM,
    ),
    _phrase(
        "is root outside of its container",
        r"\bprivileged:\s*true\b",
        r"\bhostPID:\s*true\b",
        r"^\s*PodmanArgs\s*=[^\n]*--privileged",
        r"^\s*Volume\s*=\s*/:",
        severity=Severity.MEDIUM,
    ),
    _phrase(
        "takes the place of a program that is given passwords, or writes down what is typed",
        r"\balias\s+(?:sudo|su|ssh|doas|passwd|scp|pkexec)\s*=",
        r"^\s*(?:function\s+(?:sudo|su|ssh|doas|passwd|pkexec)\b|(?:sudo|su|ssh|doas|passwd|pkexec)\s*\(\))",
        r"\btrap\s+[\"'][^\n]*\bBASH_COMMAND\b[^\n]*>",
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

_GIVEN = r"@?\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)"
PAGES: tuple[Phrase, ...] = (
    _phrase(
        "runs what a request says",
        r"(?i:\b(?:eval|assert|system|passthru|shell_exec|popen|proc_open|pcntl_exec|exec|create_function)\s*\(\s*(?:@?\s*\w+\s*\(\s*)*)"
        + _GIVEN,
        r"`\s*\$_(?:GET|POST|REQUEST|COOKIE)",
        r"\$_(?:GET|POST|REQUEST|COOKIE)\s*\[[^\]]*\]\s*\(",
        r"\$\w+\s*\(\s*(?:@?\s*\w+\s*\(\s*)*@?\$_(?:GET|POST|REQUEST|COOKIE)",
        r"(?i:\b(?:array_map|usort|call_user_func(?:_array)?)\s*\(\s*)@?\$_(?:GET|POST|REQUEST|COOKIE)",
        r"Runtime\.getRuntime\(\)\.exec\(\s*request\.",
        r"Process\.Start\([^)]*Request",
        r"(?i:(?:include|require)(?:_once)?\s*\(?\s*)@?\$_(?:GET|POST|REQUEST|COOKIE)",
        r"\beval\s+[\"']?\$\{?QUERY_STRING",
    ),
    _phrase(
        "runs what was hidden by an encoding",
        r"(?i:\b(?:eval|assert|create_function)\s*\(\s*(?:@?\s*\w+\s*\(\s*)*(?:base64_decode|gzinflate|gzuncompress|str_rot13|hex2bin"
        r"|strrev)\s*\()",
        r"preg_replace\s*\(\s*[\"']([/#~]).{0,200}\1\w*e\w*[\"']",
    ),
    _phrase(
        "runs a file before each page that is none of the site",
        r"\bauto_(?:ap|pre)pend_file\s*[= ]\s*[\"']?(?:" + _EVERYBODYS + r"|\S+\.(?:jpe?g|png|gif|ico|txt|css)\b)",
        r"(?i:^\s*(?:AddType|AddHandler)\s+\S*php\S*\s[^\n]*\.(?:jpe?g|png|gif|ico|txt|css)\b)",
    ),
)
"""What pages say that run programs for whoever asks."""

_TALKS = re.compile(r"\bsocket\b|\bSocket\b|\bTCPSocket\b|\bfsockopen\b")
_AS_SHELL = Phrase(
    re.compile(
        r"\bdup2\s*\(|\bpty\.spawn\b|\bopen\s*\(?\s*STD(?:IN|OUT)\s*,\s*[\"'][<>]&"
        r"|[\"'](?:/usr)?/bin/(?:ba|da|z|k)?sh(?:[\"']\s*,\s*\[?\s*[\"']|\s+)-i\b"
    ),
    "hands a shell to a connection that it opens",
)


def together(lines: Sequence[str]) -> Iterator[tuple[int, Phrase]]:
    """Yield what lines of a script do that is odd only with another of them, each with its place among them."""
    if any(_TALKS.search(line) for line in lines):
        yield from ((at, _AS_SHELL) for at, line in enumerate(lines) if _AS_SHELL.pattern.search(line))


def said(line: str, phrases: tuple[Phrase, ...] = PHRASES) -> Iterator[Phrase]:
    """Yield what a line says of these, however far to the right it says it."""
    texts = dict.fromkeys((line, _SPLIT.sub("", line)))
    pieces = [piece for text in texts for piece in _pieces(text)]
    for phrase in phrases:
        if any(map(phrase.pattern.search, pieces)):
            yield phrase


def _pieces(line: str) -> Iterator[str]:
    """Yield a line in pieces that overlap: to search a long one takes more than its share of time. Blanks are one blank."""
    text = _BLANKS.sub(" ", line) if len(line) > LONGEST else line
    for at in range(0, max(1, len(text) - OVERLAP), LONGEST - OVERLAP):
        yield ("x" if at else "") + text[at : at + LONGEST]  # where a piece begins no line does
