"""Who really gets in, and whether auditkit says so: rows of settings, each a Debian of its own with a real sshd and PAM.

`rows` reads them, `system` makes a row a machine of the fleet, `clients` logs in, `inside` has auditkit look at it, and
`verdict` is what auditkit says.
"""
