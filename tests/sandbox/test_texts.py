"""Objects to bytes and back: what is stored, rendered, patched."""

import json

from hypothesis import given
from hypothesis import strategies as st

from sandbox.plain import plain_of, stored_of, verbatim
from sandbox.render import Form, Renderer
from sandbox.resources import JOBS, PODS
from sandbox.writing import merge
from tests.fakes.stored import a_pod

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(min_size=1), JSON, max_size=4)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_an_object_survives_storing_and_rendering(more: dict, spec: dict, status: dict) -> None:
    """If an object is stored and rendered, then it is the same, with its kind and the store's version."""
    metadata = {**more, "name": "one", "namespace": "team", "uid": "u", "labels": {"a": "b"}}
    metadata.pop("resourceVersion", None)
    stored = stored_of(JOBS, {"metadata": metadata, "spec": spec, "status": status})

    rendered = json.loads(Renderer(JOBS, Form.FULL).object(stored))

    whole = {"metadata": {**metadata, "resourceVersion": "0"}, "spec": spec, "status": status}
    assert rendered == {"kind": "Job", "apiVersion": "batch/v1", **whole}
    assert plain_of(stored) == whole


@given(st.integers(0, 1_200))
def test_a_list_of_any_length_is_one_json_document(count: int) -> None:
    """If a list is written in blocks, then together they are one document with every object in order."""
    pod = a_pod("one")
    blocks = list(Renderer(PODS, Form.METADATA).page([pod] * count, version=7, continue_="t", remaining=3))

    listed = json.loads(b"".join(blocks))

    assert len(listed["items"]) == count
    assert len(blocks) == 2 + -(-count // 500)
    assert listed["metadata"] == {"resourceVersion": "7", "continue": "t", "remainingItemCount": 3}


def test_pods_and_jobs_bookmarks_differ_as_in_real_servers() -> None:
    """If a pod's bookmark is written, then its containers are null; metadata's has nothing but metadata."""
    pod = json.loads(Renderer(PODS, Form.FULL).bookmark(5, ends_initial_events=False))
    metadata = json.loads(Renderer(PODS, Form.METADATA).bookmark(5, ends_initial_events=True))

    assert pod["object"]["spec"] == {"containers": None}
    assert set(metadata["object"]) == {"kind", "apiVersion", "metadata"}
    assert metadata["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_strange_objects_are_kept_to_the_byte() -> None:
    """If an object is put in verbatim, then a list has its sections as they were: no UID, null lists, bytes that are no UTF-8."""
    text = (
        b'{"spec": {"x": "\xff\xfe"}, "metadata": {"labels": null}, "status": {"containerStatuses": null}, "other": 1}'
    )

    stored = verbatim(namespace="team", name="one", text=text)

    assert Renderer(PODS, Form.FULL).object(stored) == (
        b'{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"0","labels": null},'
        b'"spec":{"x": "\xff\xfe"},"status":{"containerStatuses": null}}'
    )


def test_an_object_without_metadata_is_kept_too() -> None:
    """If there is no metadata at all, then the version alone stands there."""
    stored = verbatim(namespace="team", name="one", text=b"{}")

    assert json.loads(Renderer(PODS, Form.METADATA).object(stored))["metadata"] == {"resourceVersion": "0"}


def test_merge_patches_follow_their_rfc() -> None:
    """If the examples of RFC 7386, appendix A, are merged, then the results are those of the RFC."""
    for target, patch, result in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        assert merge(target, patch) == result
