"""What the relay tells those who look on at it (`podwire tap`): two frames, the topic and what it is about.

Of `EMISSIONS` it is a frame that the relay has taken, as it came; of `UPSTREAM` a `Passed`.
"""

from typing import Final

import msgspec

from common.messages import BadMessage, Incarnation

EMISSIONS: Final = b"emissions"
UPSTREAM: Final = b"upstream"


class Passed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Whole messages to the reducer (protocol.md), before they are compressed."""

    relay: Incarnation
    connection: int
    """The relay's number of the connection that they are for."""
    stamp_ns: int
    """Wall-clock time at which they went to be compressed (ns since the Unix epoch)."""
    before: int
    """Bytes that this life of the relay has passed before, to whom it may be: whoever has heard fewer has missed some."""
    plain: bytes


encode_passed = msgspec.msgpack.Encoder().encode

_decode = msgspec.msgpack.Decoder(Passed).decode


def decode_passed(frame: bytes) -> Passed:
    """What is in a frame of the topic `UPSTREAM`. Raises BadMessage."""
    try:
        return _decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage("not what a relay says of its upstream") from error
