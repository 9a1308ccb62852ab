"""The LZ4 frame of a connection."""

import random

import lz4.frame
from hypothesis import given
from hypothesis import strategies as st

from relay.compress import Compressor


def test_the_frame_has_linked_blocks_of_64_kib_and_no_content_checksum() -> None:
    """LZ4 frame format: FLG is version 01 and nothing else (blocks dependent, no checksums, no size), BD's block maximum is 4."""
    header = Compressor().compress(b"x")[:7]
    assert header[:6] == bytes.fromhex("04 22 4d 18  40  40")


@given(st.lists(st.binary(max_size=300) | st.integers(1, 200_000).map(lambda size: b"pod" * (size // 3)), max_size=5))
def test_everything_handed_over_so_far_can_be_decoded(chunks: list[bytes]) -> None:
    compressor, decompressor = Compressor(), lz4.frame.LZ4FrameDecompressor()
    for chunk in chunks:
        assert decompressor.decompress(compressor.compress(chunk), max_length=len(chunk) + 1) == chunk


def test_a_block_refers_to_what_went_before_it() -> None:
    compressor = Compressor()
    pod = bytes(range(256)) * 2
    first, again = compressor.compress(pod), compressor.compress(pod)
    assert len(again) < 40 < len(first)


def test_flushes_however_small_find_what_went_before_within_64_kib() -> None:
    """Blocks that are compressed where they lie see the one before only: this took five times as much."""
    chance = random.Random(1)
    texts = [chance.randbytes(300) for _ in range(50)]
    pods = [text + chance.randbytes(20) for _ in range(10) for text in texts]
    at_once, one_by_one = Compressor(), Compressor()
    together = len(at_once.compress(b"".join(pods)))
    apart = sum(len(one_by_one.compress(pod)) for pod in pods)
    assert apart < together + 30 * len(pods)


def test_the_end_closes_the_frame() -> None:
    compressor = Compressor()
    assert lz4.frame.decompress(compressor.compress(b"all") + compressor.end()) == b"all"


def test_the_end_of_an_unused_frame_is_a_whole_empty_frame() -> None:
    assert lz4.frame.decompress(Compressor().end()) == b""
