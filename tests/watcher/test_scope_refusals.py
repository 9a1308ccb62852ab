"""One scope: what it makes of refusals, faults and junk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.messages import Condition
from tests.fakes.kube_scope import ScopeBench, watching
from tests.fakes.kube_wire import JSON, MEDIA, PROTOBUF, pod
from watcher.channel import Broken, NoConnection, Nonsense, Read
from watcher.scope import LONGEST_MESSAGE, LONGEST_REFUSAL_BYTES
from watcher.states import ListPages, Waiting

each_media = pytest.mark.parametrize("media", MEDIA, ids=lambda media: media.name)


@each_media
def test_a_refusal_is_told_in_the_servers_words(media):
    bench = ScopeBench()
    words = 'pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope'
    bench.take(bench.channel.answer(media.status(403, words), status=403, media=media))
    assert bench.scope.state.standing.condition is Condition.FORBIDDEN
    assert bench.scope.state.denied == words
    assert bench.scope.last_error == f"forbidden: {words}"
    assert bench.scope.counts.faults["forbidden"] == sum(bench.scope.counts.faults.values()) == 1


def test_a_refusal_may_come_in_pieces():
    bench = ScopeBench()
    body = JSON.status(403, "no")
    bench.take(bench.channel.begin(body[:10], status=403, media=JSON))
    assert isinstance(bench.scope.state.activity, ListPages)
    bench.take(bench.channel.more(body[10:], status=403, complete=True))
    assert bench.scope.state.denied == "no"


def test_a_proxys_error_page_says_what_was_asked_for_and_shows_nothing_of_the_page():
    bench = ScopeBench()
    page = Read(403, {"content-type": "text/html"}, began=True, parts=[b"<html>secret</html>"], complete=True)
    bench.take(page)
    assert bench.scope.state.denied == "list of pods: no reason given by whoever answered"
    bench = watching()
    bench.now += 60.0
    bench.take(Broken("x"))
    bench.take(Read(502, {"content-type": "text/html"}, began=True, parts=[b"<html>"], complete=True))
    assert bench.scope.last_error == "refused: 502 watch of pods: no reason given by whoever answered"


def test_a_refusal_without_end_is_given_up():
    bench = ScopeBench()
    bench.take(bench.channel.begin(b"x" * LONGEST_REFUSAL_BYTES, status=500))
    assert isinstance(bench.scope.state.activity, ListPages)
    bench.take(bench.channel.more(b"x", status=500))
    assert isinstance(bench.scope.state.activity, Waiting)
    assert bench.channel.request is None


def test_a_servers_long_text_is_cut():
    bench = ScopeBench()
    bench.take(bench.channel.answer(JSON.status(403, "x" * 5_000), status=403, media=JSON))
    assert len(bench.scope.state.denied) == LONGEST_MESSAGE + 1


def test_retry_after_is_heeded():
    bench = ScopeBench()
    bench.take(bench.channel.answer(JSON.status(429, "busy"), status=429, media=JSON, retry_after="17"))
    bench.after(16.9)
    assert bench.channel.request is None
    bench.after(0.1)
    assert bench.channel.target == "/api/v1/pods?limit=500"


def test_401_makes_the_channel_forget_its_credentials():
    bench = ScopeBench()
    bench.take(bench.channel.answer(JSON.status(401, "Unauthorized"), status=401, media=JSON))
    assert bench.channel.forgotten == 1


@pytest.mark.parametrize(
    ("happening", "error"),
    [
        (NoConnection("refused"), "unreachable: refused"),
        (Nonsense("no HTTP"), "garbled: no HTTP"),
        (Broken("x"), "lost: x"),
    ],
)
def test_faults_of_the_channel_are_told_and_waited_out(happening, error):
    bench = ScopeBench()
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
