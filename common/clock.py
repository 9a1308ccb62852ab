"""Time, as every edge reads it. Pure code is handed `now`; nothing but wire timestamps and texts for people uses the wall clock."""

import time

monotonic = time.monotonic
"""Seconds of a clock that nobody sets. All decisions use this one."""

wall_ns = time.time_ns
"""Nanoseconds since the Unix epoch. For timestamps on the wire, lag metrics and people."""
