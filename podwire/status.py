"""`podwire status`: how a running pipeline stands, once. `podwire top` shows the same again and again."""

import json
import sys
from pathlib import Path

import click
from rich.console import Console, RenderableType

from common.clock import monotonic
from common.options import COMMON, all_of, option
from podwire.overview.draw import lines, picture, stage_table
from podwire.overview.model import Meter
from podwire.states import AT, States, echo_lines, in_sync, read_states, reader


def status_lines(states: States) -> list[str]:
    """The table of the stages, heading first, for a log or a pipe."""
    return lines(stage_table(Meter().take(states, at=monotonic()).stages))


def print_status(run_dir: Path) -> None:
    """Prints the table of what runs in `run_dir`."""
    echo_lines(status_lines(read_states(run_dir)))


@click.command("status")
@all_of(
    [*COMMON[:1], AT, option("--json", "as_json", is_flag=True, help="Each stage's whole /state as one JSON object.")]
)
def command(run_dir: Path, addresses: tuple[str, ...], as_json: bool) -> None:
    """Show how a running pipeline stands: each stage, pods, epoch, link, lag, rates since its start, what is under way, the last
    warnings. Exits 1 when a stage is not running or not in sync.

    \b
    podwire status
    podwire status --at 10.0.0.7:9464 --at 10.0.0.8:9464
    podwire status --json | jq '.matcher.epoch'
    """
    states = reader(run_dir, addresses)()
    if as_json:
        click.echo(json.dumps(states, indent=2))
    else:
        show(picture(Meter().take(states, at=monotonic())))
    if not in_sync(states):
        sys.exit(1)


def show(drawn: RenderableType) -> None:
    """On a terminal in its width and colours, else for a pipe."""
    if sys.stdout.isatty():
        Console().print(drawn)
    else:
        echo_lines(lines(drawn))
