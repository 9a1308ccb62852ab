"""The view of a demo, a process of its own: asks, shows, and with `--for` says at the end whether the reducer is in step.

It is the demo's leader: when it ends, all ends, with its exit code. Its last words go to a file, because the supervisor prints them
after everybody else has fallen silent.
"""

import select
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live

from common.clock import monotonic
from common.stop import StopSignal
from podwire.ask import NoAnswer, ask
from podwire.demo.check import Check, Verdict
from podwire.demo.figures import Figures, Meter
from podwire.demo.gather import Gatherer
from podwire.demo.show import line, picture

TURN_SECONDS = 1.0
LINE_EVERY_SECONDS = 3.0

SETTLE_SECONDS = 10.0
"""How long the cluster may take to come to rest, and the reducer to be in step."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the view is to look at."""

    run_dir: Path
    kubeconfig: Path
    cluster: str
    """HOST:PORT of the cluster."""
    reducer: str
    """HOST:PORT of the reducer's HTTP."""
    for_seconds: float | None
    last_words: Path
    note: str


def run(settings: Settings) -> None:
    """Runs the view until SIGTERM, or until `for_seconds` are over: exits 1 when the reducer is not in step then."""
    stop = StopSignal()
    console = Console()
    if console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False) as live:

            def redraw(figures: Figures) -> None:
                live.update(picture(figures, note=settings.note), refresh=True)

            _watch(settings, stop, redraw)
    else:
        _watch(settings, stop, _Lines().show)
    if not stop.requested:
        _finish(settings, stop)


class _Lines:
    """A line every `LINE_EVERY_SECONDS`, where nothing can be redrawn."""

    def __init__(self) -> None:
        self._printed_at = float("-inf")

    def show(self, figures: Figures) -> None:
        if figures.cluster_pods is not None and figures.seconds - self._printed_at >= LINE_EVERY_SECONDS:
            self._printed_at = figures.seconds
            sys.stdout.write(f"{line(figures)}\n")
            sys.stdout.flush()


def _watch(settings: Settings, stop: StopSignal, show: Callable[[Figures], None]) -> None:
    gatherer = Gatherer(settings.run_dir, cluster=settings.cluster, reducer=settings.reducer)
    check = Check(kubeconfig=settings.kubeconfig, reducer=settings.reducer)
    meter = Meter()
    over_at = monotonic() + (settings.for_seconds or float("inf"))
    while not stop.requested and monotonic() < over_at:
        began = monotonic()
        step = check.glance()
        show(meter.take(gatherer.sample(), step=step))
        select.select([stop.fd], [], [], max(0.05, min(began + TURN_SECONDS, over_at) - monotonic()))


def _finish(settings: Settings, stop: StopSignal) -> None:
    """Lets the cluster come to rest and compares."""
    try:
        ask(settings.cluster, "/sandbox/orders", method="POST", body={"order": "settle"})
    except NoAnswer as reason:
        verdict = Verdict(in_step=False, words=f"the cluster does not come to rest: {reason}")
    else:
        verdict = _settle(Check(kubeconfig=settings.kubeconfig, reducer=settings.reducer), stop)
    settings.last_words.write_text(f"{verdict.words}\n")
    if not verdict.in_step:
        sys.exit(1)


def _settle(check: Check, stop: StopSignal) -> Verdict:
    until = monotonic() + SETTLE_SECONDS
    while True:
        verdict = check.verdict()
        if verdict.in_step or stop.requested or monotonic() >= until:
            return verdict
        select.select([stop.fd], [], [], 0.2)
