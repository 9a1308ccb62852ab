"""Creating, changing and deleting objects: what tests use to move a cluster."""

import pytest

from tests.contract.api import Room


def test_a_created_object_gets_identity_and_version(room: Room) -> None:
    """If an object is created, then the server gives it a UID, a time, a version and its namespace."""
    metadata = room.pod("one")["metadata"]

    assert len(metadata["uid"]) == 36
    assert metadata["creationTimestamp"].endswith("Z")
    assert metadata["namespace"] == room.namespace
    assert int(metadata["resourceVersion"]) > 0
    assert room.api.get(f"{room.pods}/one").body["metadata"]["uid"] == metadata["uid"]


def test_versions_grow_across_resources(room: Room) -> None:
    """If objects of different resources are written one after the other, then their versions grow."""
    pod = room.pod("one")
    owner = room.owner(room.replicasets, "owner")
    job = room.owner(room.jobs, "owner")

    versions = [int(one["metadata"]["resourceVersion"]) for one in (pod, owner, job)]
    assert versions == sorted(set(versions))


def test_the_same_name_is_another_object_after_a_deletion(room: Room) -> None:
    """If a pod is deleted and made again, then it has another UID."""
    first = room.pod("one")
    room.delete("one")
    second = room.pod("one")

    assert first["metadata"]["uid"] != second["metadata"]["uid"]


def test_a_name_is_made_up_where_only_its_beginning_is_given(room: Room) -> None:
    """If an object comes with generateName, then the server ends the name."""
    body = {"metadata": {"generateName": "some-"}, "spec": {"containers": [{"name": "main", "image": "i"}]}}

    made = room.api.call("POST", room.pods, body=body)

    assert made.status == 201
    assert made.body["metadata"]["name"].startswith("some-")
    assert len(made.body["metadata"]["name"]) > len("some-")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"metadata": {"name": "one"}}, 409, "AlreadyExists"),
        ({"metadata": {}}, 422, "Invalid"),
        ({"metadata": {"name": "two", "namespace": "elsewhere"}}, 400, "BadRequest"),
    ],
)
def test_a_creation_that_cannot_be_is_refused(room: Room, body: dict, status: int, reason: str) -> None:
    """If an object is there already, has no name, or says it belongs elsewhere, then it is refused."""
    room.pod("one")

    answer = room.api.call(
        "POST", room.pods, body={**body, "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}]}}
    )

    assert (answer.status, answer.body["reason"]) == (status, reason)


def test_what_is_no_object_is_refused(room: Room) -> None:
    """If the body is no JSON, then the answer is 400."""
    answer = room.api.call("POST", room.pods, body=b"{not json")

    assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


def test_a_replacement_needs_the_version_that_is_there(room: Room) -> None:
    """If an object is replaced under an old version, then it is a conflict; under its own, it is written."""
    old = room.pod("one")
    new = room.label("one", a="1")

    stale = room.api.call("PUT", f"{room.pods}/one", body=old)
    new["metadata"]["labels"] = {"b": "2"}
    fresh = room.api.call("PUT", f"{room.pods}/one", body=new)

    assert (stale.status, stale.body["reason"]) == (409, "Conflict")
    assert stale.body["message"].endswith("please apply your changes to the latest version and try again")
    assert (fresh.status, fresh.body["metadata"]["labels"]) == (200, {"b": "2"})


def test_a_patch_may_name_the_version_that_it_is_meant_for(room: Room) -> None:
    """If a patch names an old version, then it is a conflict."""
    room.pod("one")

    answer = room.patch("one", {"metadata": {"resourceVersion": "1", "labels": {"a": "1"}}})

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


def test_a_patch_takes_away_with_null(room: Room) -> None:
    """If a patch says null, then the field goes; what it does not name stays."""
    room.pod("one", a="1", b="2")

    assert room.label("one", a=None, c="3")["metadata"]["labels"] == {"b": "2", "c": "3"}


def test_owners_can_be_given_and_taken_away(room: Room) -> None:
    """If ownerReferences are patched, then the pod is adopted, and with null it is an orphan again."""
    room.pod("one")
    owner = room.owner(room.replicasets, "owner")["metadata"]
    reference = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "owner",
        "uid": owner["uid"],
        "controller": True,
    }

    adopted = room.patch("one", {"metadata": {"ownerReferences": [reference]}}).body
    orphaned = room.patch("one", {"metadata": {"ownerReferences": None}}).body

    assert adopted["metadata"]["ownerReferences"][0]["uid"] == owner["uid"]
    assert "ownerReferences" not in orphaned["metadata"]


def test_an_unknown_form_of_patch_is_refused(room: Room) -> None:
    """If a patch comes in a form that is not known, then the answer is 415."""
    room.pod("one")

    answer = room.api.call("PATCH", f"{room.pods}/one", body={}, content_type="application/json")

    assert (answer.status, answer.body["reason"]) == (415, "UnsupportedMediaType")


def test_the_status_is_written_apart_from_the_rest(room: Room) -> None:
    """If the server has the status as a subresource, then a write of the object leaves it alone; a write of the status leaves spec and
    owners alone, and takes labels with it."""
    if "pods/status" not in room.api.resources:
        pytest.skip("this server writes whole objects")
    room.pod("one", a="1")

    main = room.patch("one", {"metadata": {"labels": {"a": "2"}}, "status": {"podIP": "10.1.2.3"}}).body
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "some-uid"}
    metadata = {"labels": {"a": "3"}, "ownerReferences": [owner]}
    spec = {"terminationGracePeriodSeconds": 1}
    status = room.patch(
        "one", {"metadata": metadata, "spec": spec, "status": {"podIP": "10.1.2.3"}}, part="/status"
    ).body

    assert (main["metadata"]["labels"], main["status"].get("podIP")) == ({"a": "2"}, None)
    assert (status["metadata"]["labels"], status["status"]["podIP"]) == ({"a": "3"}, "10.1.2.3")
    assert status["spec"] == main["spec"]
    assert "ownerReferences" not in status["metadata"]


def test_a_deleted_object_is_gone(room: Room) -> None:
    """If an object is deleted without grace, then it is not found any more, and cannot be deleted again."""
    room.pod("one")

    assert room.delete("one").status == 200
    assert room.api.get(f"{room.pods}/one").status == 404
    assert room.delete("one").status == 404


def test_a_deletion_can_be_meant_for_one_uid(room: Room) -> None:
    """If a deletion names another UID, then it is a conflict, and the object stays."""
    room.pod("one")

    answer = room.api.call(
        "DELETE", f"{room.pods}/one", body={"preconditions": {"uid": "another"}, "gracePeriodSeconds": 0}
    )

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert room.api.get(f"{room.pods}/one").status == 200


def test_a_pod_on_a_node_is_marked_before_it_goes(room: Room) -> None:
    """If a complete server is told to delete a pod that has a node, then it is marked with its grace period first."""
    if "pods/status" not in room.api.resources:
        pytest.skip("this server deletes at once")
    room.pod("one", node="node-1")

    marked = room.api.call("DELETE", f"{room.pods}/one")

    assert marked.status == 200
    assert marked.body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert marked.body["metadata"]["deletionTimestamp"].endswith("Z")
