"""What sshd would do with a configuration, without sshd: for disks and evidence, where nobody can ask `sshd -T -C`."""
