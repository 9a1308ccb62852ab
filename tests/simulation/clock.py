"""Simulated time: it stands still until the scheduler moves it on. The wall clock goes with it, and may be set at any time."""

WALL_AT_START_NS = 1_700_000_000_000_000_000


class Clock:
    """Seconds since the simulation began. One instance serves one schedule."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.wall_offset_ns = 0

    def monotonic(self) -> float:
        """What `common.clock.monotonic` gives to the processes."""
        return self.now

    def wall_ns(self) -> int:
        """What `common.clock.wall_ns` gives to the processes."""
        return WALL_AT_START_NS + self.wall_offset_ns + int(self.now * 1e9)
