"""A pod's status through its life, as kubelets and the scheduler write it: each function takes the status one step further, in place.

Pure but for the random source that container IDs come from. Times are RFC 3339 texts.
"""

import hashlib
import random
from functools import lru_cache
from typing import Any, Final

import msgspec

Status = dict[str, Any]

_TRUE_WHEN_READY: Final = ("Initialized", "Ready", "ContainersReady")


class Images(msgspec.Struct, frozen=True):
    """The containers of a pod: names and images."""

    main: tuple[tuple[str, str], ...]
    init: tuple[tuple[str, str], ...] = ()


def begin() -> Status:
    """Created, and nobody has looked at it."""
    return {"phase": "Pending", "qosClass": "Burstable"}


def schedule(status: Status, now: str) -> None:
    """A node was found."""
    status["conditions"] = [_condition("PodScheduled", "True", now)]


def start(status: Status, images: Images, host: str, *, host_network: bool, now: str) -> None:
    """The kubelet has taken it: containers wait, and have no IDs. Only a pod on its node's network has an address already."""
    waiting = [_condition(type_, "False", now) for type_ in _TRUE_WHEN_READY]
    status["conditions"] = [*waiting, *status.get("conditions", [])]
    status["hostIP"], status["startTime"] = host, now
    status["containerStatuses"] = [_waiting(name, image, "PodInitializing") for name, image in images.main]
    if images.init:
        status["initContainerStatuses"] = [_waiting(name, image, "PodInitializing") for name, image in images.init]
    if host_network:
        address(status, (host,))


def address(status: Status, ips: tuple[str, ...]) -> None:
    """The network has given it addresses, the IPv4 one first."""
    status["podIP"] = ips[0]
    status["podIPs"] = [{"ip": ip} for ip in ips]


def prepare(status: Status, random_: random.Random, now: str) -> None:
    """The init containers have run."""
    for container in status.get("initContainerStatuses", []):
        container.update(_ids(container["image"], random_))
        container["ready"] = True
        container["state"] = _terminated(container["containerID"], now)


def run(status: Status, random_: random.Random, now: str) -> None:
    """The containers run: they have IDs."""
    status["phase"] = "Running"
    for container in status.get("containerStatuses", []):
        _run(container, random_, now)


def ready(status: Status, now: str) -> None:
    """The readiness probes succeed."""
    for container in status.get("containerStatuses", []):
        container["ready"] = container["started"] = True
    _set_conditions(status, "True", now)


def beat(status: Status, now: str) -> None:
    """A status update that changes nothing that anybody keeps."""
    for condition in status.get("conditions", []):
        condition["lastProbeTime"] = now


def restart(status: Status, random_: random.Random, now: str) -> None:
    """The first container has crashed and runs again, under a new ID."""
    for container in status.get("containerStatuses", [])[:1]:
        container["lastState"] = _terminated(container.get("containerID", ""), now, exit_code=137)
        container["restartCount"] += 1
        _run(container, random_, now)
        container["ready"] = True


def attach(status: Status, random_: random.Random, now: str) -> None:
    """Somebody debugs it: one more ephemeral container."""
    containers = status.setdefault("ephemeralContainerStatuses", [])
    container = _waiting(f"debugger-{len(containers)}", "docker.io/library/busybox:1.36", "ContainerCreating")
    _run(container, random_, now)
    containers.append(container)


def finish(status: Status, now: str) -> None:
    """A Job's pod has done its work."""
    status["phase"] = "Succeeded"
    _terminate(status, now)
    _set_conditions(status, "False", now)


def stop(status: Status, now: str) -> None:
    """The kubelet has ended its containers."""
    _terminate(status, now)
    _set_conditions(status, "False", now)


def _terminate(status: Status, now: str) -> None:
    for container in status.get("containerStatuses", []):
        container["ready"] = container["started"] = False
        if "containerID" in container:
            container["state"] = _terminated(container["containerID"], now)


def _set_conditions(status: Status, value: str, now: str) -> None:
    for condition in status.get("conditions", []):
        if condition["type"] in _TRUE_WHEN_READY:
            condition["status"], condition["lastTransitionTime"] = value, now


def _condition(type_: str, value: str, now: str) -> Status:
    return {"type": type_, "status": value, "lastProbeTime": None, "lastTransitionTime": now}


def _waiting(name: str, image: str, reason: str) -> Status:
    return {
        "name": name,
        "state": {"waiting": {"reason": reason}},
        "lastState": {},
        "ready": False,
        "restartCount": 0,
        "image": image,
        "imageID": "",
        "started": False,
    }


def _run(container: Status, random_: random.Random, now: str) -> None:
    container |= _ids(container["image"], random_)
    container["state"] = {"running": {"startedAt": now}}
    container["started"] = True


def _ids(image: str, random_: random.Random) -> Status:
    return {"imageID": _image_id(image), "containerID": f"containerd://{random_.getrandbits(256):064x}"}


@lru_cache(maxsize=4096)
def _image_id(image: str) -> str:
    return f"{image.rpartition(':')[0]}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _terminated(container_id: str, now: str, *, exit_code: int = 0) -> Status:
    reason = "Completed" if exit_code == 0 else "Error"
    ended = {"exitCode": exit_code, "reason": reason, "startedAt": now, "finishedAt": now, "containerID": container_id}
    return {"terminated": ended}
