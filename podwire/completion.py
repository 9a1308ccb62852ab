"""`podwire completion`: what a shell needs to complete podwire's commands, options and their values."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, /, shell: str) -> None:
    """Print the code that makes a shell complete podwire's commands, options and values.

    \b
    eval "$(podwire completion bash)"      in ~/.bashrc
    eval "$(podwire completion zsh)"       in ~/.zshrc, after compinit
    podwire completion fish | source       in ~/.config/fish/config.fish
    """
    root = context.find_root()
    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(root.command, {}, root.info_name or "podwire", "_PODWIRE_COMPLETE").source())
