"""`podwire decode`: a recording as lines."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import msgspec

from common.recording import Entry, Lost, entries
from podwire.recordings.file import recorded
from podwire.updates.recorded import Sort, told_apart


@click.command("decode")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE|-")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON for each message.")
def command(*, file: Path, as_json: bool) -> None:
    """Print what a recording holds, a line for each message that went to the reducer, or for each update of a watcher.

    FILE is of podwire relay --record, podwire up --record or podwire sandbox reducer --record; or of podwire watch --record or podwire
    up --record-updates. Bytes that are no entry (the process was killed, the disk was full) are told, and reading resumes behind them.
    Exit code 0 when all of it could be read, else 1.

    \b
    podwire decode upstream.rec
    podwire decode upstream.rec --json | jq 'select(.fields.ns == "shop")'
    podwire decode updates.rec | grep delete
    """
    whole = True
    with recorded(file) as data:
        sort, rest = told_apart(entries(data))
        for good, line in _of_updates(rest, as_json) if sort is Sort.UPDATES else _of_upstream(rest, as_json):
            whole &= good
            click.echo(line)
    sys.exit(0 if whole else 1)


def _of_upstream(rest: Iterable[Entry | Lost], as_json: bool) -> Iterator[tuple[bool, bytes | str]]:
    """Lines, and whether each tells what was recorded."""
    from podwire.upstream.lines import Broken, Unreadable, lines, text

    for line in lines(rest):
        yield not isinstance(line, Broken | Unreadable), msgspec.json.encode(line) if as_json else text(line)


def _of_updates(rest: Iterable[Entry | Lost], as_json: bool) -> Iterator[tuple[bool, bytes | str]]:
    from podwire.updates.lines import is_whole, lines, text

    for line in lines(rest):
        yield is_whole(line), msgspec.json.encode(line) if as_json else text(line)
