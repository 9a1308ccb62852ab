"""Counting refusals from libzmq's events, in virtual time."""

import zmq
from hypothesis import given
from hypothesis import strategies as st

from common.knocks import YOUNG_SECONDS, Knocks

AUTH = zmq.EVENT_HANDSHAKE_FAILED_AUTH
PROTOCOL = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL


def test_a_client_that_is_let_in_is_no_refusal() -> None:
    knocks = Knocks("tcp://x")
    knocks.take(zmq.EVENT_ACCEPTED, 7, 0.0)
    knocks.take(zmq.EVENT_HANDSHAKE_SUCCEEDED, 0, 0.0)
    assert not knocks.settle(YOUNG_SECONDS)
    knocks.take(zmq.EVENT_DISCONNECTED, 7, 100.0)
    assert not knocks.settle(200.0)


def test_a_handshake_that_breaks_the_protocol_is_counted_once_and_explained() -> None:
    knocks = Knocks("tcp://x")
    knocks.take(zmq.EVENT_ACCEPTED, 7, 0.0)
    why = knocks.take(PROTOCOL, zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, 0.0)
    knocks.take(zmq.EVENT_DISCONNECTED, 7, 0.0)
    assert why is not None
    assert "another public key for this stage" in why
    assert not knocks.settle(100.0)


def test_what_hangs_up_without_a_handshake_is_counted_at_once() -> None:
    knocks = Knocks("tcp://x")
    knocks.take(zmq.EVENT_ACCEPTED, 7, 0.0)
    assert not knocks.settle(0.0)
    knocks.take(zmq.EVENT_DISCONNECTED, 7, 0.1)
    assert knocks.settle(0.1) == 1
    assert not knocks.settle(0.2)


def test_an_unknown_key_is_left_to_the_door_s_own_count() -> None:
    knocks = Knocks("tcp://x")
    knocks.take(zmq.EVENT_ACCEPTED, 7, 0.0)
    knocks.take(AUTH, 400, 0.0)
    knocks.take(zmq.EVENT_DISCONNECTED, 7, 0.0)
    assert not knocks.settle(100.0)


ENDS = st.sampled_from(["good", "garbage", "protocol", "unknown"])


@given(st.lists(st.tuples(ENDS, st.floats(0, 20)), max_size=20))
def test_however_connections_come_and_go_each_that_never_shook_hands_is_counted_once(
    peers: list[tuple[str, float]],
) -> None:
    """Never more of them than there were at any moment, and all once no handshake can be under way."""
    knocks = Knocks("tcp://x")
    now, ended, counted = 0.0, 0, 0
    for number, (end, wait) in enumerate(peers):
        knocks.take(zmq.EVENT_ACCEPTED, number, now)
        counted += knocks.settle(now)
        # A peer that says nothing is disconnected by libzmq.
        now += min(wait, YOUNG_SECONDS - 1)
        match end:
            case "good":
                knocks.take(zmq.EVENT_HANDSHAKE_SUCCEEDED, 0, now)
            case "protocol":
                assert knocks.take(PROTOCOL, 0, now) is not None
            case "unknown":
                assert knocks.take(AUTH, 400, now) is None
        if end != "good":
            knocks.take(zmq.EVENT_DISCONNECTED, number, now)
            ended += end == "garbage"
        counted += knocks.settle(now)
        assert counted <= ended
    assert counted + knocks.settle(now + YOUNG_SECONDS + 1) == ended
