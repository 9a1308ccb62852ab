"""API servers of one size after the other: today's Kubernetes code grows, so that each pod is written once; a sandbox begins anew."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

from bench import api, rig

Source = Literal["real", "sandbox", "given"]
"""`real` is `shared/apiserver`, whose pods the benchmarks may change; `sandbox` changes its own; `given` by KUBECONFIG is left alone."""


@dataclass(frozen=True)
class Filled:
    """An API server at one of its sizes."""

    cluster: rig.Cluster
    pods: int
    """That have an address: so many the reducer is told."""
    source: Source
    moving: bool = False
    """Pods come and go by themselves."""

    @property
    def wanted(self) -> int:
        """With so many pods a reducer has them all; of those that move, some are gone when they are looked for."""
        return self.pods - self.pods // 20 if self.moving else self.pods


class Clusters:
    """The one server, or the one after the other."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self._real: rig.Cluster | None = None
        self._written = self._fills = 0

    def at(self, pods: int, *, sandbox_rate: float = 0.0) -> Filled:
        """With so many pods; ask for sizes in growing order. A cluster of KUBECONFIG has what it has.

        A sandbox begins anew, and lets so many pod events happen each second.
        """
        if given := os.environ.get("KUBECONFIG"):
            return Filled(
                rig.Cluster(given, f"cluster of {given}", None),
                api.addressed_pods(api.load(given)),
                "given",
                moving=True,
            )
        if not (rig.SHARED / "up").exists():
            self._opened.close()
            sandbox = self._opened.enter_context(rig.sandbox_cluster(pods, rate=sandbox_rate))
            return Filled(sandbox, api.addressed_pods(api.load(sandbox.kubeconfig)), "sandbox", sandbox_rate > 0)
        if self._real is None:
            self._real = self._opened.enter_context(rig.empty_real_cluster())
        if pods > self._written:
            self._fills += 1
            rig.fill(self._real, pods - self._written, seed=self._fills)
            self._written = pods
        return Filled(self._real, self._written, "real")


@contextmanager
def clusters() -> Iterator[Clusters]:
    """API servers for as long as the context lasts."""
    with ExitStack() as opened:
        yield Clusters(opened)
