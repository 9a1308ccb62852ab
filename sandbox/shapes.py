"""What the workload's pods look like: realistic texts of 4 to 8 KB, whose large parts all pods of an owner share.

A pod's own part is the head of its metadata, its node and its status; the spec and the managed fields are its template's. That is what
lets 100,000 pods fit into a few hundred megabytes.
"""

import random
from typing import Final

import msgspec

from sandbox.plain import Plain, decode, encode, key_of, metadata_text
from sandbox.podstatus import Images, Status
from sandbox.resources import PODS
from sandbox.tables import Stored

_PROXY: Final = ("proxy", "registry.example/mesh/proxy:2.3.1")
_PREPARE: Final = ("prepare", "registry.example/platform/prepare:1.9.0")
_TOKEN_MOUNT: Final = {
    "name": "kube-api-access",
    "readOnly": True,
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
}


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """What the pods of one owner have in common."""

    namespace: str
    base: str
    """What the pods' names begin with."""
    labels: dict[str, str]
    images: Images
    host_network: bool
    owner: Plain | None
    """The reference that its pods carry."""
    spec: bytes
    """JSON without its closing brace: the node comes behind."""
    managed: bytes
    """The end of the metadata: managed fields and closing brace."""


def new_uid(random_: random.Random) -> str:
    """A UID of version 4, out of the workload's seed."""
    bits = f"{random_.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


def suffix(random_: random.Random, digits: int) -> str:
    """The random end of a generated name."""
    return "".join(random_.choices("bcdfghjklmnpqrstvwxz2456789", k=digits))


def images_of(app: str, namespace: str, *, release: int, random_: random.Random) -> Images:
    """Containers of a release: the app, often a proxy beside it, sometimes an init container."""
    main = [("app", f"registry.example/{namespace}/{app}:1.{release}.0")]
    if random_.random() < 0.5:
        main.append(_PROXY)
    return Images(tuple(main), (_PREPARE,) if random_.random() < 0.15 else ())


def template(
    *, namespace: str, app: str, base: str, images: Images, owner: Plain | None, host_network: bool, now: str
) -> Template:
    """The template of an owner's pods."""
    spec: Plain = {
        "volumes": [{"name": "kube-api-access", "projected": {"defaultMode": 420}}, {"name": "tmp", "emptyDir": {}}]
    }
    if images.init:
        spec["initContainers"] = [_container(name, image) for name, image in images.init]
    spec["containers"] = [_container(name, image) for name, image in images.main]
    spec |= {
        "restartPolicy": "Never" if owner and owner["kind"] == "Job" else "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default",
        "securityContext": {"runAsNonRoot": True},
        "schedulerName": "default-scheduler",
        "tolerations": [
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("not-ready", "unreachable")
        ],
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
    }
    if host_network:
        spec["hostNetwork"] = True
    return Template(
        namespace=namespace,
        base=base,
        labels={"app": app, "team": namespace},
        images=images,
        host_network=host_network,
        owner=owner,
        spec=encode(spec)[:-1],
        managed=b',"managedFields":' + encode(_managed(images, now)) + b"}",
    )


def new_pod(template_: Template, *, name: str, uid: str, now: str, status: Status, node: str) -> Stored:
    """A pod of this template. `node` may be empty."""
    metadata: Plain = {
        "name": name,
        "generateName": f"{template_.base}-",
        "namespace": template_.namespace,
        "uid": uid,
        "creationTimestamp": now,
        "labels": template_.labels,
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},
    }
    if template_.owner:
        metadata["ownerReferences"] = [template_.owner]
    return with_status(
        with_node(
            Stored(
                key=key_of(template_.namespace, name),
                namespace=template_.namespace,
                name=name,
                uid=uid,
                labels=template_.labels,
                metadata=(metadata_text(metadata), template_.managed),
                spec=(template_.spec, b"}"),
                status=(b"{}",),
            ),
            node,
        ),
        status,
    )


def with_node(pod: Stored, node: str) -> Stored:
    """The pod on a node; the rest of its spec stays shared."""
    end = f',"nodeName":"{node}"}}'.encode() if node else b"}"
    return msgspec.structs.replace(pod, spec=(*pod.spec[:-1], end), node=node)


def with_status(pod: Stored, status: Status) -> Stored:
    """The pod with another status."""
    return msgspec.structs.replace(
        pod, status=(encode(status),), phase=status.get("phase", ""), ip=status.get("podIP", "")
    )


def status_of(pod: Stored) -> Status:
    """The pod's status, to change."""
    status: Status = decode(b"".join(pod.status))
    return status


def with_metadata(pod: Stored, changes: Plain) -> Stored:
    """The pod with other metadata: what is None goes away."""
    own, end = pod.metadata
    metadata: Plain = decode(b"{" + own.removeprefix(b",") + b"}")
    kept = {key: value for key, value in {**metadata, **changes}.items() if value is not None}
    return msgspec.structs.replace(pod, metadata=(metadata_text(kept), end))


def _container(name: str, image: str) -> Plain:
    return {
        "name": name,
        "image": image,
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": f"SETTING_{number}", "value": f"value-{number}"} for number in range(12)],
        "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [_TOKEN_MOUNT, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 (a path in a container)
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }


def _managed(images: Images, now: str) -> list[Plain]:
    fields: Plain = {"f:name": {}, "f:image": {}, "f:env": {}, "f:ports": {}, "f:resources": {}, "f:volumeMounts": {}}
    containers = {f'k:{{"name":"{name}"}}': {".": {}, **fields} for name, _ in images.main}
    conditions: Plain = {
        f'k:{{"type":"{type_}"}}': {".": {}, "f:status": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {}}
        for type_ in ("Initialized", "Ready", "ContainersReady")
    }
    common = {"operation": "Update", "apiVersion": PODS.api_version, "time": now, "fieldsType": "FieldsV1"}
    return [
        {
            "manager": "kube-controller-manager",
            **common,
            "fieldsV1": {"f:metadata": {"f:labels": {".": {}}}, "f:spec": {"f:containers": containers}},
        },
        {
            "manager": "kubelet",
            **common,
            "fieldsV1": {
                "f:status": {"f:conditions": conditions, "f:containerStatuses": {}, "f:podIP": {}, "f:podIPs": {}}
            },
            "subresource": "status",
        },
    ]
