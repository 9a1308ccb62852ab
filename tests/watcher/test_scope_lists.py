"""One scope: what it asks for, and how pages and streams become one list."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.kube_scope import ScopeBench, told, watching
from tests.fakes.kube_wire import JSON, MEDIA, PROTOBUF, data, pod, pod_bytes, wrapped
from watcher.channel import Broken
from watcher.states import Waiting, Watch

each_media = pytest.mark.parametrize("media", MEDIA, ids=lambda media: media.name)


# What is asked -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "namespace", "path"),
    [
        ("pods", None, "/api/v1/pods"),
        ("pods", "shop", "/api/v1/namespaces/shop/pods"),
        ("replicasets", None, "/apis/apps/v1/replicasets"),
        ("jobs", "shop", "/apis/batch/v1/namespaces/shop/jobs"),
    ],
)
def test_each_kind_has_its_path(kind, namespace, path):
    assert ScopeBench(kind=kind, namespace=namespace).channel.target == f"{path}?limit=500"


def test_selectors_go_to_the_server_with_lists_and_watches():
    bench = ScopeBench(selectors={"labelSelector": "app in (a,b)", "fieldSelector": "spec.nodeName=n1"})
    selectors = "labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=spec.nodeName%3Dn1"
    assert bench.channel.target == f"/api/v1/pods?limit=500&{selectors}"
    bench.take(bench.channel.answer(PROTOBUF.page([], version=7)))
    assert bench.channel.target == f"/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&{selectors}"


def test_tokens_are_escaped():
    bench = ScopeBench()
    bench.take(bench.channel.answer(PROTOBUF.page([], version=7, token="a+b/c=&d")))
    assert bench.channel.target == "/api/v1/pods?limit=500&continue=a%2Bb%2Fc%3D%26d"


def test_pods_are_asked_for_in_protobuf_first_and_in_json_else():
    bench = ScopeBench()
    assert bench.channel.request.accept == "application/vnd.kubernetes.protobuf,application/json"
    bench.take(bench.channel.answer(PROTOBUF.page([], version=7)))
    assert bench.channel.request.accept == "application/vnd.kubernetes.protobuf;stream=watch,application/json"
    assert ScopeBench(encoding="json").channel.request.accept == "application/json"


@pytest.mark.parametrize("kind", ["replicasets", "jobs"])
def test_of_owners_only_the_metadata_is_asked_for(kind):
    bench = ScopeBench(kind=kind, encoding="json")
    assert bench.channel.request.accept == "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    bench.take(bench.channel.answer(JSON.page([], version=7), media=JSON))
    assert bench.channel.request.accept == "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


# Lists -------------------------------------------------------------------------------------------------------------------------------


@each_media
def test_pages_become_one_list(media):
    bench = ScopeBench()
    assert told(bench.events) == ["init"]
    bench.take(bench.channel.answer(media.page([pod("a"), pod("b")], version=7, token="t", remaining=1), media=media))
    assert told(bench.events) == ["+a", "+b"]
    assert bench.scope.listing.remaining == 1
    bench.take(bench.channel.answer(media.page([pod("c")], version=7), media=media))
    assert told(bench.events) == ["+c", "done"]
    assert isinstance(bench.scope.state.activity, Watch)
    assert bench.scope.counts.pages == 2


@each_media
@given(cuts=st.lists(st.integers(0, 500), max_size=6))
def test_a_page_may_come_in_any_pieces(media, cuts):
    bench = ScopeBench()
    body = media.page([pod("a"), pod("b")], version=7)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    bench.take(bench.channel.begin(media=media))
    events = [
        event
        for at, end in itertools.pairwise(edges)
        for event in bench.take(bench.channel.more(body[at:end], complete=end == len(body) and at < end))
    ]
    assert told(events) == ["+a", "+b", "done"]


@each_media
def test_a_streaming_list_becomes_a_list_and_goes_on_as_a_watch(media):
    bench = ScopeBench(streaming="always")
    assert "sendInitialEvents=true" in bench.channel.target
    body = media.event("ADDED", pod("a")) + media.event("ADDED", pod("b")) + media.bookmark(7, ends_initial_events=True)
    bench.take(bench.channel.begin(body + media.event("ADDED", pod("c", version=8)), media=media))
    assert told(bench.events) == ["+a", "+b", "done", "+c"]
    assert bench.scope.state.activity.resource_version == "8"
    assert bench.channel.hang_ups == 0


def test_a_streaming_list_in_json_is_left_for_pages_at_its_headers_and_nothing_of_it_is_taken():
    bench = ScopeBench(streaming="auto")
    assert told(bench.take(bench.channel.begin(JSON.event("ADDED", pod("x")), media=JSON))) == []
    assert bench.channel.target == "/api/v1/pods?limit=500"
    assert bench.channel.hang_ups == 1
    bench.take(bench.channel.answer(JSON.page([pod("a")], version=7), media=JSON))
    assert bench.uids() == ["a"]


def test_an_object_deleted_during_a_streaming_list_is_gone_though_the_list_never_mentioned_it():
    bench = watching("a", "b")
    bench.now += 60.0
    bench.take(bench.channel.more(PROTOBUF.error(410, "too old")))
    assert told(bench.take(bench.channel.answer(PROTOBUF.page([pod("a")], version=9, token="t")))) == []
    assert told(bench.take(bench.channel.answer(PROTOBUF.page([], version=9)))) == ["-b", "done"]
    streaming = ScopeBench(streaming="always")
    streaming.take(
        streaming.channel.begin(PROTOBUF.event("ADDED", pod("a")) + PROTOBUF.event("DELETED", pod("a", version=8)))
    )
    assert told(streaming.events) == ["+a", "-a"]
    assert told(streaming.take(streaming.channel.more(PROTOBUF.bookmark(8, ends_initial_events=True)))) == ["done"]


def test_a_list_tells_only_what_is_different_from_what_was_there():
    bench = watching("a", "b", "c")
    bench.now += 60.0
    assert told(bench.take(bench.channel.more(PROTOBUF.error(410, "too old")))) == ["init"]
    assert bench.channel.target == "/api/v1/pods?limit=500"
    items = [pod("a", version=99), pod("b", ip="10.0.0.9"), pod("d")]
    assert told(bench.take(bench.channel.answer(PROTOBUF.page(items, version=100)))) == ["+b", "+d", "-c", "done"]
    assert bench.scope.counts.unchanged == 1
    assert bench.scope.counts.lists == {"start": 1, "expired": 1, "garbage": 0}


def test_a_list_interrupted_in_its_middle_and_begun_again_deletes_nothing_that_is_there():
    bench = watching("a", "b")
    bench.now += 60.0
    bench.take(bench.channel.more(PROTOBUF.error(410, "too old")))
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a"), pod("new")], version=9, token="t")))
    bench.take(bench.channel.answer(PROTOBUF.status(410, "token too old"), status=410))
    assert told(bench.after(60.0)) == ["init"]
    items = [pod("a"), pod("b"), pod("new")]
    assert told(bench.take(bench.channel.answer(PROTOBUF.page(items, version=10)))) == ["done"]
    assert bench.uids() == ["a", "b", "new"]


@each_media
@pytest.mark.parametrize("body", [b"", b"<html>login</html>", b"k8s\0"])
def test_status_200_with_something_else_than_a_list_deletes_nothing(media, body):
    bench = watching("a")
    bench.now += 60.0
    bench.take(bench.channel.more(PROTOBUF.error(410, "too old")))
    assert told(bench.take(bench.channel.answer(body, media=media))) == []
    assert bench.uids() == ["a"]
    assert isinstance(bench.scope.state.activity, Waiting)
    assert bench.scope.last_error.startswith("garbled")


def test_a_page_that_is_cut_is_not_taken():
    bench = ScopeBench()
    body = PROTOBUF.page([pod("a"), pod("b")], version=7)
    bench.take(bench.channel.begin(body[:40]))
    assert told(bench.take(Broken("it was closed"))) == []
    assert bench.uids() == []
    bench.after(5.0)
    assert told(bench.take(bench.channel.answer(body))) == ["+a", "+b", "done"]


def test_nothing_of_a_page_is_held_once_it_is_taken():
    bench = ScopeBench()
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a")], version=7)))
    assert bench.scope._body == []
    cut = ScopeBench()
    cut.take(cut.channel.begin(b"k8s\0" + b"x" * 1_000))
    cut.take(Broken("it was closed"))
    assert cut.scope._body == []


def test_bad_objects_are_counted_and_the_good_ones_beside_them_taken():
    bench = ScopeBench()
    raw = b"".join(data(2, one) for one in (pod_bytes(pod("a")), b"\xff", pod_bytes({"metadata": {"name": "no-uid"}})))
    bench.take(bench.channel.answer(wrapped(data(1, data(2, "7")) + raw)))
    assert told(bench.events) == ["+a", "done"]
    assert (bench.scope.counts.unreadable, bench.scope.counts.without_uid) == (1, 1)
