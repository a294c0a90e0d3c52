"""`auditkit completion SHELL`: what makes a shell complete words of auditkit."""

from importlib import resources

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
def command(shell: str) -> None:
    """Print what makes a shell complete words of auditkit: commands, options, hosts, rules, cases.

    For bash, write `eval "$(auditkit completion bash)"` into ~/.bashrc; for zsh the same with zsh into ~/.zshrc, below
    compinit; for fish, run `auditkit completion fish > ~/.config/fish/completions/auditkit.fish`.

    Nothing is contacted to complete a word.
    """
    click.echo(script(shell), nl=False)


def script(shell: str) -> str:
    """The text that the shell reads."""
    return resources.files("auditkit.commands").joinpath(f"completion.{shell}").read_text("utf-8")
