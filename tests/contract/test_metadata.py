"""Metadata alone: lists, objects and watches as PartialObjectMetadata, and other forms of an answer."""

import pytest

from tests.contract.api import METADATA, METADATA_LIST, Room, is_of


@pytest.mark.parametrize("resource", ["pods", "replicasets", "jobs"])
def test_a_list_of_metadata_has_metadata_only_and_kinds_of_its_own(room: Room, resource: str) -> None:
    """If a list is asked for as PartialObjectMetadataList, then it and its items are of the kinds of meta.k8s.io, with whole metadata."""
    made = _make(room, resource)

    listed = room.api.get(getattr(room, resource), accept=METADATA_LIST)

    assert (listed.body["kind"], listed.body["apiVersion"]) == ("PartialObjectMetadataList", "meta.k8s.io/v1")
    (item,) = listed.items
    assert set(item) == {"kind", "apiVersion", "metadata"}
    assert (item["kind"], item["apiVersion"]) == ("PartialObjectMetadata", "meta.k8s.io/v1")
    assert item["metadata"]["uid"] == made["metadata"]["uid"]
    assert item["metadata"]["labels"] == made["metadata"]["labels"]


@pytest.mark.parametrize("resource", ["pods", "replicasets", "jobs"])
def test_a_watch_of_metadata_tells_metadata_only(room: Room, resource: str) -> None:
    """If a watch is asked for as PartialObjectMetadata, then its events carry metadata and nothing else."""
    collection = getattr(room, resource)
    version = room.api.get(collection).version
    _make(room, resource)

    event = room.api.seen(collection, until=is_of("one", "ADDED"), resourceVersion=version, accept=METADATA)[-1]

    assert set(event["object"]) == {"kind", "apiVersion", "metadata"}
    assert event["object"]["kind"] == "PartialObjectMetadata"


def test_pages_of_metadata_go_on_like_others(room: Room) -> None:
    """If a list of metadata is taken in pages, then tokens are as for whole objects; older servers leave the count out."""
    names = room.some_pods(3)

    first = room.api.get(room.pods, accept=METADATA_LIST, limit=2)
    second = room.api.get(room.pods, accept=METADATA_LIST, limit=2, **{"continue": first.body["metadata"]["continue"]})

    assert first.body["metadata"].get("remainingItemCount") == (1 if room.api.streams else None)
    assert first.names + second.names == names


def test_one_object_comes_as_metadata(room: Room) -> None:
    """If one object is asked for as PartialObjectMetadata, then that is what comes."""
    room.pod("one")

    assert room.api.get(f"{room.pods}/one", accept=METADATA).body["kind"] == "PartialObjectMetadata"


def test_a_list_cannot_come_as_one_objects_metadata(room: Room) -> None:
    """If a list is asked for in the form of an object, then it is not acceptable."""
    answer = room.api.get(room.pods, accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")

    assert (answer.status, answer.body["reason"]) == (406, "NotAcceptable")
    assert "you requested PartialObjectMetadata, but the requested object is a list" in answer.body["message"]


def test_json_is_taken_where_the_first_form_is_unknown(room: Room) -> None:
    """If the first form that a client accepts is not known, then the next one is taken."""
    room.pod("one")

    answer = room.api.get(room.pods, accept="application/x-nobody-speaks-this, application/json")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.names == ["one"]


def test_an_unknown_form_is_not_acceptable(room: Room) -> None:
    """If no form that a client accepts is known, then the answer is 406 with a Status."""
    answer = room.api.get(room.pods, accept="application/x-nobody-speaks-this")

    assert (answer.status, answer.body["kind"], answer.body["reason"]) == (406, "Status", "NotAcceptable")


def _make(room: Room, resource: str) -> dict:
    if resource == "pods":
        return room.pod("one", colour="red")
    return room.owner(getattr(room, resource), "one")
