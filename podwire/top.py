"""`podwire top`: how a running pipeline stands, again and again, until q or Ctrl-C. In a pipe, a frame each time."""

import json
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from common.clock import monotonic
from common.options import COMMON, all_of, option
from common.stop import StopSignal
from podwire.overview.draw import lines, picture
from podwire.overview.model import Meter
from podwire.states import AT, States, echo_lines, reader

Show = Callable[[States], None]

LEAVE = b"qQ"


@click.command("top")
@all_of(
    [
        *COMMON[:1],
        AT,
        option(
            "--interval",
            "interval_seconds",
            type=click.FloatRange(min=0.1),
            default=1.0,
            metavar="SECONDS",
            help="Time from one look to the next.",
        ),
        option(
            "--count",
            type=click.IntRange(min=1),
            default=None,
            metavar="N",
            show_default=False,
            help="Leave after so many looks.",
        ),
        option("--json", "as_json", is_flag=True, help="Each look as one line of JSON: each stage's whole /state."),
    ]
)
def command(
    run_dir: Path, addresses: tuple[str, ...], interval_seconds: float, count: int | None, as_json: bool
) -> None:
    """Show how a running pipeline stands, again and again: each stage with PID, time up, CPU and memory; pods, epoch, link, lag, rates,
    and bars for what is under way. q or Ctrl-C leave. What it shows is what `podwire status` prints once.

    \b
    podwire top
    podwire top --at 10.0.0.7:9464 --at 10.0.0.8:9464
    podwire top --count 3 --interval 10 >>what-happened.log
    """
    read = reader(run_dir, addresses)
    stop = StopSignal()
    with _screen(as_json=as_json) as (show, keys):
        looks = 0
        while not stop.requested:
            began = monotonic()
            show(read())
            looks += 1
            if looks == count or _left(stop, keys, until=began + interval_seconds):
                return


@contextmanager
def _screen(*, as_json: bool) -> Iterator[tuple[Show, int | None]]:
    """What shows the states, and the descriptor that keys come from, if any do."""
    console = Console()
    if as_json:
        yield lambda states: click.echo(json.dumps(states)), None
    elif console.is_terminal and not console.is_dumb_terminal and sys.stdout.isatty():
        with _keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
            meter = Meter()
            yield lambda states: live.update(_frame(meter, states), refresh=True), keys
    else:
        meter = Meter()
        yield lambda states: echo_lines([*lines(picture(meter.take(states, at=monotonic()))), ""]), None


def _frame(meter: Meter, states: States) -> Group:
    return Group(picture(meter.take(states, at=monotonic())), Text(), Text("q or Ctrl-C leaves", style="dim"))


@contextmanager
def _keys() -> Iterator[int | None]:
    """Standard input giving each key as it is pressed, while this lasts; None where it is no terminal."""
    if not sys.stdin.isatty():
        yield None
        return
    keys = sys.stdin.fileno()
    before = termios.tcgetattr(keys)
    tty.setcbreak(keys)
    try:
        yield keys
    finally:
        termios.tcsetattr(keys, termios.TCSADRAIN, before)


def _left(stop: StopSignal, keys: int | None, *, until: float) -> bool:
    """Waits until then, in monotonic seconds; whether somebody wants to leave before."""
    watched = [stop.fd] if keys is None else [stop.fd, keys]
    while (seconds := until - monotonic()) > 0:
        ready, _, _ = select.select(watched, [], [], seconds)
        if stop.fd in ready:
            return True
        if keys in ready and any(key in LEAVE for key in os.read(keys, 64)):
            return True
    return False
