"""Cutting strings that are too long for a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.fit import DoesNotFit, cut, fit

STRINGS = st.lists(st.text(max_size=30).map(str.encode), min_size=6, max_size=6)


def test_a_cut_ends_with_a_whole_character() -> None:
    assert cut("aé€".encode(), 6) == "aé€".encode()
    assert cut("aé€".encode(), 5) == "aé".encode()
    assert cut("aé€".encode(), 3) == "aé".encode()
    assert cut("aé€".encode(), 2) == b"a"
    assert cut("é".encode(), 0) == b""


def test_a_short_string_beside_a_huge_one_stays_whole() -> None:
    assert fit([b"uid", b"name", b"x" * 100], whole=frozenset({0}), room=20) == [b"uid", b"name", b"x" * 13]


def test_two_long_strings_share_the_room_evenly() -> None:
    assert fit([b"a" * 50, b"b" * 60, b"c"], whole=frozenset(), room=21) == [b"a" * 10, b"b" * 10, b"c"]


def test_what_must_stay_whole_and_does_not_fit_is_refused() -> None:
    with pytest.raises(DoesNotFit):
        fit([b"u" * 21, b"name"], whole=frozenset({0}), room=20)


@given(strings=STRINGS, room=st.integers(0, 200), whole=st.frozensets(st.integers(0, 5), max_size=2))
def test_the_result_fits_keeps_what_is_whole_and_cuts_only_what_it_must(
    strings: list[bytes], room: int, whole: frozenset[int]
) -> None:
    if sum(len(string) for at, string in enumerate(strings) if at in whole) > room:
        with pytest.raises(DoesNotFit):
            fit(strings, whole=whole, room=room)
        return
    fitted = fit(strings, whole=whole, room=room)
    assert sum(map(len, fitted)) <= room
    assert len(fitted) == len(strings)
    longest_kept = max((len(one) for at, one in enumerate(fitted) if at not in whole), default=0)
    for at, (string, kept) in enumerate(zip(strings, fitted, strict=True)):
        assert string.startswith(kept)
        kept.decode()
        if at in whole or sum(map(len, strings)) <= room:
            assert kept == string
        if len(string) <= longest_kept - 3:  # a character takes up to 4 bytes, so cuts may differ by 3
            assert kept == string
