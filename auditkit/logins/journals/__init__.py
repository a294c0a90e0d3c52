"""What systemd's journal holds, however it comes: its binary files, `journalctl -o export` and `-o json`."""
