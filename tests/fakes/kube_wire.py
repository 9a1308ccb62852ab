"""What an API server sends, in JSON and in protobuf, from the same Kubernetes objects.

The protobuf side is written by hand from Kubernetes' generated.proto files and knows nothing of the watcher's schema: what both
agree on is the API's own numbering. It sends fields that the watcher does not name too, as a real server does.
"""

import json
from typing import Any

Object = dict[str, Any]


def pod(uid: str, *, version: int | str = 1, ip: str = "", image: str = "nginx", **metadata: Any) -> Object:
    """A pod with one container, as far as tests care."""
    return {
        "metadata": {
            "name": f"name-{uid}",
            "namespace": "shop",
            "uid": uid,
            "resourceVersion": str(version),
            **metadata,
        },
        "spec": {"nodeName": "node-1"},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "containerStatuses": [{"name": "main", "image": image, "containerID": f"containerd://{uid}"}],
        },
    }


# The wire format of protobuf ---------------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int | None) -> bytes:
    """A varint field; nothing for None."""
    return b"" if value is None else varint(field << 3) + varint(value)


def data(field: int, value: bytes | str | None) -> bytes:
    """A length-delimited field; nothing for None."""
    if value is None:
        return b""
    raw = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(raw)) + raw


def entries(field: int, value: dict[str, str] | None) -> bytes:
    """A map: a message of key and value for each entry."""
    return b"".join(data(field, data(1, key) + data(2, one)) for key, one in (value or {}).items())


def meta_bytes(meta: Object) -> bytes:
    """metav1.ObjectMeta."""
    return b"".join(
        [
            data(1, meta.get("name")),
            data(2, meta.get("generateName")),
            data(3, meta.get("namespace")),
            data(5, meta.get("uid")),
            data(6, meta.get("resourceVersion")),
            entries(11, meta.get("labels")),
            entries(12, meta.get("annotations")),
            *(data(13, _owner_reference(one)) for one in meta.get("ownerReferences") or ()),
        ]
    )


def _owner_reference(one: Object) -> bytes:
    flags = number(6, one.get("controller")) + number(7, one.get("blockOwnerDeletion"))
    return (
        data(1, one.get("kind"))
        + data(3, one.get("name"))
        + data(4, one.get("uid"))
        + data(5, one.get("apiVersion"))
        + flags
    )


def _container(one: Object) -> bytes:
    waiting = data(2, data(1, data(1, "ContainerCreating"))) + number(4, 1) + number(5, 7)
    return (
        data(1, one.get("name"))
        + waiting
        + data(6, one.get("image"))
        + data(7, "sha256:0")
        + data(8, one.get("containerID"))
    )


def pod_bytes(one: Object) -> bytes:
    """corev1.Pod."""
    out = data(1, meta_bytes(one["metadata"]))
    spec, status = one.get("spec"), one.get("status")
    if spec is not None:
        out += data(2, data(2, data(1, "main")) + data(10, spec.get("nodeName")) + number(11, spec.get("hostNetwork")))
    if status is not None:
        out += data(3, _status_bytes(status))
    return out


def _status_bytes(status: Object) -> bytes:
    return b"".join(
        [
            data(1, status.get("phase")),
            data(5, status.get("hostIP")),
            data(6, status.get("podIP")),
            *(data(8, _container(one)) for one in status.get("containerStatuses") or ()),
            data(9, "BestEffort"),
            *(data(10, _container(one)) for one in status.get("initContainerStatuses") or ()),
            *(data(12, data(1, one.get("ip"))) for one in status.get("podIPs") or ()),
            *(data(13, _container(one)) for one in status.get("ephemeralContainerStatuses") or ()),
        ]
    )


def wrapped(raw: bytes) -> bytes:
    """The magic number and runtime.Unknown."""
    return b"k8s\0" + data(1, data(1, "v1") + data(2, "Thing")) + data(2, raw) + data(3, "") + data(4, "")


# What a server answers ---------------------------------------------------------------------------------------------------------------


class Json:
    """Answers in JSON."""

    name = "json"
    content_type = "application/json"

    def page(self, items: list[Object], *, version: int | str, token: str = "", remaining: int | None = None) -> bytes:
        meta = {"resourceVersion": str(version)} | ({"continue": token} if token else {})
        meta |= {"remainingItemCount": remaining} if remaining is not None else {}  # type: ignore[dict-item]
        return json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": items}).encode()

    def event(self, type_: str, item: Object) -> bytes:
        return json.dumps({"type": type_, "object": {"kind": "Pod", "apiVersion": "v1", **item}}).encode() + b"\n"

    def bookmark(self, version: int | str, *, ends_initial_events: bool = False) -> bytes:
        return self.event("BOOKMARK", _bookmark(version, ends_initial_events))

    def error(self, code: int, message: str) -> bytes:
        return json.dumps({"type": "ERROR", "object": json.loads(self.status(code, message))}).encode() + b"\n"

    def status(self, code: int, message: str) -> bytes:
        return json.dumps(
            {"kind": "Status", "metadata": {}, "status": "Failure", "message": message, "code": code}
        ).encode()


class Protobuf:
    """Answers in protobuf."""

    name = "protobuf"
    content_type = "application/vnd.kubernetes.protobuf"

    def page(self, items: list[Object], *, version: int | str, token: str = "", remaining: int | None = None) -> bytes:
        meta = data(2, str(version)) + (data(3, token) if token else b"") + number(4, remaining)
        return wrapped(data(1, meta) + b"".join(data(2, pod_bytes(one)) for one in items))

    def event(self, type_: str, item: Object) -> bytes:
        return self.event_of(type_, pod_bytes(item))

    def event_of(self, type_: str, raw: bytes) -> bytes:
        event = data(1, type_) + data(2, data(1, wrapped(raw)))
        return len(event).to_bytes(4, "big") + event

    def bookmark(self, version: int | str, *, ends_initial_events: bool = False) -> bytes:
        return self.event("BOOKMARK", _bookmark(version, ends_initial_events))

    def error(self, code: int, message: str) -> bytes:
        return self.event_of("ERROR", self._status(code, message))

    def status(self, code: int, message: str) -> bytes:
        return wrapped(self._status(code, message))

    def _status(self, code: int, message: str) -> bytes:
        return data(1, b"") + data(2, "Failure") + data(3, message) + number(6, code)


def _bookmark(version: int | str, ends_initial_events: bool) -> Object:
    annotations = {"annotations": {"k8s.io/initial-events-end": "true"}} if ends_initial_events else {}
    return {"metadata": {"resourceVersion": str(version), **annotations}}


Media = Json | Protobuf
JSON, PROTOBUF = Json(), Protobuf()
MEDIA: list[Media] = [JSON, PROTOBUF]
