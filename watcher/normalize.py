"""From a Kubernetes object to podwire's record. Pure, and the only place that knows what of an object is kept.

It reads attributes by the API's names, so the objects of both decoders (`decode_json`, `decode_protobuf`) give the same record. Lists are
copied before they are gone through: protobuf's own end with an IndexError, which costs more than the copy.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from common.container_ids import pack_container_id
from common.records import (
    NOTHING,
    UID,
    ContainerId,
    ContainerKind,
    ContainerShape,
    Controller,
    Kind,
    PodOwn,
    PodShape,
    Record,
    pack,
)
from watcher.objects import ContainerStatus, OwnerReference, PartialObject, Pod, PodStatus

Normalized = Record | None
"""None for an object without a UID: there is no way to speak of it."""


_MAIN: Final = int(ContainerKind.MAIN)
_INIT: Final = int(ContainerKind.INIT)
_EPHEMERAL: Final = int(ContainerKind.EPHEMERAL)


def pod(item: Pod) -> Normalized:
    """The `PodRecord` of a pod."""
    meta = item.metadata
    uid = meta.uid
    if not uid:
        return None
    spec, status = item.spec, item.status
    containers: list[tuple[int, str, str]] = []
    ids: list[ContainerId] = []
    if status:
        _add(_MAIN, status.containerStatuses, containers, ids)
        _add(_INIT, status.initContainerStatuses, containers, ids)
        _add(_EPHEMERAL, status.ephemeralContainerStatuses, containers, ids)
    shape = _pod_shape(
        _controller(meta.ownerReferences or ()),
        bool(spec and spec.hostNetwork),
        meta.namespace or "",
        tuple(containers),
    )
    own = PodOwn(_ips(status) if status else [], meta.name or "", ids)
    return Record(shape, UID(uid), pack(own))


def owner(item: PartialObject) -> Normalized:
    """The `OwnerRecord` of a ReplicaSet or a Job."""
    uid = item.metadata.uid
    if not uid:
        return None
    return Record(pack(_read(_controller(item.metadata.ownerReferences or ()))), UID(uid), NOTHING)


_Reference = tuple[str, str, str, str]
"""UID, kind, `apiVersion` and name."""


def _controller(references: Sequence[OwnerReference]) -> _Reference | None:
    """The reference with `controller: true`; the API allows one at most (metav1.OwnerReference)."""
    for reference in references[:]:
        if reference.controller and reference.uid:
            return reference.uid, reference.kind or "", reference.apiVersion or "", reference.name or ""
    return None


def _read(reference: _Reference | None) -> Controller | None:
    if reference is None:
        return None
    uid, kind, version, name = reference
    group, slash, _ = version.partition("/")
    return Controller(UID(uid), kind, group if slash else "", name)


@lru_cache(64)  # lists bring the pods of one template one after the other
def _pod_shape(
    reference: _Reference | None, host_network: bool, namespace: str, containers: tuple[tuple[int, str, str], ...]
) -> bytes:
    shapes = [ContainerShape(*one) for one in containers]
    return pack(PodShape(_read(reference), host_network, namespace, shapes))


def _ips(status: PodStatus) -> list[str]:
    ips = [status.podIP] if status.podIP else []
    for entry in (status.podIPs or ())[:]:
        ip = entry.ip
        if ip and ip not in ips:
            ips.append(ip)
    return ips


def _add(
    kind: int,
    statuses: Sequence[ContainerStatus] | None,
    containers: list[tuple[int, str, str]],
    ids: list[ContainerId],
) -> None:
    for one in (statuses or ())[:]:
        containers.append((kind, one.name or "", one.image or ""))
        ids.append(pack_container_id(one.containerID or ""))


NORMALIZERS: dict[Kind, Callable[[Pod], Normalized] | Callable[[PartialObject], Normalized]] = {
    "pods": pod,
    "replicasets": owner,
    "jobs": owner,
}
