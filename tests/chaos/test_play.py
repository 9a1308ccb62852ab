"""How a plan is played: in order, until the time is over or a promise is broken."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.chaos.faults import AFTER_WAITS_SECONDS, PROMISED_SECONDS, Fault
from tests.chaos.plan import Act, Strike
from tests.chaos.play import LASTING_SECONDS, Player
from tests.chaos.report import SEVERAL, START
from tests.chaos.scene import Broken


class Recorder:
    """A scene that writes down what is done to it; it recovers so often, and then no more."""

    def __init__(self, *, recoveries: int = 100) -> None:
        self.done: list[str] = []
        self.processes = self
        self._recoveries = recoveries

    def start(self, starter: str, *, order: Sequence[str]) -> None:
        self.done.append(f"start {starter} {order[0]}")

    def end(self) -> None:
        self.done.append("end")

    def recovered(self, *, since: float, within: float) -> float:
        if not self._recoveries:
            raise Broken(f"not in step {within:.0f} s after {since}")
        self._recoveries -= 1
        return 1.5

    def assert_exact(self) -> None:
        self.done.append("exact")


def fault(kind: str, *, lasts: float = 0.0) -> Fault:
    """One that tells the recorder of its begin and end."""
    return Fault(
        kind=kind,
        words=kind,
        target=kind,
        strike=lambda scene: scene.done.append(f"{kind} begins"),  # type: ignore[attr-defined]
        heal=lambda scene: scene.done.append(f"{kind} ends"),  # type: ignore[attr-defined]
        lasts_seconds=lasts,
    )


def act(*rounds: tuple[Strike, ...]) -> Act:
    return Act(starter="hand", order=("relay",), rounds=rounds)


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def player(scene: Any, *, seconds: float = 60.0) -> Player:
    clock = Clock()
    return Player(scene, seconds=seconds, now=lambda: clock.now, sleep=clock.sleep)


def test_faults_strike_and_end_in_the_order_of_time_and_then_podwire_has_to_be_exact() -> None:
    scene = Recorder()
    long, short = fault("long", lasts=20.0), fault("short", lasts=5.0)
    played = player(scene)
    played.play([act((Strike(at_seconds=0.0, fault=long), Strike(at_seconds=10.0, fault=short)))])
    assert scene.done == [
        "start hand relay", "exact", "long begins", "short begins", "short ends", "long ends", "exact", "end",
    ]  # fmt: skip
    assert [one.kind for one in played.recoveries] == [START, SEVERAL]
    assert (played.rounds, played.faults) == (1, 2)


def test_a_recovery_is_put_down_to_the_only_fault_of_its_round() -> None:
    played = player(Recorder())
    played.play([act((Strike(at_seconds=0.0, fault=fault("kill relay")),))])
    assert [one.kind for one in played.recoveries] == [START, "kill relay"]


def test_a_promise_that_is_broken_ends_it_and_what_was_found_before_stays() -> None:
    scene = Recorder(recoveries=2)
    round_ = (Strike(at_seconds=0.0, fault=fault("kill relay")),)
    played = player(scene)
    with pytest.raises(Broken, match="not in step 15 s"):
        played.play([act(round_, round_, round_)])
    assert [one.kind for one in played.recoveries] == [START, "kill relay"]
    assert scene.done[-1] == "end"


@pytest.mark.parametrize(("apart", "within"), [(0.0, AFTER_WAITS_SECONDS), (LASTING_SECONDS, PROMISED_SECONDS)])
def test_a_reducer_that_is_struck_again_at_once_may_have_to_wait_for_the_relay(apart: float, within: float) -> None:
    first, later = (
        (Strike(at_seconds=0.0, fault=fault("reducer")),),
        (Strike(at_seconds=0.0, fault=fault("relay", lasts=apart)),),
    )
    played = player(Recorder())
    played.play([act(first, later, first)])
    assert [one.within_seconds for one in played.recoveries[1:]] == [PROMISED_SECONDS, PROMISED_SECONDS, within]


def test_it_ends_when_the_time_is_over() -> None:
    scene = Recorder()
    player(scene, seconds=0.0).play(iter([act()]))
    assert scene.done == []
