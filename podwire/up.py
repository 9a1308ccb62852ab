"""`podwire up`: the whole pipeline under one supervisor, on a cluster or on the sandbox (`--demo`).

Here the decisions of `podwire.supervise` meet the processes of `podwire.children`. The supervisor imports what the stages need, freezes
that memory against the garbage collector's writing, and forks: the stages share it for as long as nobody writes to it.
"""

import gc
import random
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, assert_never

import click

from common import clock, logs, place
from common.errors import UsageError
from common.logs import Log
from common.options import COMMON, Decorator, all_of, option
from podwire import stages, supervise
from podwire.children import Children, Program
from podwire.supervise import Action, Asked, Event, Keeping, Over, Refused, Restarting, Signal, Start, Started

OPTIONS: list[Decorator] = [
    option(
        "--for",
        "for_seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=None,
        metavar="SECONDS",
        show_default=False,
        help="Run that long, print a summary, and exit 0.",
    ),
    option("--demo", is_flag=True, help="Run on a simulated cluster and a reference reducer, and show what flows."),
    option("--demo-pods", type=click.IntRange(1, 200_000), default=500, help="Pods of the simulated cluster."),
    option(
        "--demo-rate",
        type=click.FloatRange(0, 2_000),
        default=20.0,
        metavar="PER_SECOND",
        help="Changes of the simulated cluster's pods.",
    ),
    option("--demo-seed", type=int, default=1, help="Seed of the simulated cluster: the same one, the same objects."),
]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one supervisor runs."""

    run_dir: Path
    programs: tuple[Program, ...]
    leader: str | None = None
    """The program whose end ends all, with its exit code."""
    for_seconds: float | None = None
    before_end: Callable[[], None] = lambda: None
    """Called when `for_seconds` are over, while all still runs."""


class Supervisor:
    """Runs a plan until it is over."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._log = Log("up")
        self._random = random.Random()
        self._refusal: str | None = None

    def run(self) -> int:
        """Gives the exit code. Raises UsageError with a child's words when that child refuses to start."""
        plan = self._plan
        with place.claim(plan.run_dir, "up") as held:
            gc.collect()
            gc.freeze()
            self._children = Children(plan.programs, place=held)
            state: supervise.State = supervise.begin(
                tuple(program.name for program in plan.programs), leader=plan.leader, now=clock.monotonic()
            )
            code = self._run(state)
        if self._refusal is not None:
            raise UsageError(self._refusal)
        return code

    def _run(self, state: supervise.State) -> int:
        over_at = float("inf") if self._plan.for_seconds is None else clock.monotonic() + self._plan.for_seconds
        while not isinstance(state, Over):
            wake_at = min(supervise.wake_at(state), over_at)
            for event in self._children.wait(wake_at - clock.monotonic()):
                state = self._take(state, event)
            if clock.monotonic() >= over_at and isinstance(state, Keeping):
                over_at = float("inf")
                self._plan.before_end()
                state = self._take(state, Asked())
        return state.code

    def _take(self, state: supervise.State, event: Event) -> supervise.State:
        state, actions = supervise.step(state, event, now=clock.monotonic(), random_=self._random)
        for action in actions:
            for consequence in self._do(action):
                state = self._take(state, consequence)
        return state

    def _do(self, action: Action) -> list[Event]:
        match action:
            case Start(name):
                pid = self._children.start(name)
                self._log.info("started", child=name, pid=pid)
                return [Started(name, pid)]
            case Signal(pid, number):
                self._children.send(pid, number)
            case Restarting(name, pid, code, wait_seconds):
                self._log.warning("ended, starts again", child=name, pid=pid, **_ending(code), in_seconds=wait_seconds)
            case Refused(name):
                self._refusal = self._children.refusal() or f"{name} will not start: see its own lines"
            case _:
                assert_never(action)
        return []


def _ending(code: int) -> dict[str, int | str]:
    return {"exit_code": code} if code >= 0 else {"signal": signal.Signals(-code).name}


@click.command("up")
@all_of(OPTIONS + COMMON + stages.OPTIONS)
@click.pass_context
def command(context: click.Context, **options: Any) -> None:  # noqa: ANN401 (click's own values)
    """Run the whole pipeline: a watcher for each of pods, replicasets and jobs, the matcher and the relay, each started again when
    it ends.

    \b
    podwire up --kubeconfig ~/.kube/config --intake reducer.example:8000
    podwire up --intake reducer:8000 --label cluster=shop        in a Pod: by its service account
    podwire up --demo                                            nothing else is needed
    podwire up --demo --for 15 --demo-pods 5000 --demo-rate 200

    With --admin HOST:PORT and a port other than 0, watcher-pods takes PORT, watcher-replicasets PORT+1, watcher-jobs PORT+2,
    matcher PORT+3 and relay PORT+4.
    """
    logs.configure(format_=options["log_format"], level=options["log_level"])
    if options["demo"]:
        from podwire.demo.run import run_demo

        given = context.get_parameter_source("run_dir") is not click.core.ParameterSource.DEFAULT
        sys.exit(run_demo(options, run_dir=options["run_dir"] if given else None))
    from podwire.status import print_status

    programs = stages.programs(options)
    stages.preload()
    run_dir: Path = options["run_dir"]
    sys.exit(
        Supervisor(
            Plan(
                run_dir=run_dir,
                programs=programs,
                for_seconds=options["for_seconds"],
                before_end=lambda: print_status(run_dir),
            )
        ).run()
    )
