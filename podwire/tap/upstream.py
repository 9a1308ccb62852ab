"""What the relay sends to the reducer as lines, and which of it is asked for. Pure. What holds of `podwire.tap.updates` holds here too."""

import struct
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from common.messages import Incarnation
from common.records import UID
from common.tapped import Passed
from podwire.tap.updates import Line, Wanted
from podwire.upstream.lines import sent
from sandbox.reducer.layout import LAYOUTS, Incomplete
from sandbox.reducer.messages import Message, PodContainer, PodDelete, PodNewWithName, PodResync

_HEAD: Final = struct.Struct("<QH")
"""The timestamp and the struct's first field, `rpc_id`."""

_TIMESTAMP_BYTES: Final = 8

_NO_MESSAGES: Final = (Incomplete, KeyError, ValueError, struct.error)


class UpstreamFollower:
    """Follows what one relay sends. `names` are those of messages (protocol.md) that are asked for; none: all."""

    def __init__(self, wanted: Wanted, *, names: Collection[str] = ()) -> None:
        self._wanted = wanted
        self._names = names
        self._known: dict[UID, tuple[str, str]] = {}
        """Namespace and name of the pods that went by on this connection and have not been deleted."""
        self._at: tuple[Incarnation, int] | None = None
        """The relay's life, and how many bytes of it went by or were missed."""

    def lines(self, passed: Passed) -> Iterator[Line]:
        """What there is to show of it."""
        match self._at:
            case (relay, _) if relay != passed.relay:
                self._known.clear()
                yield {"event": "restart", "relay": passed.relay}
            case (_, at) if passed.before > at:
                yield {"event": "gap", "missed_bytes": passed.before - at}
            case _:
                pass
        self._at = passed.relay, passed.before + len(passed.plain)
        try:
            for stamp_ns, message in _messages(passed.plain):
                line = sent(message, time_ns=passed.stamp_ns, connection=passed.connection, stamp_ns=stamp_ns)
                if self._has(message) and (not self._names or line.message in self._names):
                    yield {"event": "sent", **msgspec.structs.asdict(line)}
        except _NO_MESSAGES:  # a relay of another version
            yield {"event": "unreadable", "connection": passed.connection, "bytes": len(passed.plain)}

    def _has(self, message: Message) -> bool:
        """Whether it is of what was asked for; learns whose a container or a deletion is."""
        match message:
            case PodResync():
                self._known.clear()
                return True
            case PodNewWithName(uid=uid, ns=namespace, pod_name=name):
                self._known[UID(uid)] = namespace, name
                return self._wanted.has(namespace, name)
            case PodContainer(uid=uid):
                return self._wants(self._known.get(UID(uid)))
            case PodDelete(uid=uid):
                return self._wants(self._known.pop(UID(uid), None))
            case _:
                return self._wanted.everything

    def _wants(self, pod: tuple[str, str] | None) -> bool:
        """A pod that has not gone by is shown rather than kept back."""
        return pod is None or self._wanted.has(*pod)


def _messages(plain: bytes) -> Iterator[tuple[int, Message]]:
    """Timestamp and message, of all. Raises one of `_NO_MESSAGES`."""
    at = 0
    while at < len(plain):
        stamp_ns, rpc_id = _HEAD.unpack_from(plain, at)
        message, at = LAYOUTS[rpc_id].read(plain, at + _TIMESTAMP_BYTES)
        yield stamp_ns, message
