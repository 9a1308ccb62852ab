"""When gathered messages go out: a lone event waits for nothing, a storm is batched.

What was gathered goes out as soon as the input has run dry and the last flush is `SPACING_SECONDS` old; while more keeps coming, it is
gathered for at most `LONGEST_GATHER_SECONDS` or `LARGEST_GATHER_BYTES`. Each flush costs a compressor's block and a system call, some
30 µs; the spacing keeps that under a few per cent of a core at any rate of lone events, at the price of one millisecond for the event
that comes right behind another.
"""

from dataclasses import dataclass
from typing import assert_never

SPACING_SECONDS = 0.001
LONGEST_GATHER_SECONDS = 0.020
LARGEST_GATHER_BYTES = 64 * 1024


@dataclass(frozen=True)
class Empty:
    """Nothing waits."""

    flushed_at: float


@dataclass(frozen=True)
class Gathering:
    """`size` bytes wait, the oldest since `since`."""

    flushed_at: float
    since: float
    size: int


Gather = Empty | Gathering

FIRST: Gather = Empty(float("-inf"))


def gathered(gather: Gather, size: int, now: float) -> Gather:
    """`size` more plain bytes have come."""
    match gather:
        case Empty(flushed_at):
            return Gathering(flushed_at, now, size)
        case Gathering(flushed_at, since, waiting):
            return Gathering(flushed_at, since, waiting + size)
        case _:
            assert_never(gather)


def due_at(gather: Gather, *, more_coming: bool) -> float:
    """The moment from which what waits has to go out: `inf` when nothing waits, in the past when it is overdue.

    `more_coming` says that the input has not run dry.
    """
    match gather:
        case Empty():
            return float("inf")
        case Gathering(_, _, size) if size >= LARGEST_GATHER_BYTES:
            return float("-inf")
        case Gathering(flushed_at, since, _):
            latest = since + LONGEST_GATHER_SECONDS
            return latest if more_coming else min(flushed_at + SPACING_SECONDS, latest)
        case _:
            assert_never(gather)


def flushed(now: float) -> Gather:
    """Everything has gone out."""
    return Empty(now)
