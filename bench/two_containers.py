"""What part of an upstream's bytes is about pods and the first two containers of each: what the goal for bytes is about.

One pod in ten of `shared/apiserver/fill` has an init container beside its two, whose message takes 80 bytes, 64 of them random digits.
What would have come without those is found by compressing the messages that came once more, with and without them.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from relay.compress import Compressor
from sandbox.reducer.layout import LAYOUTS, Incomplete
from sandbox.reducer.messages import Message, PodContainer, PodResync
from sandbox.reducer.unwrap import Unwrapper

MOST_CONTAINERS: Final = 2

PIECE_BYTES: Final = 64 * 1024
"""Of messages compressed at a time: about what the relay flushes at once when much goes out."""

_STAMP_BYTES: Final = 8
_ID_BYTES: Final = 2


def share(wire: Iterable[bytes]) -> float:
    """That part of a connection's bytes; 1.0 where no pod has a third container. Raises what the reference reducer's decoder raises."""
    every: list[bytes] = []
    wanted: list[bytes] = []
    containers: dict[str, set[str]] = {}
    for raw, message in messages(b"".join(Unwrapper().feed(b"".join(wire)))):
        every.append(raw)
        if isinstance(message, PodResync):
            containers.clear()
        if isinstance(message, PodContainer):
            names = containers.setdefault(message.uid, set())
            names.add(message.container_name)  # one that is started anew is none more
            if len(names) > MOST_CONTAINERS:
                continue
        wanted.append(raw)
    return _compressed(wanted) / _compressed(every)


def messages(plain: bytes) -> Iterator[tuple[bytes, Message]]:
    """Each complete message with its bytes."""
    at = 0
    while at + _STAMP_BYTES + _ID_BYTES <= len(plain):
        rpc_id = int.from_bytes(plain[at + _STAMP_BYTES : at + _STAMP_BYTES + _ID_BYTES], "little")
        try:
            message, stop = LAYOUTS[rpc_id].read(plain, at + _STAMP_BYTES)
        except Incomplete:
            return
        yield plain[at:stop], message
        at = stop


def _compressed(raw: list[bytes]) -> int:
    """Bytes of them, as a relay compresses."""
    compressor = Compressor()
    size, gathered, held = 0, 0, []
    for one in raw:
        held.append(one)
        gathered += len(one)
        if gathered >= PIECE_BYTES:
            size += len(compressor.compress(b"".join(held)))
            gathered, held = 0, []
    return size + len(compressor.compress(b"".join(held)))
