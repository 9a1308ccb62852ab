"""What the API server says about itself: version, groups and resources, as clients such as kubectl look them up."""

from typing import Any, Final

from sandbox.resources import ALL, Resource
from sandbox.statuses import no_such_path

_VERBS: Final = ["create", "delete", "get", "list", "patch", "update", "watch"]
_REVIEW: Final = {
    "name": "selfsubjectaccessreviews",
    "singularName": "",
    "namespaced": False,
    "kind": "SelfSubjectAccessReview",
    "verbs": ["create"],
}
_AUTHORIZATION: Final = "authorization.k8s.io/v1"
_GROUPS: Final = sorted({resource.api_version for resource in ALL if resource.group} | {_AUTHORIZATION})


def discover(path: str, *, streaming: bool) -> dict[str, Any]:
    """The document under a path of discovery. Raises ApiError (404). `streaming`: whether the server has streaming lists."""
    match path.strip("/").split("/"):
        case ["version"]:
            return _version("36" if streaming else "20")
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(version) for version in _GROUPS]}
        case ["apis", group] if found := [version for version in _GROUPS if version.startswith(f"{group}/")]:
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(found[0])}
        case ["api", "v1"]:
            return _resources("v1")
        case ["apis", group, version] if f"{group}/{version}" in _GROUPS:
            return _resources(f"{group}/{version}")
        case _:
            raise no_such_path()


def _version(minor: str) -> dict[str, Any]:
    return {
        "major": "1",
        "minor": minor,
        "gitVersion": f"v1.{minor}.0+podwire-sandbox",
        "gitCommit": "",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    }


def _group(api_version: str) -> dict[str, Any]:
    group, version = api_version.split("/")
    served = {"groupVersion": api_version, "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resources(api_version: str) -> dict[str, Any]:
    served = [entry for resource in ALL if resource.api_version == api_version for entry in _entries(resource)]
    if api_version == _AUTHORIZATION:
        served = [_REVIEW]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": served}


def _entries(resource: Resource) -> list[dict[str, Any]]:
    main: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": _VERBS,
        "shortNames": [resource.short],
    }
    status: dict[str, Any] = {
        "name": f"{resource.plural}/status",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get", "patch", "update"],
    }
    return [main, status]
