"""The matcher's metrics, by Prometheus' naming conventions. Imported at the first scrape."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from common.records import KINDS
from matcher.core import Core
from matcher.loop import Loop

PREFIX = "podwire_matcher_"


def families(core: Core, loop: Loop, *, now: float) -> Iterable[Metric]:
    """All of them, as they stand at `now` (monotonic seconds)."""
    yield from _pods(core)
    yield from _watchers(core, now)
    yield from _sending(core, loop)


def _pods(core: Core) -> Iterator[Metric]:
    matcher, outbox = core.matcher, core.outbox
    yield _gauge("pods", "Pods of the cluster that are known.", len(matcher.pods))
    yield _gauge("pods_live", "Pods that were sent in the open epoch.", outbox.live)
    yield _gauge("pods_waiting", "Pods that wait for their owner's record.", matcher.groups.waiting)
    yield _gauge("pods_provisional", "Pods whose owner's record did not come in time.", matcher.groups.provisional)
    yield _gauge("pods_dirty", "Pods whose newest state has not been sent.", outbox.dirty)
    yield _gauge("pods_unswept", "Pods that the epoch's full send has not come to.", outbox.unswept)
    yield _gauges("owners", "Owners that are known.", "kind", {kind: len(one) for kind, one in matcher.owners.items()})
    yield _counters("bad_records", "Records that could not be decoded.", "kind", matcher.bad_records)


def _watchers(core: Core, now: float) -> Iterator[Metric]:
    counts = {kind: core.followers[kind].counts for kind in KINDS}
    healthy = {kind: float(core.followers[kind].pulse.trouble(now) is None) for kind in KINDS}
    yield _gauges("watcher_healthy", "1 while the watcher is heard and follows its kind.", "kind", healthy)
    for name, text in (
        ("asked", "Snapshots asked for."),
        ("fills", "Snapshots taken completely."),
        ("gaps", "Gaps in a watcher's sequence numbers."),
        ("duplicates", "Updates that had been taken before."),
        ("of_the_dead", "Frames of watchers' lives that are over."),
    ):
        yield _counters(
            f"snapshots_{name}" if name in ("asked", "fills") else f"updates_{name}",
            text,
            "kind",
            {kind: getattr(count, name) for kind, count in counts.items()},
        )


def _sending(core: Core, loop: Loop) -> Iterator[Metric]:
    link = core.link.latest
    yield _gauge(
        "link_connected", "1 while the relay is connected to a reducer.", float(link is not None and link.connected)
    )
    yield _gauge("epoch", "The newest epoch.", core.epochs.number)
    yield _counters("epochs", "Epochs by what caused them; one may have several causes.", "reason", core.epochs.opened)
    yield _counter("guard_trips", "How often too many pods waited for their owners.", core.guard.trips)
    yield _counter("emissions", "Emissions sent to the relay.", core.outbox.emissions_taken)
    yield _counter("emitted_bytes", "Bytes of messages with emissions sent to the relay.", loop.emitted_bytes)
    yield _counter("pods_without_ipv4", "Pods sent without an IPv4 address.", core.outbox.without_ipv4)
    yield _counters("bad_frames", "Frames dropped, by where they came from.", "origin", loop.bad_frames)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=[label])
    for key, value in list(values.items()):
        family.add_metric([key], value)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for key, value in list(values.items()):
        family.add_metric([key], value)
    return family
