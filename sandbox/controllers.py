"""What controllers do to groups of pods: roll, scale, run Jobs, adopt, let go. They write owners themselves and leave pods as work."""

import random
from collections import deque

import msgspec

from sandbox.census import ABOVE
from sandbox.groups import Create, Group, GroupKind, Live, Own, Work
from sandbox.lives import Step
from sandbox.objects import Store
from sandbox.owners import controller_reference, new_owner, owner_reference, owner_status
from sandbox.plain import Plain
from sandbox.resources import JOBS, PODS, REPLICASETS, Resource
from sandbox.shapes import Template, images_of, new_uid, suffix, template
from sandbox.tables import Stored


class Controllers:
    """All controllers of the cluster. Work is for whoever holds the list to do, in order."""

    def __init__(self, store: Store, *, random_: random.Random, namespaces: int, work: deque[Work]) -> None:
        self._store = store
        self._random = random_
        self._namespaces = namespaces
        self._work = work
        self._apps = 0
        self._old: deque[tuple[Group, str]] = deque()

    def found(self, kind: GroupKind, size: int, now: str) -> tuple[Group, list[tuple[Resource, Stored]]]:
        """A new group without pods, and its owners' objects, which are not in the store yet."""
        self._apps += 1
        app = f"{kind.value}-{self._apps}"
        namespace = f"team-{self._random.randrange(self._namespaces)}"
        group, made = self._group(
            kind, app=app, namespace=namespace, above=self._above(kind, app), size=size, release=1, now=now
        )
        top = ABOVE.get(kind)
        if top is not None and group.above is not None:
            owner = new_owner(top, group.above, template=group.template, size=size, owner=None, now=now)
            made.append((top, owner))
        return group, made

    def _above(self, kind: GroupKind, app: str) -> Plain | None:
        """The reference to what stands above the pods' own controller, or is that controller."""
        uid = new_uid(self._random)
        if kind is GroupKind.FOREIGN:
            return controller_reference(api_version="argoproj.io/v1alpha1", kind="Rollout", name=app, uid=uid)
        resource = ABOVE.get(kind)
        return owner_reference(resource, name=app, uid=uid) if resource else None

    def _group(
        self, kind: GroupKind, *, app: str, namespace: str, above: Plain | None, size: int, release: int, now: str
    ) -> tuple[Group, list[tuple[Resource, Stored]]]:
        direct = self._direct(kind, app)
        pods = template(
            namespace=namespace,
            app=app,
            base=direct[1]["name"] if direct else app,
            images=images_of(app, namespace, release=release, random_=self._random),
            owner=direct[1] if direct else above,
            host_network=kind is GroupKind.DAEMON or self._random.random() < 0.02,
            now=now,
        )
        group = Group(kind=kind, template=pods, owner=None, app=app, above=above, release=release)
        return group, self._owner(group, direct, size=size, now=now) if direct else []

    def _direct(self, kind: GroupKind, app: str) -> tuple[Resource, Plain] | None:
        """The controller between the pods and what stands above: its resource, and the reference that pods carry."""
        match kind:
            case GroupKind.DEPLOYMENT | GroupKind.ORPHAN | GroupKind.FOREIGN:
                resource, name = REPLICASETS, f"{app}-{suffix(self._random, 9)}"
            case GroupKind.JOB:
                resource, name = JOBS, f"{app}-{29_000_000 + self._random.randrange(1_000_000)}"
            case GroupKind.STATEFUL | GroupKind.DAEMON | GroupKind.BARE:
                return None
        return resource, owner_reference(resource, name=name, uid=new_uid(self._random))

    def _owner(
        self, group: Group, direct: tuple[Resource, Plain], *, size: int, now: str
    ) -> list[tuple[Resource, Stored]]:
        """The object of a group's own controller, which the group has from now on."""
        resource, reference = direct
        stored = new_owner(resource, reference, template=group.template, size=size, owner=group.above, now=now)
        group.owner = (resource, stored.key)
        return [(resource, stored)]

    def roll(self, group: Group, now: str) -> Group:
        """A Deployment rolls: a new ReplicaSet, whose pods replace the old one's. Gives the new group."""
        self._forget_creates(group)
        live = self._live(group)
        fresh = self._succeed(group, size=len(live), now=now)
        for pod in live:
            self._work.append(Create(fresh))
            self._work.append(Live(group, pod.key, pod.uid, Step.MARK))
        self._resize(group, 0)
        self._retire(group)
        return fresh

    def _forget_creates(self, group: Group) -> None:
        """A group that has a successor gets no more pods: nobody would ever take them away."""
        kept = [work for work in self._work if not (isinstance(work, Create) and work.group is group)]
        self._work.clear()
        self._work.extend(kept)

    def _succeed(self, group: Group, *, size: int, now: str) -> Group:
        fresh, made = self._group(
            group.kind,
            app=group.app,
            namespace=group.template.namespace,
            above=group.above,
            size=size,
            release=group.release + 1,
            now=now,
        )
        for resource, stored in made:
            self._store.put(resource, stored)
        return fresh

    def _retire(self, group: Group) -> None:
        """Old ReplicaSets stay for a while, as a Deployment's history: up to a third of all."""
        if group.owner is not None:
            self._old.append((group, group.owner[1]))
        while len(self._old) > len(self._store.table(REPLICASETS).objects) // 3:
            old, key = self._old.popleft()
            if old.owner is not None and self._store.get(old.owner[0], key):
                self._store.remove(old.owner[0], key)

    def scale(self, group: Group, *, up: bool) -> None:
        """One pod more, or one less."""
        live = self._live(group)
        if up:
            self._work.append(Create(group, self._next_name(group)))
        elif live:
            pod = live[-1]
            self._work.append(Live(group, pod.key, pod.uid, Step.MARK))
        self._resize(group, len(live) + (1 if up else -1))

    def _next_name(self, group: Group) -> str:
        if group.kind is not GroupKind.STATEFUL:
            return ""
        taken = set(group.pods)
        number = 0
        while f"{group.template.namespace}/{group.app}-{number}" in taken:
            number += 1
        return f"{group.app}-{number}"

    def _resize(self, group: Group, size: int) -> None:
        if group.owner is None:
            return
        resource, key = group.owner
        owner = self._store.get(resource, key)
        if owner is not None:
            status = owner_status(resource, max(size, 0))
            self._store.put(resource, msgspec.structs.replace(owner, status=(status,)))

    def replace(self, group: Group, pod: Stored) -> None:
        """A pod goes and another one takes its place; a StatefulSet's comes back under its name when it is gone."""
        self._work.append(Live(group, pod.key, pod.uid, Step.MARK))
        if group.kind is not GroupKind.STATEFUL:
            self._work.append(Create(group))

    def run_job(self, group: Group, now: str) -> Group:
        """A CronJob's next Job starts, and this one, which is done, goes away with its pods. Gives the new group."""
        self._forget_creates(group)
        live = self._live(group)
        fresh = self._succeed(group, size=max(len(live), 1), now=now)
        self._work.extend(Create(fresh) for _ in range(max(len(live), 1)))
        self.remove_owner(group)
        self._work.extend(Live(group, pod.key, pod.uid, Step.MARK) for pod in live)
        return fresh

    def remove_owner(self, group: Group) -> None:
        """The owner's object is deleted; its pods are left to others."""
        if group.owner is not None and self._store.get(*group.owner):
            self._store.remove(*group.owner)
        group.owner = None

    def let_go(self, group: Group) -> None:
        """A ReplicaSet is deleted without its pods, which lose their owner (`--cascade=orphan`)."""
        group.template = _under(group.template, None)
        self._work.extend(Own(group, pod.key, pod.uid) for pod in self._live(group))
        self.remove_owner(group)

    def adopt(self, group: Group, now: str) -> None:
        """A new ReplicaSet takes pods without an owner."""
        pods = self._live(group)
        direct = self._direct(group.kind, group.app)
        assert direct is not None, "only groups of ReplicaSets are adopted"
        group.template = _under(group.template, direct[1])
        for resource, stored in self._owner(group, direct, size=len(pods), now=now):
            self._store.put(resource, stored)
        self._work.extend(Own(group, pod.key, pod.uid) for pod in pods)

    def _live(self, group: Group) -> list[Stored]:
        return live_pods(self._store, group)


def live_pods(store: Store, group: Group) -> list[Stored]:
    """The group's pods that are there."""
    return [pod for key in group.pods if (pod := store.get(PODS, key))]


def _under(pods: Template, owner: Plain | None) -> Template:
    return msgspec.structs.replace(pods, owner=owner)
