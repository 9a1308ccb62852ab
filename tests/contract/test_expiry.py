"""What is too old: continue tokens, exact versions, and watches from versions that are forgotten."""

import base64
import json

import pytest

from tests.contract.api import Api, Room, anything


def old_token(start: str) -> str:
    """A continue token of the server's first days: the form is that of etcd's pages (apiserver, storage/continue.go)."""
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": 1, "start": f"{start}\0"})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def forget(api: Api) -> None:
    """Makes the server forget its history, where that can be ordered."""
    if api.make_old:
        api.make_old()


def test_an_expired_token_gives_410_and_a_token_that_goes_on(room: Room) -> None:
    """If a continue token is too old, then the answer is 410 Expired, and its own token leads to the rest as it is now."""
    names = room.some_pods(5)
    token = room.api.get(room.pods, limit=2).body["metadata"]["continue"] if room.api.make_old else old_token(names[1])
    forget(room.api)

    answer = room.api.get(room.pods, limit=2, **{"continue": token})

    if answer.status == 200:
        pytest.skip("this server has not forgotten its first version yet")
    assert answer.status == 410
    assert (answer.body["reason"], answer.body["code"]) == ("Expired", 410)
    fresh = room.api.get(room.pods, limit=2, **{"continue": answer.body["metadata"]["continue"]})
    assert fresh.status == 200
    assert int(fresh.version) > 1


def test_an_exact_version_that_is_forgotten_gives_410(room: Room) -> None:
    """If the exact version of a list is too old, then the answer is 410 Expired without a token."""
    forget(room.api)

    answer = room.api.get(room.pods, resourceVersion="1", resourceVersionMatch="Exact")

    if answer.status == 200:
        pytest.skip("this server has not forgotten its first version yet")
    assert (answer.status, answer.body["reason"]) == (410, "Expired")
    assert "continue" not in answer.body["metadata"]


def test_a_token_may_not_come_with_a_version(room: Room) -> None:
    """If a continue token comes together with a resource version, then it is refused, except for version 0."""
    room.some_pods(3)
    token = room.api.get(room.pods, limit=1).body["metadata"]["continue"]

    refused = room.api.get(room.pods, limit=1, resourceVersion="5", **{"continue": token})
    taken = room.api.get(room.pods, limit=1, resourceVersion="0", **{"continue": token})

    assert (refused.status, taken.status) == (400, 200)
    assert refused.body["message"] == "specifying resource version is not allowed when using continue"


def test_a_watch_from_a_forgotten_version_opens_and_ends_with_an_error_event(room: Room) -> None:
    """If a watch starts too far back, then it is opened (200), gets one ERROR event with a Status of 410, and ends."""
    room.pod("one")
    forget(room.api)

    with room.api.watch(room.pods, resourceVersion="1", timeoutSeconds=2) as events:
        seen = list(events)

    if not seen or seen[0]["type"] != "ERROR":
        pytest.skip("this server's watch cache still reaches back to its first version")
    assert [event["type"] for event in seen] == ["ERROR"]
    status = seen[0]["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


def test_the_version_of_a_list_can_be_watched_from_after_everything_was_forgotten(room: Room) -> None:
    """If history is forgotten, then a new list gives a version that a watch can start from."""
    room.pod("one")
    forget(room.api)
    version = room.version
    room.pod("two")

    seen = room.api.seen(room.pods, until=anything, resourceVersion=version)

    assert [event["object"]["metadata"]["name"] for event in seen] == ["two"]
