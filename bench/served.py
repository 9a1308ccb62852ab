"""What the API server uses while it serves somebody, and how many of its garbage collections fell into that.

One collection takes two seconds of its CPU where 100,000 pods are kept, and whether it falls into one run or the next is luck: with few
runs that decides a comparison. What a collection costs is not told by the server in the measure of the rest (its own figure counts the
time in which it was given no processor, too), so they are only counted, and means stand beside the medians.
"""

import re

from bench import api, usage
from bench.clusters import Filled
from bench.figures import Run

_COLLECTIONS = re.compile(r"^go_gc_duration_seconds_count (\S+)$", re.MULTILINE)


class Serving:
    """From now on."""

    def __init__(self, filled: Filled) -> None:
        self._filled = filled
        self._collections = _collections(filled)
        self._cpu = cpu_seconds(filled)

    def used(self) -> Run:
        """CPU seconds and, where the server tells, the collections that ended meanwhile."""
        cpu = cpu_seconds(self._filled) - self._cpu  # before it is asked, which costs too
        collections = _collections(self._filled)
        if collections is None or self._collections is None:
            return {"server_cpu": cpu}
        return {"server_cpu": cpu, "server_collections": collections - self._collections}


def cpu_seconds(filled: Filled) -> float:
    """Of the API server so far; 0 where it is not ours to measure."""
    return usage.cpu_seconds(filled.cluster.server_pid) if filled.cluster.server_pid else 0.0


def _collections(filled: Filled) -> float | None:
    """So far; None where the server is not ours or does not tell."""
    if not filled.cluster.server_pid:
        return None
    server = api.load(filled.cluster.kubeconfig)
    answer = server.pool().request("GET", f"{server.host}/metrics", headers=server.headers)
    return collections_in(answer.data.decode("utf-8", "replace"))


def collections_in(metrics: str) -> float | None:
    """The counter in the text of /metrics."""
    found = _COLLECTIONS.search(metrics)
    return float(found[1]) if found else None
