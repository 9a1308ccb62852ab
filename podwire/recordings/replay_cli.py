"""`podwire replay`: a recording, played to whom it was for."""

import math
import sys
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import click

from common.clock import monotonic
from common.errors import UsageError
from common.options import COMMON, all_of
from common.recording import Entry, Lost, entries
from podwire.recordings.file import recorded
from podwire.updates.recorded import Sort, told_apart

FOLLOWED_WITHIN_SECONDS: Final = 5.0
"""A matcher that runs has subscribed by then."""


@click.command("replay")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), metavar="FILE|-")
@click.option("--intake", metavar="HOST[:PORT]", help="Send what a relay sent to this reducer, in plain TCP.")
@click.option(
    "--to",
    type=click.Choice(["matcher"]),
    help="Publish what watchers published to the matcher of the run directory, in their places.",
)
@click.option(
    "--pace",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="N",
    help="N times as fast as it was recorded; 0 is as fast as it is read.",
)
@click.option(
    "--stay",
    "stay_seconds",
    type=click.FloatRange(min=0),
    default=None,
    metavar="SECONDS",
    help="With --to matcher: go on beating so long after the end; without it until Ctrl-C.",
)
@all_of(COMMON[:1])
def command(
    *, file: Path, intake: str | None, to: str | None, pace: float, stay_seconds: float | None, run_dir: Path
) -> None:
    """Play a recording: to a reducer, byte by byte as a relay sent it, or to a matcher, update by update as watchers published it.

    To a reducer each connection of FILE is a connection again. To a matcher, each life of a watcher is one again; podwire match and
    podwire relay run beside it as usual. Exit code 0 when all of FILE was played, else 1.

    \b
    podwire replay upstream.rec --intake 127.0.0.1:8000 --pace 0
    podwire replay updates.rec --to matcher --run-dir played
    """
    if (intake is None) == (to is None):
        raise UsageError(
            "say where to: --intake HOST:PORT for what a relay sent, or --to matcher for what watchers published"
        )
    with recorded(file) as data:
        sort, rest = told_apart(entries(data))
        if sort is Sort.NOTHING:
            raise UsageError(f"{file} has nothing to play: it is empty, or no recording")
        if sort is Sort.UPDATES and intake is not None:
            raise UsageError(f"{file} is what watchers published: play it with --to matcher")
        if sort is Sort.UPSTREAM and to is not None:
            raise UsageError(f"{file} is not what watchers published; what a relay sent is for --intake HOST:PORT")
        if intake is not None:
            sys.exit(_to_reducer(rest, intake, pace))
        sys.exit(_to_matcher(rest, run_dir, pace, math.inf if stay_seconds is None else stay_seconds))


def _to_reducer(rest: Iterable[Entry | Lost], intake: str, pace: float) -> int:
    from podwire.upstream.replay import CannotSend, Replay
    from relay.settings import parse_intake

    replay = Replay(parse_intake(intake, option="--intake"), pace=pace)
    begin, trouble = monotonic(), ""
    try:
        replay.run(rest)
    except CannotSend as error:
        trouble = str(error)
    done = replay.done
    left_out = f", {done.left_out:,} bytes left out that lack what came before them" if done.left_out else ""
    click.echo(f"sent {done.bytes:,} bytes on {done.connections} connections in {monotonic() - begin:.1f} s{left_out}")
    if trouble:
        click.echo(f"podwire: {trouble}", err=True)
    return 1 if trouble or done.left_out else 0


def _to_matcher(rest: Iterable[Entry | Lost], run_dir: Path, pace: float, stay_seconds: float) -> int:
    from podwire.updates.play import Play
    from podwire.updates.recorded import published

    begin, ended = monotonic(), False
    with closing(Play(run_dir, pace=pace)) as play:
        with suppress(KeyboardInterrupt):
            if not play.wait_for_followers(FOLLOWED_WITHIN_SECONDS):
                click.echo(
                    f"podwire: no matcher follows in {run_dir} yet: what is played until one does, it will not see",
                    err=True,
                )
            play.run(published(rest))
            ended = True
            held = ", ".join(f"{len(player.records):,} {kind}" for kind, player in play.players.items())
            lost = [f"{play.left_out:,} bytes that cannot be read"] if play.left_out else []
            lost += [f"{play.missed:,} updates that are not in it"] if play.missed else []
            lacks = f"; it lacks {' and '.join(lost)}" if lost else ""
            click.echo(f"played {play.messages:,} messages in {monotonic() - begin:.1f} s; at the end {held}{lacks}")
            play.stay(stay_seconds)
        return 0 if ended and not (play.left_out or play.missed) else 1
