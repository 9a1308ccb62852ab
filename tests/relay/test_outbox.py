"""What waits for the socket, and the gate."""

from hypothesis import given
from hypothesis import strategies as st

from relay.outbox import LARGEST_BYTES, Gate, Outbox


def test_each_chunk_is_offered_by_itself() -> None:
    outbox = Outbox()
    outbox.put(b"version")
    outbox.put(b"rest")
    assert outbox.head() == b"version"
    outbox.sent(7)
    assert outbox.head() == b"rest"


def test_the_bound_shuts_the_gate_and_less_than_half_of_it_opens_it() -> None:
    outbox = Outbox()
    outbox.put(bytes(LARGEST_BYTES - 1))
    assert outbox.gate is Gate.OPEN
    outbox.put(b"x")
    assert outbox.gate is Gate.HELD
    outbox.sent(LARGEST_BYTES // 2)
    assert (outbox.size, outbox.gate) == (LARGEST_BYTES // 2, Gate.HELD)
    outbox.sent(1)
    assert outbox.gate is Gate.OPEN


@given(st.lists(st.binary(max_size=50)), st.lists(st.integers(1, 60)))
def test_bytes_leave_in_order_whatever_the_socket_takes_at_a_time(chunks: list[bytes], takes: list[int]) -> None:
    outbox, left = Outbox(), []
    for chunk in chunks:
        outbox.put(chunk)
    for take in takes:
        head = outbox.head()
        if head is None:
            break
        left.append(bytes(head[:take]))
        outbox.sent(len(left[-1]))
    sent = b"".join(left)
    assert b"".join(chunks).startswith(sent)
    assert outbox.size == sum(map(len, chunks)) - len(sent)
    assert (outbox.head() is None) == (outbox.size == 0)
