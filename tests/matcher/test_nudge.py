"""SIGUSR1 as the loop sees it."""

import os
import select
import signal
from collections.abc import Iterator

import pytest

from matcher.nudge import Nudge


@pytest.fixture
def nudge() -> Iterator[Nudge]:
    before = signal.getsignal(signal.SIGUSR1)
    nudge = Nudge()
    yield nudge
    signal.signal(signal.SIGUSR1, before)
    os.close(nudge.fd)


def wakes(nudge: Nudge) -> bool:
    return bool(select.select([nudge.fd], [], [], 0)[0])


@pytest.mark.parametrize("signals", [1, 2, 1_100])
def test_signals_wake_the_loop_up_and_are_taken_once(nudge: Nudge, signals: int) -> None:
    assert not nudge.taken()
    for _ in range(signals):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert wakes(nudge)
    assert nudge.taken()
    assert not wakes(nudge)
    assert not nudge.taken()


def test_more_than_a_pipe_holds_are_taken_as_one(nudge: Nudge) -> None:
    for _ in range(70_000):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert nudge.taken()
    assert not wakes(nudge)
