"""The cluster behind podwire: the sandbox's, which takes orders and can stand still, or a real one, which moves as it likes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol

from common.records import KINDS
from sandbox.lists import CannotList
from sandbox.lists import Cluster as Lists
from sandbox.truth import SHOWN, Truth, compare, truth
from tests.chaos.reducer import Reducer
from tests.e2e.sandboxed import Sandbox

SETTLE_SECONDS = 30.0

GONE = (OSError, HTTPException, ValueError)
"""What asking raises of a process that is not there, stands still, or is cut off in the middle of its answer."""


class Cluster(Protocol):
    """What chaos needs of a cluster."""

    kubeconfig: Path

    def quiet(self) -> Any:
        """A context in which the workload stands still, where that can be had."""

    def truth(self) -> Truth:
        """What a reducer must hold now. Raises CannotList or one of `GONE`."""

    def unwatched(self) -> list[str]:
        """Which kinds nobody watches, in words, where that can be told. Raises one of `GONE`."""


class SandboxCluster:
    """The sandbox's. Its truth is that of the store itself, which no fault of the API hides."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.kubeconfig = sandbox.kubeconfig

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What the workload has begun is finished, and nothing new begins, until the context ends."""
        self.sandbox.order("settle")
        try:
            until = time.monotonic() + SETTLE_SECONDS
            while self.sandbox.state()["workload"]["waiting"]:
                assert time.monotonic() < until, f"the workload did not settle within {SETTLE_SECONDS:.0f} s"
                time.sleep(0.02)
            yield
        finally:
            self.sandbox.order("resume")

    def truth(self) -> Truth:
        """Of all objects that are there now."""
        objects = self.sandbox.objects
        return truth(pods=objects("pods"), replicasets=objects("replicasets"), jobs=objects("jobs"))

    def unwatched(self) -> list[str]:
        """By its open watches."""
        watches = self.sandbox.state()["watches"]
        return [f"nobody watches {kind}" for kind in KINDS if not watches.get(kind)]


class RealCluster:
    """A cluster of a kubeconfig, by its own lists."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._lists = Lists(kubeconfig=kubeconfig)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """A real cluster's workload is not ours to stop."""
        yield

    def truth(self) -> Truth:
        """Of its lists, taken one after the other."""
        return self._lists.truth()

    def unwatched(self) -> list[str]:
        """A real API server does not tell."""
        return []


def differences(cluster: Cluster, reducer: Reducer) -> list[str]:
    """What the reducer has yet to learn, or the watchers to ask for, in words; empty when podwire is in step.

    What it holds is newer than the first truth and older than the second: it is behind where it differs from both.
    """
    try:
        if unwatched := cluster.unwatched():
            return unwatched
        before = cluster.truth()
        held = reducer.pods()
        first = compare(before, held).differences
        if not first.total:
            return []
        second = compare(cluster.truth(), held).differences
    except (CannotList, *GONE) as error:
        return [f"not compared: {error!r}"]
    # So many that not all are told: the two sentences about one and the same pod need not be among them.
    many = [f"{second.total} differences"] if min(first.total, second.total) > SHOWN else []
    return many + sorted({*first.first} & {*second.first})
