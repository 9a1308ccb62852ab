"""A plain HTTP client of a Kubernetes API server, for the contract tests: requests, watches, and a namespace of one's own."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
import yaml

METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"
MERGE_PATCH = "application/merge-patch+json"
WATCH_SECONDS = 20
"""A watch that has not shown what a test waits for by then ends, and the test fails."""


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: urllib3.HTTPHeaderDict
    text: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def items(self) -> list[dict[str, Any]]:
        """A list's items; servers write null or nothing for none."""
        return self.body.get("items") or []

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.items]

    @property
    def version(self) -> str:
        return self.body["metadata"]["resourceVersion"]


@dataclass
class Api:
    """One server, as a kubeconfig names it."""

    kubeconfig: Path
    make_old: Callable[[], None] | None = None
    """Makes the server forget its history, where a test can order that."""
    bookmark_watch_seconds: int = 5
    """A watch of this length gets a bookmark: they come two seconds before its end, and some servers look only once a second."""
    _pool: urllib3.PoolManager = field(init=False)

    def __post_init__(self) -> None:
        config = yaml.safe_load(self.kubeconfig.read_text())
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        self.url: str = cluster["server"]
        self.token: str = _named(config["users"], context["user"])["user"]["token"]
        self._pool = urllib3.PoolManager(ca_certs=cluster.get("certificate-authority"), maxsize=8, retries=False)

    def close(self) -> None:
        self._pool.clear()

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        accept: str | None = None,
        content_type: str = "application/json",
        token: str | None = "",
        **query: object,
    ) -> Answer:
        """A request and its answer. `token`: another one, or None for none."""
        headers = self._headers(accept, token)
        if body is not None:
            headers["Content-Type"] = content_type
        sent = json.dumps(body) if body is not None and not isinstance(body, bytes) else body
        response = self._pool.request(method, self._full(path, query), body=sent, headers=headers, timeout=30)
        return Answer(response.status, response.headers, response.data)

    def get(self, path: str, **query: Any) -> Answer:
        return self.call("GET", path, **query)

    @contextmanager
    def watch(self, path: str, *, accept: str | None = None, **query: object) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of a watch, as they come, to the watch's end."""
        query = {"watch": "true", "timeoutSeconds": WATCH_SECONDS, **query}
        response = self._pool.request(
            "GET", self._full(path, query), headers=self._headers(accept, ""), preload_content=False, timeout=60
        )
        try:
            assert response.status == 200, (response.status, response.read())
            yield _events(response)
        finally:
            response.close()

    def seen(self, path: str, *, until: Callable[[dict[str, Any]], bool], **query: Any) -> list[dict[str, Any]]:
        """The events of a watch up to the first that `until` holds for, which is the last of them."""
        events = []
        with self.watch(path, **query) as following:
            for event in following:
                events.append(event)
                if until(event):
                    return events
        raise AssertionError(f"the watch ended without the event that was waited for: {events}")

    def _full(self, path: str, query: dict[str, object]) -> str:
        return f"{self.url}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")

    def _headers(self, accept: str | None, token: str | None) -> dict[str, str]:
        headers = {} if token is None else {"Authorization": f"Bearer {token or self.token}"}
        return headers | ({"Accept": accept} if accept else {})

    @cached_property
    def resources(self) -> set[str]:
        """What the server says that it serves: `pods`, `pods/status`, `replicasets`, `namespaces`."""
        listed = [
            self.get(path) for path in ("/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/authorization.k8s.io/v1")
        ]
        return {one["name"] for answer in listed if answer.status == 200 for one in answer.body["resources"]}

    @cached_property
    def streams(self) -> bool:
        """Whether the server has streaming lists."""
        asked = {
            "watch": "true",
            "sendInitialEvents": "true",
            "resourceVersionMatch": "NotOlderThan",
            "timeoutSeconds": 1,
        }
        return self.get("/api/v1/namespaces/default/pods", **asked).status == 200

    @cached_property
    def checks_tokens(self) -> bool:
        """Whether the server knows its users."""
        return self.get("/api/v1/pods", token="nobody-has-this-token", limit=1).status == 401


