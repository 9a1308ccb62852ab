"""What the benchmarks reckon from what they measured."""

import pytest

from bench.figures import Told, fit, lags_ms, medians, quantile, reached_ns


def test_medians_are_of_each_figure_that_all_runs_have() -> None:
    assert medians([{"a": 1, "b": 5}, {"a": 9, "b": 6}, {"a": 2}]) == {"a": 2}
    assert medians([]) == {}


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)])
def test_a_quantile_is_the_least_value_that_so_many_do_not_exceed(part: float, value: float) -> None:
    assert quantile(range(100, 0, -1), part) == value


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_a_line_through_points_on_a_line_is_that_line() -> None:
    found = fit([(1_000, 3.0), (5_000, 11.0), (20_000, 41.0)])
    assert found is not None
    assert found.base == pytest.approx(1.0)
    assert found.slope == pytest.approx(0.002)
    assert found.at(100_000) == pytest.approx(201.0)


def test_a_small_size_pulls_a_line_as_much_as_a_large_one() -> None:
    """Ten per cent off at a large size moves the base by less than the base."""
    found = fit([(0, 10.0), (1_000, 11.0), (100_000, 121.0)])
    assert found is not None
    assert found.base == pytest.approx(10.0, rel=0.05)


def test_one_size_has_no_line() -> None:
    assert fit([(1_000, 3.0), (1_000, 4.0)]) is None


def told(at_ms: float, uid: str, kind: str = "ADDED", *, addressed: bool = True) -> Told:
    return Told(int(at_ms * 1e6), uid, kind, addressed)


def came(at_ms: float, uid: str, kind: str = "new") -> tuple[int, str, str]:
    return int(at_ms * 1e6), uid, kind


def test_a_lag_is_from_the_line_that_first_had_an_address() -> None:
    events = [told(1, "a", addressed=False), told(5, "a", "MODIFIED"), told(8, "a", "MODIFIED")]
    assert lags_ms(events, [came(7, "a")], after_ns=0) == [2.0]


def test_a_pod_counts_for_its_coming_and_for_its_going() -> None:
    events = [told(1, "a"), told(9, "a", "DELETED", addressed=False)]
    assert lags_ms(events, [came(2, "a"), came(12, "a", "delete")], after_ns=0) == [1.0, 3.0]


def test_the_bare_watch_may_be_the_slower_reader() -> None:
    assert lags_ms([told(3, "a")], [came(2.5, "a")], after_ns=0) == [-0.5]


def test_what_was_told_before_the_window_or_never_arrived_does_not_count() -> None:
    events = [told(1, "before"), told(6, "lost"), told(7, "a")]
    assert lags_ms(events, [came(8, "before"), came(9, "a"), came(9, "", "resync")], after_ns=5_000_000) == [2.0]


def test_a_number_of_pods_is_reached_once_on_the_newest_connection() -> None:
    first = [(1, "", "connected"), (2, "a", "new"), (3, "b", "new"), (4, "c", "new")]
    again = [
        (5, "", "connected"),
        (6, "a", "new"),
        (7, "a", "delete"),
        (8, "b", "new"),
        (9, "c", "new"),
        (10, "d", "new"),
    ]
    assert reached_ns(first, 2) == 3
    assert reached_ns([*first, *again], 2) == 9
    assert reached_ns([*first, *again], 4) == 0
