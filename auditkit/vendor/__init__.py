"""The vendor's word on what a package ships: signatures, signed lists, the packages themselves, and what was learnt of them.

keyring -> InRelease (gpgv, release) -> Packages (lists) -> .deb (debs, deb) -> manifest (manifests); chain is all of it.

Nothing here knows of hosts: bytes, paths and open files in, the nouns of packages/ out. Each step believes only what the
step before it has proved, so the lists, the packages and the mirror may come from anywhere, the audited host included;
the keyrings must not: they are the auditor's.
"""
