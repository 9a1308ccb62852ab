"""Orders that requests are refused, forgotten or slow: what a client sees of each."""

import json
from pathlib import Path

from tests.fakes.sandbox_client import PODS, SandboxClient, event, with_sandbox


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
