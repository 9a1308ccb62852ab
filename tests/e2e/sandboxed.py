"""podwire on a sandbox whose API server does wrong what a test orders: each stage's own words, its log, and the comparison at the end."""

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench import rig
from common.records import KINDS
from podwire.ask import NoAnswer, stage_state
from podwire.stages import STAGES
from tests.e2e.conftest import assert_in_step, up
from tests.fakes.processes import eventually, pid_in, whole_lines


class Sandbox:
    """A running `python -m sandbox cluster`."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        server = next(line for line in kubeconfig.read_text().splitlines() if "server:" in line)
        self._address = server.partition("http://")[2].strip(' "')

    def order(self, order: str, **details: Any) -> int:
        """Sends one of `sandbox.orders`; gives how many watches it concerned."""
        answer: dict[str, int] = self._send("POST", "/sandbox/orders", {"order": order, **details})
        return answer["concerned"]

    def state(self) -> Any:
        """Its /sandbox/state."""
        return rig.fetch(self._address, "/sandbox/state")

    def objects(self, plural: str) -> list[dict[str, Any]]:
        """All of them as they stand in the store, whatever the API has been told to answer."""
        found: list[dict[str, Any]] = rig.fetch(self._address, f"/sandbox/objects/{plural}").get("items") or []
        return found

    def put(self, plural: str, found: dict[str, Any]) -> None:
        """Writes an object as it is."""
        meta = found["metadata"]
        self._send("PUT", f"/sandbox/objects/{plural}/{meta['namespace']}/{meta['name']}", found)

    def remove(self, plural: str, found: dict[str, Any]) -> None:
        """Deletes it."""
        meta = found["metadata"]
        self._send("DELETE", f"/sandbox/objects/{plural}/{meta['namespace']}/{meta['name']}", None)

    def _send(self, method: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self._address}{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)


@contextmanager
def sandbox(
    directory: Path, *, pods: int = 300, rate: float = 100.0, bookmark_seconds: float = 1.0, seed: int = 1
) -> Iterator[Sandbox]:
    """A sandbox with a moving workload."""
    kubeconfig = directory / "kubeconfig"
    shape = ["--pods", str(pods), "--rate", str(rate), "--bookmark-seconds", str(bookmark_seconds)]
    shape += ["--seed", str(seed)]
    with rig.process(["sandbox", "cluster", *shape, "--kubeconfig", str(kubeconfig)], log=directory / "cluster.log"):
        rig.wait_for(kubeconfig.exists, seconds=60, what="the sandbox's kubeconfig")
        yield Sandbox(kubeconfig)


@dataclass(frozen=True)
class Running:
    """`podwire up` and what it reports to."""

    sandbox: Sandbox
    reducer: rig.Reducer
    run_dir: Path
    log: Path

    def state(self, stage: str) -> dict[str, Any]:
        """The stage's /state and `not_ready`; empty while nobody answers."""
        try:
            return stage_state(self.run_dir, stage)
        except NoAnswer:
            return {}

    def scope(self, kind: str) -> dict[str, Any]:
        """What the watcher of this kind says of its only scope; empty while nobody answers."""
        scopes = self.state(f"watcher-{kind}").get("scopes")
        return scopes[0] if scopes else {}

    def faults(self, kind: str, name: str) -> int:
        """How many faults of this name the watcher has met."""
        return int(self.scope(kind).get("faults", {}).get(name, 0))

    def failures(self, stage: str, reason: str) -> list[dict[str, Any]]:
        """A watcher's log lines of lists and watches that ended for this reason."""
        told = ("list failed", "list ended", "watch failed", "watch ended")
        return [line for event in told for line in self.events(stage, event) if line["reason"] == reason]

    def events(self, stage: str, event: str) -> list[dict[str, Any]]:
        """The lines of the stage's log with this event."""
        lines = (json.loads(line) for line in whole_lines(self.log) if line.startswith("{"))
        return [line for line in lines if (line["stage"], line["event"]) == (stage, event)]

    def until(self, condition: Any, what: str) -> None:
        """Waits until it holds; fails with the log when it does not."""
        eventually(condition, log=self.log, what=what)

    def until_ready(self) -> None:
        """Waits until every stage says that it is in sync."""
        for stage in STAGES:
            self.until(lambda stage=stage: self.state(stage).get("not_ready", "") is None, f"{stage} in sync")

    def until_watching(self) -> None:
        """Waits until every stage is in sync and every watch is open, so that what is ordered of watches concerns all."""
        self.until_ready()
        self.until(lambda: self.sandbox.state()["watches"] == dict.fromkeys(KINDS, 1), "all watches")

    def pids(self) -> dict[str, int | None]:
        """The process of each stage."""
        return {stage: pid_in(self.run_dir, stage) for stage in STAGES}

    def owners(self, pods: set[str]) -> dict[str, str]:
        """The kind of owner that the reducer holds for each of these UIDs, where it holds the pod."""
        return {one["uid"]: one["owner_kind"] for one in self.reducer.get("/pods")["pods"] if one["uid"] in pods}

    def moved_to(self, reducer: rig.Reducer) -> "Running":
        """The same, once it reports to this reducer."""
        return replace(self, reducer=reducer)

    def assert_in_step(self) -> None:
        """What has begun is finished; then the reducer comes to hold what the API server lists, and no invariant was broken."""
        self.sandbox.order("settle")
        self.until(lambda: self.sandbox.state()["workload"]["waiting"] == 0, "a quiet workload")
        assert_in_step(str(self.sandbox.kubeconfig), self.reducer)


