"""API servers of one size after the other: today's Kubernetes code grows, so that each pod is written once; a sandbox begins anew."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench import api, rig


@dataclass(frozen=True)
class Filled:
    """An API server at one of its sizes."""

    cluster: rig.Cluster
    pods: int
    """That have an address: so many the reducer is told."""
    growing: bool
    """It is `shared/apiserver`, whose pods the benchmarks may change."""


class Clusters:
    """The one server, or the one after the other."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self._real: rig.Cluster | None = None
        self._written = self._fills = 0

    def at(self, pods: int) -> Filled:
        """With so many pods; ask for sizes in growing order. A cluster of KUBECONFIG has what it has."""
        if given := os.environ.get("KUBECONFIG"):
            return Filled(rig.Cluster(given, f"cluster of {given}", None), api.addressed_pods(api.load(given)), False)
        if not (rig.SHARED / "up").exists():
            self._opened.close()
            sandbox = self._opened.enter_context(rig.sandbox_cluster(pods))
            return Filled(sandbox, api.addressed_pods(api.load(sandbox.kubeconfig)), False)
        if self._real is None:
            self._real = self._opened.enter_context(rig.empty_real_cluster())
        if pods > self._written:
            self._fills += 1
            rig.fill(self._real, pods - self._written, seed=self._fills)
            self._written = pods
        return Filled(self._real, self._written, True)


@contextmanager
def clusters() -> Iterator[Clusters]:
    """API servers for as long as the context lasts."""
    with ExitStack() as opened:
        yield Clusters(opened)
