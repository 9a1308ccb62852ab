"""Orders to go wrong, over HTTP: what a client sees of each."""

import json
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.sandbox_client import PODS, TEAM_PODS, SandboxClient, with_sandbox


async def event(content: aiohttp.StreamReader) -> dict:
    return json.loads(await content.readline())


def test_a_cut_watch_ends_without_its_last_chunk(tmp_path: Path) -> None:
    """If watches are cut, then the client sees the connection end in the body, after whole lines."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.make_pod("one")
            assert (await event(content))["type"] == "ADDED"
            assert await client.order("cut", resource="pods") == 1
            with pytest.raises(aiohttp.ClientPayloadError):
                await content.readline()

    with_sandbox(tmp_path, scenario)


def test_a_torn_watch_ends_in_the_middle_of_a_line(tmp_path: Path) -> None:
    """If watches are torn, then the client gets the beginning of a line, and then the connection's end."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("tear")
            half = await content.read(20)
            assert half.startswith(b'{"type":"MODIFIED"')
            with pytest.raises(aiohttp.ClientPayloadError):
                await content.read()

    with_sandbox(tmp_path, scenario)


def test_an_ended_watch_ends_properly(tmp_path: Path) -> None:
    """If watches are ended, then the body ends as it should."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("end")
            assert await content.read() == b""

    with_sandbox(tmp_path, scenario)


def test_garbage_comes_between_events(tmp_path: Path) -> None:
    """If garbage is ordered, then open watches get that line, text or bytes, and go on."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("garbage")
            await client.order("garbage", base64="//4=")
            assert await content.readline() == b"this is no JSON\n"
            assert await content.readline() == b"\xff\xfe\n"
            await client.make_pod("one")
            assert (await event(content))["type"] == "ADDED"

    with_sandbox(tmp_path, scenario)


def test_a_silenced_watch_stays_open_and_says_nothing_until_it_is_cut(tmp_path: Path) -> None:
    """If watches are silenced, then what changes is not told, not even at the watch's timeout; a watch opened later is as usual."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch(timeoutSeconds="1") as silent:
            assert await client.order("silence", resource="pods") == 1
            await client.make_pod("one")
            async with client.watch() as fresh:
                assert (await event(fresh))["object"]["metadata"]["name"] == "one"
            assert await client.order("end") == 1
            assert await silent.read() == b""

    with_sandbox(tmp_path, scenario)


def test_a_watch_can_be_told_that_it_is_gone(tmp_path: Path) -> None:
    """If watches are gone, then they get an ERROR event of 410 and end."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            await client.order("gone")
            error = await event(content)
            assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
            assert await content.read() == b""

    with_sandbox(tmp_path, scenario)


