"""Logs of logins as a machine hands them out: found, opened without leaving the root, unpacked, read side by side.

What they say is for `logins` to judge.
"""
