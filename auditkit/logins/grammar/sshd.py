"""sshd of OpenSSH 4 to 10, sshd-session and sshd-auth with it: who came from where, with what, and whether he got in.

Three facts of its source hold the grammar up:

* A user name never holds a colon: auth2.c cuts it at the first one. So of `Failed password for U from IP port N ssh2: ...`
  all before the first `ssh2:` is sshd's own but U, which ends at the last ` from `; what follows may be the client's choice
  again (the ID of a certificate).
* Control characters are written as `\\n` or `\\033`, so nobody can begin a line, or a message, of his own.
* A message is cut after 500 characters. A name may be up to 200 of them, most of which grow to five when they are written, so
  whoever connects can push his own address off the end and leave another one, which he chose, as the last to be seen; blanks
  that journald takes off the end hide some 90 of the 500. A message that may be cut is believed in what stands before a colon
  of sshd's own, and otherwise only in how it begins: its address is that of the connection.
"""

import re

from auditkit.logins.grammar.forms import grammar, noise, says
from auditkit.logins.nouns import PAM, Said, What

ENDS = 500
"""Characters after which sshd cuts a message: `%.500s` in log.c."""
MAY_END = 380
"""What can be left of a message that was cut, with a name of 200 characters, once blanks are off its end."""
UNKNOWN = "UNKNOWN"
"""What sshd writes for an address that it cannot ask for any more."""
PREFIXES = ("error: ", "fatal: ", "log: ")
STAGES = (" [preauth]", " [postauth]")


def beginnings(text: str) -> tuple[str, ...]:
    """What stands between bars."""
    return tuple(" ".join(text.split()).split(" | "))


GIBBERISH = beginnings("""
kex_exchange_identification: | ssh_exchange_identification: | Protocol major versions differ | banner exchange: |
Unable to negotiate | no matching | no hostkey alg | Read from socket failed | Read error from remote host | Write
failed | Connection closed by remote host | Connection reset by peer | padding error | ssh_dispatch_run_fatal:
""")
"""How messages begin of clients that spoke something else than SSH, or nothing."""
OF_NO_INTEREST = beginnings("""
Postponed | Accepted host | Accepted by | Accepted for | Received disconnect | SSH: Server; | Address | reverse
mapping checking getaddrinfo for | Nasty PTR record | User child is on pid | Received signal | Received SIG | Exiting
on signal | Set /proc/self/oom_ | subsystem request for | input_userauth_request: | userauth_ | debug1: | debug2: |
debug3: | debug: | Authentication refused | in MaxStartups throttling for | Root login accepted for forced command |
could not load host key | Bind to port | Cannot bind any address | Missing privilege separation directory | Generating
| RSA key generation | Deprecated option | rexec line | reprocess config line | command-line line |
Timeout, client not responding | channel | chan_ | connect_to | error reading from | Local disconnected | Killed by
signal | session_ | session | Failed to release session | Failed to disconnect from controlling tty | Attempt to write
login records | syslogin_ | lastlog_ | no more sessions | Environment variable | Ignoring | mm_ | monitor_ |
ssh_packet_ | packet_ | Failed to allocate internet-domain X11 | Authorized to | Kerberos | GSSAPI | Allocated port |
Bad packet length | AuthorizedKeysCommand | AuthorizedPrincipalsCommand | Changed root directory to | Corrupted MAC on
input | Disabling protocol version | sshd re-exec | sshd: no hostkeys | PAM service(sshd) ignoring | Client protocol
version | Enabling compatibility mode | rekeyed | Subsystem | terminating inactive connection | Keyboard-interactive
(PAM) userauth failed | PAM: | key_ | buffer_ | sshpkt_ | X11 | auth_rhosts | server_input | Received request from |
Rhosts authentication refused | tcpip-forward | refused local port forward | Transferred: | Closing connection to |
restricted | bad ownership or modes | Starting sshd | sshd startup | sshd shutdown | kex protocol error | Hm, kex
protocol error | Hm, dispatch protocol error | dispatch_protocol_error | Bad prime | auth2_ | parse_ | privsep |
preauth child | Privilege separation | Could not | Connection lost | Certificate | Refused by | Refusing | Invalid
certificate | CA | User ' | Server has | Unable to | Excess permission | Inconsistent authentication options | Running
| No user for Authorized | Allocating | Agent forwarding | PAM session not opened | No xauth program | Password change
required | WARNING: Your password has expired | Protocol error | Forked child | This service allows
""")
"""How messages begin that say nothing of who came in; whoever connects chose none of these words."""
WHO = r"(?:(?:invalid|illegal) user )?(?P<user>[^:]*)"
ADDRESS = r"(?P<address>[0-9A-Za-z_.:%-]+)"
PORT = r"(?: port (?P<port>[0-9]{1,5}))?"
FROM = rf"{WHO} from {ADDRESS}{PORT}(?: on [0-9A-Za-z_.:%-]+)?(?: ssh[12])?"
PEER = rf"(?:(?:invalid|authenticating) user (?P<user>[^:]*) (?=[^ ]+ port ))?{ADDRESS}{PORT}"
IN = rf"user (?P<user>[^:]*) {ADDRESS} port (?P<port>[0-9]{{1,5}})"
"""As PEER, of somebody who was in: he is called neither."""
KEY = r"(?:[A-Z0-9-]+ (?P<key>SHA256:[^\s,]+|(?:[0-9a-f]{2}:){15}[0-9a-f]{2}),? ?)?"
"""Its fingerprint, before OpenSSH 6.8 one by MD5."""
GONE = ("Connection closed by ", "Connection reset by ", "Disconnected from ")
METHOD = r"(?P<method>[^ ]+) for "

