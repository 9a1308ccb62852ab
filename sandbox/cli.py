"""The sandbox's command line: `cluster`, `reducer` and `compare`, each loaded when it is asked for."""

import importlib
from typing import Final

import click

_COMMANDS: Final = {
    "cluster": "sandbox.cluster_cli",
    "reducer": "sandbox.reducer.cli",
    "compare": "sandbox.reducer.compare_cli",
}


class _Lazy(click.Group):
    """Knows its commands by name, so that one does not pay for the imports of another."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's signature)
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        found = importlib.import_module(module).command
        assert isinstance(found, click.Command)
        return found


@click.command(cls=_Lazy)
def command() -> None:
    """A simulated Kubernetes API server, a reference reducer, and the comparison of what both hold."""
