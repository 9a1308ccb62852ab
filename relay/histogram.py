"""A distribution of seconds: buckets since the start for metrics, and quantiles of the newest values for people."""

from bisect import bisect_left
from itertools import accumulate
from typing import Final

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds: from a lone event's lag to an outage's."""

WINDOW = 1_024
"""Values that quantiles are taken of."""


class Histogram:
    """Written by one thread, read by others at any moment: what they see is at most one value apart from consistent."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._newest: list[float] = []
        self.count = 0
        self.sum_seconds = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        if len(self._newest) < WINDOW:
            self._newest.append(seconds)
        else:
            self._newest[self.count % WINDOW] = seconds
        self.count += 1
        self.sum_seconds += seconds

    def buckets(self) -> list[tuple[str, int]]:
        """Cumulative counts by upper bound, as Prometheus has them; the last bound is `+Inf`."""
        names = [*(str(bound) for bound in BOUNDS), "+Inf"]
        return list(zip(names, accumulate(self._counts), strict=True))

    def quantile(self, share: float) -> float | None:
        """The value that `share` (0 to 1) of the newest `WINDOW` values do not exceed; None before the first."""
        newest = sorted(self._newest)
        return newest[min(len(newest) - 1, int(share * len(newest)))] if newest else None