def test_orders_go_to_one_resource_or_to_all(tmp_path: Path) -> None:
    """If an order names a resource, then watches of others are left alone."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            assert await client.order("cut", resource="jobs") == 0
            await client.make_pod("one")
            assert (await event(content))["type"] == "ADDED"
            assert await client.order("end") == 1

    with_sandbox(tmp_path, scenario)


def test_compaction_expires_tokens_and_versions_and_leaves_open_watches_alone(tmp_path: Path) -> None:
    """If history is compacted, then old tokens and watches get 410, and open watches go on."""

    async def scenario(client: SandboxClient) -> None:
        for name in ("one", "two"):
            await client.make_pod(name)
        _, page = await client.call("GET", PODS, limit="1")
        async with client.watch(resourceVersion=page["metadata"]["resourceVersion"]) as content:
            await client.order("compact")
            status, expired = await client.call("GET", PODS, limit="1", **{"continue": page["metadata"]["continue"]})
            assert (status, expired["reason"]) == (410, "Expired")
            async with client.watch(resourceVersion="2") as late:
                assert (await event(late))["object"]["code"] == 410
            await client.make_pod("three")
            assert (await event(content))["object"]["metadata"]["name"] == "three"

    with_sandbox(tmp_path, scenario)


def test_tokens_expire_alone(tmp_path: Path) -> None:
    """If only tokens are to expire, then those given out so far get 410; new ones work, and so do old watches."""

    async def scenario(client: SandboxClient) -> None:
        for name in ("one", "two"):
            await client.make_pod(name)
        _, page = await client.call("GET", PODS, limit="1")
        first = page["metadata"]["resourceVersion"]
        await client.order("expire-tokens")

        status, _ = await client.call("GET", PODS, limit="1", **{"continue": page["metadata"]["continue"]})
        assert status == 410
        await client.make_pod("three")
        _, page = await client.call("GET", PODS, limit="1")
        status, _ = await client.call("GET", PODS, limit="1", **{"continue": page["metadata"]["continue"]})
        assert status == 200
        async with client.watch(resourceVersion=first) as content:
            assert (await event(content))["object"]["metadata"]["name"] == "three"

    with_sandbox(tmp_path, scenario)


def test_refusals_are_counted_and_chosen(tmp_path: Path) -> None:
    """If the next requests are to be refused, then exactly so many of that verb and resource are, with Retry-After for 429."""

    async def scenario(client: SandboxClient) -> None:
        await client.order("refuse", status=429, count=2, retry_after_seconds=7, verb="list", resource="pods")
        await client.order("refuse", status=410, verb="watch")
        assert (await client.call("GET", "/apis/batch/v1/jobs"))[0] == 200
        for _ in range(2):
            status, headers, text = await client.raw("GET", PODS)
            assert (status, headers["Retry-After"]) == (429, "7")
            assert json.loads(text)["reason"] == "TooManyRequests"
        assert (await client.call("GET", PODS))[0] == 200
        assert (await client.call("GET", PODS, watch="1"))[0] == 410
        await client.order("refuse", status=500, count=100)
        await client.order("clear")
        assert (await client.call("GET", PODS))[0] == 200

    with_sandbox(tmp_path, scenario)


def test_a_verb_can_be_denied_and_allowed_again(tmp_path: Path) -> None:
    """If a verb is denied, then it is forbidden in Kubernetes' words, access reviews say so, and others go on."""

    async def scenario(client: SandboxClient) -> None:
        reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        asked = {"spec": {"resourceAttributes": {"verb": "list", "resource": "jobs", "group": "batch"}}}
        await client.order("deny", resource="jobs", verb="list")
        status, refused = await client.call("GET", "/apis/batch/v1/jobs")
        assert (status, refused["reason"]) == (403, "Forbidden")
        assert 'cannot list resource "jobs" in API group "batch" at the cluster scope' in refused["message"]
        assert (await client.call("POST", reviews, body=asked))[1]["status"]["allowed"] is False
        assert (await client.call("GET", "/apis/batch/v1/namespaces/default/jobs/one"))[0] == 404
        assert (await client.call("GET", PODS))[0] == 200

        await client.order("allow", resource="jobs")
        assert (await client.call("GET", "/apis/batch/v1/jobs"))[0] == 200
        assert (await client.call("POST", reviews, body=asked))[1]["status"]["allowed"] is True
        await client.order("deny", resource="jobs")
        assert (await client.call("GET", "/apis/batch/v1/jobs", watch="1"))[0] == 403

    with_sandbox(tmp_path, scenario)


def test_a_rotated_token_works_once_it_is_published(tmp_path: Path) -> None:
    """If the token is rotated, then the old one gets 401; the kubeconfig has the new one at once, or when it is published."""

    async def scenario(client: SandboxClient) -> None:
        await client.order("rotate", publish=False)
        assert client.published_token() == client.token
        assert (await client.call("GET", PODS))[0] == 401
        await client.order("publish")
        assert client.published_token() != client.token
        client.token = client.published_token()
        assert (await client.call("GET", PODS))[0] == 200
        await client.order("rotate")
        client.token = client.published_token()
        assert (await client.call("GET", PODS))[0] == 200

    with_sandbox(tmp_path, scenario)


