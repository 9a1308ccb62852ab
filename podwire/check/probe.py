"""Runs one probe: for so long at most, and whatever it meets becomes a finding, so that it keeps no other from running."""

import queue
import threading
from collections.abc import Callable

from common.errors import UsageError
from podwire.ask import NoAnswer
from podwire.check.findings import Finding

PROBE_SECONDS = 30.0
"""More than any step within a probe may take (`watcher.dial` allows 10 s each to TCP, a proxy and TLS): what gets here hangs."""

Probe = Callable[[], list[Finding]]


def findings_of(topic: str, probe: Probe, *, seconds: float = PROBE_SECONDS) -> list[Finding]:
    """What the probe finds. It runs on a daemon thread: one that hangs is left behind."""
    ended: queue.SimpleQueue[list[Finding]] = queue.SimpleQueue()
    threading.Thread(target=lambda: ended.put(_tried(topic, probe)), name=f"check-{topic}", daemon=True).start()
    try:
        return ended.get(timeout=seconds)
    except queue.Empty:
        return [Finding(topic, "problem", f"no result within {seconds:.0f} s", "find out what hangs there")]


def _tried(topic: str, probe: Probe) -> list[Finding]:
    try:
        return probe()
    except (UsageError, NoAnswer) as error:
        return [Finding(topic, "problem", str(error))]
    except Exception as error:  # noqa: BLE001 (a probe that fails in a way that nobody foresaw must not stop the others)
        return [Finding(topic, "problem", f"could not be looked at: {type(error).__name__}")]
