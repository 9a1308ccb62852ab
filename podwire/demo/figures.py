"""What a demo shows, worked out from samples: rates over the last seconds, latencies, each stage's processor time."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podwire.demo.gather import Sample
from podwire.demo.latency import Join, quantile

RATE_SECONDS = 5.0
"""Rates are means over this time."""

LATENCY_SECONDS = 10.0
"""Latencies are those of changes that arrived within this time."""


@dataclass(frozen=True, kw_only=True)
class StageFigures:
    """One stage, in the words of the table."""

    name: str
    pid: int | None
    restarts: int
    cpu_share: float | None
    """Of one core."""
    pss_kib: int | None
    state: str


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One moment of a demo. None where nobody could say."""

    seconds: float
    """Since the first sample."""
    stages: tuple[StageFigures, ...]
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
        self._lives: dict[str, list[Mapping[str, Any]]] = {}

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
        matcher = sample.stages.get("matcher")
        pods = matcher["pods"] if isinstance(matcher, dict) else {}
        return Figures(
            seconds=sample.at - self._started,
            stages=tuple(self._stage(name, state, sample.at) for name, state in sample.stages.items()),
            cluster_pods=(sample.cluster or {}).get("objects", {}).get("pods"),
            matcher_pods=pods.get("known"),
            reducer_pods=reducer.get("pods"),
            containers=reducer.get("containers"),
            waiting=pods.get("waiting"),
            epoch=reducer.get("epoch"),
            link=_link(sample.stages.get("relay")),
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

    def _stage(self, name: str, state: Mapping[str, Any] | str, at: float) -> StageFigures:
        lives = self._lives.setdefault(name, [])
        if isinstance(state, str):
            return StageFigures(
                name=name, pid=None, restarts=max(0, len(lives) - 1), cpu_share=None, pss_kib=None, state=state
            )
        before = lives[-1] if lives and lives[-1]["pid"] == state["pid"] else None
        share = (state["cpu_seconds"] - before["cpu_seconds"]) / (at - before["at"]) if before else None
        if before is None:
            lives.append({})
        lives[-1] = {"pid": state["pid"], "cpu_seconds": state["cpu_seconds"], "at": at}
        return StageFigures(
            name=name,
            pid=state["pid"],
            restarts=len(lives) - 1,
            cpu_share=share,
            pss_kib=state["pss_kib"],
            state=state["not_ready"] or "in sync",
        )


def _link(relay: Mapping[str, Any] | str | None) -> str:
    if not isinstance(relay, Mapping):
        return "no relay"
    link = relay["link"]
    return (
        f"up, connection {link['connection']}" if link["connected"] else f"down: {link['last_trouble'] or 'connecting'}"
    )
