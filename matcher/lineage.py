"""The way from a pod up to its owner, step by step, with how each step is known. For people: it decides nothing, `groups` does."""

from enum import StrEnum
from typing import Any, assert_never

from common.messages import Condition
from common.records import UID, Controller, Kind
from matcher.core import Core
from matcher.groups import Group, Provisional, Resolved, Standing, Waiting
from matcher.owners import watched_kind


class Source(StrEnum):
    """How it is known what controls an object, or why that is not known."""

    RECORD = "record"
    """Its record names the controller."""
    ORPHAN = "orphan"
    """Its record names none."""
    ABOVE = "above"
    """Its record names a controller that is no workload, and `--climb` is not given: the object stays the owner."""
    DELETED = "deleted"
    """Its record is gone; what it said holds for the pods that are left."""
    WAITING = "waiting"
    """Its record has not come."""
    PROVISIONAL = "provisional"
    """Its record did not come within `--owner-wait`: it stands in for its owner."""
    FORBIDDEN = "forbidden"
    """The API server refuses its kind: as above."""
    LATE = "late"
    """Its kind could not be read in time: as above."""


class Lineage:
    """Reads one core."""

    def __init__(self, core: Core, *, owner_wait_seconds: float) -> None:
        self._core = core
        self._owner_wait_seconds = owner_wait_seconds

    def steps(self, group: Group, now: float) -> list[dict[str, Any]]:
        """Of the pods of this group, the pod's own controller first; `controller` is None where nobody is known to stand above."""
        controller, standing = group.controller, group.standing
        first = _step(Source.RECORD if controller else Source.ORPHAN, "Pod", controller)
        kind = watched_kind(controller)
        if controller is None or kind is None:
            return [first]
        source = self._source(kind, controller, standing)
        step = _step(source, controller.kind, self._above(kind, controller, standing))
        if isinstance(standing, Waiting):
            step["waiting_seconds"] = max(0.0, now - standing.since)
        return [first, step]

    def waiting(self, group: Group, standing: Waiting, now: float) -> dict[str, Any]:
        """Why a pod of a group that waits has not gone out."""
        seconds = max(0.0, now - standing.since)
        assert group.controller is not None
        text = f"it has waited {seconds:.0f} s for {group.controller.kind} {group.controller.name}"
        if self._owner_wait_seconds:
            left = max(0.0, self._owner_wait_seconds - seconds)
            text += f", and goes out without knowing what controls that in {left:.0f} s"
        return {
            "reason": "waiting",
            "text": text,
            "owner": {"kind": group.controller.kind, "name": group.controller.name, "uid": group.controller.uid},
            "waiting_seconds": seconds,
        }

    def _source(self, kind: Kind, controller: Controller, standing: Standing) -> Source:
        match standing:
            case Waiting():
                return Source.WAITING
            case Provisional():
                return self._why_provisional(kind)
            case Resolved(owner=owner):
                known, above = self._record(kind, controller)
                if not known:
                    return Source.DELETED
                if above is None:
                    return Source.ORPHAN
                return Source.RECORD if owner.uid == above.uid else Source.ABOVE
            case _:
                assert_never(standing)

    def _why_provisional(self, kind: Kind) -> Source:
        if kind not in self._core.matcher.groups.hopeless:
            return Source.PROVISIONAL
        forbidden = self._core.followers[kind].pulse.condition is Condition.FORBIDDEN
        return Source.FORBIDDEN if forbidden else Source.LATE

    def _above(self, kind: Kind, controller: Controller, standing: Standing) -> Controller | None:
        known, above = self._record(kind, controller)
        if known or not isinstance(standing, Resolved) or standing.owner.uid == controller.uid:
            return above
        owner = standing.owner
        return Controller(uid=UID(owner.uid), kind=owner.kind.name.title().replace("_", ""), group="", name=owner.name)

    def _record(self, kind: Kind, controller: Controller) -> tuple[bool, Controller | None]:
        """Whether there is the controller's own record, and whom it names."""
        try:
            return True, self._core.matcher.owners[kind].controller_of(controller.uid)
        except KeyError:
            return False, None


def _step(source: Source, of: str, controller: Controller | None) -> dict[str, Any]:
    named = None
    if controller is not None:
        named = {"kind": controller.kind, "group": controller.group, "name": controller.name, "uid": controller.uid}
    return {"of": of, "source": source, "controller": named}
