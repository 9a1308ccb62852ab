"""podwire's job done the usual way: the typed client of the `kubernetes` package lists in pages of 500, keeps a dict, and watches on.

Pod UID → names, addresses, owner, containers; and the owners of ReplicaSets and Jobs, which tell a pod's workload. Prints, as JSON, the
wall-clock time at which the dicts were complete and the process's CPU seconds until then, the interpreter's start included.

    python -m bench.typed_client KUBECONFIG [SECONDS_TO_WATCH]
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import kubernetes

usual: Any = kubernetes
"""The package has types for a part of itself only."""


class Owner(NamedTuple):
    uid: str
    kind: str
    name: str


class Known(NamedTuple):
    namespace: str
    name: str
    ips: list[str]
    owner: Owner | None
    containers: list[tuple[str, str, str]]


def owner(item: Any) -> Owner | None:  # noqa: ANN401 (the typed client has no types)
    """The controller among the references."""
    for one in item.metadata.owner_references or ():
        if one.controller:
            return Owner(one.uid, one.kind, one.name)
    return None


def pod(item: Any) -> Known:  # noqa: ANN401 (as above)
    """What podwire keeps of a pod."""
    status = item.status
    statuses = (status.container_statuses, status.init_container_statuses, status.ephemeral_container_statuses)
    containers = [(one.container_id, one.name, one.image) for some in statuses for one in some or ()]
    # Its name was odd before version 36.
    ips = [one.ip for one in (status.pod_ips if hasattr(status, "pod_ips") else status.pod_i_ps) or ()]
    return Known(item.metadata.namespace, item.metadata.name, ips, owner(item), containers)


def follow(listing: Callable[..., Any], keep: Callable[[Any], Any], known: dict[str, Any]) -> Iterator[None]:
    """Lists, says so by its first item, then watches: an item for each event."""
    following, version = None, ""
    while following != "":
        page = listing(limit=500, _continue=following) if following else listing(limit=500)
        known.update((item.metadata.uid, keep(item)) for item in page.items)
        following, version = page.metadata._continue or "", page.metadata.resource_version
    yield
    for event in usual.watch.Watch().stream(listing, resource_version=version):
        item = event["object"]
        if event["type"] == "DELETED":
            known.pop(item.metadata.uid, None)
        else:
            known[item.metadata.uid] = keep(item)
        yield


def main(kubeconfig: str, seconds: float = 0.0) -> None:
    usual.config.load_kube_config(kubeconfig)
    client = usual.client
    core, apps, batch = client.CoreV1Api(), client.AppsV1Api(), client.BatchV1Api()
    pods: dict[str, Known] = {}
    owners: dict[str, Owner | None] = {}
    for listing in (apps.list_replica_set_for_all_namespaces, batch.list_job_for_all_namespaces):
        next(follow(listing, owner, owners))
    events = follow(core.list_pod_for_all_namespaces, pod, pods)
    next(events)
    found = {"done_ns": time.time_ns(), "cpu": time.process_time(), "pods": len(pods), "owners": len(owners)}
    print(json.dumps(found), flush=True)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        next(events)


if __name__ == "__main__":
    main(sys.argv[1], *map(float, sys.argv[2:]))
