"""`podwire top`: how a running pipeline stands, again and again, until q or Ctrl-C. In a pipe, a frame each time."""

import json
import os
import select
import signal
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
    with _screen(as_json=as_json) as (show, terminal):
        looks = 0
        while not stop.requested:
            began = monotonic()
            show(read())
            looks += 1
            if looks == count or _left(stop, terminal, until=began + interval_seconds):
                return


class _Terminal:
    """What is drawn on a whole terminal, and keys as they are pressed. After Ctrl-Z the shell has it as it was, and `fg` gives it back."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = self._new_live()
        self._keys = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._before = None if self._keys is None else termios.tcgetattr(self._keys)
        self._stopped, self._stop = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGTSTP, lambda *_: os.write(self._stop, b"z"))

    @property
    def fds(self) -> list[int]:
        """What tells of keys, or of Ctrl-Z."""
        return [self._stopped] if self._keys is None else [self._stopped, self._keys]

    def draw(self, frame: Group) -> None:
        """Shows this and nothing else."""
        self._live.update(frame, refresh=True)

    def enter(self) -> None:
        """Takes the terminal."""
        if self._keys is not None:
            tty.setcbreak(self._keys)
        self._live.start()

    def leave(self) -> None:
        """Gives it back as it was."""
        self._live.stop()
        if self._keys is not None and self._before is not None:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)

    def wants_to_leave(self, ready: list[int]) -> bool:
        """Reads what has come; stands still here, if that is what was wanted, until the shell says otherwise."""
        if self._stopped in ready:
            os.read(self._stopped, 64)
            self.leave()
            os.kill(os.getpid(), signal.SIGSTOP)
            self._live = self._new_live()
            self.enter()
        return self._keys in ready and any(key in LEAVE for key in os.read(self._keys, 64))

    def _new_live(self) -> Live:
        return Live(console=self._console, screen=True, auto_refresh=False)


@contextmanager
def _screen(*, as_json: bool) -> Iterator[tuple[Show, _Terminal | None]]:
    """What shows the states, and the terminal, if it is one."""
    console = Console()
    if as_json:
        yield lambda states: click.echo(json.dumps(states)), None
    elif console.is_terminal and not console.is_dumb_terminal and sys.stdout.isatty():
        terminal, meter = _Terminal(console), Meter()
        terminal.enter()
        try:
            yield lambda states: terminal.draw(_frame(meter, states)), terminal
        finally:
            terminal.leave()
    else:
        meter = Meter()
        yield lambda states: echo_lines([*lines(picture(meter.take(states, at=monotonic()))), ""]), None


def _frame(meter: Meter, states: States) -> Group:
    return Group(picture(meter.take(states, at=monotonic())), Text(), Text("q or Ctrl-C leaves", style="dim"))


def _left(stop: StopSignal, terminal: _Terminal | None, *, until: float) -> bool:
    """Waits until then, in monotonic seconds; whether somebody wants to leave before."""
    watched = [stop.fd, *(terminal.fds if terminal else [])]
    while (seconds := until - monotonic()) > 0:
        ready, _, _ = select.select(watched, [], [], seconds)
        if stop.fd in ready or (terminal is not None and terminal.wants_to_leave(ready)):
            return True
    return False
