"""How fast the reference reducer reads, and when it cuts: pure, on made-up time."""

from sandbox.reducer.orders import LARGEST_READ_BYTES, Cut, Farewell, Pace


def test_without_orders_it_reads_as_fast_as_it_goes() -> None:
    pace = Pace()
    assert (pace.largest_read(), pace.wait_seconds(5.0), pace.rest_seconds(1_000_000)) == (LARGEST_READ_BYTES, 0.0, 0.0)


def test_a_stall_ends_when_its_time_is_over_or_when_told() -> None:
    pace = Pace()
    pace.stall(10.0, now=100.0)
    assert (pace.wait_seconds(103.0), pace.wait_seconds(110.0)) == (7.0, 0.0)
    pace.stall(0.0, now=104.0)
    assert pace.wait_seconds(104.0) == 0.0


def test_a_rate_is_kept_in_small_reads() -> None:
    pace = Pace()
    pace.bytes_per_second = 10_000
    assert (pace.largest_read(), pace.rest_seconds(1_000)) == (1_000, 0.1)
    pace.bytes_per_second = 3
    assert (pace.largest_read(), pace.rest_seconds(1)) == (1, 1 / 3)
    pace.bytes_per_second = 10**9
    assert pace.largest_read() == LARGEST_READ_BYTES


def test_a_cut_counts_down_and_begins_anew_for_the_next_connection() -> None:
    cut = Cut(farewell=Farewell.RST, bytes_left=10, every_bytes=10, times=2)
    assert cut.after(4).bytes_left == 6
    then = cut.after(4).after(6).done()
    assert then is not None
    assert (then.bytes_left, then.times) == (10, 1)
    assert then.done() is None
