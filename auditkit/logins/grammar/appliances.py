"""Boxes that are bought whole: NAS of QNAP and Synology, firewalls with pfSense and OPNsense, Proxmox, a Mac's shared screen.

They tell of logins at their web page (and, NAS, of SSH, FTP and shares) in lines of their own. The name is what was typed, and
stands before the address, but at Proxmox, where it stands behind. Source: lines of QTS 4 and 5, DSM 6 and 7; auth.inc of
pfSense and OPNsense; AccessControl of Proxmox VE; macOS 10.11 to 13.
"""

from auditkit.logins.grammar.forms import HOST, IP, grammar, noise, says
from auditkit.logins.nouns import What

AT = rf", Source IP: {IP}, Computer name: [^,]*, Connection type: (?P<detail>[^,]*), Accessed resources: [^,]*, Action: "
qnap = grammar(
    says(What.ACCEPTED, "conn log: Users: ", rf"(?P<user>.*){AT}Login (?:OK|Success)\.?", method="password"),
    says(What.FAILED, "conn log: Users: ", rf"(?P<user>.*){AT}Login Fail(?:ed|ure)?\.?", method="password"),
    says(What.NOISE, "conn log: ", r".*, Action: (?!Login)[\w -]+\.?"),
    *noise("event log: ", "err log: ", "error log: ", "["),
)
"""What a message of qulogd says, of old qlogd."""
FROM = rf"(?P<user>.*)\] from \[{IP}\] "
synology = grammar(
    says(What.ACCEPTED, "User [", rf"{FROM}logged in successfully via \[(?P<detail>[^\]]*)\]\.?", method="password"),
    says(
        What.ACCEPTED, "User [", rf"{FROM}signed in to \[(?P<detail>[^\]]*)\] successfully via \[[^\]]*\]\.?", method="password"
    ),
    says(What.FAILED, "User [", rf"{FROM}failed to log in via \[(?P<detail>[^\]]*)\] due to .*", method="password"),
    says(What.FAILED, "User [", rf"{FROM}failed to sign in to \[(?P<detail>[^\]]*)\] via .*", method="password"),
    says(What.NOISE, "User [", rf"{FROM}(?:via \[[^\]]*\] )?(?:logged out|signed out|accessed|disconnected).*"),
    says(What.REFUSED, "Host [", rf"{IP}\] (?P<detail>failed to connect via .*|was blocked via .*)"),
)
"""What a message says that DSM writes of connections."""
PAGE = r"\S+\.php: "
NAMED = rf"'(?P<user>.*)' from:? {IP}(?: \(.*\))?\.?"
firewall = grammar(
    says(What.ACCEPTED, "/", rf"{PAGE}Successful (?:webConfigurator )?login for user {NAMED}", method="password"),
    says(What.FAILED, "/", rf"{PAGE}(?:webConfigurator|Web GUI) authentication error for (?:user )?{NAMED}", method="password"),
    says(What.ENDED, "/", rf"{PAGE}User logged out for user {NAMED}"),
    *noise(""),
)
"""What a message says of the web page of pfSense (`php-fpm`) or OPNsense (`audit`)."""
RIGHT = r"(?P<user>.*?)(?:@pam)?'\.?"
"""Accounts of the realm `pam` are those of the machine."""
proxmox = grammar(
    says(What.ACCEPTED, "successful auth for user '", RIGHT, method="password"),
    says(What.ACCEPTED, "<", rf"[^<>\s]*> successful auth for user '{RIGHT}", method="password"),
    says(What.FAILED, "authentication failure; rhost=", rf"\[?{IP}\]?(?::[0-9]+)? user=(?P<user>.*?)(?:@pam)? msg=.*",
         method="password"),
    *noise(""),
)  # fmt: skip
"""What a message of pvedaemon, pveproxy and the like says; a login's address is in the log of the web server alone."""
VIEWER = rf"(?P<user>.*) :: Viewer Address: {HOST} :: Type: .*"
screen_sharing = grammar(
    says(What.ACCEPTED, "Authentication: SUCCEEDED :: User Name: ", VIEWER, method="password"),
    says(What.FAILED, "Authentication: FAILED :: User Name: ", VIEWER, method="password"),
    says(What.UNKNOWN, "Authentication: ", ".*"),
    *noise(""),
)
"""What a message of screensharingd says."""
