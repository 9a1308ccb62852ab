"""The sandbox's command line: `cluster`, `reducer` and `compare`, each loaded when it is asked for."""

import click

from common.lazygroup import LazyGroup, Place

COMMANDS = {
    "cluster": Place("sandbox.cluster_cli", "Run a simulated API server with a moving workload."),
    "reducer": Place("sandbox.reducer.cli", "Run a reducer that takes podwire's stream strictly."),
    "compare": Place("sandbox.reducer.compare_cli", "Compare what the reducer holds with the cluster's lists."),
}
"""Where each subcommand's `command` is."""


@click.command(cls=LazyGroup, places=COMMANDS)
def command() -> None:
    """A simulated Kubernetes API server, a reference reducer, and the comparison of what both hold."""
