"""The join of tellings and arrivals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podwire.demo.latency import Arrived, Join, Told, quantile

MS = 1_000_000


def told(at_ms: int, uid: str = "a", *, deleted: bool = False) -> Told:
    return Told(at_ms * MS, uid, deleted)


def arrived(at_ms: int, uid: str = "a", kind: str = "new") -> Arrived:
    return Arrived(at_ms * MS, uid, kind)


def test_an_arrival_is_put_down_to_the_newest_telling_of_its_pod_before_it() -> None:
    latencies = Join().take([told(1), told(5), told(9), told(6, "b")], [arrived(7), arrived(8, "b")], until_ns=10 * MS)
    assert latencies == pytest.approx([0.002, 0.002])


def test_a_telling_counts_once_however_many_messages_it_makes() -> None:
    latencies = Join().take([told(1)], [arrived(2), arrived(3, kind="container")], until_ns=10 * MS)
    assert latencies == pytest.approx([0.001])


def test_a_delete_answers_a_deletion_only() -> None:
    join = Join()
    assert join.take([told(1, deleted=True)], [arrived(2, kind="new")], until_ns=3 * MS) == []
    assert join.take([], [arrived(4, kind="delete")], until_ns=5 * MS) == pytest.approx([0.003])
    assert join.take([told(6)], [arrived(7, kind="delete")], until_ns=8 * MS) == []


def test_a_resync_answers_all_that_was_told_before_it_and_counts_for_nothing() -> None:
    arrivals = [arrived(2, "", "resync"), arrived(3, "a"), arrived(3, "b"), arrived(6, "b")]
    assert Join().take([told(1, "a"), told(5, "b")], arrivals, until_ns=10 * MS) == pytest.approx([0.001])


def test_what_nobody_told_counts_for_nothing() -> None:
    assert Join().take([], [arrived(1), arrived(1, "", "connected")], until_ns=2 * MS) == []


@given(
    st.lists(st.integers(1, 40), max_size=8, unique=True), st.lists(st.integers(1, 40), max_size=8), st.integers(0, 41)
)
def test_where_the_pieces_are_cut_makes_no_difference(tells: list[int], arrivals: list[int], cut: int) -> None:
    """The tellings are asked for later than the arrivals, so the first piece may hold tellings beyond its end."""
    whole = Join().take(map(told, tells), map(arrived, arrivals), until_ns=99 * MS)
    join = Join()
    first = join.take(map(told, tells), [arrived(at) for at in arrivals if at <= cut], until_ns=cut * MS)
    second = join.take([], [arrived(at) for at in arrivals if at > cut], until_ns=99 * MS)
    assert first + second == whole


def test_quantiles() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.99) == 3.0
    assert quantile([float(n) for n in range(100)], 0.5) == 50.0
    assert quantile([float(n) for n in range(100)], 0.99) == 99.0
