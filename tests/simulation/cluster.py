"""The cluster's objects: a small, busy workload on the sandbox's object store, and what a reducer must hold of it.

Names, addresses and container names are few, so that they are used again all the time; UIDs never are. Owners may come after their
pods, go before them, change hands, or never come.
"""

import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Final

from sandbox.objects import Store
from sandbox.plain import Plain, key_of, stored_of
from sandbox.resources import JOBS, PODS, REPLICASETS, Resource
from sandbox.truth import Truth, truth

NAMESPACES: Final = ("shop", "yard")
MOST_PODS: Final = 9
MOST_OWNERS: Final = 6
BYSTANDER: Final[Plain] = {"apiVersion": "v1", "kind": "ConfigMap", "name": "tools", "uid": "c-1"}
"""An owner that controls nothing."""

_STATUSES: Final = ("containerStatuses", "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


class Cluster:
    """Objects by resource and name, as clients wrote them."""

    def __init__(self) -> None:
        self.store = Store(changes_kept=40)
        self._objects: dict[Resource, dict[str, Plain]] = {PODS: {}, REPLICASETS: {}, JOBS: {}}
        self._made = 0
        self._promised: list[tuple[str, Plain]] = []
        """References to owners that do not exist yet, and the namespaces that they would be in."""

    def fill(self, random_: random.Random, pods: int) -> None:
        """What is there before any process starts."""
        for _ in range(max(1, pods // 2)):
            self.add_owner(random_)
        for _ in range(pods):
            self.add_pod(random_)
            self.change_status(random_)

    def truth(self, *, jobs_seen: bool = True) -> Truth:
        """What a reducer must hold, of a podwire that sees the cluster's Jobs or does not."""
        pods, replicasets, jobs = (list(self._objects[resource].values()) for resource in (PODS, REPLICASETS, JOBS))
        return truth(pods=pods, replicasets=replicasets, jobs=jobs if jobs_seen else [])

    def uids(self, resource: Resource) -> set[str]:
        """Of all objects of the resource."""
        return {one["metadata"]["uid"] for one in self._objects[resource].values()}

    # What happens --------------------------------------------------------------------------------------------------------------

    def add_owner(self, random_: random.Random) -> None:
        """A ReplicaSet or a Job comes; perhaps one that pods have named already."""
        resource = random_.choice((REPLICASETS, JOBS))
        kept = [one for one in self._promised if one[1]["kind"] == resource.kind]
        if kept and random_.random() < 0.7:
            namespace, reference = random_.choice(kept)
            self._promised.remove((namespace, reference))
        else:
            namespace, reference = random_.choice(NAMESPACES), self._new_reference(resource)
        if len(self._objects[resource]) >= MOST_OWNERS:
            self.remove_owner(random_)
            return
        metadata = {"name": reference["name"], "namespace": namespace, "uid": reference["uid"]}
        self._put(
            resource, {"metadata": self._owned(metadata, self._upper(resource, random_)), "spec": {}, "status": {}}
        )

    def remove_owner(self, random_: random.Random) -> None:
        """An owner is deleted; its pods may stay for a while, or for ever."""
        self._with_one(random_, random_.choice((REPLICASETS, JOBS)), self._remove)

    def hand_over_owner(self, random_: random.Random) -> None:
        """An owner gets another controller, or loses it."""
        resource = random_.choice((REPLICASETS, JOBS))

        def change(of: Resource, owner: Plain) -> None:
            self._put(of, {**owner, "metadata": self._owned(owner["metadata"], self._upper(of, random_))})

        self._with_one(random_, resource, change)

    def add_pod(self, random_: random.Random) -> None:
        """A pod comes, without an address mostly."""
        if len(self._objects[PODS]) >= MOST_PODS:
            self.remove_pod(random_)
            return
        self._made += 1
        name = f"pod-{random_.randrange(MOST_PODS * 2)}"
        if name in self._objects[PODS]:
            self._remove(PODS, self._objects[PODS][name])
        namespace = random_.choice(NAMESPACES)
        metadata = {"name": name, "namespace": namespace, "uid": f"p-{self._made}", "labels": {"app": "a"}}
        status: Plain = {} if random_.random() < 0.5 else {"podIP": _ip(random_)}
        spec = {"hostNetwork": True} if random_.random() < 0.2 else {}
        self._put(
            PODS, {"metadata": self._owned(metadata, self._direct(namespace, random_)), "spec": spec, "status": status}
        )

    def remove_pod(self, random_: random.Random) -> None:
        """A pod is gone."""
        self._with_one(random_, PODS, self._remove)

    def replace_pod(self, random_: random.Random) -> None:
        """A pod is gone and another takes its name and address, as in a StatefulSet."""

        def replace(_: Resource, pod: Plain) -> None:
            self._remove(PODS, pod)
            self._made += 1
            self._put(PODS, {**pod, "metadata": {**pod["metadata"], "uid": f"p-{self._made}"}})

        self._with_one(random_, PODS, replace)

    def change_status(self, random_: random.Random) -> None:
        """A pod gets or loses an address, or containers."""

        def change(_: Resource, pod: Plain) -> None:
            status = deepcopy(pod["status"])
            match random_.randrange(6):
                case 0 | 1:
                    status["podIP"] = _ip(random_)
                case 2:
                    status["podIP"] = random_.choice(("", _ip(random_), "fd00::1"))
                case _:
                    self._change_container(status, random_)
            self._put(PODS, {**pod, "status": status})

        self._with_one(random_, PODS, change)

    def change_nothing(self, random_: random.Random) -> None:
        """A pod changes in what podwire does not look at."""

        def change(_: Resource, pod: Plain) -> None:
            labels = {"app": random_.choice("abc")}
            self._put(PODS, {**pod, "metadata": {**pod["metadata"], "labels": labels}})

        self._with_one(random_, PODS, change)

    def hand_over_pod(self, random_: random.Random) -> None:
        """Adoption or orphaning."""

        def change(_: Resource, pod: Plain) -> None:
            metadata = pod["metadata"]
            self._put(PODS, {**pod, "metadata": self._owned(metadata, self._direct(metadata["namespace"], random_))})

        self._with_one(random_, PODS, change)

    # Parts -----------------------------------------------------------------------------------------------------------------------

    def _with_one(self, random_: random.Random, resource: Resource, do: Callable[[Resource, Plain], None]) -> None:
        objects = self._objects[resource]
        if objects:
            do(resource, objects[random_.choice(sorted(objects))])

    def _put(self, resource: Resource, plain: Plain) -> None:
        self._objects[resource][plain["metadata"]["name"]] = plain
        self.store.put(resource, stored_of(resource, plain))

    def _remove(self, resource: Resource, plain: Plain) -> None:
        metadata = plain["metadata"]
        del self._objects[resource][metadata["name"]]
        self.store.remove(resource, key_of(metadata["namespace"], metadata["name"]))

    def _change_container(self, status: Plain, random_: random.Random) -> None:
        kind = random_.choice(_STATUSES)
        name = random_.choice(("app", "proxy"))
        statuses = [one for one in status.get(kind, ()) if one["name"] != name]
        self._made += 1
        id_ = f"containerd://c{self._made}" if random_.random() < 0.8 else ""
        status[kind] = [*statuses, {"name": name, "image": f"{name}:{self._made}", "containerID": id_}]

    def _new_reference(self, resource: Resource) -> Plain:
        self._made += 1
        return _reference(resource.kind, f"{resource.singular}-{self._made}", f"o-{self._made}")

    def _direct(self, namespace: str, random_: random.Random) -> Plain | None:
        """What controls a pod of this namespace."""
        match random_.randrange(10):
            case 0:
                return None
            case 1:
                return _reference("StatefulSet", "db", "s-1")
            case 2:
                promised = self._new_reference(random_.choice((REPLICASETS, JOBS)))
                self._promised.append((namespace, promised))
                return promised
            case _:
                owners = [
                    _reference(resource.kind, name, one["metadata"]["uid"])
                    for resource in (REPLICASETS, JOBS)
                    for name, one in sorted(self._objects[resource].items())
                    if one["metadata"]["namespace"] == namespace
                ]
                owners += [reference for where, reference in self._promised if where == namespace]
                return random_.choice(owners) if owners else None

    def _upper(self, resource: Resource, random_: random.Random) -> Plain | None:
        """What controls an owner."""
        kind = "Deployment" if resource == REPLICASETS else "CronJob"
        return random_.choice(
            (
                None,
                _reference(kind, "web", "u-1"),
                _reference(kind, "web", "u-1"),
                _reference(kind, "api", "u-2"),
                {**_reference(kind, "rollout", "u-3"), "apiVersion": "argoproj.io/v1", "kind": "Rollout"},
            )
        )

    def _owned(self, metadata: Plain, owner: Plain | None) -> Plain:
        return {**metadata, "ownerReferences": [BYSTANDER] if owner is None else [BYSTANDER, owner]}


def _ip(random_: random.Random) -> str:
    return f"10.0.0.{random_.randrange(1, 5)}"


_API_VERSIONS: Final[dict[str, str]] = {"Job": "batch/v1", "CronJob": "batch/v1"}


def _reference(kind: str, name: str, uid: str) -> dict[str, Any]:
    return {
        "apiVersion": _API_VERSIONS.get(kind, "apps/v1"),
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
    }
