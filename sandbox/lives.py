"""The life of the workload's pods: what schedulers and kubelets write to them, one step at a time.

Each step is one write to one pod, and names the step that comes next. A pod that somebody deleted through the API has no next step.
"""

import random
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

from sandbox import podstatus
from sandbox.objects import Store
from sandbox.podstatus import Status
from sandbox.resources import PODS
from sandbox.shapes import Template, new_pod, new_uid, status_of, with_metadata, with_node, with_status
from sandbox.tables import Stored

ADDRESSES_RESTED: Final = 64
"""So many freed addresses wait before the oldest is given out again, to another pod."""


class Step(Enum):
    """What happens to a pod that is there."""

    SCHEDULE = "schedule"
    START = "start"
    PREPARE = "prepare"
    RUN = "run"
    READY = "ready"
    BEAT = "beat"
    RESTART = "restart"
    ATTACH = "attach"
    MOVE = "move"
    """It gets another address, as after its sandbox was made anew."""
    FINISH = "finish"
    MARK = "mark"
    """It is marked for deletion."""
    STOP = "stop"
    REMOVE = "remove"


_AFTER: Final = {
    Step.SCHEDULE: Step.START,
    Step.START: Step.PREPARE,
    Step.PREPARE: Step.RUN,
    Step.RUN: Step.READY,
    Step.MARK: Step.STOP,
    Step.STOP: Step.REMOVE,
}


class Network:
    """Gives nodes and addresses out; a freed address goes to another pod later."""

    def __init__(self, *, random_: random.Random, nodes: int) -> None:
        self._random = random_
        self._nodes = nodes
        self._given = 0
        self._freed: deque[str] = deque()

    def node(self) -> str:
        """A node for a pod."""
        return f"node-{self._random.randrange(self._nodes):03d}"

    def host(self, node: str) -> str:
        """The address of a node."""
        digits = node.removeprefix("node-")
        number = int(digits) if digits.isdigit() else 0
        return f"10.0.{number >> 8 & 255}.{number & 255}"

    def addresses(self, node: str, *, host_network: bool) -> tuple[str, ...]:
        """Addresses of a pod on this node, the IPv4 one first; one pod in ten has an IPv6 address too."""
        if host_network:
            return (self.host(node),)
        if len(self._freed) > ADDRESSES_RESTED:
            ip = self._freed.popleft()
        else:
            self._given += 1
            ip = f"10.{64 + (self._given >> 16 & 63)}.{self._given >> 8 & 255}.{self._given & 255}"
        return (ip, f"fd00:10:64::{self._given:x}") if self._random.random() < 0.1 else (ip,)

    def free(self, pod: Stored) -> None:
        """Takes a pod's address back."""
        if pod.ip and not pod.ip.startswith("10.0."):
            self._freed.append(pod.ip)


class Lives:
    """Writes pods to a store."""

    def __init__(self, store: Store, *, random_: random.Random, network: Network) -> None:
        self._store = store
        self._random = random_
        self._network = network

    def ready_made(self, template: Template, *, name: str, now: str) -> Stored:
        """A pod that has been running for a while; it is not in the store."""
        status = podstatus.begin()
        node = self._network.node()
        podstatus.schedule(status, now)
        host = self._network.host(node)
        podstatus.start(status, template.images, host, host_network=template.host_network, now=now)
        podstatus.prepare(status, self._random, now)
        podstatus.address(status, self._network.addresses(node, host_network=template.host_network))
        podstatus.run(status, self._random, now)
        podstatus.ready(status, now)
        return new_pod(template, name=name, uid=new_uid(self._random), now=now, status=status, node=node)

    def create(self, template: Template, *, name: str, now: str) -> Stored:
        """Writes a new pod, Pending on no node; its next step is SCHEDULE."""
        pod = new_pod(template, name=name, uid=new_uid(self._random), now=now, status=podstatus.begin(), node="")
        return self._store.put(PODS, pod)

    def step(self, step: Step, pod: Stored, *, template: Template, now: str) -> Step | None:
        """Takes a pod of the store one step further; gives the step that follows by itself."""
        self._write(step, pod, template, now)
        return _AFTER.get(step)

    def _write(self, step: Step, pod: Stored, template: Template, now: str) -> None:
        match step:
            case Step.REMOVE:
                self._network.free(pod)
                self._store.remove(PODS, pod.key)
            case Step.MARK:
                marks = {"deletionTimestamp": now, "deletionGracePeriodSeconds": 30}
                self._store.put(PODS, with_metadata(pod, marks))
            case Step.SCHEDULE:
                scheduled = with_node(pod, self._network.node())
                self._edit(scheduled, lambda status: podstatus.schedule(status, now))
            case _:
                self._edit(pod, lambda status: self._change(step, status, pod, template, now))

    def _edit(self, pod: Stored, change: Callable[[Status], None]) -> None:
        status = status_of(pod)
        change(status)
        self._store.put(PODS, with_status(pod, status))

    def _change(self, step: Step, status: Status, pod: Stored, template: Template, now: str) -> None:
        match step:
            case Step.START:
                host = self._network.host(pod.node)
                podstatus.start(status, template.images, host, host_network=template.host_network, now=now)
            case Step.PREPARE:
                podstatus.prepare(status, self._random, now)
                if not template.host_network:
                    podstatus.address(status, self._addresses(pod, template))
            case Step.RUN:
                podstatus.run(status, self._random, now)
            case Step.READY:
                podstatus.ready(status, now)
            case Step.BEAT:
                podstatus.beat(status, now)
            case Step.RESTART:
                podstatus.restart(status, self._random, now)
            case Step.ATTACH:
                podstatus.attach(status, self._random, now)
            case Step.MOVE:
                self._network.free(pod)
                podstatus.address(status, self._addresses(pod, template))
            case Step.FINISH:
                podstatus.finish(status, now)
            case Step.STOP:
                podstatus.stop(status, now)
            case _:
                raise AssertionError(f"{step} changes no status")

    def _addresses(self, pod: Stored, template: Template) -> tuple[str, ...]:
        return self._network.addresses(pod.node, host_network=template.host_network)

    def own(self, pod: Stored, owner: dict[str, object] | None) -> None:
        """Gives a pod a controller, or takes it away."""
        references = {"ownerReferences": [owner] if owner else None}
        self._store.put(PODS, with_metadata(pod, references))
