"""What else used the machine's processors while something was measured: figures of a busy machine are worth less, and should say so."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import rig, usage

QUIET_CORES = 0.1


@dataclass
class Busy:
    """Cores that others used, on average; known when the context is over."""

    cores: float = 0.0


@contextmanager
def watched(cluster: rig.Cluster) -> Iterator[Busy]:
    """Counts as others' what was used by neither this process, nor what it started, nor the API server and its etcd."""
    found, began = Busy(), time.monotonic()
    servers = _servers(cluster)
    before = _busy_seconds() - _own_seconds(servers)
    yield found
    used = _busy_seconds() - _own_seconds(servers) - before
    found.cores = max(0.0, used / (time.monotonic() - began))


def said(cores: float) -> str:
    """For a table's head."""
    words = f"others used {cores:.2f} cores"
    return words if cores < QUIET_CORES else f"{words}: TOO BUSY A MACHINE to trust these"


def _servers(cluster: rig.Cluster) -> list[int]:
    """Those of `shared/apiserver`: they are nobody's children."""
    pids = (Path(cluster.kubeconfig).parent / f"{name}.pid" for name in ("apiserver", "etcd"))
    return [int(pid.read_text()) for pid in pids if cluster.server_pid is not None and pid.exists()]


def _own_seconds(servers: list[int]) -> float:
    """Of this process, of its children that have ended, and of what runs for it."""
    own, *children = usage.descendants(os.getpid())
    return sum(os.times()[:4]) + sum(map(_seconds, {*children, *servers} - {own}))


def _seconds(pid: int) -> float:
    try:
        return usage.cpu_seconds(pid) + usage.reaped_cpu_seconds(pid)
    except (OSError, ProcessLookupError):
        return 0.0  # it has just ended


def _busy_seconds() -> float:
    """Of all processors, since the machine's start: user, nice, system, interrupts; not waiting, and not what the hypervisor took."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")
