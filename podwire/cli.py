"""The `podwire` command: a group whose subcommands are imported when they are called, so none pays for another's libraries."""

import importlib
from typing import NamedTuple

import click

from common.entry import run_command
from common.version import VERSION


class _Place(NamedTuple):
    module: str
    summary: str


COMMANDS = {
    "up": _Place("podwire.up", "Run the whole pipeline under one supervisor, or a demo of it."),
    "status": _Place("podwire.status", "Show what each stage of a run directory is doing."),
    "config": _Place("podwire.config", "Show the effective settings, and where each came from."),
    "watch": _Place("watcher.cli", "Run the watcher of one resource kind."),
    "match": _Place("matcher.cli", "Run the matcher."),
    "relay": _Place("relay.cli", "Run the relay."),
    "sandbox": _Place("sandbox.cli", "Run a simulated cluster or the reference reducer."),
}
"""Where each subcommand's `command` is."""


class _Lazy(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name].module).command
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.summary) for name, place in COMMANDS.items()])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, prog_name="podwire", message="%(prog)s %(version)s")
def group() -> None:
    """Tell the reducer of opentelemetry-network which pod, container and workload stands behind every address and container ID of a
    Kubernetes cluster.

    \b
    podwire up --demo                              see it work: nothing else is needed
    podwire up --kubeconfig FILE --intake HOST:PORT
    podwire COMMAND --help                         every option is an environment variable too
    """


def main() -> None:
    """Runs the command line and exits."""
    run_command(group, name="podwire")
