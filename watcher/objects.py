"""Kubernetes objects as podwire reads them from JSON: only the fields that it needs, named as the API names them.

Everything is optional and may be null: a server, a proxy or an old object may leave anything out, and what is missing is decided
where it matters (`normalize`). Fields that are not named here are skipped without being built. The structs for protobuf
(`decode_protobuf`) have the same attribute names, so that one normalizer reads both.
"""

import msgspec


class OwnerReference(msgspec.Struct, gc=False):
    """metav1.OwnerReference."""

    apiVersion: str | None = None
    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


class ObjectMeta(msgspec.Struct, gc=False):
    """metav1.ObjectMeta."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resourceVersion: str | None = None
    ownerReferences: list[OwnerReference] | None = None


class PodSpec(msgspec.Struct, gc=False):
    """corev1.PodSpec."""

    hostNetwork: bool | None = None


class PodIP(msgspec.Struct, gc=False):
    """corev1.PodIP."""

    ip: str | None = None


class ContainerStatus(msgspec.Struct, gc=False):
    """corev1.ContainerStatus."""

    name: str | None = None
    image: str | None = None
    containerID: str | None = None


class PodStatus(msgspec.Struct, gc=False):
    """corev1.PodStatus."""

    podIP: str | None = None
    podIPs: list[PodIP] | None = None
    containerStatuses: list[ContainerStatus] | None = None
    initContainerStatuses: list[ContainerStatus] | None = None
    ephemeralContainerStatuses: list[ContainerStatus] | None = None


class Pod(msgspec.Struct, gc=False):
    """corev1.Pod."""

    metadata: ObjectMeta
    spec: PodSpec | None = None
    status: PodStatus | None = None


class PartialObject(msgspec.Struct, gc=False):
    """metav1.PartialObjectMetadata, and the metadata of any object."""

    metadata: ObjectMeta


class ListMeta(msgspec.Struct, gc=False):
    """metav1.ListMeta."""

    resourceVersion: str | None = None
    continue_: str | None = msgspec.field(default=None, name="continue")
    remainingItemCount: int | None = None


class Status(msgspec.Struct, gc=False):
    """metav1.Status: what the API server answers instead of what was asked for."""

    code: int | None = None
    reason: str | None = None
    message: str | None = None
