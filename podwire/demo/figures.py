"""What a demo shows, worked out from samples: rates over the last seconds, latencies, and the pipeline's own overview."""

from collections import deque
from dataclasses import dataclass

from podwire.demo.gather import Sample
from podwire.demo.latency import Join, quantile
from podwire.overview import model as overview
from podwire.overview.model import Progress, StageRow

RATE_SECONDS = 5.0
"""Rates are means over this time."""

LATENCY_SECONDS = 10.0
"""Latencies are those of changes that arrived within this time."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One moment of a demo. None where nobody could say."""

    seconds: float
    """Since the first sample."""
    stages: tuple[StageRow, ...]
    progress: tuple[Progress, ...]
    cluster_pods: int | None
    matcher_pods: int | None
    reducer_pods: int | None
    containers: int | None
    waiting: int | None
    epoch: int | None
    link: str
    events_per_second: float
    """Changes of pods that the watcher was told."""
    messages_per_second: float
    """About pods, to the reducer."""
    bytes_per_second: float
    bytes_total: int
    p50_seconds: float | None
    p99_seconds: float | None
    breaches: int | None
    step: str
    """Whether the reducer is in step with the cluster."""


@dataclass(frozen=True)
class _Totals:
    at: float
    told: int
    messages: int
    bytes_wire: int


class Meter:
    """Takes samples in order and gives the figures of each."""

    def __init__(self) -> None:
        self._join = Join()
        self._latencies: deque[tuple[float, float]] = deque()
        self._totals: deque[_Totals] = deque([_Totals(float("-inf"), 0, 0, 0)], maxlen=1_000)
        self._started: float | None = None
        self._pipeline = overview.Meter()

    def take(self, sample: Sample, *, step: str) -> Figures:
        """The figures of the newest sample; `step` says whether the reducer was found in step."""
        if self._started is None:
            self._started = sample.at
            self._totals.clear()
        now = self._count(sample)
        then = self._totals[0]
        elapsed = max(now.at - then.at, 1e-9)
        latencies = self._take_latencies(sample)
        reducer = sample.reducer or {}
        pipeline = self._pipeline.take(sample.stages, at=sample.at)
        return Figures(
            seconds=sample.at - self._started,
            stages=pipeline.stages,
            progress=pipeline.progress,
            cluster_pods=(sample.cluster or {}).get("objects", {}).get("pods"),
            matcher_pods=pipeline.pods.get("known"),
            reducer_pods=reducer.get("pods"),
            containers=reducer.get("containers"),
            waiting=pipeline.pods.get("waiting"),
            epoch=reducer.get("epoch"),
            link=pipeline.link or "no relay",
            events_per_second=(now.told - then.told) / elapsed,
            messages_per_second=(now.messages - then.messages) / elapsed,
            bytes_per_second=max(0.0, (now.bytes_wire - then.bytes_wire) / elapsed),
            bytes_total=now.bytes_wire,
            p50_seconds=quantile(latencies, 0.5),
            p99_seconds=quantile(latencies, 0.99),
            breaches=reducer.get("breaches"),
            step=step,
        )

    def _count(self, sample: Sample) -> _Totals:
        last = self._totals[-1] if self._totals else _Totals(sample.at, 0, 0, 0)
        about_pods = sum(one.kind in ("new", "container", "delete") for one in sample.arrived)
        bytes_wire = (sample.reducer or {}).get("bytes_wire", last.bytes_wire)
        totals = _Totals(sample.at, last.told + len(sample.told), last.messages + about_pods, bytes_wire)
        self._totals.append(totals)
        while self._totals[0].at < sample.at - RATE_SECONDS:
            self._totals.popleft()
        return totals

    def _take_latencies(self, sample: Sample) -> list[float]:
        fresh = self._join.take(sample.told, sample.arrived, until_ns=sample.until_ns)
        self._latencies.extend((sample.at, latency) for latency in fresh)
        while self._latencies and self._latencies[0][0] < sample.at - LATENCY_SECONDS:
            self._latencies.popleft()
        return sorted(latency for _, latency in self._latencies)
