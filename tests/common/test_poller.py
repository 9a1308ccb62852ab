"""What a poller gives, whatever was called on its sockets before; and that it asks libzmq no more than it has to."""

import os
import select
import socket
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from common.poller import POLLIN, POLLOUT, Poller, Ready

LONG = 20_000
"""Milliseconds, which a test never sleeps: there is something, or `Sleepless` says that it was missed."""

Socket = zmq.Socket[bytes]


POLL = select.poll


class Sleepless:
    """A select.poll that would rather fail than sleep."""

    def __init__(self) -> None:
        self._poll = POLL()
        self.register, self.unregister = self._poll.register, self._poll.unregister

    def poll(self, milliseconds: int) -> list[tuple[int, int]]:
        found = self._poll.poll(0)
        assert found or not milliseconds, "something is there, and it would have been slept over"
        return found


@pytest.fixture
def poller(monkeypatch: pytest.MonkeyPatch) -> Poller:
    monkeypatch.setattr(select, "poll", Sleepless)
    return Poller()


@pytest.fixture
def context() -> Iterator[zmq.Context[Socket]]:
    with zmq.Context() as context:
        yield context


class Pair:
    """A PULL, and the PUSH that feeds it; in one process and thread, so that what is sent is there at once."""

    def __init__(self, context: zmq.Context[Socket], name: str, *, high_water: int = 0) -> None:
        self.pull, self.push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
        for one in (self.pull, self.push):
            one.setsockopt(zmq.LINGER, 0)
            one.set_hwm(high_water)
        self.pull.bind(f"inproc://{name}")
        self.push.connect(f"inproc://{name}")

    def close(self) -> None:
        self.pull.close()
        self.push.close()


