"""From a Kubernetes object to podwire's record. Pure, and the only place that knows what of an object is kept.

It reads attributes by the API's names, so the objects of both decoders (`decode_json`, `decode_protobuf`) give the same record.
"""

from collections.abc import Callable, Iterable

from common.records import (
    UID,
    Container,
    ContainerKind,
    Controller,
    Kind,
    OwnerRecord,
    PodRecord,
    encode_record,
    pack_container_id,
)
from watcher.objects import ContainerStatus, OwnerReference, PartialObject, Pod, PodStatus

Normalized = tuple[UID, bytes] | None
"""The UID and the record's bytes, or None for an object without a UID: there is no way to speak of it."""


def pod(item: Pod) -> Normalized:
    """The `PodRecord` of a pod."""
    meta = item.metadata
    uid = meta.uid
    if not uid:
        return None
    spec, status = item.spec, item.status
    record = PodRecord(
        uid=UID(uid),
        ips=_ips(status) if status else [],
        controller=_controller(meta.ownerReferences or ()),
        host_network=bool(spec and spec.hostNetwork),
        namespace=meta.namespace or "",
        name=meta.name or "",
        containers=_containers(status) if status else [],
    )
    return record.uid, encode_record(record)


def owner(item: PartialObject) -> Normalized:
    """The `OwnerRecord` of a ReplicaSet or a Job."""
    uid = item.metadata.uid
    if not uid:
        return None
    return UID(uid), encode_record(OwnerRecord(UID(uid), _controller(item.metadata.ownerReferences or ())))


def _controller(references: Iterable[OwnerReference]) -> Controller | None:
    """The reference with `controller: true`; the API allows one at most (metav1.OwnerReference)."""
    for reference in references:
        if reference.controller and reference.uid:
            group, slash, _ = (reference.apiVersion or "").partition("/")
            return Controller(UID(reference.uid), reference.kind or "", group if slash else "", reference.name or "")
    return None


def _ips(status: PodStatus) -> list[str]:
    ips = [status.podIP] if status.podIP else []
    for entry in status.podIPs or ():
        ip = entry.ip
        if ip and ip not in ips:
            ips.append(ip)
    return ips


def _containers(status: PodStatus) -> list[Container]:
    containers = _of_kind(ContainerKind.MAIN, status.containerStatuses)
    if status.initContainerStatuses:
        containers += _of_kind(ContainerKind.INIT, status.initContainerStatuses)
    if status.ephemeralContainerStatuses:
        containers += _of_kind(ContainerKind.EPHEMERAL, status.ephemeralContainerStatuses)
    return containers


def _of_kind(kind: ContainerKind, statuses: Iterable[ContainerStatus] | None) -> list[Container]:
    return [
        Container(kind, pack_container_id(one.containerID or ""), one.name or "", one.image or "")
        for one in statuses or ()
    ]


NORMALIZERS: dict[Kind, Callable[[Pod], Normalized] | Callable[[PartialObject], Normalized]] = {
    "pods": pod,
    "replicasets": owner,
    "jobs": owner,
}
