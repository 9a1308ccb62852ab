"""Label and field selectors, in lists and in watches."""

import pytest

from tests.contract.api import Room, brief, is_of


@pytest.mark.parametrize(
    ("selector", "picked"),
    [
        ("tier=front", ["a", "b"]),
        ("tier==front", ["a", "b"]),
        ("tier!=front", ["c", "d"]),
        ("tier", ["a", "b", "c"]),
        ("!tier", ["d"]),
        ("tier in (front,back)", ["a", "b", "c"]),
        ("tier notin (front)", ["c", "d"]),
        ("tier=front,colour=blue", ["b"]),
        ("tier in (front,back),colour!=blue", ["a", "c"]),
        ("tier=", []),
        ("weight>5", ["c"]),
    ],
)
def test_label_selectors_pick(room: Room, selector: str, picked: list[str]) -> None:
    """If a list has a label selector, then it holds exactly what the selector's rules pick."""
    room.pod("a", tier="front", colour="red")
    room.pod("b", tier="front", colour="blue", weight="5")
    room.pod("c", tier="back", weight="6")
    room.pod("d")

    assert room.api.get(room.pods, labelSelector=selector).names == picked


@pytest.mark.parametrize(
    ("selector", "picked"),
    [
        ("metadata.name=a", ["a"]),
        ("metadata.name!=a", ["b", "c"]),
        ("spec.nodeName=node-1", ["a", "b"]),
        ("spec.nodeName=node-1,metadata.name!=a", ["b"]),
        ("spec.nodeName=", ["c"]),
        ("status.phase=Running", ["b"]),
        ("status.podIP=10.1.2.3", ["b"]),
    ],
)
def test_field_selectors_pick(room: Room, selector: str, picked: list[str]) -> None:
    """If a list of pods has a field selector, then it holds exactly what has these values."""
    room.pod("a", node="node-1")
    room.pod("b", node="node-1")
    room.pod("c")
    room.set_status("b", {"phase": "Running", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}]})

    assert room.api.get(room.pods, fieldSelector=selector).names == picked


@pytest.mark.parametrize("selector", ["a===b", "a in", "a notin (b,c", "a=b=c", "$=b", ","])
def test_a_label_selector_that_cannot_be_read_is_refused(room: Room, selector: str) -> None:
    """If a label selector is malformed, then lists and watches are refused with 400."""
    for more in ({}, {"watch": "true", "timeoutSeconds": 1}):
        answer = room.api.get(room.pods, labelSelector=selector, **more)

        assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


def test_a_field_selector_that_cannot_be_read_is_refused(room: Room) -> None:
    """If a field selector has no operator, then it is refused with 400."""
    assert room.api.get(room.pods, fieldSelector="metadata.name").status == 400


def test_a_field_that_cannot_be_selected_by_picks_nothing(room: Room) -> None:
    """If the field is not one to select by, then the request is refused, or nothing is picked."""
    room.pod("a")

    answer = room.api.get(room.pods, fieldSelector="spec.hostname=a")

    assert answer.status == 400 or answer.names == []


def test_a_watch_with_a_selector_adds_what_enters_and_deletes_what_leaves(room: Room) -> None:
    """If an object comes to be picked, then the watch tells ADDED; if it ceases to be, DELETED; between, MODIFIED. What is never picked
    is never told."""
    room.pod("stays", picked="yes")
    room.pod("leaves", picked="yes", last="seen")
    room.pod("enters", picked="no")
    room.pod("never", picked="no")
    version = room.version

    left = room.label("leaves", picked="no", last="gone")
    room.label("leaves", last="unseen")
    room.label("enters", picked="yes")
    room.label("enters", more="yes")
    room.label("never", more="yes")
    room.label("stays", more="yes")
    room.pod("end", picked="yes")

    seen = room.api.seen(room.pods, until=is_of("end"), resourceVersion=version, labelSelector="picked=yes")
    assert brief(seen) == [
        ("DELETED", "leaves"),
        ("ADDED", "enters"),
        ("MODIFIED", "enters"),
        ("MODIFIED", "stays"),
        ("ADDED", "end"),
    ]
    gone = seen[0]["object"]["metadata"]
    assert gone["labels"] == {"picked": "yes", "last": "seen"}, "an object that leaves is told as it was last picked"
    assert gone["resourceVersion"] == left["metadata"]["resourceVersion"], "under the version of the change"


def test_a_watch_with_a_field_selector_follows_the_status(room: Room) -> None:
    """If a pod's phase changes, then it enters and leaves a watch of that phase."""
    room.pod("one")
    version = room.version
    room.set_status("one", {"phase": "Running"})
    room.set_status("one", {"phase": "Succeeded"})

    seen = room.api.seen(
        room.pods, until=is_of("one", "DELETED"), resourceVersion=version, fieldSelector="status.phase=Running"
    )

    assert brief(seen) == [("ADDED", "one"), ("DELETED", "one")]
    assert seen[-1]["object"]["status"]["phase"] == "Running"


def test_deleting_what_is_not_picked_is_not_told(room: Room) -> None:
    """If an object is deleted that a watch does not pick, then the watch hears nothing of it."""
    room.pod("one", picked="no")
    version = room.version
    room.delete("one")
    room.pod("end", picked="yes")

    seen = room.api.seen(room.pods, until=is_of("end"), resourceVersion=version, labelSelector="picked=yes")

    assert brief(seen) == [("ADDED", "end")]


def test_a_watch_from_nowhere_begins_with_what_is_picked(room: Room) -> None:
    """If a watch from nowhere has a selector, then it begins with what that picks."""
    room.some_pods(4)

    with room.api.watch(room.pods, labelSelector="number=0", timeoutSeconds=1) as events:
        assert sorted(brief([event for event in events if event["type"] != "BOOKMARK"])) == [
            ("ADDED", "pod-00"),
            ("ADDED", "pod-02"),
        ]