@pytest.fixture
def pair(context: zmq.Context[Socket]) -> Iterator[Pair]:
    pair = Pair(context, "pair", high_water=1)
    yield pair
    pair.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sockets libzmq was asked about, each time."""
    asked: list[int] = []
    ask = zmq.zmq_poll

    def zmq_poll(sockets: list[tuple[Any, int]], timeout: int) -> list[tuple[Any, int]]:
        asked.append(len(sockets))
        return ask(sockets, timeout)

    monkeypatch.setattr(zmq, "zmq_poll", zmq_poll)
    return asked


def test_descriptors_tell_what_they_are_ready_for(poller: Poller) -> None:
    ours, theirs = socket.socketpair()
    poller.register(ours.fileno())
    assert poller.poll(0) == {}
    poller.register(ours.fileno(), POLLIN | POLLOUT)
    assert poller.poll(LONG) == {ours.fileno(): POLLOUT}
    theirs.send(b"x")
    assert poller.poll(LONG) == {ours.fileno(): POLLIN | POLLOUT}
    poller.register(ours.fileno(), 0)
    assert poller.poll(0) == {}
    ours.close()
    theirs.close()


def test_a_descriptor_whose_other_end_is_gone_tells_an_error(poller: Poller) -> None:
    readable, writable = os.pipe()
    poller.register(writable)
    os.close(readable)
    assert poller.poll(LONG) == {writable: int(zmq.POLLERR)}
    os.close(writable)


def test_a_socket_gives_its_messages_one_after_the_other(pair: Pair, poller: Poller) -> None:
    poller.register(pair.pull)
    assert poller.poll(0) == {}
    pair.push.send(b"1")
    pair.push.send(b"2")
    for _ in "12":
        assert poller.poll(LONG) == {pair.pull: POLLIN}
        pair.pull.recv()
    assert poller.poll(0) == {}


def test_what_a_call_has_come_upon_is_not_missed_when_it_is_told(pair: Pair, poller: Poller) -> None:
    poller.register(pair.pull)
    assert poller.poll(0) == {}
    pair.push.send(b"1")
    pair.pull.getsockopt(zmq.EVENTS)  # from now on its descriptor says nothing of it
    poller.used(pair.pull)
    assert poller.poll(LONG) == {pair.pull: POLLIN}


def test_a_call_that_is_not_told_costs_one_sleep(pair: Pair) -> None:
    poller = Poller()
    poller.register(pair.pull)
    assert poller.poll(0) == {}
    pair.push.send(b"1")
    pair.pull.getsockopt(zmq.EVENTS)
    assert poller.poll(1) == {pair.pull: POLLIN}


def test_whether_a_socket_has_something_can_be_asked(pair: Pair, poller: Poller) -> None:
    poller.register(pair.pull)
    assert not poller.has(pair.pull)
    assert poller.has(pair.push, POLLOUT)
    pair.push.send(b"1")
    assert poller.has(pair.pull)
    pair.push.send(b"2")
    assert not poller.has(pair.push, POLLOUT)  # one waits on each side
    assert poller.poll(LONG) == {pair.pull: POLLIN}


def test_a_question_about_room_does_not_hide_what_can_be_read(context: zmq.Context[Socket], poller: Poller) -> None:
    one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    for each in (one, other):
        each.set_hwm(1)
    one.bind("inproc://both-ways")
    other.connect("inproc://both-ways")
    poller.register(one)
    assert poller.poll(0) == {}
    one.send(b"1")
    one.send(b"2")
    other.send(b"3")
    assert not poller.has(one, POLLOUT)
    assert poller.poll(LONG) == {one: POLLIN}
    one.close(linger=0)
    other.close(linger=0)


def test_room_in_a_full_pipe_is_told(pair: Pair, poller: Poller) -> None:
    pair.push.send(b"1")
    pair.push.send(b"2")
    poller.register(pair.push, POLLOUT)
    assert poller.poll(0) == {}
    pair.pull.recv()
    pair.pull.recv()
    assert poller.poll(LONG) == {pair.push: POLLOUT}


def test_what_is_not_waited_for_any_more_may_be_closed(
    context: zmq.Context[Socket], pair: Pair, poller: Poller
) -> None:
    other = Pair(context, "other")
    for one in (pair, other):
        poller.register(one.pull)
    other.push.send(b"1")
    poller.unregister(other.pull)
    other.close()
    assert poller.poll(0) == {}
    pair.push.send(b"1")
    assert poller.poll(LONG) == {pair.pull: POLLIN}


def test_sockets_that_nobody_has_touched_are_not_asked(
    context: zmq.Context[Socket], pair: Pair, poller: Poller, asked: list[int]
) -> None:
    others = [Pair(context, f"other-{number}") for number in range(7)]
    for one in (pair, *others):
        poller.register(one.pull)
    poller.poll(0)
    asked.clear()
    pair.push.send(b"1")
    assert poller.poll(LONG) == {pair.pull: POLLIN}
    pair.pull.recv()
    assert not poller.has(pair.pull)
    assert asked == [1, 1]
    others[0].push.send(b"2")
    assert poller.poll(LONG) == {others[0].pull: POLLIN}
    assert asked == [1, 1, 1]  # `has` has settled the other: it is not asked before the sleep
    for one in others:
        one.close()


STEPS = st.lists(st.tuples(st.sampled_from(["send", "receive", "has", "poll", "toggle"]), st.integers(0, 2)))


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_nothing_that_waits_is_slept_over(steps: list[tuple[str, int]]) -> None:
    with zmq.Context() as context:
        pairs = [Pair(context, f"pair-{number}") for number in range(3)]
        try:
            with patch.object(select, "poll", Sleepless):
                poller = Poller()
            follow(steps, pairs, poller)
        finally:
            for one in pairs:
                one.close()


def follow(steps: list[tuple[str, int]], pairs: list[Pair], poller: Poller) -> None:
    waiting, watched = [0, 0, 0], {0, 1, 2}
    found: Ready = {}
    for one in pairs:
        poller.register(one.pull)
    for step, number in [*steps, ("poll", 0)]:
        one = pairs[number]
        match step:
            case "send":
                one.push.send(b"x")
                waiting[number] += 1
            case "receive" if waiting[number]:
                one.pull.recv()
                waiting[number] -= 1
                if one.pull not in found:
                    poller.used(one.pull)
            case "has":
                assert poller.has(one.pull) == bool(waiting[number])
            case "toggle":
                watched ^= {number}
                poller.register(one.pull, POLLIN if number in watched else 0)
            case "poll":
                expected = {pairs[each].pull: POLLIN for each in watched if waiting[each]}
                found = poller.poll(LONG if expected else 0)
                assert found == expected
            case _:
                pass
