"""A small asyncio client of a sandbox cluster that runs in the same loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from sandbox.cluster import Cluster, ClusterSettings

PODS = "/api/v1/pods"
TEAM_PODS = "/api/v1/namespaces/default/pods"


class SandboxClient:
    """Requests, orders and watches."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession, kubeconfig: Path) -> None:
        self.cluster = cluster
        self.kubeconfig = kubeconfig
        self.token = self.published_token()
        self._session = session

    def published_token(self) -> str:
        return yaml.safe_load(self.kubeconfig.read_text())["users"][0]["user"]["token"]

    async def call(self, method: str, path: str, *, body: object = None, **query: str) -> tuple[int, Any]:
        """A request's status and JSON."""
        status, _, text = await self.raw(method, path, data=None if body is None else json.dumps(body), **query)
        return status, json.loads(text)

    async def raw(
        self, method: str, path: str, *, data: str | bytes | None = None, accept: str = "", **query: str
    ) -> tuple[int, Any, bytes]:
        """A request's status, headers and bytes."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        if accept:
            headers["Accept"] = accept
        async with self._session.request(
            method, self.cluster.url + path, data=data, params=query, headers=headers
        ) as response:
            return response.status, response.headers, await response.read()

    async def order(self, order: str, **fields: object) -> int:
        """Orders something; gives how many watches it concerned."""
        status, answer = await self.call("POST", "/sandbox/orders", body={"order": order, **fields})
        assert status == 200, answer
        return answer["concerned"]

    async def make_pod(self, name: str) -> Any:
        body = {"metadata": {"name": name}, "spec": {"containers": [{"name": "main", "image": "i"}]}}
        status, made = await self.call("POST", TEAM_PODS, body=body)
        assert status == 201, made
        return made

    @asynccontextmanager
    async def watch(self, **query: str) -> AsyncIterator[aiohttp.StreamReader]:
        """The bytes of an open watch of all pods."""
        headers = {"Authorization": f"Bearer {self.token}"}
        query = {"watch": "1", **query}
        async with self._session.get(self.cluster.url + PODS, params=query, headers=headers) as response:
            assert response.status == 200
            yield response.content


async def event(content: aiohttp.StreamReader) -> dict[str, Any]:
    """The next event of a watch."""
    return json.loads(await content.readline())


def with_sandbox(directory: Path, scenario: Callable[[SandboxClient], Awaitable[None]], **settings: Any) -> None:
    """Runs a scenario against a cluster without pods of its own, unless it is set otherwise."""

    async def run() -> None:
        kubeconfig = directory / "kubeconfig"
        cluster = Cluster(ClusterSettings(kubeconfig=kubeconfig, **{"pods": 0, "rate": 0.0, **settings}))
        await cluster.start()
        try:
            async with aiohttp.ClientSession() as session:
                await scenario(SandboxClient(cluster, session, kubeconfig))
        finally:
            await cluster.stop()

    asyncio.run(asyncio.wait_for(run(), timeout=30))
