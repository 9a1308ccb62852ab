"""Orders over HTTP: which are taken, what they put into the cluster, and what can be seen of it."""

from pathlib import Path

import pytest

from tests.fakes.sandbox_client import PODS, SandboxClient, event, with_sandbox


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
