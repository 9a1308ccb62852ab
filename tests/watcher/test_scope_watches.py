"""One scope: what the bytes of a watch mean to the readers."""

import pytest

from tests.fakes.kube_scope import ScopeBench, told, watching
from tests.fakes.kube_wire import JSON, MEDIA, PROTOBUF, pod
from watcher.channel import Broken
from watcher.states import ListPages, ListStream, Waiting

each_media = pytest.mark.parametrize("media", MEDIA, ids=lambda media: media.name)


@each_media
def test_a_watch_tells_what_changes(media):
    bench = watching("a", "b", media=media)
    body = media.event("ADDED", pod("c", version=8)) + media.event("MODIFIED", pod("a", version=9, ip="10.0.0.1"))
    assert told(bench.take(bench.channel.more(body + media.event("DELETED", pod("b", version=10))))) == [
        "+c",
        "+a",
        "-b",
    ]
    assert bench.uids() == ["a", "c"]
    assert bench.scope.state.activity.resource_version == "10"


@each_media
def test_a_change_that_changes_nothing_that_podwire_keeps_goes_no_further_but_moves_the_version_on(media):
    bench = watching("a", media=media)
    assert bench.take(bench.channel.more(media.event("MODIFIED", pod("a", version=9, labels={"x": "y"})))) == []
    assert bench.scope.counts.unchanged == 1
    assert bench.scope.state.activity.resource_version == "9"


@each_media
def test_a_bookmark_moves_the_version_on(media):
    bench = watching(media=media)
    bench.take(bench.channel.more(media.event("ADDED", pod("a", version=8)) + media.bookmark(20)))
    assert bench.scope.state.activity.resource_version == "20"
    assert bench.scope.counts.bookmarks == 1


def test_the_version_is_that_of_the_last_good_event_of_a_read():
    bench = watching()
    good, bad = PROTOBUF.event("ADDED", pod("a", version=8)), PROTOBUF.event_of("ADDED", b"\xff")
    assert told(bench.take(bench.channel.more(good + bad))) == ["+a"]
    assert bench.scope.state.activity.resource_version == "8"
    assert bench.scope.counts.unreadable == 1
    bench.take(
        bench.channel.more(
            PROTOBUF.event("POLISHED", pod("a", version=9)) + bad + PROTOBUF.event("ADDED", pod("b", version=10))
        )
    )
    assert bench.scope.state.activity.resource_version == "10"


def test_an_object_without_a_version_or_uid_changes_nothing_of_either():
    bench = watching("a")
    body = PROTOBUF.event("ADDED", {"metadata": {"uid": "b"}}) + PROTOBUF.event("DELETED", {"metadata": {"name": "x"}})
    assert told(bench.take(bench.channel.more(body))) == ["+b"]
    assert bench.scope.state.activity.resource_version == "7"
    assert bench.scope.counts.without_uid == 1


def test_what_is_deleted_without_having_been_there_is_not_told():
    bench = watching("a")
    assert bench.take(bench.channel.more(PROTOBUF.event("DELETED", pod("z", version=9)))) == []
    assert bench.scope.counts.deleted == 0


@each_media
def test_a_watch_cut_within_an_event_goes_on_from_the_event_before(media):
    bench = watching("a", media=media)
    whole, cut = media.event("ADDED", pod("b", version=8)), media.event("ADDED", pod("c", version=9))
    bench.take(bench.channel.more(whole + cut[:-5]))
    bench.now += 30.0
    bench.take(Broken("it was closed"))
    assert bench.channel.target.endswith("resourceVersion=8")
    bench.take(bench.channel.begin(cut, media=media))
    assert bench.uids() == ["a", "b", "c"]


def test_a_watch_that_ends_as_http_wants_it_goes_on_at_once_when_it_had_lived():
    bench = watching()
    bench.now += 30.0
    bench.take(bench.channel.more(PROTOBUF.event("ADDED", pod("a", version=8)), complete=True))
    assert bench.channel.target.endswith("resourceVersion=8")
    assert bench.scope.last_error == "ended: the response ended"


def test_a_watch_that_is_answered_with_nothing_waits():
    bench = watching()
    bench.take(bench.channel.more(b"", complete=True))
    assert isinstance(bench.scope.state.activity, Waiting)


def test_what_comes_with_an_error_event_and_behind_it_is_not_mixed_up():
    bench = watching("a")
    bench.now += 30.0
    body = (
        PROTOBUF.event("ADDED", pod("b", version=8))
        + PROTOBUF.error(500, "etcd is away")
        + PROTOBUF.event("ADDED", pod("x"))
    )
    assert told(bench.take(bench.channel.more(body, complete=True))) == ["+b"]
    assert bench.scope.last_error == "refused: 500 etcd is away"
    assert bench.scope.state.activity.want.resource_version == "8"


def test_an_error_event_410_leads_to_a_list_on_another_connection_and_the_rest_of_the_read_is_left():
    bench = watching("a")
    bench.now += 30.0
    body = PROTOBUF.error(410, "too old") + PROTOBUF.event("ADDED", pod("x"))
    assert told(bench.take(bench.channel.more(body, complete=True))) == ["init"]
    assert bench.channel.target == "/api/v1/pods?limit=500"
    assert bench.channel.hang_ups == 1


def test_an_error_event_410_within_a_streaming_list_begins_it_anew():
    bench = ScopeBench(streaming="always")
    bench.take(bench.channel.begin(PROTOBUF.event("ADDED", pod("a")) + PROTOBUF.error(410, "too old")))
    assert told(bench.after(5.0)) == ["init"]
    assert bench.scope.state.activity == ListStream(reason="expired")
    bench.take(bench.channel.begin(PROTOBUF.bookmark(9, ends_initial_events=True)))
    assert told(bench.events) == ["-a", "done"]


@each_media
def test_garbage_behind_good_events_loses_none_of_them(media):
    bench = watching(media=media)
    bench.now += 30.0
    junk = b"<html>\n" if media is JSON else (5).to_bytes(4, "big") + b"<html"
    assert told(bench.take(bench.channel.more(media.event("ADDED", pod("a", version=8)) + junk))) == ["+a"]
    assert bench.scope.state.activity.want.resource_version == "8"
    assert bench.scope.last_error.startswith("garbled")
    bench.after(5.0)
    bench.take(bench.channel.begin(junk, media=media))
    bench.after(5.0)
    assert bench.scope.state.activity == ListPages(reason="garbage")


def test_what_still_comes_of_a_response_after_a_hang_up_is_left():
    bench = watching("a")
    bench.take(bench.channel.more(PROTOBUF.error(500, "?")))
    assert bench.take(bench.channel.more(PROTOBUF.event("ADDED", pod("x")))) == []
    bench.after(5.0)
    assert bench.take(bench.channel.more(PROTOBUF.event("ADDED", pod("x")))) == []
    assert bench.uids() == ["a"]
