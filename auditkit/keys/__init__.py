"""SSH keys: what a public key is, which lines let it in and under which conditions, and what of a private one may be told.

Nothing here meets a machine. `wire` has the bytes that a key is made of, `public` says what key they are, `authorized`
reads the lines of authorized_keys as sshd does, `use` whether such a line has an effect on a given host.
"""
