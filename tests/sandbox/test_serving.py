"""What a cluster does without orders, as a client sees it."""

import json
from pathlib import Path

import aiohttp

from tests.fakes.sandbox_client import PODS, TEAM_PODS, SandboxClient, event, with_sandbox


def test_a_pod_on_a_node_goes_a_moment_after_its_deletion(tmp_path: Path) -> None:
    """If a pod with a node is deleted, then it is marked first, and a moment later its deletion is told."""

    async def scenario(client: SandboxClient) -> None:
        body = {"metadata": {"name": "one"}, "spec": {"nodeName": "node-1", "containers": []}}
        await client.call("POST", TEAM_PODS, body=body)
        async with client.watch() as content:
            await event(content)
            status, marked = await client.call("DELETE", f"{TEAM_PODS}/one")
            assert (status, marked["metadata"]["deletionGracePeriodSeconds"]) == (200, 30)
            assert (await event(content))["type"] == "MODIFIED"
            assert (await event(content))["type"] == "DELETED"

    with_sandbox(tmp_path, scenario)


def test_protobuf_alone_is_not_acceptable_and_beside_json_gives_json(tmp_path: Path) -> None:
    """If a client takes only protobuf, then it gets 406; if it takes JSON too, JSON. A body in protobuf gets 415."""

    async def scenario(client: SandboxClient) -> None:
        protobuf = "application/vnd.kubernetes.protobuf"
        assert (await client.raw("GET", PODS, accept=protobuf))[0] == 406
        status, headers, _ = await client.raw("GET", PODS, accept=f"{protobuf},application/json")
        assert (status, headers["Content-Type"]) == (200, "application/json")
        table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
        assert json.loads((await client.raw("GET", PODS, accept=table))[2])["kind"] == "PodList"

    with_sandbox(tmp_path, scenario)


def test_everybody_is_let_in_where_the_cluster_is_open(tmp_path: Path) -> None:
    """If the cluster is open to all, then a request without a token is served, and one with a wrong token still is not."""

    async def scenario(client: SandboxClient) -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(client.cluster.url + PODS) as response:
                assert response.status == 200
            async with session.get(client.cluster.url + PODS, headers={"Authorization": "Bearer wrong"}) as response:
                assert response.status == 401

    with_sandbox(tmp_path, scenario, open_to_all=True)


def test_bookmarks_come_at_their_interval(tmp_path: Path) -> None:
    """If something has happened, then a watch that allows bookmarks gets one after another."""

    async def scenario(client: SandboxClient) -> None:
        _, listed = await client.call("GET", PODS)
        version = listed["metadata"]["resourceVersion"]
        async with client.watch(allowWatchBookmarks="true", resourceVersion=version) as content:
            await client.make_pod("one")
            seen = [await event(content) for _ in range(3)]
        assert [one["type"] for one in seen] == ["ADDED", "BOOKMARK", "BOOKMARK"]
        assert seen[1]["object"]["metadata"] == {"resourceVersion": seen[0]["object"]["metadata"]["resourceVersion"]}

    with_sandbox(tmp_path, scenario, bookmark_seconds=0.05)


def test_a_workload_moves_by_itself(tmp_path: Path) -> None:
    """If a cluster with a workload is started, then a watch sees it move."""

    async def scenario(client: SandboxClient) -> None:
        _, listed = await client.call("GET", PODS, limit="1")
        async with client.watch(resourceVersion=listed["metadata"]["resourceVersion"]) as content:
            for _ in range(5):
                assert (await event(content))["object"]["kind"] == "Pod"

    with_sandbox(tmp_path, scenario, pods=20, rate=500.0)
