"""What a watcher's log says of its lists and watches, to somebody on call."""

import logging

import pytest

from tests.fakes.kube_scope import ScopeBench
from tests.fakes.kube_wire import PROTOBUF, pod
from watcher.channel import Broken, NoConnection, Silent

FIRST = PROTOBUF.page([pod("a")], version=7)


@pytest.fixture(autouse=True)
def _all_lines(caplog):
    caplog.set_level(logging.DEBUG)


def lines(caplog, *, level: str = "info") -> list[str]:
    """Events from this level on, with their reasons, since the last call."""
    told = [
        " ".join(filter(None, (one.getMessage(), one.fields.get("reason"))))
        for one in caplog.records
        if one.levelno >= logging.getLevelName(level.upper())
    ]
    caplog.clear()
    return told


def watching() -> ScopeBench:
    """A watch that was opened long ago."""
    bench = ScopeBench()
    bench.now += 2.5
    bench.take(bench.channel.answer(FIRST))
    bench.take(bench.channel.begin())
    bench.now += 60.0
    return bench


def test_a_start_tells_list_and_watch_with_counts_and_seconds(caplog):
    watching()
    done = next(one for one in caplog.records if one.getMessage() == "list done")
    assert done.fields == {"namespace": "all", "reason": "start", "objects": 1, "gone": 0, "seconds": 2.5}
    assert lines(caplog) == ["list begun start", "list done start", "watch opened"]


def test_a_watch_that_goes_on_at_once_is_no_warning_and_says_why_it_ended(caplog):
    bench = watching()
    lines(caplog)
    bench.take(Broken("it was closed"))
    bench.take(bench.channel.begin())
    assert lines(caplog) == ["watch ended lost", "watch opened"]


def test_the_first_silence_is_no_warning_and_after_it_only_a_dead_server_is_silent(caplog):
    bench = watching()
    lines(caplog)
    bench.take(Silent(150.0))
    assert "timeoutSeconds=120" in bench.channel.target
    bench.take(bench.channel.begin())
    assert lines(caplog) == ["watch ended silent", "watch opened"]
    for _ in range(3):
        bench.now += 120.0
        bench.take(bench.channel.more(b"", complete=True))
        assert "timeoutSeconds=120" in bench.channel.target
        bench.take(bench.channel.begin())
    assert lines(caplog) == []
    assert bench.scope.last_error == "silent: nothing came for 150 s"
    bench.now += 150.0
    bench.take(Silent(150.0))
    assert lines(caplog, level="warning") == ["watch failed silent"]


def test_a_failure_that_repeats_is_told_once_a_minute_and_another_at_once(caplog):
    bench = ScopeBench()
    lines(caplog)
    for _ in range(10):
        bench.take(NoConnection("Connection refused"))
        bench.after(5.0)
    bench.take(NoConnection("No route to host"))
    assert lines(caplog, level="warning") == ["list failed unreachable"] * 2
    bench.after(15.0)
    bench.take(NoConnection("Connection refused"))
    assert caplog.records[-1].fields["held_back"] == 9


def test_new_credentials_and_a_right_that_came_back_are_told(caplog):
    bench = watching()
    lines(caplog)
    bench.take(Broken("it was closed"))
    bench.take(bench.channel.answer(PROTOBUF.status(401, "old token"), status=401))
    bench.after(30.0)
    bench.take(bench.channel.answer(PROTOBUF.status(403, "no watch of pods"), status=403))
    bench.after(60.0)
    bench.take(bench.channel.begin())
    assert lines(caplog) == [
        "watch ended lost",
        "watch failed unauthorized",
        "credentials are read again",
        "watch failed forbidden",
        "allowed again",
        "watch opened",
    ]


def test_objects_left_out_are_told_once_a_minute_and_no_other_object_ever(caplog):
    bench = watching()
    lines(caplog)
    bench.take(bench.channel.more(b"".join(PROTOBUF.event("ADDED", pod(f"p{n}", version=9)) for n in range(50))))
    for _ in range(3):
        bench.take(bench.channel.more(PROTOBUF.event("ADDED", {"metadata": {}})))
    assert lines(caplog) == ["objects left out without_uid"]


def test_a_list_that_takes_long_tells_how_far_it_is_every_five_seconds(caplog):
    bench = ScopeBench()
    bench.take(bench.channel.answer(PROTOBUF.page([pod("a"), pod("b")], version=7, token="t", remaining=4)))
    lines(caplog)
    for _ in range(24):
        bench.after(0.25)
    (told,) = caplog.records
    assert told.getMessage() == "listing"
    assert told.fields == {"namespace": "all", "objects": 2, "of_about": 6, "seconds": 5.0}
    bench.take(bench.channel.answer(PROTOBUF.page([pod("c")], version=7, token="u", remaining=3)))
    bench.after(5.0)
    assert caplog.records[-1].fields["objects"] == 3
    assert bench.scope.listing is not None
    bench.take(bench.channel.answer(PROTOBUF.page([pod("d")], version=7)))
    caplog.clear()
    bench.after(60.0)
    assert lines(caplog) == []


def test_a_list_that_stands_still_is_told_once_and_a_relist_knows_about_how_many_to_expect(caplog):
    bench = watching()
    bench.take(bench.channel.more(PROTOBUF.error(410, "too old")))
    lines(caplog)
    for _ in range(10):
        bench.after(5.0)
    told = [one.fields for one in caplog.records if one.getMessage() == "listing"]
    assert [(one["objects"], one["of_about"]) for one in told] == [(0, 1)]


def test_a_streaming_list_counts_what_it_has_brought():
    bench = ScopeBench(streaming="always")
    bench.take(bench.channel.begin())
    bench.take(bench.channel.more(b"".join(PROTOBUF.event("ADDED", pod(f"p{n}", version=9)) for n in range(3))))
    assert (bench.scope.listing.objects, bench.scope.listing.of_about) == (3, None)
