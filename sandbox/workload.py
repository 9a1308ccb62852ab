"""The moving workload: at each turn so many pod events as the rate says, out of the seed.

Most events are heartbeats that change nothing that a metadata collector keeps, and steps of pods that come or go; now and then a
controller starts something new. Nothing here waits or reads a clock: `move` is told the time.
"""

import random
from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, assert_never

from sandbox.census import census
from sandbox.controllers import Controllers, live_pods
from sandbox.groups import Create, Group, GroupKind, Live, Own, Work
from sandbox.lives import Lives, Network, Step
from sandbox.objects import Store
from sandbox.owners import new_namespace
from sandbox.plain import key_of
from sandbox.resources import NAMESPACES, PODS, Resource
from sandbox.shapes import new_uid, suffix
from sandbox.tables import Stored

_SYSTEM_NAMESPACES: Final = ("default", "kube-system")
_MOST_WAITING: Final = 300
"""Nothing new is started while so much work waits."""
_TRIES: Final = 50


class Pace(StrEnum):
    """How the workload moves."""

    MOVING = "moving"
    SETTLING = "settling"
    """What has begun is finished, as fast as it goes, and nothing new starts."""
    PAUSED = "paused"


class Workload:
    """Fills a store and keeps it moving."""

    def __init__(self, store: Store, *, random_: random.Random, pods: int, rate: float) -> None:
        self._store = store
        self._random = random_
        self._pods = pods
        self._rate = rate
        self._pace = Pace.MOVING
        self._work: deque[Work] = deque()
        self._groups: list[Group] = []
        self._namespaces = max(3, min(50, pods // 200))
        network = Network(random_=random_, nodes=max(3, pods // 30))
        self._lives = Lives(store, random_=random_, network=network)
        self._controllers = Controllers(store, random_=random_, namespaces=self._namespaces, work=self._work)
        self._credit = 0.0
        self._moved_at: float | None = None
        self._events = 0

    def fill(self, now: str) -> None:
        """Puts everything there at once, as though it had been there for long."""
        objects: dict[Resource, list[Stored]] = {NAMESPACES: list(self._namespace_objects(now)), PODS: []}
        for kind, size in census(self._pods, self._random):
            group, owners = self._controllers.found(kind, size, now)
            self._groups.append(group)
            for resource, stored in owners:
                objects.setdefault(resource, []).append(stored)
            for number in range(size):
                name = f"{group.app}-{number}" if kind is GroupKind.STATEFUL else self._pod_name(group)
                pod = self._lives.ready_made(group.template, name=name, now=now)
                group.pods.append(pod.key)
                objects[PODS].append(pod)
        for resource, stored_ones in objects.items():
            self._store.load(resource, stored_ones)

    def _namespace_objects(self, now: str) -> Iterable[Stored]:
        for name in (*_SYSTEM_NAMESPACES, *(f"team-{number}" for number in range(self._namespaces))):
            yield new_namespace(name, uid=new_uid(self._random), now=now)

    def _pod_name(self, group: Group) -> str:
        return f"{group.template.base}-{suffix(self._random, 5)}{suffix(self._random, 3)}"

    def pause(self) -> None:
        """Stands still until `resume`, in the middle of whatever it is."""
        self._pace = Pace.PAUSED

    def settle(self) -> None:
        """Finishes what it has begun and starts nothing new: no pod outlives its owner then. `state` shows `waiting` 0 when it is done."""
        self._pace = Pace.SETTLING

    def resume(self) -> None:
        """Goes on; what would have happened meanwhile does not."""
        self._pace = Pace.MOVING

    def set_rate(self, per_second: float) -> None:
        """Pod events a second from now on. Raises ValueError below 0."""
        if per_second < 0:
            raise ValueError("per_second is below 0")
        self._rate = per_second

    def state(self) -> dict[str, Any]:
        """What it does, for people and tests."""
        return {"pace": self._pace, "rate": self._rate, "pod_events": self._events, "waiting": len(self._work)}

    def move(self, *, now: float, now_text: str, most: int) -> None:
        """Makes the pod events that are due since the last call, `most` of them; what is above that never happens."""
        passed = now - self._moved_at if self._moved_at is not None else 0.0
        self._moved_at = now
        match self._pace:
            case Pace.MOVING if self._groups:
                self._move(passed, now_text, most)
            case Pace.SETTLING:
                for _ in range(min(len(self._work), most)):
                    self._events += self._do(self._work.popleft(), now_text)

    def _move(self, passed: float, now_text: str, most: int) -> None:
        self._credit += passed * self._rate
        due = int(self._credit)
        self._credit = min(self._credit - due, 1.0)
        for _ in range(min(due, most)):
            self._event(now_text)

    def _event(self, now: str) -> None:
        """One write to one pod. What is to be done to pods that are gone is passed over."""
        for _ in range(_TRIES):
            if self._work and self._random.random() < 0.7:
                done = self._do(self._work.popleft(), now)
            elif self._random.random() < 0.85 or len(self._work) > _MOST_WAITING:
                done = self._touch(now)
            else:
                self._start(now)
                done = False
            if done:
                self._events += 1
                return

    def _do(self, work: Work, now: str) -> bool:
        match work:
            case Create(group, name):
                return self._create(group, name or self._pod_name(group), now)
            case Live(group, key, uid, step):
                pod = self._known(key, uid)
                return pod is not None and self._live(group, pod, step, now)
            case Own(group, key, uid):
                pod = self._known(key, uid)
                if pod is not None:
                    self._lives.own(pod, group.template.owner)
                return pod is not None
            case _ as never:
                assert_never(never)

    def _known(self, key: str, uid: str) -> Stored | None:
        pod = self._store.get(PODS, key)
        return pod if pod is not None and pod.uid == uid else None

    def _create(self, group: Group, name: str, now: str) -> bool:
        if self._is_over(group) or self._store.get(PODS, key_of(group.template.namespace, name)):
            return False
        pod = self._lives.create(group.template, name=name, now=now)
        if pod.key not in group.pods:
            group.pods.append(pod.key)
        self._work.append(Live(group, pod.key, pod.uid, Step.SCHEDULE))
        return True

    def _is_over(self, group: Group) -> bool:
        """No controller makes a pod for a Job or ReplicaSet that is gone."""
        if group.owner is None:
            return group.kind is GroupKind.JOB
        return self._store.get(*group.owner) is None

    def _live(self, group: Group, pod: Stored, step: Step, now: str) -> bool:
        after = self._lives.step(step, pod, template=group.template, now=now)
        if step is Step.READY and group.kind is GroupKind.JOB:
            after = Step.FINISH
        if after is not None:
            self._work.append(Live(group, pod.key, pod.uid, after))
        if step is Step.REMOVE:
            group.pods.remove(pod.key)
            if group.kind is GroupKind.STATEFUL and self._short():
                self._work.append(Create(group, pod.name))
        return True

    def _short(self) -> bool:
        return len(self._store.table(PODS).objects) < self._pods

    def _touch(self, now: str) -> bool:
        """A pod that runs gets a heartbeat, or something rarer."""
        picked = self._pick()
        if picked is None:
            return False
        group, pod = picked
        chances = ((Step.BEAT, 0.93), (Step.RESTART, 0.04), (Step.ATTACH, 0.01), (Step.MOVE, 0.02))
        step = self._random.choices([step for step, _ in chances], [chance for _, chance in chances])[0]
        return self._live(group, pod, Step.BEAT if group.template.host_network else step, now)

    def _pick(self) -> tuple[Group, Stored] | None:
        for _ in range(_TRIES):
            group = self._random.choice(self._groups)
            if group.pods:
                pod = self._store.get(PODS, self._random.choice(group.pods))
                if pod is not None and pod.phase == "Running":
                    return group, pod
        return None

    def _start(self, now: str) -> None:
        """A controller starts something."""
        at = self._random.randrange(len(self._groups))
        group = self._groups[at]
        match group.kind:
            case GroupKind.DEPLOYMENT | GroupKind.FOREIGN if self._random.random() < 0.3:
                self._groups[at] = self._controllers.roll(group, now)
            case GroupKind.JOB:
                self._groups[at] = self._controllers.run_job(group, now)
            case GroupKind.ORPHAN if group.owner is None:
                self._controllers.adopt(group, now)
            case GroupKind.ORPHAN if self._random.random() < 0.5:
                self._controllers.let_go(group)
            case GroupKind.STATEFUL | GroupKind.DAEMON | GroupKind.BARE if live := live_pods(self._store, group):
                self._controllers.replace(group, self._random.choice(live))
            case _:
                self._controllers.scale(group, up=self._short())
