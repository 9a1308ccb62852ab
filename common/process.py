"""What the kernel knows of this process: time, processor and memory, for /state."""

import os
from pathlib import Path
from typing import Any

from common.clock import monotonic
from common.version import VERSION


def process_facts(*, stage: str, started: float) -> dict[str, Any]:
    """The part of a stage's /state that every stage has.

    `started` is the monotonic time of the stage's start; memory is in KiB, None where the kernel does not tell.
    """
    times = os.times()
    memory = _memory_kib()
    return {
        "stage": stage,
        "pid": os.getpid(),
        "version": VERSION,
        "uptime_seconds": round(monotonic() - started, 3),
        "cpu_seconds": round(times.user + times.system, 3),
        "rss_kib": memory.get("Rss"),
        "pss_kib": memory.get("Pss"),
    }


def _memory_kib() -> dict[str, int]:
    """Rss, Pss and more of proc_pid_smaps_rollup(5)."""
    try:
        text = Path("/proc/self/smaps_rollup").read_text("ascii")
    except OSError:
        return {}
    fields = (line.split() for line in text.splitlines()[1:])
    return {field[0].rstrip(":"): int(field[1]) for field in fields}