BEHIND_A_COLON = (
    says(What.FAILED, "Failed ", rf"{METHOD}{FROM}: {KEY}(?P<detail>.*)"),
    says(What.ACCEPTED, "Accepted ", rf"{METHOD}{FROM}: {KEY}(?P<detail>.*)"),
    says(What.PARTIAL, "Partial ", rf"{METHOD}{FROM}: {KEY}(?P<detail>.*)"),
    says(What.ENDED, "Disconnecting ", rf"{IN}: (?P<detail>.*)"),
    says(What.CLOSED, "Disconnecting ", rf"{PEER}: (?P<detail>.*)"),
    says(What.CLOSED, "Received disconnect from ", rf"{ADDRESS} port (?P<port>[0-9]{{1,5}}):(?P<detail>[0-9]+:.*)"),
    says(What.CLOSED, "Received disconnect from ", rf"{ADDRESS}: (?P<detail>[0-9]+:.*)"),
    says(What.SCANNED, "banner exchange: Connection from ", rf"{PEER}: (?P<detail>.*)"),
    says(What.ENDED, "ssh_dispatch_run_fatal: Connection from ", rf"{IN}: (?P<detail>.*)"),
    says(What.SCANNED, "ssh_dispatch_run_fatal: Connection from ", rf"{PEER}: (?P<detail>.*)"),
    says(What.SCANNED, "Unable to negotiate with ", rf"{PEER}: (?P<detail>.*)"),
    says(What.SCANNED, "Protocol major versions differ for ", rf"{PEER}: (?P<detail>.*)"),
    says(What.ENDED, "Read error from remote host ", rf"{IN}: (?P<detail>.*)"),
    says(What.CLOSED, "Read error from remote host ", rf"{PEER}: (?P<detail>.*)"),
    says(What.CLOSED, "Connection from ", rf"{PEER}: (?P<detail>.*)"),
)
"""What sshd wrote itself stands before a colon of its own: right even if the end is missing."""
AT_THE_END = (
    says(What.INVALID_USER, "Invalid user ", rf"(?P<user>.*) from {ADDRESS}{PORT}"),
    says(What.INVALID_USER, "Illegal user ", rf"(?P<user>.*) from {ADDRESS}{PORT}"),
    says(What.FAILED, "Failed ", METHOD + FROM),
    says(What.ACCEPTED, "Accepted ", METHOD + FROM),
    says(What.PARTIAL, "Partial ", METHOD + FROM),
    says(What.EXCEEDED, "maximum authentication attempts exceeded for ", FROM),
    says(
        What.FAILED,
        "PAM: ",
        rf"(?P<detail>[\w ]*?) for (?:illegal user )?(?P<user>.*) from {ADDRESS}(?: via [0-9A-Za-z_.:%-]+)?\s*",
        method=PAM,
    ),
    says(What.OPENED, "Starting session: ", rf"(?P<detail>.*) for (?P<user>[^:]*) from {ADDRESS}{PORT}(?: id [0-9]+)?"),
    says(What.ENDED, "Close session: user ", rf"(?P<user>[^:]*) from {ADDRESS}{PORT}(?: id [0-9]+)?"),
)
"""What sshd wrote itself stands at the end, behind a name of at most 100 characters, which cannot both fill a message and
hold another ending."""
AFTER_LONG_WORDS = (
    *(says(What.CLOSED, start, PEER) for start in GONE),
    *(says(What.ENDED, start, IN) for start in GONE),
    says(What.SCANNED, "Bad protocol version identification ", rf"(?P<detail>'.*') from {ADDRESS}{PORT}"),
    says(What.SCANNED, "Did not receive identification string from ", ADDRESS + PORT),
    says(What.SCANNED, "Did not receive identification string"),
    says(What.SCANNED, "Could not write ident string to ", ADDRESS + PORT),
    says(What.SCANNED, "probed from ", rf"{ADDRESS}{PORT} with (?P<detail>.*)"),
    says(What.SCANNED, "scanned from ", rf"{ADDRESS}{PORT} with (?P<detail>.*)"),
)
"""As AT_THE_END, behind up to 200 characters of the client's choice."""
WHOLE = (
    says(What.CONNECTED, "Connection from ", rf"{ADDRESS}{PORT}(?: on [0-9A-Za-z_.:%-]+ port [0-9]+)?(?: rdomain .*)?"),
    says(What.CONNECTED, "connect from ", rf".* \({ADDRESS}\)"),
    says(What.CONNECTED, "connect from ", ADDRESS),
    says(What.LISTENING, "Server listening on ", r"(?P<detail>.*?)\.?"),
    says(What.DENIED, "User ", rf"(?P<user>.*) from {ADDRESS} not allowed because (?P<detail>.*)"),
    says(What.DENIED, "User ", r"(?P<user>.*) not allowed because (?P<detail>.*)"),
    says(What.DENIED, "User ", r"(?P<user>.*) (?P<detail>password has expired.*)"),
    says(What.DENIED, "Account ", r"(?P<user>.*) (?P<detail>has expired)"),
    says(What.DENIED, "Login restricted for ", r"(?P<user>.*?): (?P<detail>.*)"),
    says(What.DENIED, "ROOT LOGIN REFUSED FROM ", ADDRESS + PORT, user="root"),
    says(What.DENIED, "Authentication key ", rf"{KEY}(?P<detail>revoked by .*)"),
    says(What.DENIED, "WARNING: authentication attempt with a revoked ", rf"{KEY}(?P<detail>.*)"),
    says(What.CREDENTIAL_HELD, "Access denied for user ", r"(?P<user>.*) (?P<detail>by PAM account configuration)"),
    says(What.CLOSED, "Timeout before authentication for connection from ", rf"{ADDRESS} to .*"),
    says(What.CLOSED, "Timeout before authentication for ", rf"{ADDRESS}{PORT}\.?"),
    says(What.CLOSED, "Timeout before authentication", r".*"),
    says(What.EXCEEDED, "Disconnecting: Too many authentication failures for ", r"(?P<user>.*)"),
    says(What.REFUSED, "refused connect from ", rf".* \({ADDRESS}\)"),
    says(What.REFUSED, "refused connect from ", ADDRESS),
    says(What.REFUSED, "Connection refused by tcp wrapper"),
    says(
        What.REFUSED,
        "drop connection #",
        rf"[0-9]+ from \[{ADDRESS}\]:(?P<port>[0-9]+) on \[[^\]]*\]:[0-9]+ (?P<detail>.*)",
    ),
    says(What.REFUSED, "beginning MaxStartups throttling", detail="MaxStartups"),
    says(What.REFUSED, "srclimit_penalise: ", rf"(?:ipv[46]: new )?{ADDRESS}/[0-9]+:? (?P<detail>.*)"),
    says(What.UNLOGGED, "PerSourcePenalties logging rate-limited: additional ", r"(?P<times>[0-9]{1,9}) connections dropped"),
    says(What.UNLOGGED, "exited MaxStartups throttling after ", r".*, (?P<times>[0-9]{1,9}) connections dropped"),
    says(What.KEY_FOUND, "Accepted key ", rf"{KEY}found at (?P<detail>.*)"),
    says(What.KEY_FOUND, "Found matching ", r"[A-Z0-9]+ key: (?P<key>\S+)"),
    says(What.KEY_FOUND, "Accepted certificate ", r"(?P<detail>ID .*)"),
    says(What.KEY_FOUND, "Accepted ", r"[A-Z0-9-]+ public key (?P<key>\S+) from (?P<detail>.*)"),
    *(says(What.SCANNED, start, r"\s*(?P<detail>.*)") for start in GIBBERISH),
    # macOS keeps its records of sessions so: `sshd: anna [priv][421]: USER_PROCESS: 424 ttys001`
    says(What.OPENED, "", r"(?P<user>[^:\[]*?) \[priv\]\[[0-9]+\]: USER_PROCESS: [0-9]+ (?P<detail>\S+)"),
    says(What.NOISE, "", r"[^:\[]*? \[priv\]\[[0-9]+\]: DEAD_PROCESS: [0-9]+ \S+"),
    says(What.FAILED, "PAM: ", r"(?:[Aa]uthentication (?:failure|error)|User not known .*?|unknown user) for .*", method=PAM),
    says(What.NOISE, "/etc/ssh/", r"\S+ line [0-9]+: .*"),
    *noise(*OF_NO_INTEREST),
)
"""What holds no name but one of an account, or nothing that a client chose."""
HOW_IT_BEGINS = (
    says(What.ACCEPTED, "Accepted ", rf"{METHOD}(?P<detail>.*)"),
    says(What.FAILED, "Failed ", rf"{METHOD}.*"),
    says(What.INVALID_USER, "Invalid user ", r".*"),
    says(What.EXCEEDED, "maximum authentication attempts exceeded for ", r".*"),
    *(
        says(What.CLOSED, start, r".*")
        for start in (
            "Connection closed by ",
            "Connection reset by ",
            "Disconnected from ",
            "Disconnecting",
            "Connection from ",
        )
    ),
    says(What.SCANNED, "Bad protocol version identification ", r".*"),
)
"""What a message still says when its end is missing, or is none that is known."""
HELD = grammar(
    says(
        What.KEY_HELD,
        "Authentication tried for ",
        rf"(?P<user>.*?) with correct key but not from a permitted host \(host=\S*, ip={ADDRESS}(?P<detail>\W.*)",
    ),
    says(
        What.KEY_HELD,
        "Authentication tried for ",
        rf"(?P<user>.*?) with (?P<detail>valid certificate) but not from a permitted source address \({ADDRESS}\W.*",
    ),
    says(What.KEY_HELD, "Authentication tried for ", r"(?P<detail>.*)"),
)
"""Messages that begin with a line of a file: `/root/.ssh/authorized_keys:3: Authentication tried for root with correct key`."""
TRIED = ": Authentication tried for "
LINE = re.compile(r".*:[0-9]+", re.DOTALL).fullmatch

