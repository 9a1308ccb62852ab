"""`podwire replay`: a recording, played."""

import sys
from pathlib import Path

import click

from common.clock import monotonic
from common.recording import entries
from podwire.upstream.file import recorded
from podwire.upstream.replay import CannotSend, Replay
from relay.settings import parse_intake


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE|-")
@click.option("--intake", metavar="HOST[:PORT]", required=True, help="The reducer to send it to, in plain TCP.")
@click.option(
    "--pace",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="N",
    help="N times as fast as it was recorded; 0 is as fast as the reducer reads.",
)
def command(*, file: Path, intake: str, pace: float) -> None:
    """Send a recording of the upstream to a reducer, byte by byte as it was.

    Each connection of FILE is a connection again. Exit code 0 when all of it was sent, else 1.

    \b
    podwire replay upstream.rec --intake 127.0.0.1:8000
    podwire replay upstream.rec --intake 127.0.0.1:8000 --pace 0
    """
    replay = Replay(parse_intake(intake, option="--intake"), pace=pace)
    begin, trouble = monotonic(), ""
    with recorded(file) as data:
        try:
            replay.run(entries(data))
        except CannotSend as error:
            trouble = str(error)
    done = replay.done
    left_out = f", {done.left_out:,} bytes left out that lack what came before them" if done.left_out else ""
    click.echo(f"sent {done.bytes:,} bytes on {done.connections} connections in {monotonic() - begin:.1f} s{left_out}")
    if trouble:
        click.echo(f"podwire: {trouble}", err=True)
    sys.exit(1 if trouble or done.left_out else 0)
