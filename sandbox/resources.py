"""The resources that the sandbox serves, and how URL paths name them (Kubernetes API concepts, "Resource URIs")."""

from typing import Final

import msgspec


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of object in the API."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    singular: str
    kind: str
    short: str
    """What kubectl may call it."""
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects carry it: `v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """As messages of errors write it: `pods`, `jobs.batch`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


PODS: Final = Resource(group="", version="v1", plural="pods", singular="pod", kind="Pod", short="po")
NAMESPACES: Final = Resource(
    group="", version="v1", plural="namespaces", singular="namespace", kind="Namespace", short="ns", namespaced=False
)
DEPLOYMENTS: Final = Resource(
    group="apps", version="v1", plural="deployments", singular="deployment", kind="Deployment", short="deploy"
)
REPLICASETS: Final = Resource(
    group="apps", version="v1", plural="replicasets", singular="replicaset", kind="ReplicaSet", short="rs"
)
STATEFULSETS: Final = Resource(
    group="apps", version="v1", plural="statefulsets", singular="statefulset", kind="StatefulSet", short="sts"
)
DAEMONSETS: Final = Resource(
    group="apps", version="v1", plural="daemonsets", singular="daemonset", kind="DaemonSet", short="ds"
)
JOBS: Final = Resource(group="batch", version="v1", plural="jobs", singular="job", kind="Job", short="job")
CRONJOBS: Final = Resource(
    group="batch", version="v1", plural="cronjobs", singular="cronjob", kind="CronJob", short="cj"
)

ALL: Final = (PODS, NAMESPACES, DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS, JOBS, CRONJOBS)

_BY_PATH: Final = {(resource.group, resource.version, resource.plural): resource for resource in ALL}
_BY_PLURAL: Final = {resource.plural: resource for resource in ALL}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL path names: a collection, or with `name` an object, or with `subresource` a part of it."""

    resource: Resource
    namespace: str = ""
    """Empty for all namespaces, and for what has none."""
    name: str = ""
    subresource: str = ""


def by_plural(plural: str) -> Resource | None:
    """The resource of this plural name, in whatever group it is."""
    return _BY_PLURAL.get(plural)


def locate(path: str) -> Place | None:
    """The place that a path names, or None where the sandbox serves nothing."""
    match path.strip("/").split("/"):
        case ["api", "v1", *rest]:
            return _locate("", "v1", rest)
        case ["apis", group, version, *rest] if group:
            return _locate(group, version, rest)
        case _:
            return None


def _locate(group: str, version: str, rest: list[str]) -> Place | None:
    match rest:
        case ["namespaces", name, "status"] if not group:
            return Place(resource=NAMESPACES, name=name, subresource="status")
        case ["namespaces", namespace, plural, *below] if below or plural:
            return _place(_BY_PATH.get((group, version, plural)), below, namespace=namespace)
        case [plural, *below]:
            return _place(_BY_PATH.get((group, version, plural)), below, namespace="")
        case _:
            return None


def _place(resource: Resource | None, below: list[str], *, namespace: str) -> Place | None:
    if resource is None or (namespace and not resource.namespaced):
        return None
    match below:
        case []:
            return Place(resource=resource, namespace=namespace)
        case [name] if namespace or not resource.namespaced:
            return Place(resource=resource, namespace=namespace, name=name)
        case [name, "status"] if namespace or not resource.namespaced:
            return Place(resource=resource, namespace=namespace, name=name, subresource="status")
        case _:
            return None
