"""The supervisor's decisions, on virtual time."""

import random
import signal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from podwire.supervise import (
    FIRST_WAIT_SECONDS,
    GRACE_SECONDS,
    MOST_KILLED_WAIT_SECONDS,
    MOST_WAIT_SECONDS,
    SETTLED_SECONDS,
    Action,
    Asked,
    Ended,
    Ending,
    Event,
    Keeping,
    Over,
    Refused,
    Restarting,
    Running,
    Signal,
    Start,
    Started,
    State,
    Turn,
    begin,
    step,
    wake_at,
)


class Pipeline:
    """Children of a supervisor under test: starts what it says, with PIDs that count up from 101."""

    def __init__(self, *names: str, leader: str | None = None) -> None:
        self.now = 1_000.0
        self.random = random.Random(7)
        self.next_pid = 101
        self.pids: dict[str, int] = {}
        self.alive: set[int] = set()
        self.state: State = begin(names, leader=leader, now=self.now)
        self.take(Turn())

    def take(self, event: Event) -> list[Action]:
        """Steps, answers each Start, and gives the other actions."""
        if isinstance(event, Ended):
            self.alive.discard(event.pid)
        self.state, actions = step(self.state, event, now=self.now, random_=self.random)
        for action in actions:
            if isinstance(action, Start):
                self.pids[action.name] = self.next_pid
                self.alive.add(self.next_pid)
                self.next_pid += 1
                self.take(Started(action.name, self.pids[action.name]))
        return [action for action in actions if not isinstance(action, Start)]

    def wait(self, seconds: float) -> list[Action]:
        self.now += seconds
        return self.take(Turn())

    def end(self, name: str, code: int) -> list[Action]:
        return self.take(Ended(self.pids[name], code))

    def running(self) -> set[str]:
        assert isinstance(self.state, Keeping)
        return {name for name, child in self.state.children.items() if isinstance(child, Running)}


def test_all_children_start_at_once() -> None:
    pipeline = Pipeline("watcher-pods", "matcher", "relay")
    assert pipeline.running() == {"watcher-pods", "matcher", "relay"}
    assert wake_at(pipeline.state) == float("inf")


def test_a_child_that_ends_starts_again_after_a_wait_and_nobody_else_is_touched() -> None:
    pipeline = Pipeline("matcher", "relay")
    relay = pipeline.pids["relay"]
    [restarting] = pipeline.end("matcher", -9)
    assert isinstance(restarting, Restarting)
    assert (restarting.name, restarting.pid, restarting.code) == ("matcher", 101, -9)
    assert FIRST_WAIT_SECONDS / 2 <= restarting.wait_seconds <= FIRST_WAIT_SECONDS
    assert pipeline.running() == {"relay"}
    assert wake_at(pipeline.state) == pipeline.now + restarting.wait_seconds
    assert pipeline.wait(restarting.wait_seconds * 0.99) == []
    assert pipeline.running() == {"relay"}
    pipeline.wait(restarting.wait_seconds * 0.01)
    assert pipeline.running() == {"matcher", "relay"}
    assert pipeline.pids == {"matcher": 103, "relay": relay}


@pytest.mark.parametrize("code", [0, 1, 2, -11])
def test_any_end_that_nobody_asked_for_is_followed_by_a_new_start(code: int) -> None:
    pipeline = Pipeline("relay")
    pipeline.wait(SETTLED_SECONDS)
    assert isinstance(pipeline.end("relay", code)[0], Restarting)
    pipeline.wait(FIRST_WAIT_SECONDS)
    assert pipeline.running() == {"relay"}


def test_waits_grow_while_a_child_keeps_ending_soon_and_shrink_when_it_has_settled() -> None:
    pipeline = Pipeline("relay")
    waits = []
    for _ in range(10):
        [restarting] = pipeline.end("relay", 1)
        assert isinstance(restarting, Restarting)
        waits.append(restarting.wait_seconds)
        pipeline.wait(restarting.wait_seconds)
    ceilings = [min(MOST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**n) for n in range(10)]
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))
    pipeline.wait(SETTLED_SECONDS)
    [restarting] = pipeline.end("relay", 1)
    assert isinstance(restarting, Restarting)
    assert restarting.wait_seconds <= FIRST_WAIT_SECONDS


@pytest.mark.parametrize("code", [0, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP])
def test_a_child_that_keeps_being_killed_is_back_within_two_seconds_each_time(code: int) -> None:
    """Whoever kills it stops some time, and from then on the pipeline has to be whole again soon. Until then it is no hot loop."""
    pipeline = Pipeline("relay")
    waits = []
    for _ in range(20):
        [restarting] = pipeline.end("relay", code)
        assert isinstance(restarting, Restarting)
        waits.append(restarting.wait_seconds)
        pipeline.wait(restarting.wait_seconds)
    assert all(MOST_KILLED_WAIT_SECONDS / 2 <= wait <= MOST_KILLED_WAIT_SECONDS for wait in waits[2:])
    assert MOST_KILLED_WAIT_SECONDS <= 2


