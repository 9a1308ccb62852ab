"""Streaming lists (sendInitialEvents): what is there, a closing bookmark, what follows. Older servers refuse them."""

from typing import Any

import pytest

from tests.contract.api import METADATA, Room, anything, brief

ASKED = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
END = "k8s.io/initial-events-end"


def is_end(event: dict[str, Any]) -> bool:
    """Whether an event closes the initial ones."""
    annotations = event["object"]["metadata"].get("annotations") or {}
    return event["type"] == "BOOKMARK" and annotations.get(END) == "true"


def test_a_streaming_list_is_closed_by_a_bookmark_and_followed_by_changes(room: Room) -> None:
    """If the server has streaming lists, then each object is ADDED once, a bookmark closes them with a version at least as new as any of
    them, and changes follow in the same watch."""
    _need_streams(room)
    room.some_pods(3)

    with room.api.watch(room.pods, **ASKED) as events:
        initial = [next(events) for _ in range(3)]
        end = next(events)
        room.pod("later")
        after = next(events)

    assert sorted(brief(initial)) == [("ADDED", f"pod-{number:02d}") for number in range(3)]
    assert is_end(end)
    assert int(end["object"]["metadata"]["resourceVersion"]) >= max(
        int(event["object"]["metadata"]["resourceVersion"]) for event in initial
    )
    assert brief([after]) == [("ADDED", "later")]


def test_an_empty_streaming_list_is_closed_too(room: Room) -> None:
    """If there is nothing, then the closing bookmark comes alone, and its version can be watched from."""
    _need_streams(room)

    (end,) = room.api.seen(room.pods, until=is_end, **ASKED)
    room.pod("one")

    version = end["object"]["metadata"]["resourceVersion"]
    assert brief(room.api.seen(room.pods, until=anything, resourceVersion=version)) == [("ADDED", "one")]


def test_a_streaming_list_comes_as_metadata_and_selected(room: Room) -> None:
    """If a streaming list has a selector and asks for metadata, then it has only what is picked, as PartialObjectMetadata."""
    _need_streams(room)
    room.some_pods(4)

    seen = room.api.seen(room.pods, until=is_end, labelSelector="number=1", accept=METADATA, **ASKED)

    assert {event["object"]["kind"] for event in seen} == {"PartialObjectMetadata"}
    assert sorted(brief(seen[:-1])) == [("ADDED", "pod-01"), ("ADDED", "pod-03")]


def test_without_bookmarks_nothing_closes_the_initial_events(room: Room) -> None:
    """If bookmarks are not allowed, then the initial events come, and no bookmark."""
    _need_streams(room)
    room.some_pods(2)

    with room.api.watch(room.pods, timeoutSeconds=1, **{**ASKED, "allowWatchBookmarks": "false"}) as events:
        assert {event["type"] for event in events} == {"ADDED"}


def test_a_watch_from_nowhere_that_allows_bookmarks_is_closed_in_the_same_way(room: Room) -> None:
    """If the server has streaming lists, then even a watch that did not ask for one gets the closing bookmark."""
    _need_streams(room)
    room.pod("one")

    seen = room.api.seen(room.pods, until=is_end, resourceVersion="0", allowWatchBookmarks="true")

    assert [event["type"] for event in seen] == ["ADDED", "BOOKMARK"]


@pytest.mark.parametrize("left_out", ["resourceVersionMatch", "sendInitialEvents"])
def test_the_two_parameters_belong_together(room: Room, left_out: str) -> None:
    """If one of them stands alone, then the watch is refused."""
    _need_streams(room)
    query = {key: value for key, value in ASKED.items() if key != left_out}

    answer = room.api.get(room.pods, watch="true", timeoutSeconds=1, **query)

    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["details"]["causes"][0]["field"] == "resourceVersionMatch"


def test_a_list_cannot_stream(room: Room) -> None:
    """If a plain list asks for initial events, then it is refused."""
    _need_streams(room)

    answer = room.api.get(room.pods, sendInitialEvents="true")

    assert (answer.status, answer.body["reason"]) == (422, "Invalid")


def test_a_server_without_streaming_lists_refuses_them(room: Room) -> None:
    """If the server has no streaming lists, then it answers 422 at once, so that a client can fall back to pages."""
    if room.api.streams:
        pytest.skip("this server has streaming lists")

    answer = room.api.get(room.pods, watch="true", timeoutSeconds=1, **ASKED)

    assert (answer.status, answer.body["reason"]) == (422, "Invalid")
    assert answer.body["details"]["kind"] == "ListOptions"


def test_a_server_without_streaming_lists_takes_the_parameter_alone_for_nothing(room: Room) -> None:
    """If the server does not know `sendInitialEvents`, then a watch with it and no rule is like any other: no bookmark closes it."""
    if room.api.streams:
        pytest.skip("this server has streaming lists")
    room.pod("one")
    answer = room.api.get(room.pods, watch="true", timeoutSeconds=1, sendInitialEvents="true")

    if answer.status == 422:
        pytest.skip("this server knows the parameter, and has it switched off")
    assert answer.status == 200
    assert b"BOOKMARK" not in answer.text
    assert b'"one"' in answer.text


def _need_streams(room: Room) -> None:
    if not room.api.streams:
        pytest.skip("this server has no streaming lists")
