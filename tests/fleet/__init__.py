"""A real fleet for tests: machines with their own network, processes, users and files, made of namespaces.

`images` builds what they run from Debian's own packages, `machines` brings them up and takes them down. By hand, as root:
`python tests/fleet up py:2 nopy:1 bb:1`.
"""
