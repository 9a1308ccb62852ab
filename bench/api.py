"""The API server as a plain HTTP client sees it, for the benchmarks' own readers: no part of podwire is in here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import urllib3
from kubernetes.client import Configuration
from kubernetes.config import load_kube_config

PAGE = 500


@dataclass(frozen=True)
class Api:
    """Where it is, and how it lets one in."""

    host: str
    headers: dict[str, str]
    authority: str | None
    """File with the certificates to trust."""

    def pool(self) -> urllib3.PoolManager:
        """A client that keeps its connection."""
        return urllib3.PoolManager(ca_certs=self.authority)


def load(kubeconfig: str) -> Api:
    """The current context's."""
    configuration = Configuration()
    read: Any = load_kube_config  # it has no types
    read(config_file=kubeconfig, client_configuration=configuration)
    settings: Any = configuration.auth_settings()
    headers = {one["key"]: one["value"] for one in settings.values()}
    return Api(configuration.host, headers, configuration.ssl_ca_cert)


def pages(api: Api) -> Iterator[bytes]:
    """All pods as JSON, page by page."""
    http, query = api.pool(), f"limit={PAGE}"
    while query:
        body = http.request("GET", f"{api.host}/api/v1/pods?{query}", headers=api.headers).data
        yield body
        # The token stands in the first bytes of a page; reading it from there costs nothing.
        head = body[:4000].decode("utf-8", "replace")
        token = head.partition('"continue":"')[2].partition('"')[0]
        query = f"limit={PAGE}&continue={token}" if token else ""


def addressed_pods(api: Api) -> int:
    """How many pods have an address: so many are told to a reducer."""
    return sum(1 for page in pages(api) for pod in _items(page) if pod.get("status", {}).get("podIP"))


def _items(page: bytes) -> list[dict[str, Any]]:
    return msgspec.json.decode(page)["items"] or []