class Room:
    """A namespace of a test's own."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.namespace = f"contract-{secrets.token_hex(5)}"
        self.pods = f"/api/v1/namespaces/{self.namespace}/pods"
        self.replicasets = f"/apis/apps/v1/namespaces/{self.namespace}/replicasets"
        self.jobs = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    def open(self) -> None:
        if "namespaces" in self.api.resources:
            assert (
                self.api.call("POST", "/api/v1/namespaces", body={"metadata": {"name": self.namespace}}).status == 201
            )

    def close(self) -> None:
        for collection in (self.pods, self.replicasets, self.jobs):
            for name in self.api.get(collection).names:
                self.api.call("DELETE", f"{collection}/{name}", gracePeriodSeconds=0)
        if "namespaces" in self.api.resources:
            self.api.call("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def pod(self, name: str, *, node: str = "", **labels: str) -> dict[str, Any]:
        """Creates a pod; gives it as the server has written it."""
        spec: dict[str, Any] = {"containers": [{"name": "main", "image": "registry.example/main:1"}]}
        if node:
            spec["nodeName"] = node
        made = self.api.call("POST", self.pods, body={"metadata": {"name": name, "labels": labels}, "spec": spec})
        assert made.status == 201, made.text
        return made.body

    def some_pods(self, count: int) -> list[str]:
        """Creates pods; gives their names in the order of lists."""
        return [self.pod(f"pod-{number:02d}", number=str(number % 2))["metadata"]["name"] for number in range(count)]

    def owner(self, collection: str, name: str) -> dict[str, Any]:
        """Creates a ReplicaSet or a Job that makes no pods."""
        pods = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}], "restartPolicy": "Always"},
        }
        spec: dict[str, Any] = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": pods}
        if collection == self.jobs:
            pods["spec"]["restartPolicy"] = "Never"  # type: ignore[index]
            spec = {"parallelism": 0, "template": pods}
        made = self.api.call(
            "POST", collection, body={"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}
        )
        assert made.status == 201, made.text
        return made.body

    def patch(self, name: str, body: object, *, part: str = "") -> Answer:
        return self.api.call("PATCH", f"{self.pods}/{name}{part}", body=body, content_type=MERGE_PATCH)

    def label(self, name: str, **labels: str | None) -> dict[str, Any]:
        patched = self.patch(name, {"metadata": {"labels": labels}})
        assert patched.status == 200, patched.text
        return patched.body

    def set_status(self, name: str, status: dict[str, Any]) -> dict[str, Any]:
        """Writes a pod's status, as kubelets do."""
        part = "/status" if "pods/status" in self.api.resources else ""
        patched = self.patch(name, {"status": status}, part=part)
        assert patched.status == 200, patched.text
        return patched.body

    def delete(self, name: str) -> Answer:
        return self.api.call("DELETE", f"{self.pods}/{name}", gracePeriodSeconds=0)

    @property
    def version(self) -> str:
        """The version of a list of the pods now."""
        return self.api.get(self.pods).version

    @property
    def far_off(self) -> str:
        """A version that no server comes to while a test runs. Sandboxes count in microseconds."""
        return str(int(self.version) + 10**15)


def anything(_event: dict[str, Any]) -> bool:
    """Holds for every event."""
    return True


def is_of(name: str, *types: str) -> Callable[[dict[str, Any]], bool]:
    """Whether an event is of this object, and of one of these types where some are given."""
    return lambda event: event["object"]["metadata"].get("name") == name and (not types or event["type"] in types)


def brief(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Types and names of events."""
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


def _events(response: urllib3.BaseHTTPResponse) -> Iterator[dict[str, Any]]:
    rest = b""
    for chunk in response.stream(65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines)


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