FORMS = (*BEHIND_A_COLON, *AT_THE_END, *AFTER_LONG_WORDS, *WHOLE, *HOW_IT_BEGINS)
_SHORT = grammar(*FORMS)
_LONG = grammar(*BEHIND_A_COLON, *AT_THE_END, *WHOLE, *HOW_IT_BEGINS)
_CUT = grammar(*BEHIND_A_COLON, *WHOLE, *HOW_IT_BEGINS)


def parse(message: str) -> Said | None:
    """What a message of sshd says; see the module for how far a long one is believed."""
    size = len(message)
    grasp = _SHORT if size < MAY_END else _LONG if size < ENDS else _CUT
    words = bare(message)
    said = grasp(words) or held(words)
    if said and said.address == UNKNOWN:  # the connection was gone when sshd asked who it was
        return said._replace(address=None, port=None)
    return said


def bare(message: str) -> str:
    """A message without how grave it is, and in which stage of a login it was written."""
    for prefix in PREFIXES:
        message = message.removeprefix(prefix)
    for stage in STAGES:
        message = message.removesuffix(stage)
    return message


def held(words: str) -> Said | None:
    """Whether somebody holds a key that he may not use from where he is; of old sshd wrote no file before it."""
    place, tried, rest = words.partition(TRIED)
    if tried and LINE(place):
        said = HELD(TRIED[2:] + rest)
        return said and said._replace(detail=f"{place}{'' if said.detail[:1] == ',' else ' '}{said.detail}".rstrip())
    return HELD(words)
