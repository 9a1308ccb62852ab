"""What the matcher tells the relay as lines, and which of it is asked for. Pure. What holds of `podwire.tap.updates` holds here too."""

from collections.abc import Iterator
from typing import assert_never

from common.messages import Emission, Emissions, Epoch, PodContainers, PodDelete, PodNew, Resync
from common.records import BAD_RECORD, UID, unpack_pod
from podwire.tap.updates import Line, Wanted, fields_of


class EmissionFollower:
    """Follows what one relay takes."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._known: dict[UID, tuple[str, str]] = {}
        self._at: tuple[Epoch, int] | None = None
        """The epoch, and the number of its last emission that went by."""

    def lines(self, batch: Emissions) -> Iterator[Line]:
        """What there is to show of it."""
        match self._at:
            case (epoch, at) if epoch == batch.epoch and batch.first > at + 1:
                yield {"event": "gap", "epoch": epoch, "missed": batch.first - at - 1}
            case _:
                pass
        self._at = batch.epoch, batch.first + len(batch.emissions) - 1
        for number, emission in enumerate(batch.emissions, batch.first):
            details = self._details(emission)
            if details is not None:
                yield {"time_ns": batch.stamp_ns or None, "epoch": batch.epoch, "number": number} | details

    def _details(self, emission: Emission) -> Line | None:
        match emission:
            case Resync():
                self._known.clear()
                return {"event": "resync"}
            case PodNew():
                return self._pod_new(emission)
            case PodContainers(uid=uid, containers=containers):
                return self._of(uid, {"event": "containers", "containers": fields_of(containers)})
            case PodDelete(uid=uid):
                found = self._of(uid, {"event": "delete"})
                self._known.pop(uid, None)
                return found
            case _:
                assert_never(emission)

    def _pod_new(self, emission: PodNew) -> Line | None:
        packed = emission.record
        try:
            record = unpack_pod(packed)
        except BAD_RECORD:
            return {"event": "new", "uid": packed.uid, "malformed_bytes": packed.size}
        self._known[record.uid] = record.namespace, record.name
        if not self._wanted.has(record.namespace, record.name):
            return None
        rest = {key: one for key, one in fields_of(emission).items() if key != "record"}
        return {"event": "new", **rest, "record": fields_of(record)}

    def _of(self, uid: UID, details: Line) -> Line | None:
        namespace, name = self._known.get(uid, (None, None))
        if namespace is not None and name is not None and not self._wanted.has(namespace, name):
            return None
        return details | {"uid": uid, "namespace": namespace, "name": name}
