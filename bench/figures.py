"""Pure reckoning of the benchmarks: medians, quantiles, lags from two lists of times, lines through points."""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Run = dict[str, float]
"""The figures of one run, by name."""


def medians(runs: Sequence[Run]) -> Run:
    """Of each figure that every run has."""
    if not runs:
        return {}
    return {name: statistics.median(run[name] for run in runs) for name in runs[0] if all(name in run for run in runs)}


def spread(runs: Sequence[Run], name: str) -> tuple[float, float]:
    """The least and the most of one figure."""
    values = [run[name] for run in runs]
    return min(values), max(values)


def quantile(values: Iterable[float], part: float) -> float:
    """The least of the values that this part of them does not exceed. Raises ValueError of nothing."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, min(len(ordered) - 1, -(-int(part * len(ordered) * 1_000_000) // 1_000_000) - 1))]


class Line(NamedTuple):
    """y = base + slope · x."""

    base: float
    slope: float

    def at(self, x: float) -> float:
        """y."""
        return self.base + self.slope * x


def fit(points: Iterable[tuple[float, float]]) -> Line | None:
    """The line with the least squares of relative errors, so that a small size counts as much as a large one; None below two sizes."""
    kept = [(x, y, 1 / y**2) for x, y in points if y > 0]
    if len({x for x, _, _ in kept}) < 2:
        return None
    total = sum(w for _, _, w in kept)
    mean_x, mean_y = (sum(w * values[i] for *values, w in kept) / total for i in (0, 1))
    across = sum(w * (x - mean_x) ** 2 for x, _, w in kept)
    slope = sum(w * (x - mean_x) * (y - mean_y) for x, y, w in kept) / across
    return Line(mean_y - slope * mean_x, slope)


class Told(NamedTuple):
    """An event as the bare watch read it."""

    at_ns: int
    uid: str
    kind: str
    """`ADDED`, `MODIFIED` or `DELETED`."""
    addressed: bool
    """The pod has an address: before that, podwire has nothing to tell."""


Arrival = tuple[int, str, str]
"""Wall-clock time, UID, and what came."""


def lags_ms(told: Iterable[Told], arrived: Iterable[Arrival], *, after_ns: int) -> list[float]:
    """Milliseconds from the line that first had a pod's address, or its deletion, to the reducer's read of it.

    Each pod counts once for its coming and once for its going, whichever of the two readers was first. What was told before `after_ns`
    does not count, and neither does what has not arrived. A resync tells all pods again and counts for none.
    """
    came: dict[tuple[str, bool], int] = {}
    for at_ns, uid, kind in arrived:
        if kind in ("new", "delete"):
            came.setdefault((uid, kind == "delete"), at_ns)
    first: dict[tuple[str, bool], int] = {}
    for one in told:
        if one.kind == "DELETED" or one.addressed:
            first.setdefault((one.uid, one.kind == "DELETED"), one.at_ns)
    return [(came[key] - at_ns) / 1e6 for key, at_ns in first.items() if at_ns >= after_ns and key in came]


def reached_ns(arrived: Iterable[Arrival], pods: int) -> int:
    """When so many pods were first there on the newest connection; 0 where they never were."""
    there: set[str] = set()
    found = 0
    for at_ns, uid, kind in arrived:
        match kind:
            case "connected":
                there.clear()
                found = 0
            case "new":
                there.add(uid)
            case "delete":
                there.discard(uid)
        if not found and len(there) >= pods:
            found = at_ns
    return found
