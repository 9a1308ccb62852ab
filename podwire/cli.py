"""The `podwire` command: a group whose subcommands are imported when they are called, so none pays for another's libraries."""

import click

from common.entry import run_command
from common.lazygroup import LazyGroup
from common.lazygroup import Place as _Place
from common.version import VERSION

COMMANDS = {
    "up": _Place("podwire.up", "Run the whole pipeline under one supervisor, or a demo of it."),
    "status": _Place("podwire.status", "Show how a running pipeline stands."),
    "top": _Place("podwire.top", "Show the same again and again, until q."),
    "why": _Place("podwire.why.cli", "Tell what is known of a pod, and why it has not been sent."),
    "check": _Place("podwire.check.cli", "Find what would keep podwire from working, and say what to do."),
    "config": _Place("podwire.config", "Show the effective settings, and where each came from."),
    "completion": _Place("podwire.completion", "Print what a shell needs to complete all this."),
    "tap": _Place("podwire.tap.cli", "Print what flows between the stages, while it does."),
    "decode": _Place("podwire.recordings.decode_cli", "Print what a recording holds."),
    "replay": _Place("podwire.recordings.replay_cli", "Play a recording to a reducer or a matcher."),
    "healthcheck": _Place("podwire.healthcheck", "Ask what runs in this container whether it is well."),
    "keys": _Place("podwire.keys", "Make the keys of stages that are apart."),
    "watch": _Place("watcher.cli", "Run the watcher of one resource kind."),
    "match": _Place("matcher.cli", "Run the matcher."),
    "relay": _Place("relay.cli", "Run the relay."),
    "sandbox": _Place("sandbox.cli", "Run a simulated cluster or the reference reducer."),
}
"""Where each subcommand's `command` is."""


@click.command(
    cls=LazyGroup, places=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(VERSION, prog_name="podwire", message="%(prog)s %(version)s")
def group() -> None:
    """Tell the reducer of opentelemetry-network which pod, container and workload stands behind every address and container ID of a
    Kubernetes cluster.

    \b
    podwire up --demo          see it work: nothing else is needed
    podwire check --intake reducer.example:8000
    podwire up --intake reducer.example:8000

    Every option is an environment variable too, and may stand in a settings file (--config).
    """


def main() -> None:
    """Runs the command line and exits."""
    run_command(group, name="podwire")
