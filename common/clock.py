"""Time, as every edge reads it. Pure code is handed `now`; nothing but wire timestamps and texts for people uses the wall clock."""

import time

monotonic = time.monotonic
"""Seconds of a clock that nobody sets. All decisions use this one."""

wall_ns = time.time_ns
"""Nanoseconds since the Unix epoch. For timestamps on the wire, lag metrics and people."""


BEAT_SECONDS = 1.0
"""Between two beats. They are the whole multiples of it on the monotonic clock, so all processes of a machine have the same ones: what is
said again and again is said at a beat, and an idle pipeline wakes up as a whole, each finding in the caches what the one before has
just used. Each at a second of its own, they took twice the CPU (docs/performance.md).
"""

LATE_SECONDS = 0.1
"""How long after a beat the matcher waits for what the watchers say at the same one, before it speaks itself, and the relay as long again
for the matcher: what is passed on is of this beat then, and not of this or the one before as chance has it.
"""


def last_beat(moment: float) -> float:
    """The last beat that is not after `moment`, in monotonic seconds."""
    return moment // BEAT_SECONDS * BEAT_SECONDS


def next_beat(now: float) -> float:
    """The first beat after `now`."""
    return last_beat(now) + BEAT_SECONDS


def written(at_ns: int) -> str:
    """That wall-clock time for people: UTC, ISO 8601, to the microsecond."""
    seconds, ns = divmod(at_ns, 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ns // 1_000:06d}Z"
