"""The check for lost speed sees a loss, and what it measures is podwire's work."""

import time

from bench.hotpaths import PODS, Path, paths
from bench.regression import BOUND, Cost, Verdict, judge, measure
from common import messages
from common.messages import Emissions, OwnerKind, PodNew


def test_a_path_that_takes_twice_as_long_is_noticed() -> None:
    """Not by a made-up number: the slower one is measured, beside whatever else the machine does."""
    fast = paths()[-1]
    slow = Path(fast.name, fast.units, lambda: (fast.run(), fast.run()))
    (before,) = measure([fast], rounds=8)
    baseline = {before.name: before.ratio}
    assert [verdict.lost for verdict in judge(measure([fast], rounds=8), baseline)] == [False]
    assert [verdict.lost for verdict in judge(measure([slow], rounds=8), baseline)] == [True]


def test_time_that_others_use_is_no_loss() -> None:
    """It is CPU that counts: a path that waits costs nothing."""
    (waits,) = measure([Path("waits", 1, lambda: time.sleep(0.02))], rounds=1)
    assert waits.microseconds < 5_000


def test_the_bound_is_crossed_above_and_not_on_it() -> None:
    cost = Cost("path", 10.0, 1.0)
    assert not Verdict(cost, BOUND).lost
    assert Verdict(cost, BOUND + 0.01).lost


def test_what_is_not_on_record_is_not_judged() -> None:
    (verdict,) = judge([Cost("new", 10.0, 1.0)], {"old": 1.0})
    assert verdict.over_baseline is None
    assert not verdict.lost


def test_the_matchers_path_says_all_pods_with_their_owners() -> None:
    by_name = {path.name.partition(":")[0]: path for path in paths()}
    frames = by_name["matcher"].run()
    assert isinstance(frames, list)
    batches = [messages.decode(frame) for frame in frames]
    said = [
        one for batch in batches if isinstance(batch, Emissions) for one in batch.emissions if isinstance(one, PodNew)
    ]
    assert len(said) == PODS
    assert {one.owner_kind for one in said} == {OwnerKind.DEPLOYMENT}


def test_the_relays_path_compresses_messages_of_the_usual_size() -> None:
    size = paths()[-1].run()
    assert isinstance(size, int)
    assert 120 * PODS < size < 300 * PODS
