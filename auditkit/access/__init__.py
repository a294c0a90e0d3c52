"""Who may log in where: the evidence of a host as accounts, SSH servers and ways in, judged by nobody yet.

Nothing here meets a machine. `seen` puts together what the rest reads; audits/ssh/ applies the rules.
"""
