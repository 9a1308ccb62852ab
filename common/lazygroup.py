"""A group of commands that are imported when they are called, so none pays for another's libraries, and neither do help and completion."""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class Place(NamedTuple):
    """Where a subcommand is, and what it does in a line."""

    module: str
    """Has it as `command`."""
    summary: str


class LazyGroup(click.Group):
    """Knows its commands by name and summary."""

    def __init__(self, *arguments: Any, places: Mapping[str, Place], **options: Any) -> None:  # noqa: ANN401 (click's own)
        super().__init__(*arguments, **options)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        if cmd_name not in self._places:
            return None
        command: click.Command = importlib.import_module(self._places[cmd_name].module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's signature)
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in self._places.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands by their summaries; click's own way would import them all at each press of the key."""
        commands = [CompletionItem(name, help=place.summary) for name, place in self._places.items()]
        found = [one for one in commands if one.value.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]
