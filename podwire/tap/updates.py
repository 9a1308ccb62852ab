"""A watcher's updates as lines, and which of them are asked for. Pure.

What a tap has missed is told as a line: the numbers of `Updates` have no gaps, and a `Beat` tells the newest. A deletion names only
the UID; whose it is, is known of pods that went by before. Of others it is not known, and they are shown rather than kept back.
"""

from collections.abc import Iterator
from typing import Any, assert_never

import msgspec

from common.container_ids import container_id
from common.messages import Apply, Beat, Delete, Event, Incarnation, Init, InitDone, Sequence, Updates
from common.records import BAD_RECORD, UID, ContainerId, Kind, OwnerRecord, PodRecord, Record, unpack_owner, unpack_pod

Line = dict[str, Any]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; None: all. Owners' records tell neither, so asking for one leaves pods only."""

    namespace: str | None = None
    pod: str | None = None
    pods_only: bool = False
    """Nothing that is of no pod."""

    @property
    def everything(self) -> bool:
        return self.namespace is None and self.pod is None and not self.pods_only

    def has(self, namespace: str, name: str) -> bool:
        return self.namespace in (None, namespace) and self.pod in (None, name)


class Follower:
    """Follows the updates of one kind's watcher."""

    def __init__(self, kind: Kind, wanted: Wanted) -> None:
        self._kind = kind
        self._wanted = wanted
        self._known: dict[UID, tuple[str, str]] = {}
        """Namespace and name of the pods that went by and have not been deleted."""
        self._at: tuple[Incarnation, Sequence] | None = None

    def lines(self, message: Updates | Beat) -> Iterator[Line]:
        """What there is to show of it."""
        number = message.sequence
        first = number if isinstance(message, Updates) else number + 1
        match self._at:
            case None:
                pass
            case (incarnation, _) if incarnation != message.incarnation:
                self._known.clear()
                yield {"kind": self._kind, "event": "restart", "incarnation": message.incarnation}
            case (_, at) if first > at + 1:
                yield {"kind": self._kind, "event": "gap", "missed": first - at - 1}
        self._at = message.incarnation, number
        if isinstance(message, Updates):
            head = {"time_ns": message.stamp_ns, "kind": self._kind, "sequence": number}
            for event in message.events:
                details = self._details(event)
                if details is not None:
                    yield head | details

    def _details(self, event: Event) -> Line | None:
        match event:
            case Init():
                return {"event": "init"}
            case InitDone():
                return {"event": "init_done"}
            case Apply(record=raw):
                return self._applied(raw)
            case Delete(uid=uid):
                return self._deleted(uid)
            case _:
                assert_never(event)

    def _applied(self, packed: Record) -> Line | None:
        try:
            record: PodRecord | OwnerRecord = unpack_pod(packed) if self._kind == "pods" else unpack_owner(packed)
        except BAD_RECORD:
            return {"event": "apply", "uid": packed.uid, "malformed_bytes": packed.size}
        match record:
            case PodRecord(uid=uid, namespace=namespace, name=name):
                self._known[uid] = namespace, name
                shown = self._wanted.has(namespace, name)
            case OwnerRecord():
                shown = self._wanted.everything
            case _:
                assert_never(record)
        return {"event": "apply", "record": fields_of(record)} if shown else None

    def _deleted(self, uid: UID) -> Line | None:
        if self._kind != "pods":
            return {"event": "delete", "uid": uid} if self._wanted.everything else None
        namespace, name = self._known.pop(uid, (None, None))
        if namespace is not None and name is not None and not self._wanted.has(namespace, name):
            return None
        return {"event": "delete", "uid": uid, "namespace": namespace, "name": name}


def fields_of(value: Any) -> Any:  # noqa: ANN401 (a record's parts, and then any JSON)
    """A record by the names of its fields: on the wire it has none."""
    match value:
        case msgspec.Struct():
            return {key: fields_of(one) for key, one in msgspec.structs.asdict(value).items()}
        case list():
            return [fields_of(one) for one in value]
        case bytes():
            return container_id(ContainerId(value))
        case _:
            return value
