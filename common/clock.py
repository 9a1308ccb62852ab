"""Time, as every edge reads it. Pure code is handed `now`; nothing but wire timestamps and texts for people uses the wall clock."""

import time

monotonic = time.monotonic
"""Seconds of a clock that nobody sets. All decisions use this one."""

wall_ns = time.time_ns
"""Nanoseconds since the Unix epoch. For timestamps on the wire, lag metrics and people."""


def written(at_ns: int) -> str:
    """That wall-clock time for people: UTC, ISO 8601, to the microsecond."""
    seconds, ns = divmod(at_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ns // 1_000:06d}Z"
