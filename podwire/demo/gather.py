"""Asks all processes of a demo how they stand: the stages' admins, the cluster's desk and the reducer, once per `Sample`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.clock import monotonic, wall_ns
from podwire.ask import NoAnswer, ask_json
from podwire.demo.latency import Arrived, Told
from podwire.states import States, read_states


@dataclass(frozen=True, kw_only=True)
class Sample:
    """How all stood at one moment."""

    at: float
    """Monotonic seconds."""
    stages: States
    cluster: dict[str, Any] | None
    """The cluster's /sandbox/state; None when it does not answer."""
    reducer: dict[str, Any] | None
    """The reducer's /state; None when it does not answer."""
    told: tuple[Told, ...]
    """Changes of pods that watches were told since the sample before."""
    arrived: tuple[Arrived, ...]
    """What the reducer has decoded since the sample before, up to `until_ns`."""
    until_ns: int


class Gatherer:
    """Takes samples; keeps up to where it has read."""

    def __init__(self, run_dir: Path, *, cluster: str, reducer: str) -> None:
        """`cluster` and `reducer` are the HOST:PORT of their HTTP."""
        self._run_dir = run_dir
        self._cluster = cluster
        self._reducer = reducer
        self._last_telling = 0
        self._last_arrival_ns = 0

    def sample(self) -> Sample:
        """Asks everybody."""
        before_ns = wall_ns()
        # Arrivals before tellings: whatever has arrived was told before.
        arrived = self._arrivals()
        return Sample(
            at=monotonic(),
            arrived=arrived,
            until_ns=max(before_ns, self._last_arrival_ns),
            told=self._tellings(),
            stages=read_states(self._run_dir),
            cluster=_or_none(self._cluster, "/sandbox/state"),
            reducer=_or_none(self._reducer, "/state"),
        )

    def _arrivals(self) -> tuple[Arrived, ...]:
        rows = _or_none(self._reducer, f"/arrivals?after={self._last_arrival_ns}") or []
        arrived = tuple(Arrived(at_ns, uid, kind) for at_ns, uid, kind, _connection in rows)
        self._last_arrival_ns = max((one.at_ns for one in arrived), default=self._last_arrival_ns)
        return arrived

    def _tellings(self) -> tuple[Told, ...]:
        rows = _or_none(self._cluster, f"/sandbox/changes?after={self._last_telling}") or []
        self._last_telling = max((row["number"] for row in rows), default=self._last_telling)
        return tuple(
            Told(row["at_ns"], row["uid"], row["type"] == "DELETED") for row in rows if row["resource"] == "pods"
        )


def _or_none(address: str, path: str) -> Any:  # noqa: ANN401 (any JSON)
    try:
        return ask_json(address, path)
    except NoAnswer:
        return None
