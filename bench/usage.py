"""What a process costs, read from the kernel: processor time in nanoseconds, memory as its share of what it maps.

Processor time comes from the process's own CPU clock (clock_getcpuclockid(3)): /proc/PID/stat counts in 10 ms, which is as much as a
hundred events cost. Memory is PSS: a page that several processes map counts once over all of them. Reading it makes the kernel walk the
process's page tables, so what is timed is never sampled at the same time.
"""

import ctypes
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, all its threads. Raises ProcessLookupError."""
    clock = ctypes.c_int()
    error = _libc.clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise ProcessLookupError(error, os.strerror(error), str(pid))
    try:
        return time.clock_gettime(clock.value)
    except OSError as gone:
        raise ProcessLookupError(*gone.args) from gone


def reaped_cpu_seconds(pid: int) -> float:
    """User and system time of the children that it has waited for, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def pss_mb(pid: int) -> float:
    """Proportional set size in MB (10^6 bytes)."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") * 1024 / 1e6


def resident_mb(pid: int) -> tuple[float, float]:
    """What is resident now, and the most that ever was, in MB (10^6 bytes), pages that others map too included."""
    status = Path(f"/proc/{pid}/status")
    return _kilobytes(status, "VmRSS:") * 1024 / 1e6, _kilobytes(status, "VmHWM:") * 1024 / 1e6


def _kilobytes(file: Path, field: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise ProcessLookupError(f"{file} has no {field}")


def descendants(pid: int) -> list[int]:
    """The process and all that it started and that still run."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found.extend(int(child) for child in task.read_text().split())
            except (FileNotFoundError, ProcessLookupError):
                continue  # the thread has just ended
    return found


class MemorySampler:
    """The largest sum of PSS over a process and its descendants, and over these alone, read every 20 ms while the context lasts."""

    EVERY_SECONDS = 0.02

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        """Of all."""
        self.peak_below_mb = 0.0
        """Of all but the process itself."""
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "MemorySampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self.EVERY_SECONDS):
            own, *below = _sums(descendants(self._pid))
            self.peak_mb = max(self.peak_mb, own + sum(below))
            self.peak_below_mb = max(self.peak_below_mb, sum(below))


def _sums(pids: Iterable[int]) -> list[float]:
    found = []
    for pid in pids:
        try:
            found.append(pss_mb(pid))
        except (OSError, ProcessLookupError):
            found.append(0.0)  # it has just ended, or begins
    return found
