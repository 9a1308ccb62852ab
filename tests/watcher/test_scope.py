"""One scope: what it asks for, and what the bytes that come mean to the readers."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.logs import Log
from common.messages import Apply, Condition, Delete, Event, Init, InitDone
from common.records import Kind, decode_pod_head
from tests.fakes.kube_channel import NotingChannel
from tests.fakes.kube_wire import JSON, MEDIA, PROTOBUF, Media, data, pod, pod_bytes, wrapped
from watcher.channel import Broken, NoConnection, Nonsense, Read
from watcher.scope import LONGEST_MESSAGE, LONGEST_REFUSAL_BYTES, Scope
from watcher.settings import Encoding
from watcher.states import ListPages, ListStream, Streaming, Waiting, Watch

each_media = pytest.mark.parametrize("media", MEDIA, ids=lambda media: media.name)


class Bench:
    """A scope, its channel, and a clock."""

    def __init__(
        self,
        *,
        kind: Kind = "pods",
        namespace: str | None = None,
        selectors: dict[str, str] | None = None,
        encoding: Encoding = "protobuf",
        streaming: Streaming = "never",
    ) -> None:
        self.channel = NotingChannel()
        self.now = 100.0
        self.scope = Scope(
            kind=kind,
            namespace=namespace,
            selectors=selectors or {},
            encoding=encoding,
            streaming=streaming,
            channel=self.channel,
            log=Log("watcher-test"),
            random_=random.Random(1),
        )
        self.events = self.scope.tick(self.now)

    def take(self, happening) -> list[Event]:
        self.events = self.scope.take(happening, self.now)
        return self.events

    def after(self, seconds: float) -> list[Event]:
        self.now += seconds
        self.events = self.scope.tick(self.now)
        return self.events

    def uids(self) -> list[str]:
        """Of what the scope holds."""
        return sorted(decode_pod_head(record).uid for record in self.scope.store.records())


def told(events: list[Event]) -> list[str]:
    """Events as a person would write them."""
    words = []
    for event in events:
        match event:
            case Init():
                words.append("init")
            case Apply(record=record):
                words.append(f"+{decode_pod_head(record).uid}")
            case Delete(uid=uid):
                words.append(f"-{uid}")
            case InitDone():
                words.append("done")
    return words


def watching(*uids: str, media: Media = PROTOBUF, version: int = 7) -> Bench:
    """A scope that has listed these pods, and whose watch has just been answered."""
    bench = Bench()
    bench.take(bench.channel.answer(media.page([pod(uid) for uid in uids], version=version), media=media))
    assert bench.take(bench.channel.begin(media=media)) == []
    return bench


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
    assert Bench(kind=kind, namespace=namespace).channel.target == f"{path}?limit=500"


def test_selectors_go_to_the_server_with_lists_and_watches():
    bench = Bench(selectors={"labelSelector": "app in (a,b)", "fieldSelector": "spec.nodeName=n1"})
    selectors = "labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=spec.nodeName%3Dn1"
    assert bench.channel.target == f"/api/v1/pods?limit=500&{selectors}"
    bench.take(bench.channel.answer(PROTOBUF.page([], version=7)))
    assert bench.channel.target == f"/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=7&{selectors}"


def test_tokens_are_escaped():
    bench = Bench()
    bench.take(bench.channel.answer(PROTOBUF.page([], version=7, token="a+b/c=&d")))
    assert bench.channel.target == "/api/v1/pods?limit=500&continue=a%2Bb%2Fc%3D%26d"


def test_pods_are_asked_for_in_protobuf_first_and_in_json_else():
    bench = Bench()
    assert bench.channel.request.accept == "application/vnd.kubernetes.protobuf,application/json"
    bench.take(bench.channel.answer(PROTOBUF.page([], version=7)))
    assert bench.channel.request.accept == "application/vnd.kubernetes.protobuf;stream=watch,application/json"
    assert Bench(encoding="json").channel.request.accept == "application/json"


@pytest.mark.parametrize("kind", ["replicasets", "jobs"])
def test_of_owners_only_the_metadata_is_asked_for(kind):
    bench = Bench(kind=kind, encoding="json")
    assert bench.channel.request.accept == "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    bench.take(bench.channel.answer(JSON.page([], version=7), media=JSON))
    assert bench.channel.request.accept == "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


# Lists -------------------------------------------------------------------------------------------------------------------------------


@each_media
def test_pages_become_one_list(media):
    bench = Bench()
    assert told(bench.events) == ["init"]
    bench.take(bench.channel.answer(media.page([pod("a"), pod("b")], version=7, token="t", remaining=1), media=media))
    assert told(bench.events) == ["+a", "+b"]
    assert bench.scope.remaining == 1
    bench.take(bench.channel.answer(media.page([pod("c")], version=7), media=media))
    assert told(bench.events) == ["+c", "done"]
    assert isinstance(bench.scope.state.activity, Watch)
    assert bench.scope.counts.pages == 2


@each_media
@given(cuts=st.lists(st.integers(0, 500), max_size=6))
def test_a_page_may_come_in_any_pieces(media, cuts):
    bench = Bench()
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
    bench = Bench(streaming="always")
    assert "sendInitialEvents=true" in bench.channel.target
    body = media.event("ADDED", pod("a")) + media.event("ADDED", pod("b")) + media.bookmark(7, ends_initial_events=True)
    bench.take(bench.channel.begin(body + media.event("ADDED", pod("c", version=8)), media=media))
    assert told(bench.events) == ["+a", "+b", "done", "+c"]
    assert bench.scope.state.activity.resource_version == "8"
    assert bench.channel.hang_ups == 0


def test_a_streaming_list_in_json_is_left_for_pages_at_its_headers_and_nothing_of_it_is_taken():
    bench = Bench(streaming="auto")
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
    streaming = Bench(streaming="always")
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
    assert bench.scope.counts.lists == {"start": 1, "expired": 1}


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
    bench = Bench()
    body = PROTOBUF.page([pod("a"), pod("b")], version=7)
    bench.take(bench.channel.begin(body[:40]))
    assert told(bench.take(Broken("it was closed"))) == []
    assert bench.uids() == []
    bench.after(5.0)
    assert told(bench.take(bench.channel.answer(body))) == ["+a", "+b", "done"]


def test_nothing_of_a_page_is_held_once_it_is_taken():
    bench = Bench()
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a")], version=7)))
    assert bench.scope._body == []
    cut = Bench()
    cut.take(cut.channel.begin(b"k8s\0" + b"x" * 1_000))
    cut.take(Broken("it was closed"))
    assert cut.scope._body == []


def test_bad_objects_are_counted_and_the_good_ones_beside_them_taken():
    bench = Bench()
    raw = b"".join(data(2, one) for one in (pod_bytes(pod("a")), b"\xff", pod_bytes({"metadata": {"name": "no-uid"}})))
    bench.take(bench.channel.answer(wrapped(data(1, data(2, "7")) + raw)))
    assert told(bench.events) == ["+a", "done"]
    assert (bench.scope.counts.unreadable, bench.scope.counts.without_uid) == (1, 1)


# Watches -----------------------------------------------------------------------------------------------------------------------------


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
    bench = Bench(streaming="always")
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


# Refusals ----------------------------------------------------------------------------------------------------------------------------


@each_media
def test_a_refusal_is_told_in_the_servers_words(media):
    bench = Bench()
    words = 'pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope'
    bench.take(bench.channel.answer(media.status(403, words), status=403, media=media))
    assert bench.scope.state.condition is Condition.FORBIDDEN
    assert bench.scope.state.denied == words
    assert bench.scope.last_error == f"forbidden: {words}"
    assert bench.scope.counts.faults == {"forbidden": 1}


def test_a_refusal_may_come_in_pieces():
    bench = Bench()
    body = JSON.status(403, "no")
    bench.take(bench.channel.begin(body[:10], status=403, media=JSON))
    assert isinstance(bench.scope.state.activity, ListPages)
    bench.take(bench.channel.more(body[10:], status=403, complete=True))
    assert bench.scope.state.denied == "no"


def test_a_proxys_error_page_says_what_was_asked_for_and_shows_nothing_of_the_page():
    bench = Bench()
    page = Read(403, {"content-type": "text/html"}, began=True, body=b"<html>secret</html>", complete=True)
    bench.take(page)
    assert bench.scope.state.denied == "list of pods: no reason given by whoever answered"
    bench = watching()
    bench.now += 60.0
    bench.take(Broken("x"))
    bench.take(Read(502, {"content-type": "text/html"}, began=True, body=b"<html>", complete=True))
    assert bench.scope.last_error == "refused: 502 watch of pods: no reason given by whoever answered"


def test_a_refusal_without_end_is_given_up():
    bench = Bench()
    bench.take(bench.channel.begin(b"x" * LONGEST_REFUSAL_BYTES, status=500))
    assert isinstance(bench.scope.state.activity, ListPages)
    bench.take(bench.channel.more(b"x", status=500))
    assert isinstance(bench.scope.state.activity, Waiting)
    assert bench.channel.request is None


def test_a_servers_long_text_is_cut():
    bench = Bench()
    bench.take(bench.channel.answer(JSON.status(403, "x" * 5_000), status=403, media=JSON))
    assert len(bench.scope.state.denied) == LONGEST_MESSAGE + 1


def test_retry_after_is_heeded():
    bench = Bench()
    bench.take(bench.channel.answer(JSON.status(429, "busy"), status=429, media=JSON, retry_after="17"))
    bench.after(16.9)
    assert bench.channel.request is None
    bench.after(0.1)
    assert bench.channel.target == "/api/v1/pods?limit=500"


def test_401_makes_the_channel_forget_its_credentials():
    bench = Bench()
    bench.take(bench.channel.answer(JSON.status(401, "Unauthorized"), status=401, media=JSON))
    assert bench.channel.forgotten == 1


@pytest.mark.parametrize(
    ("happening", "error"),
    [
        (NoConnection("refused"), "unreachable: refused"),
        (Nonsense("no HTTP"), "garbled: no HTTP"),
        (Broken("x"), "connection lost: x"),
    ],
)
def test_faults_of_the_channel_are_told_and_waited_out(happening, error):
    bench = Bench()
    assert bench.take(happening) == []
    assert bench.scope.last_error == error
    assert isinstance(bench.scope.state.activity, Waiting)
    bench.after(60.0)
    assert isinstance(bench.scope.state.activity, ListPages)


def test_a_server_that_switches_from_protobuf_to_json_is_understood():
    """An upgrade of a proxy, or a cluster of servers behind one address."""
    bench = watching("a", media=PROTOBUF)
    bench.now += 30.0
    bench.take(Broken("x"))
    bench.take(bench.channel.begin(JSON.event("ADDED", pod("b", version=9)), media=JSON))
    assert bench.uids() == ["a", "b"]


@each_media
@given(junk=st.lists(st.binary(max_size=60), max_size=4), seed=st.integers(0, 3))
def test_whatever_bytes_come_the_scope_lives_and_keeps_what_it_has(media, junk, seed):
    bench = watching("a", media=media)
    for one in junk:
        bench.take(bench.channel.more(one)) if bench.channel.request else bench.after(40.0)
        if bench.channel.request:
            bench.take(bench.channel.begin(one, media=media, status=200 if seed else 500))
    assert "a" in bench.uids()
