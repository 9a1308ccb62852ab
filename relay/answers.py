"""Whether the peer still answers. Pure: what the kernel has counted of a connection's segments goes in, moments come out.

TCP lets nothing that it asks go without an answer: data, a keepalive's probe and the probe of a window that is shut are acknowledged by
any living peer, however little it reads. So a segment that went out, with none coming in after it for long enough, tells a peer that
has vanished from one that is slow. TCP_USER_TIMEOUT does not: it counts also while a living peer keeps its window shut.
"""

from typing import NamedTuple, assert_never

import msgspec


class Segments(NamedTuple):
    """How many segments a connection has seen so far."""

    sent: int
    received: int


class Answered(msgspec.Struct, frozen=True):
    """What was sent has been answered, as far as can be told."""

    segments: Segments


class Unanswered(msgspec.Struct, frozen=True):
    """Something was sent, and nothing has come in since `since`."""

    segments: Segments
    since: float


Answers = Answered | Unanswered

FIRST: Answers = Answered(Segments(0, 0))


def looked(answers: Answers, segments: Segments, now: float) -> Answers:
    """After another look. What was sent and answered between two looks counts as answered: the kernel asks again if it was not."""
    if segments.received != answers.segments.received:
        return Answered(segments)
    match answers:
        case Answered(before) if segments.sent != before.sent:
            return Unanswered(segments, now)
        case Answered() | Unanswered():
            return answers
        case _:
            assert_never(answers)


def unanswered_seconds(answers: Answers, now: float) -> float:
    """For how long the peer has owed an answer; 0 when it does not."""
    match answers:
        case Answered():
            return 0.0
        case Unanswered(since=since):
            return now - since
        case _:
            assert_never(answers)
