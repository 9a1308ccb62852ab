"""How long a change takes from the watch's line to the reducer: the cluster's tellings joined with the reducer's arrivals.

Both sides note wall-clock times of this one machine. What arrives is put down to the newest telling of that pod before it, and each
telling counts once. A resync says everything again, whenever it was told: it answers all tellings before it, and counts for none.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Told(NamedTuple):
    """A line of a pod watch was about to be written."""

    at_ns: int
    uid: str
    deleted: bool


class Arrived(NamedTuple):
    """The reducer has decoded a message about a pod; with a resync about all."""

    at_ns: int
    uid: str
    kind: str
    """`new`, `container`, `delete`, `resync`, or something that concerns no pod."""


class Join:
    """Takes both sides piece by piece and gives the latencies."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}
        """The newest telling of each pod that nothing has answered yet."""
        self._ahead: list[Told] = []
        """Tellings after the newest arrivals that have been taken."""

    def take(self, told: Iterable[Told], arrived: Iterable[Arrived], *, until_ns: int) -> list[float]:
        """Seconds of each change that has arrived.

        `arrived` holds all up to `until_ns`, and `told` all that comes before those: ask for arrivals first.
        """
        known = sorted([*self._ahead, *told])
        self._ahead = [one for one in known if one.at_ns > until_ns]
        # The sort is stable: a telling goes before an arrival of the same time.
        past: list[Told | Arrived] = [*(one for one in known if one.at_ns <= until_ns), *arrived]
        latencies: list[float] = []
        for one in sorted(past, key=lambda one: one.at_ns):
            match one:
                case Told():
                    self._told[one.uid] = one
                case Arrived():
                    latencies.extend(self._answer(one))
        return latencies

    def _answer(self, arrived: Arrived) -> list[float]:
        if arrived.kind == "resync":
            self._told.clear()
            return []
        told = self._told.get(arrived.uid)
        if told is None or told.deleted != (arrived.kind == "delete"):
            return []
        del self._told[arrived.uid]
        return [(arrived.at_ns - told.at_ns) / 1e9]


def quantile(sorted_seconds: list[float], part: float) -> float | None:
    """The value that this part of them does not exceed, None of nothing."""
    if not sorted_seconds:
        return None
    return sorted_seconds[min(int(part * len(sorted_seconds)), len(sorted_seconds) - 1)]
