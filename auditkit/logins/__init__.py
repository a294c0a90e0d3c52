"""Did they get in: what the sources of a machine say of logins, joined to a verdict on three axes.

`formats` has one line per format of a source; `grammar` one per program that writes of logins into a log.
"""
