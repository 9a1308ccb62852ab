"""What the workload's controllers and namespaces look like, and the references that point at controllers."""

from typing import Any

from sandbox.plain import Plain, encode, key_of, metadata_text
from sandbox.resources import Resource
from sandbox.shapes import Template
from sandbox.tables import Stored


def owner_reference(resource: Resource, *, name: str, uid: str) -> Plain:
    """The reference to a controller."""
    return controller_reference(api_version=resource.api_version, kind=resource.kind, name=name, uid=uid)


def controller_reference(*, api_version: str, kind: str, name: str, uid: str) -> Plain:
    """The reference to a controller of any kind, served here or not."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def new_owner(
    resource: Resource, reference: Plain, *, template: Template, size: int, owner: Plain | None, now: str
) -> Stored:
    """A controller's object, for pods of this template: what `reference` points at."""
    metadata = _metadata(reference["name"], reference["uid"], now, {"app": template.labels["app"]})
    metadata |= {"namespace": template.namespace, "generation": 1}
    if owner:
        metadata["ownerReferences"] = [owner]
    return Stored(
        key=key_of(template.namespace, reference["name"]),
        namespace=template.namespace,
        name=reference["name"],
        uid=reference["uid"],
        labels=metadata["labels"],
        metadata=(metadata_text(metadata), b"}"),
        spec=_owner_spec(resource, template, size),
        status=(owner_status(resource, size),),
    )


def new_namespace(name: str, *, uid: str, now: str) -> Stored:
    """A namespace."""
    metadata = _metadata(name, uid, now, {"kubernetes.io/metadata.name": name})
    return Stored(
        key=name,
        namespace="",
        name=name,
        uid=uid,
        labels=metadata["labels"],
        metadata=(metadata_text(metadata), b"}"),
        spec=(b"{}",),
        status=(b'{"phase":"Active"}',),
    )


def _metadata(name: str, uid: str, now: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "uid": uid, "creationTimestamp": now, "labels": labels}


def owner_status(resource: Resource, size: int) -> bytes:
    """The status of a controller with so many pods, with the fields that its type requires."""
    match resource.kind:
        case "CronJob":
            return b"{}"
        case "Job":
            return encode({"active": size})
        case "DaemonSet":
            scheduled = {"currentNumberScheduled": size, "desiredNumberScheduled": size, "numberReady": size}
            return encode({"observedGeneration": 1, "numberMisscheduled": 0, **scheduled})
        case _:
            return encode({"observedGeneration": 1, "replicas": size})


def _owner_spec(resource: Resource, template: Template, size: int) -> tuple[bytes, ...]:
    """A spec around the template of the pods, whose text they share."""
    own: Plain = {"selector": {"matchLabels": template.labels}}
    match resource.kind:
        case "CronJob":
            own = {"schedule": "*/5 * * * *", "concurrencyPolicy": "Allow", "suspend": False}
        case "Job":
            own |= {"parallelism": size, "completions": size, "backoffLimit": 6}
        case "DaemonSet":
            own |= {"updateStrategy": {"type": "RollingUpdate"}}
        case "StatefulSet":
            own |= {
                "replicas": size,
                "serviceName": template.labels["app"],
                "updateStrategy": {"type": "RollingUpdate"},
            }
        case _:
            own |= {"replicas": size}
    labels = encode({"labels": template.labels})
    pods = (b'"template":{"metadata":' + labels + b',"spec":', template.spec, b"}}")
    if resource.kind == "CronJob":
        pods = (b'"jobTemplate":{"spec":{' + pods[0], template.spec, b"}}}}")
    return (encode(own)[:-1] + b"," + pods[0], *pods[1:], b"}")
