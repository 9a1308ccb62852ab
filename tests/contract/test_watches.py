"""Watches: what they tell, from where on, in which order, and how they end."""

import pytest

from tests.contract.api import Api, Room, brief, is_of


def test_a_watch_tells_exactly_what_came_after_the_list_in_order(room: Room) -> None:
    """If a watch starts at a list's version, then it tells every later change once, in the order in which they were made."""
    room.some_pods(2)
    version = room.version

    room.pod("new")
    room.label("pod-00", a="1")
    room.label("pod-01", a="1")
    room.label("pod-00", a="2")
    room.delete("pod-01")
    room.pod("pod-01")
    room.pod("end")

    seen = room.api.seen(room.pods, until=is_of("end"), resourceVersion=version)
    expected = [
        ("ADDED", "new"),
        ("MODIFIED", "pod-00"),
        ("MODIFIED", "pod-01"),
        ("MODIFIED", "pod-00"),
        ("DELETED", "pod-01"),
        ("ADDED", "pod-01"),
        ("ADDED", "end"),
    ]
    # A complete server marks a pod for deletion before it deletes it, even without a grace period.
    marks = [
        event for event in seen if event["object"]["metadata"].get("deletionTimestamp") and event["type"] == "MODIFIED"
    ]
    assert brief([event for event in seen if event not in marks]) == expected
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in seen]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


def test_events_carry_whole_objects_with_their_kind(room: Room) -> None:
    """If a change is told, then the object is whole, with kind and API version."""
    version = room.version
    made = room.pod("one")

    (event,) = room.api.seen(room.pods, until=is_of("one"), resourceVersion=version)

    assert (event["object"]["kind"], event["object"]["apiVersion"]) == ("Pod", "v1")
    assert event["object"]["metadata"]["uid"] == made["metadata"]["uid"]
    assert event["object"]["spec"]["containers"][0]["image"] == "registry.example/main:1"


def test_a_deletion_carries_the_last_state_under_a_new_version(room: Room) -> None:
    """If an object is deleted, then the event has its last state, and the deletion's own version."""
    room.pod("one", colour="red")
    last = room.label("one", colour="blue")
    version = room.version

    room.delete("one")

    event = room.api.seen(room.pods, until=is_of("one", "DELETED"), resourceVersion=version)[-1]
    assert event["object"]["metadata"]["labels"]["colour"] == "blue"
    assert event["object"]["metadata"]["uid"] == last["metadata"]["uid"]
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(last["metadata"]["resourceVersion"])


def test_the_version_of_an_event_can_be_watched_from(room: Room) -> None:
    """If a watch starts at the version of an event, then it goes on right behind it."""
    version = room.version
    for name in ("one", "two", "three"):
        room.pod(name)
    first = room.api.seen(room.pods, until=is_of("one"), resourceVersion=version)[-1]

    rest = room.api.seen(
        room.pods, until=is_of("three"), resourceVersion=first["object"]["metadata"]["resourceVersion"]
    )

    assert brief(rest) == [("ADDED", "two"), ("ADDED", "three")]


@pytest.mark.parametrize("start", [{}, {"resourceVersion": "0"}, {"resourceVersion": ""}])
def test_a_watch_from_nowhere_begins_with_what_is_there(room: Room, start: dict[str, str]) -> None:
    """If a watch names no version, or 0, then it begins with an ADDED for each object, and goes on with what changes."""
    room.some_pods(3)

    with room.api.watch(room.pods, **start) as events:
        first = [next(events) for _ in range(3)]
        room.label("pod-01", a="1")
        after = next(events)

    assert sorted(brief(first)) == [("ADDED", f"pod-{number:02d}") for number in range(3)]
    assert brief([after]) == [("MODIFIED", "pod-01")]


def test_a_watch_that_is_open_is_told_at_once(room: Room) -> None:
    """If something changes while a watch is open, then the watch gets it without being asked again."""
    with room.api.watch(room.pods, resourceVersion=room.version) as events:
        for name in ("one", "two"):
            room.pod(name)
            assert brief([next(events)]) == [("ADDED", name)]


def test_a_watch_of_all_namespaces_has_each_of_them(api: Api, room: Room) -> None:
    """If no namespace is named, then changes of all are told."""
    version = api.get("/api/v1/pods", limit=1).version
    room.pod("one")

    seen = api.seen("/api/v1/pods", until=is_of("one"), resourceVersion=version)

    assert seen[-1]["object"]["metadata"]["namespace"] == room.namespace


def test_a_write_that_changes_nothing_is_not_told(room: Room) -> None:
    """If a patch leaves an object as it is, then it keeps its version and nobody hears of it."""
    before = room.pod("one", a="1")
    version = room.version

    after = room.label("one", a="1")
    room.pod("end")

    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert brief(room.api.seen(room.pods, until=is_of("end"), resourceVersion=version)) == [("ADDED", "end")]


def test_a_watch_from_a_version_to_come_says_nothing(room: Room) -> None:
    """If a watch starts at a version that is far off, then it opens, and is silent to its end."""
    with room.api.watch(room.pods, resourceVersion=room.far_off, timeoutSeconds=1) as events:
        room.pod("one")
        assert list(events) == []


def test_a_watch_ends_properly_at_its_timeout(room: Room) -> None:
    """If the timeout passes, then the body ends as a body should, after what was told."""
    room.pod("one")

    with room.api.watch(room.pods, timeoutSeconds=1) as events:
        assert brief(list(events))[:1] == [("ADDED", "one")]


def test_one_object_can_be_watched(room: Room) -> None:
    """If the name of an object is in the field selector, then only its changes are told."""
    room.some_pods(2)
    version = room.version
    room.label("pod-00", a="1")
    room.label("pod-01", a="1")

    seen = room.api.seen(
        room.pods, until=is_of("pod-01"), resourceVersion=version, fieldSelector="metadata.name=pod-01"
    )

    assert brief(seen) == [("MODIFIED", "pod-01")]


def test_any_word_but_false_asks_for_a_watch(room: Room) -> None:
    """If `watch` is neither false nor 0, then it is a watch, whatever it says."""
    room.pod("one")

    with room.api.watch(room.pods, watch="please", timeoutSeconds=1) as events:
        assert next(events)["type"] == "ADDED"
    for no in ("false", "0", "False"):
        assert room.api.get(room.pods, watch=no).body["kind"] == "PodList"


def test_a_version_that_is_no_number_is_an_error(room: Room) -> None:
    """If a watch's version is no number, then the server answers 500, and means the client."""
    answer = room.api.get(room.pods, watch="true", resourceVersion="abc", timeoutSeconds=1)

    assert answer.status == 500
    assert "Invalid value" in answer.body["message"]


def test_owners_are_watched_as_pods_are(room: Room) -> None:
    """If a ReplicaSet or a Job is made, then a watch of its resource tells it with its kind."""
    for collection, kind, api_version in ((room.replicasets, "ReplicaSet", "apps/v1"), (room.jobs, "Job", "batch/v1")):
        version = room.api.get(collection).version
        room.owner(collection, "owner")

        event = room.api.seen(collection, until=is_of("owner", "ADDED"), resourceVersion=version)[-1]

        assert (event["object"]["kind"], event["object"]["apiVersion"]) == (kind, api_version)
