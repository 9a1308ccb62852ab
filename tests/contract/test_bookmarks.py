"""Bookmarks: when they come, what they promise, and when they do not come."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.contract.api import METADATA, Room


def test_bookmarks_come_to_who_allows_them_and_only_after_a_change(room: Room) -> None:
    """If a watch allows bookmarks, then one comes before the timeout that covers changes which the watch's selector left out; it has
    nothing but a version. If nothing has happened since the watch was opened, then none comes, however long it lasts."""
    first = room.version
    room.pod("before", picked="no")
    bookmarked = {
        "timeoutSeconds": room.api.bookmark_watch_seconds,
        "allowWatchBookmarks": "true",
        "labelSelector": "picked=yes",
    }
    asked: list[dict[str, Any]] = [
        {**bookmarked, "resourceVersion": first},
        {**bookmarked, "resourceVersion": first, "accept": METADATA},
        {**bookmarked, "resourceVersion": first, "allowWatchBookmarks": "false"},
        {**bookmarked, "resourceVersion": room.far_off},
    ]
    opened = Barrier(len(asked) + 1)

    def all_of(query: dict[str, Any]) -> list[dict[str, Any]]:
        with room.api.watch(room.pods, **query) as events:
            opened.wait(timeout=10)
            return list(events)

    with ThreadPoolExecutor(len(asked)) as pool:
        told = pool.map(all_of, asked)
        opened.wait(timeout=10)
        last = room.pod("after", picked="no")["metadata"]["resourceVersion"]
        allowed, as_metadata, not_allowed, not_reached = told

    for events, kind in ((allowed, "Pod"), (as_metadata, "PartialObjectMetadata")):
        assert {event["type"] for event in events} == {"BOOKMARK"}
        bookmark = events[-1]["object"]
        assert bookmark["kind"] == kind
        assert int(bookmark["metadata"]["resourceVersion"]) >= int(last)
        assert not bookmark["metadata"].keys() & {"name", "uid", "annotations"}
    assert not_allowed == []
    assert not_reached == []