def test_streaming_lists_can_be_switched_off(tmp_path: Path) -> None:
    """If streaming lists are off, then a watch that asks for one is refused as an older server refuses it."""

    async def scenario(client: SandboxClient) -> None:
        asked = {"watch": "1", "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        await client.order("streaming", on=False)
        status, refused = await client.call("GET", PODS, **asked)
        assert (status, refused["details"]["causes"][0]["message"]) == (
            422,
            "Forbidden: resourceVersionMatch is forbidden for watch",
        )
        assert (await client.call("GET", "/version"))[1]["minor"] == "20"

    with_sandbox(tmp_path, scenario)


def test_pages_can_be_slow(tmp_path: Path) -> None:
    """If lists are slow, then the state says so, they still answer, and clearing makes them quick again."""

    async def scenario(client: SandboxClient) -> None:
        await client.order("slow", seconds=0.01, resource="pods")
        assert (await client.call("GET", "/sandbox/state"))[1]["slow_seconds"] == {"pods": 0.01}
        assert (await client.call("GET", PODS))[0] == 200
        await client.order("clear")
        assert (await client.call("GET", "/sandbox/state"))[1]["slow_seconds"] == {}

    with_sandbox(tmp_path, scenario)


@pytest.mark.parametrize(
    ("order", "because"),
    [
        ({"order": "explode"}, "explode"),
        ({"order": "cut", "resource": "secrets"}, "secrets"),
        ({"order": "cut", "resources": "pods"}, "resources"),
        ({"order": "refuse", "status": 200}, "200"),
        ({"order": "garbage", "base64": "%"}, "base64"),
        ({"order": "rate", "per_second": -1}, "per_second"),
        ({"order": "slow", "seconds": "long"}, "seconds"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(tmp_path: Path, order: dict, because: str) -> None:
    """If an order is unknown, or a field of it is, then the answer is 400 and says what is wrong."""

    async def scenario(client: SandboxClient) -> None:
        status, answer = await client.call("POST", "/sandbox/orders", body=order)
        assert status == 400
        assert because in answer["error"]

    with_sandbox(tmp_path, scenario)


def test_the_state_shows_objects_watches_and_workload(tmp_path: Path) -> None:
    """If the state is asked for, then it has the version, counts, watches and what the workload does."""

    async def scenario(client: SandboxClient) -> None:
        await client.order("pause")
        await client.order("rate", per_second=5)
        async with client.watch():
            _, state = await client.call("GET", "/sandbox/state")
        assert state["objects"]["pods"] == 9
        assert state["watches"] == {"pods": 1}
        assert (state["workload"]["pace"], state["workload"]["rate"]) == ("paused", 5.0)
        assert (await client.call("GET", PODS))[1]["metadata"]["resourceVersion"] == str(state["resource_version"])
        for order, pace in (("settle", "settling"), ("resume", "moving")):
            await client.order(order)
            assert (await client.call("GET", "/sandbox/state"))[1]["workload"]["pace"] == pace

    with_sandbox(tmp_path, scenario, pods=9)


def test_changes_say_when_they_were_told(tmp_path: Path) -> None:
    """If a change is written to a watch, then it can be looked up with UID, version and time, and asked for from a number on."""

    async def scenario(client: SandboxClient) -> None:
        async with client.watch() as content:
            one, two = await client.make_pod("one"), await client.make_pod("two")
            times = [(await event(content))["object"]["metadata"]["uid"] for _ in range(2)]
            _, changes = await client.call("GET", "/sandbox/changes")
            _, later = await client.call("GET", "/sandbox/changes", after=str(changes[0]["number"]))
        assert times == [change["uid"] for change in changes] == [made["metadata"]["uid"] for made in (one, two)]
        assert [str(change["version"]) for change in changes] == [
            made["metadata"]["resourceVersion"] for made in (one, two)
        ]
        assert changes[0]["at_ns"] <= changes[1]["at_ns"]
        assert (changes[0]["type"], changes[0]["resource"]) == ("ADDED", "pods")
        assert later == changes[1:]

    with_sandbox(tmp_path, scenario)


def test_strange_objects_can_be_put_in_and_taken_out(tmp_path: Path) -> None:
    """If an object is put in verbatim, then lists and watches have it as it is; it can be taken out again."""

    async def scenario(client: SandboxClient) -> None:
        place = "/sandbox/objects/pods/team/strange"
        async with client.watch() as content:
            status, _, _ = await client.raw("PUT", place, data=b'{"metadata":{"name":"\xff"},"status":null}')
            assert status == 200
            assert b'"name":"\xff"' in await content.readline()
            assert b'"name":"\xff"' in (await client.raw("GET", PODS))[2]
            assert (await client.raw("GET", "/sandbox/objects/pods"))[2].count(b"\xff") == 1
            assert (await client.raw("DELETE", place))[0] == 200
            assert b'"DELETED"' in await content.readline()
        assert (await client.raw("DELETE", place))[0] == 404
        assert (await client.raw("PUT", "/sandbox/objects/secrets/team/one", data=b"{}"))[0] == 404

    with_sandbox(tmp_path, scenario)


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
