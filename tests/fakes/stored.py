"""Objects for the sandbox's tables, made of a few words."""

from sandbox.plain import stored_of
from sandbox.resources import PODS
from sandbox.tables import Stored


def a_pod(name: str, *, namespace: str = "default", uid: str = "", node: str = "", **labels: str) -> Stored:
    """A pod to put into a store."""
    metadata = {"name": name, "namespace": namespace, "uid": uid or f"uid-{name}", "labels": labels}
    spec = {"containers": [{"name": "main", "image": "image:1"}], **({"nodeName": node} if node else {})}
    return stored_of(PODS, {"metadata": metadata, "spec": spec, "status": {"phase": "Pending"}})
