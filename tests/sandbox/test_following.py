"""Watches without HTTP: what they tell makes a client's state the cluster's."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.following import Follower
from sandbox.objects import Store
from sandbox.queries import watch_query
from sandbox.render import Form, Renderer
from sandbox.resources import JOBS, PODS
from sandbox.selectors import select
from sandbox.tables import Expired
from tests.fakes.stored import a_pod

WRITES = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "read"]), st.sampled_from("abc"), st.sampled_from("xy")), max_size=40
)


def follow(store: Store, *, labels: str = "", streaming: bool = True, **query: str) -> Follower:
    return Follower(
        store,
        PODS,
        query=watch_query(query, streaming=streaming),
        selection=select(PODS, namespace="", name="", labels=labels, fields=""),
        renderer=Renderer(PODS, Form.FULL),
        progress=streaming,
    )


def opened(follower: Follower) -> list[dict[str, Any]]:
    return [json.loads(line) for block in follower.opening() for line in block.splitlines()]


def told(follower: Follower) -> list[dict[str, Any]]:
    return [json.loads(line.text) for line in follower.lines()]


def take(state: dict[str, str], events: list[dict[str, Any]]) -> None:
    """A strict client's state: what it adds must be new to it, what changes or goes must be there."""
    for event in events:
        if event["type"] == "BOOKMARK":
            continue
        metadata = event["object"]["metadata"]
        assert (event["type"] == "ADDED") == (metadata["name"] not in state)
        if event["type"] == "DELETED":
            del state[metadata["name"]]
        else:
            state[metadata["name"]] = metadata["resourceVersion"]


@given(WRITES, st.sampled_from(["", "l=x"]), st.integers(0, 5))
def test_a_client_of_a_watch_ends_up_with_what_is_picked(
    writes: list[tuple[str, str, str]], labels: str, before: int
) -> None:
    """If a client applies a watch's events as they come, then nothing is added twice or changed unseen, and at the end it has exactly the
    objects that the selector picks, at their newest versions."""
    store = Store()
    for what, name, label in writes[:before]:
        _write(store, what, name, label)
    state: dict[str, str] = {}
    follower = follow(store, labels=labels)
    take(state, opened(follower))
    for what, name, label in writes[before:]:
        if what == "read":
            take(state, told(follower))
        else:
            _write(store, what, name, label)
    take(state, told(follower))

    picked = {
        stored.name: str(stored.version)
        for stored in store.table(PODS).objects.values()
        if not labels or stored.labels == {"l": "x"}
    }
    # An object's newest version, or that of a change by which it entered the selection: either is its newest.
    assert state == picked


def _write(store: Store, what: str, name: str, label: str) -> None:
    if what == "put":
        store.put(PODS, a_pod(name, l=label))
    elif what == "remove" and store.get(PODS, f"default/{name}"):
        store.remove(PODS, f"default/{name}")


def test_what_changes_while_the_initial_events_are_written_is_told_after_them() -> None:
    """If objects change between the blocks of a watch's beginning, then the beginning shows one moment, and the changes follow it."""
    store = Store()
    store.put(PODS, a_pod("a"))
    follower = follow(store, sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true")
    blocks = follower.opening()
    first = [json.loads(line) for line in next(blocks).splitlines()]
    store.put(PODS, a_pod("b"))
    end = json.loads(next(blocks))

    assert [event["object"]["metadata"]["name"] for event in first] == ["a"]
    assert end["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(end["object"]["metadata"]["resourceVersion"]) < store.version
    assert [event["object"]["metadata"]["name"] for event in told(follower)] == ["b"]


def test_a_watch_that_falls_behind_all_history_is_expired() -> None:
    """If more happens than is kept before a watch reads on, then it learns that it is expired instead of missing changes."""
    store = Store(changes_kept=4)
    follower = follow(store)
    opened(follower)
    for _ in range(9):
        store.put(PODS, a_pod("a"))

    with pytest.raises(Expired):
        follower.lines()


def test_a_watch_from_a_forgotten_version_says_which() -> None:
    """If a watch starts at a forgotten version, then its opening is expired, and its error event names version and floor."""
    store = Store()
    store.put(PODS, a_pod("a"))
    store.compact()
    follower = follow(store, resourceVersion="1")

    with pytest.raises(Expired):
        opened(follower)

    error = json.loads(follower.expired())
    assert error["type"] == "ERROR"
    assert error["object"]["message"] == f"too old resource version: 1 ({store.version})"


def test_bookmarks_come_up_with_other_resources_only_in_newer_servers() -> None:
    """If only another resource has changed, then a server with progress notifications has a bookmark of the newest version, and an older
    server has none."""
    store = Store()
    newer, older = follow(store, resourceVersion="1"), follow(store, streaming=False, resourceVersion="1")
    assert opened(newer) == opened(older) == []
    assert newer.bookmark() is None

    store.put(JOBS, a_pod("job"))

    bookmark = json.loads(newer.bookmark() or b"{}")
    assert bookmark["object"]["metadata"] == {"resourceVersion": str(store.version)}
    assert older.bookmark() is None


def test_a_bookmark_covers_what_a_selector_leaves_out() -> None:
    """If a change is not picked, then the watch does not tell it, and its bookmark has the change's version."""
    store = Store()
    follower = follow(store, labels="l=x", streaming=False, resourceVersion="1")
    opened(follower)
    written = store.put(PODS, a_pod("a", l="y"))

    assert told(follower) == []
    assert json.loads(follower.bookmark() or b"{}")["object"]["metadata"]["resourceVersion"] == str(written.version)