def test_kills_and_faults_do_not_lengthen_each_others_waits() -> None:
    pipeline = Pipeline("relay")
    for _ in range(10):
        pipeline.end("relay", -signal.SIGKILL)
        pipeline.wait(MOST_KILLED_WAIT_SECONDS)
    [restarting] = pipeline.end("relay", 1)
    assert isinstance(restarting, Restarting)
    assert restarting.wait_seconds <= FIRST_WAIT_SECONDS


def test_a_child_that_refuses_at_its_start_ends_all_with_code_2() -> None:
    pipeline = Pipeline("matcher", "relay")
    assert pipeline.end("relay", 2) == [Refused("relay"), Signal(101, signal.SIGTERM)]
    assert pipeline.end("matcher", 0) == []
    assert pipeline.state == Over(2)


def test_a_refusal_in_a_later_life_only_starts_that_child_again() -> None:
    """A place that somebody took in the meantime, or a kubeconfig that is being written anew, must not end the other stages."""
    pipeline = Pipeline("matcher", "relay")
    pipeline.end("relay", -9)
    pipeline.wait(FIRST_WAIT_SECONDS)
    assert isinstance(pipeline.end("relay", 2)[0], Restarting)
    assert pipeline.running() == {"matcher"}


def test_the_end_of_the_only_child_by_refusal_is_the_end() -> None:
    pipeline = Pipeline("relay")
    assert pipeline.end("relay", 2) == [Refused("relay")]
    assert pipeline.state == Over(2)


@pytest.mark.parametrize(("code", "own"), [(0, 0), (1, 1), (-9, 1)])
def test_the_leaders_end_ends_all_with_its_code(code: int, own: int) -> None:
    pipeline = Pipeline("relay", "view", leader="view")
    assert pipeline.end("view", code) == [Signal(pipeline.pids["relay"], signal.SIGTERM)]
    pipeline.end("relay", -15)
    assert pipeline.state == Over(own)


def test_asked_to_end_it_asks_all_and_kills_those_that_are_left() -> None:
    pipeline = Pipeline("matcher", "relay")
    assert pipeline.take(Asked()) == [Signal(101, signal.SIGTERM), Signal(102, signal.SIGTERM)]
    pipeline.end("matcher", 0)
    assert wake_at(pipeline.state) == pipeline.now + GRACE_SECONDS
    assert pipeline.wait(GRACE_SECONDS * 0.99) == []
    assert pipeline.wait(GRACE_SECONDS * 0.02) == [Signal(102, signal.SIGKILL)]
    assert pipeline.wait(1) == []
    pipeline.end("relay", -9)
    assert pipeline.state == Over(0)


def test_asked_twice_it_kills_at_once() -> None:
    pipeline = Pipeline("relay")
    pipeline.take(Asked())
    assert pipeline.take(Asked()) == [Signal(101, signal.SIGKILL)]


def test_asked_to_end_while_a_child_waits_for_its_start_it_does_not_start_it() -> None:
    pipeline = Pipeline("relay")
    pipeline.end("relay", 1)
    assert pipeline.take(Asked()) == []
    assert pipeline.state == Over(0)


def test_a_process_that_is_no_child_is_nobodys_loss() -> None:
    """As process 1 of a container the supervisor reaps orphans too."""
    pipeline = Pipeline("relay")
    before = pipeline.state
    assert pipeline.take(Ended(4_711, 1)) == []
    assert pipeline.state == before


class AnyOrder(RuleBasedStateMachine):
    """Ends, waits and requests to end in any order, against what must hold at every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.pipeline = Pipeline("watcher-pods", "matcher", "relay")

    @precondition(lambda self: self.pipeline.alive)
    @rule(data=st.data(), code=st.sampled_from([0, 1, 2, -9, -15]))
    def end(self, data: st.DataObject, code: int) -> None:
        self.pipeline.take(Ended(data.draw(st.sampled_from(sorted(self.pipeline.alive))), code))

    @rule(seconds=st.floats(0, 60))
    def wait(self, seconds: float) -> None:
        for action in self.pipeline.wait(seconds):
            assert isinstance(action, Signal)
            assert action.pid in self.pipeline.alive

    @rule()
    def ask(self) -> None:
        asked = {action.pid for action in self.pipeline.take(Asked()) if isinstance(action, Signal)}
        assert asked == self.pipeline.alive

    @invariant()
    def it_is_over_exactly_when_all_was_to_end_and_nobody_lives(self) -> None:
        match self.pipeline.state:
            case Keeping(children=children):
                running = {child.pid for child in children.values() if isinstance(child, Running)}
                assert running == self.pipeline.alive
                due = [child for child in children.values() if not isinstance(child, Running)]
                assert all(child.at <= self.pipeline.now + MOST_WAIT_SECONDS for child in due)
            case Ending(left=left):
                assert set(left.values()) == self.pipeline.alive
                assert self.pipeline.alive
            case Over():
                assert not self.pipeline.alive


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
