"""Distributions of seconds."""

from relay.histogram import BOUNDS, WINDOW, Histogram


def test_buckets_are_cumulative_and_bounds_inclusive() -> None:
    histogram = Histogram()
    for seconds in (0.0, 0.0005, 0.0006, 7.0, 99.0):
        histogram.observe(seconds)
    buckets = dict(histogram.buckets())
    assert (buckets["0.0005"], buckets["0.001"], buckets["5.0"], buckets["10.0"], buckets["+Inf"]) == (2, 3, 3, 4, 5)
    assert len(buckets) == len(BOUNDS) + 1
    assert histogram.sum_seconds == 0.0 + 0.0005 + 0.0006 + 7.0 + 99.0


def test_quantiles_are_of_the_newest_values() -> None:
    histogram = Histogram()
    assert histogram.quantile(0.5) is None
    for _ in range(WINDOW):
        histogram.observe(50.0)
    for value in range(WINDOW):
        histogram.observe(float(value))
    assert histogram.quantile(0.5) == WINDOW / 2
    assert histogram.quantile(0.99) == int(WINDOW * 0.99)
    assert histogram.quantile(1.0) == WINDOW - 1
