"""The cluster behind podwire: the sandbox's, which takes orders and can stand still, or a real one, which moves as it likes."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from bench import rig
from podwire.ask import NoAnswer
from sandbox.lists import CannotList
from sandbox.lists import Cluster as Lists
from sandbox.reducer.held import HeldPod
from sandbox.truth import Truth, differences, truth
from tests.chaos.http import GONE, fetch, post
from tests.chaos.reducers import Reducer

SETTLE_SECONDS = 30.0


class Cluster(Protocol):
    """What chaos needs of a cluster."""

    kubeconfig: Path

    def quiet(self) -> Any:
        """A context in which the workload stands still, where that can be had."""

    def differences(self, reducer: Reducer) -> list[str]:
        """What the reducer has yet to learn, in words; empty when it is in step."""


class SandboxCluster:
    """The sandbox's API server, at its address, with its kubeconfig and its process."""

    def __init__(self, *, kubeconfig: Path, process: subprocess.Popen[bytes]) -> None:
        self.kubeconfig = kubeconfig
        self.pid = process.pid
        self.address = _server_of(kubeconfig)

    def order(self, order: str, **details: Any) -> None:
        """Sends one of `sandbox.orders`."""
        post(self.address, "/sandbox/orders", {"order": order, **details})

    def state(self) -> dict[str, Any]:
        """Its /sandbox/state."""
        state: dict[str, Any] = json.loads(fetch(self.address, "/sandbox/state"))
        return state

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What the workload has begun is finished, and nothing new begins, until the context ends."""
        self.order("settle")
        try:
            rig.wait_for(
                lambda: self.state()["workload"]["waiting"] == 0, seconds=SETTLE_SECONDS, what="a quiet workload"
            )
            yield
        finally:
            self.order("resume")

    def differences(self, reducer: Reducer) -> list[str]:
        """By the objects of the store itself, which no fault of the API hides."""
        try:
            held = {pod.uid: pod for pod in reducer.pods()}
            return differences(self._truth(), held)
        except GONE as error:
            return [f"not compared: {error!r}"]

    def _truth(self) -> Truth:
        return truth(pods=self._objects("pods"), replicasets=self._objects("replicasets"), jobs=self._objects("jobs"))

    def _objects(self, plural: str) -> list[dict[str, Any]]:
        listed = msgspec.json.decode(fetch(self.address, f"/sandbox/objects/{plural}"))
        return listed.get("items") or []


class RealCluster:
    """A cluster of a kubeconfig, by its own lists."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """A real cluster's workload is not ours to stop."""
        yield

    def differences(self, reducer: Reducer) -> list[str]:
        """What the reducer holds is newer than the first list and older than the second: it is behind where it differs from both."""
        try:
            lists = Lists(kubeconfig=self.kubeconfig)
            before = lists.truth()
            held: dict[str, HeldPod] = {pod.uid: pod for pod in reducer.pods()}
            wrong = set(differences(before, held))
            return sorted(wrong & set(differences(lists.truth(), held))) if wrong else []
        except (CannotList, NoAnswer, *GONE) as error:
            return [f"not compared: {error!r}"]


@contextmanager
def sandbox_cluster(directory: Path, *, pods: int, rate: float, seed: int) -> Iterator[SandboxCluster]:
    """A sandbox whose bookmarks come every two seconds, so that a watch that has fallen silent can be told soon."""
    kubeconfig = directory / "kubeconfig"
    workload = ["--pods", str(pods), "--rate", str(rate), "--seed", str(seed), "--bookmark-seconds", "2"]
    command = ["sandbox", "cluster", "--kubeconfig", str(kubeconfig), *workload]
    with rig.process(command, log=directory / "cluster.log") as process:
        rig.wait_for(kubeconfig.exists, seconds=60, what="the sandbox's kubeconfig")
        yield SandboxCluster(kubeconfig=kubeconfig, process=process)


def _server_of(kubeconfig: Path) -> str:
    line = next(line for line in kubeconfig.read_text().splitlines() if "server:" in line)
    return line.partition("http://")[2].strip(' "')


def monotonic_after(seconds: float) -> float:
    """The monotonic time in so many seconds."""
    return time.monotonic() + seconds
