"""The command line of `podwire healthcheck`. `podwire.entry` leaves it out where nothing but targets and --ready is given."""

import sys
from pathlib import Path

import click

from common.options import COMMON, all_of, option
from podwire.probe import probe


@click.command("healthcheck")
@click.argument("targets", metavar="[STAGE|HOST:PORT]...", nargs=-1)
@all_of(
    [
        *COMMON[:1],
        option("--ready", is_flag=True, help="Ask whether it is in sync (/readyz), and not only alive (/healthz)."),
    ]
)
def command(targets: tuple[str, ...], run_dir: Path, ready: bool) -> None:
    """Ask what runs in this container whether it is well: exit code 0, or 1 and a line that says why not.

    Without a name it asks all stages of the run directory that run here, in this container or on this machine. One that
    may be missing has to be named to be missed.

    \b
    podwire healthcheck
    podwire healthcheck --ready watcher-pods watcher-replicasets watcher-jobs
    podwire healthcheck 127.0.0.1:8001
    """
    code, line = probe(targets, run_dir=str(run_dir), ready=ready)
    click.echo(line)
    sys.exit(code)
