"""`podwire decode`: a recording of the upstream as lines."""

import sys
from pathlib import Path

import click
import msgspec

from common.recording import entries
from podwire.upstream.file import recorded
from podwire.upstream.lines import Broken, Unreadable, lines, text


@click.command("decode")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE|-")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each message.")
def command(*, file: Path, as_json: bool) -> None:
    """Print what a recording holds, a line for each message that went to the reducer.

    FILE is of podwire relay --record, podwire up --record or podwire sandbox reducer --record. Bytes that are no entry (the relay was
    killed, the disk was full) are told, and reading resumes behind them. Exit code 0 when all of it could be read, else 1.

    \b
    podwire decode upstream.rec
    podwire decode upstream.rec --json | jq 'select(.fields.ns == "shop")'
    """
    whole = True
    with recorded(file) as data:
        for line in lines(entries(data)):
            whole &= not isinstance(line, Broken | Unreadable)
            click.echo(msgspec.json.encode(line) if as_json else text(line))
    sys.exit(0 if whole else 1)
