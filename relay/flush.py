"""When gathered messages go out: a lone event waits for nothing, a storm is batched.

What was gathered goes out as soon as the input has run dry; while more keeps coming, it is gathered for at most
`LONGEST_GATHER_SECONDS` or `LARGEST_GATHER_BYTES`. A flush costs a compressor's block and a system call, some 30 µs: less than the turn of
the loop that brought its event, so there is nothing to save by waiting for another one.
"""

from typing import assert_never

import msgspec

LONGEST_GATHER_SECONDS = 0.020
LARGEST_GATHER_BYTES = 64 * 1024


class Empty(msgspec.Struct, frozen=True):
    """Nothing waits."""


class Gathering(msgspec.Struct, frozen=True):
    """`size` bytes wait, the oldest since `since`."""

    since: float
    size: int


Gather = Empty | Gathering


def gathered(gather: Gather, size: int, now: float) -> Gather:
    """`size` more plain bytes have come."""
    match gather:
        case Empty():
            return Gathering(now, size)
        case Gathering(since, waiting):
            return Gathering(since, waiting + size)
        case _:
            assert_never(gather)


def due_at(gather: Gather, *, more_coming: bool) -> float:
    """The moment from which what waits has to go out: `inf` when nothing waits, in the past when it is overdue.

    `more_coming` says that the input has not run dry.
    """
    match gather:
        case Empty():
            return float("inf")
        case Gathering(since, size):
            gathers = more_coming and size < LARGEST_GATHER_BYTES
            return since + LONGEST_GATHER_SECONDS if gathers else float("-inf")
        case _:
            assert_never(gather)
