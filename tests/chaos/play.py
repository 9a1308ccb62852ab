"""Plays a plan on a scene: faults strike and end, podwire recovers, and is exact at rest. Stops at the first promise that is not kept."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.chaos.faults import AFTER_WAITS_SECONDS, START_SECONDS, Deed, Fault
from tests.chaos.plan import Act, Strike
from tests.chaos.report import SEVERAL, START, Recovery, say_at
from tests.chaos.scene import Scene

LASTING_SECONDS = 10.0
"""A connection that has stood so long lasted: the relay's next wait is the first one again (docs/faults.md)."""

MOVING_SECONDS = 1.0
"""Between two rounds the workload moves on, and podwire with it."""


@dataclass
class Player:
    """Plays for so many seconds; what it has found stays here, also when it ends by Broken or Died."""

    scene: Scene
    seconds: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    recoveries: list[Recovery] = field(default_factory=list)
    faults: int = 0
    rounds: int = 0

    def __post_init__(self) -> None:
        self._began = self.now()
        self._reducer_back_at = float("-inf")
        """When podwire was in step after the last fault of the reducer."""

    def play(self, acts: Iterable[Act]) -> None:
        """Raises Broken or Died."""
        for act in acts:
            if self._is_over():
                return
            self._play(act)

    def _play(self, act: Act) -> None:
        how = "podwire up" if act.starter == "up" else f"hand, {act.order[0]} first"
        self._say(f"start, by {how}")
        started_at = self.now()
        self.scene.start(act.starter, order=act.order)
        try:
            self._recover(START, since=started_at, within=START_SECONDS)
            for strikes in act.rounds:
                if self._is_over():
                    return
                self._round(strikes)
        finally:
            self.scene.processes.end()

    def _round(self, strikes: Sequence[Strike]) -> None:
        self.sleep(MOVING_SECONDS)
        self.rounds += 1
        self.faults += len(strikes)
        began = self.now()
        for at_seconds, words, deed in sorted(_timeline(strikes), key=lambda one: one[0]):
            self.sleep(max(0.0, began + at_seconds - self.now()))
            if words is not None:
                self._say(words)
            deed(self.scene)
        faults = [strike.fault for strike in strikes]
        kind = faults[0].kind if len(faults) == 1 else SEVERAL
        self._recover(kind, since=self.now(), within=self._allowed(faults, began=began))
        if _strikes_reducer(faults):
            self._reducer_back_at = self.now()

    def _allowed(self, faults: Sequence[Fault], *, began: float) -> float:
        """As the faults say; but a reducer that is struck again at once ends one more connection that did not last."""
        allowed = max(fault.within_seconds for fault in faults)
        again = began - self._reducer_back_at < LASTING_SECONDS
        return max(allowed, AFTER_WAITS_SECONDS) if again and _strikes_reducer(faults) else allowed

    def _recover(self, kind: str, *, since: float, within: float) -> None:
        seconds = self.scene.recovered(since=since, within=within)
        self.recoveries.append(Recovery(kind=kind, seconds=seconds, within_seconds=within))
        self.scene.assert_exact()
        self._say(f"  in step after {seconds:.1f} s")

    def _is_over(self) -> bool:
        return self.now() - self._began >= self.seconds

    def _say(self, words: str) -> None:
        say_at(self.now() - self._began, words)


def _timeline(strikes: Sequence[Strike]) -> Iterator[tuple[float, str | None, Deed]]:
    """When what is to be done; the words where a fault begins."""
    for strike in strikes:
        yield strike.at_seconds, strike.fault.words, strike.fault.strike
        yield strike.at_seconds + strike.fault.lasts_seconds, None, strike.fault.heal


def _strikes_reducer(faults: Sequence[Fault]) -> bool:
    return any(fault.target == "reducer" for fault in faults)
