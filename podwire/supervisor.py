"""Runs a plan: where the decisions of `podwire.supervise` meet the processes of `podwire.children`.

What the programs need is to be imported before: the supervisor freezes that memory against the garbage collector's writing and
forks, and the children share it for as long as nobody writes to it.
"""

import gc
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from common import clock, place
from common.errors import UsageError
from common.logs import Log
from common.version import VERSION
from podwire import supervise
from podwire.children import Children, Program
from podwire.supervise import Action, Asked, Event, Keeping, Over, Refused, Restarting, Signal, Start, Started


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
            self._log.info("started", version=VERSION, run_dir=str(plan.run_dir))
            gc.collect()
            gc.freeze()
            self._children = Children(plan.programs, place=held)
            state: supervise.State = supervise.begin(
                tuple(program.name for program in plan.programs), leader=plan.leader, now=clock.monotonic()
            )
            code = self._run(state)
            self._log.info("stopped", exit_code=code)
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
                self._log.info("stage started", child=name, pid=pid)
                return [Started(name, pid)]
            case Signal(pid, number):
                self._children.send(pid, number)
            case Restarting(name, pid, code, wait_seconds):
                self._log.warning(
                    "stage ended, starts again", child=name, pid=pid, **_ending(code), retry_in_seconds=wait_seconds
                )
            case Refused(name):
                self._refusal = self._children.refusal() or f"{name} will not start: its log says why"
            case _:
                assert_never(action)
        return []


def _ending(code: int) -> dict[str, int | str]:
    return {"exit_code": code} if code >= 0 else {"signal": signal.Signals(-code).name}
