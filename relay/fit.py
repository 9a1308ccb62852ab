"""Strings that are too long for a message: the rule by which they are cut.

All strings that may be cut share what the others leave, and share it evenly: there is one length that none of them exceeds, the
largest with which the message fits, so a short name beside a huge one stays whole. A cut never splits a UTF-8 character. A pod's
UID and a container's ID are never cut: half of one would name something else.
"""

from collections.abc import Sequence


class DoesNotFit(Exception):
    """The strings that must stay whole are too long already."""


def fit(strings: Sequence[bytes], *, whole: frozenset[int], room: int) -> list[bytes]:
    """The strings, those at the positions in `whole` untouched, cut so that together they take at most `room` bytes.

    Raises DoesNotFit when the untouched ones alone take more.
    """
    left = room - sum(len(strings[position]) for position in whole)
    if left < 0:
        raise DoesNotFit
    cap = _cap([len(string) for position, string in enumerate(strings) if position not in whole], room=left)
    return [string if position in whole else cut(string, cap) for position, string in enumerate(strings)]


def cut(string: bytes, most: int) -> bytes:
    """The longest beginning of a UTF-8 string that has at most `most` bytes and ends with a whole character."""
    if len(string) <= most:
        return string
    end = most
    while end > 0 and string[end] & 0xC0 == 0x80:  # a continuation byte (RFC 3629): its character began before the cut
        end -= 1
    return string[:end]


def _cap(lengths: list[int], *, room: int) -> int:
    """The largest length that, when nothing is longer than it, makes the lengths' sum fit into `room`."""
    waiting = len(lengths)
    for length in sorted(lengths):
        if length * waiting > room:
            return room // waiting
        room -= length
        waiting -= 1
    return max(lengths, default=0)
