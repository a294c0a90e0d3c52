"""sudoers(5) and doas.conf(5) as their programs read them: words, grammar, the files that they include, and who is meant."""
