"""Prometheus' metric families, made at the moment of a scrape from numbers that a stage counts anyway.

Imported at the first scrape, or before the stages are forked, which then share it: prometheus_client costs memory that a stage by itself
which nobody scrapes does without. Names are given as they are scraped, but for a counter's `_total`, which prometheus_client adds.
docs/metrics.md says what each means, and a test holds it to that.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric


def gauge(name: str, text: str, value: float, **labels: str) -> Metric:
    """One number that goes up and down."""
    return _of_one(GaugeMetricFamily(name, text, labels=list(labels)), value, labels)


def gauges(name: str, text: str, label: str, values: Mapping[Any, float], **labels: str) -> Metric:
    """The same by the values of one label; `labels` are those that all have."""
    return _of_many(GaugeMetricFamily(name, text, labels=[*labels, label]), values, labels)


def counter(name: str, text: str, value: float, **labels: str) -> Metric:
    """One number that only grows while the process lives."""
    return _of_one(CounterMetricFamily(name, text, labels=list(labels)), value, labels)


def counters(name: str, text: str, label: str, values: Mapping[Any, float], **labels: str) -> Metric:
    """The same by the values of one label; `labels` are those that all have."""
    return _of_many(CounterMetricFamily(name, text, labels=[*labels, label]), values, labels)


def histogram(name: str, text: str, buckets: Iterable[tuple[str, int]], sum_: float) -> Metric:
    """A distribution: cumulative counts by upper bound, and the sum of all values."""
    family = HistogramMetricFamily(name, text)
    family.add_metric([], list(buckets), sum_value=sum_)
    return family


def _of_one(family: Any, value: float, labels: Mapping[str, str]) -> Metric:  # noqa: ANN401 (no common type with `add_metric`)
    family.add_metric(list(labels.values()), value)
    return family  # type: ignore[no-any-return]


def _of_many(family: Any, values: Mapping[Any, float], labels: Mapping[str, str]) -> Metric:  # noqa: ANN401 (as above)
    # A copy, because the stage's loop goes on counting meanwhile.
    for key, value in dict(values).items():
        family.add_metric([*labels.values(), str(key)], value)
    return family  # type: ignore[no-any-return]
