"""OpenVPN and PPP: who came into the network. Source: ssl.c and multi.c of OpenVPN 2.3 to 2.6, auth.c of pppd, pptpd.

The address stands in front; the name of a certificate is one that the owner of the server signed.
"""

from auditkit.logins.grammar.forms import IP, PORT, grammar, noise, says
from auditkit.logins.nouns import PAM, What

PEER = rf"(?:udp[46]?:|tcp[46]?-?\w*:)?\[?(?:AF_INET6?\])?{IP}\]?:{PORT}"
openvpn = grammar(
    says(What.ACCEPTED, "", rf"{PEER} \[(?P<user>[^\[\]]*)\] Peer Connection Initiated with .*", method="publickey"),
    says(What.FAILED, "", rf"{PEER} (?:\[[^\[\]]*\] )?TLS Auth Error: Auth Username/Password verification failed for peer",
         method="password"),
    says(What.PARTIAL, "",
         rf"{PEER} TLS: Username/Password authentication succeeded for username '(?P<user>.*)'(?: \[CN SET\])?\s*",
         method="password"),
    says(What.DENIED, "", rf"{PEER} (?:\[[^\[\]]*\] )?TLS Auth Error: (?P<detail>.*)"),
    says(What.SCANNED, "", rf"{PEER} (?:VERIFY ERROR|TLS Error|WARNING: Bad encapsulated packet length).*"),
    says(What.FAILED, "PLUGIN AUTH-PAM: BACKGROUND: user '", r"(?P<user>.*)' failed to authenticate: .*", method=PAM),
    *noise(""),
)  # fmt: skip
"""What a message of OpenVPN says."""
ppp = grammar(
    says(What.ACCEPTED, "", r"(?:PAP|CHAP|MSCHAP|MSCHAP-v2|EAP|TLS) peer authentication succeeded for (?P<user>.*)",
         method="password"),
    says(What.FAILED, "", r"(?:PAP|CHAP|MSCHAP|MSCHAP-v2|EAP|TLS) peer authentication failed for (?:remote host )?(?P<user>.*)",
         method="password"),
    says(What.FAILED, "Peer ", r"(?P<user>.*) failed (?:CHAP|MSCHAP|MSCHAP-v2) authentication", method="password"),
    says(What.CONNECTED, "CTRL: Client ", rf"{IP} control connection started"),
    *noise(""),
)  # fmt: skip
"""What a message of pppd and pptpd says."""
