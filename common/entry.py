"""How a command ends: the user's mistakes as one line and exit code 2."""

import sys

import click

from common.errors import UsageError


def run_command(command: click.Command, *, name: str) -> None:
    """Runs a click command as a program and exits: 0 when it is done, 2 with one line for the user's mistakes."""
    try:
        command.main(prog_name=name, standalone_mode=True)
    except UsageError as error:
        click.echo(f"{name}: {error}", err=True)
        sys.exit(2)