@contextmanager
def running(of: Sandbox, directory: Path, *options: str) -> Iterator[Running]:
    """podwire between the sandbox and a reference reducer of its own. At the end no stage may have died."""
    with rig.reducer() as reducer, between(of, reducer, directory, *options) as found:
        yield found


@contextmanager
def between(
    of: Sandbox,
    reducer: rig.Reducer,
    directory: Path,
    *options: str,
    intake: str | None = None,
    within: Sequence[str] = (),
) -> Iterator[Running]:
    """podwire between the two. `intake` is what it is told of the reducer, if that is not its address; `within` as for `up`."""
    told = ["--intake", intake or reducer.address, "--log-format", "json", *options]
    with up(str(of.kubeconfig), directory, *told, within=within) as run_dir:
        found = Running(of, reducer, run_dir, directory / "up.log")
        found.until(lambda: all(found.pids().values()), "all stages")
        before = found.pids()
        yield found
        assert found.pids() == before, found.log.read_text()


def owned_pod(name: str, *, ip: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    """A running pod of this controller, for `Sandbox.put`."""
    reference = {"ownerReferences": [owner | {"controller": True}]} if owner else {}
    status = {"name": "app", "image": "app:1", "containerID": f"containerd://{name}", "ready": True, "restartCount": 0}
    return {
        "metadata": {"name": name, "namespace": "team-0", "uid": f"uid-{name}", **reference},
        "spec": {"containers": [{"name": "app", "image": "app:1"}]},
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}], "containerStatuses": [status]},
    }


def owner_object(name: str, *, above: dict[str, Any]) -> dict[str, Any]:
    """A ReplicaSet or Job below this controller, for `Sandbox.put`."""
    references = [above | {"controller": True}]
    metadata = {"name": name, "namespace": "team-0", "uid": f"uid-{name}", "ownerReferences": references}
    return {"metadata": metadata, "spec": {}, "status": {}}


def reference(kind: str, name: str) -> dict[str, Any]:
    """A reference to an object of `apps` or `batch`, whose UID is `uid-NAME`."""
    group = "batch" if kind in ("Job", "CronJob") else "apps"
    return {"apiVersion": f"{group}/v1", "kind": kind, "name": name, "uid": f"uid-{name}"}
