"""The records of the owners of one kind, and the climb from a pod's controller to the workload that stands behind it.

A large cluster keeps ten old ReplicaSets for every one in use, so a record here is UID → controller and nothing else, and equal
controllers are one object.
"""

from collections.abc import Collection
from typing import Final

from common.messages import OwnerKind
from common.records import UID, Controller, Kind
from matcher.fill import Fill
from matcher.pods import Owner

NOBODY: Final = Owner(OwnerKind.NONE, "", "")
"""The owner of a pod without a controller."""

WATCHED: Final[dict[tuple[str, str], tuple[Kind, OwnerKind]]] = {
    ("apps", "ReplicaSet"): ("replicasets", OwnerKind.REPLICA_SET),
    ("batch", "Job"): ("jobs", OwnerKind.JOB),
}
"""Controllers whose records are watched, since pods are not the last thing that they stand between. A kind counts in its own group only."""

WORKLOADS: Final[dict[tuple[str, str], OwnerKind]] = {
    ("apps", "Deployment"): OwnerKind.DEPLOYMENT,
    ("batch", "CronJob"): OwnerKind.CRON_JOB,
}

MOST_SHARED = 4_096
"""Controllers kept for sharing. Lists come in the order of names, so owners with the same controller come close together."""


def watched_kind(controller: Controller | None) -> Kind | None:
    """The watched resource in which the controller's own record is found, or None where it is itself the owner."""
    known = WATCHED.get((controller.group, controller.kind)) if controller is not None else None
    return known[0] if known is not None else None


def direct_owner(controller: Controller | None) -> Owner:
    """The owner that a pod's own reference names, without any record."""
    if controller is None:
        return NOBODY
    known = WATCHED.get((controller.group, controller.kind))
    return Owner(OwnerKind.OTHER if known is None else known[1], controller.uid, controller.name)


def owner_behind(controller: Controller, above: Controller | None, *, climb: bool) -> Owner:
    """The owner of the pods of `controller`, a ReplicaSet or a Job, whose record says that `above` controls it."""
    if above is None:
        return direct_owner(controller)
    kind = WORKLOADS.get((above.group, above.kind))
    if kind is not None:
        return Owner(kind, above.uid, above.name)
    return Owner(OwnerKind.OTHER, above.uid, above.name) if climb else direct_owner(controller)


class Owners:
    """UID → controller of the objects of one kind."""

    def __init__(self) -> None:
        self._records: dict[UID, Controller | None] = {}
        self._shared: dict[UID, Controller] = {}
        self._fill: Fill[UID] = Fill()

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, uid: UID) -> bool:
        return uid in self._records

    def controller_of(self, uid: UID) -> Controller | None:
        """The controller in the object's record. Raises KeyError where there is no record."""
        return self._records[uid]

    def put(self, uid: UID, controller: Controller | None) -> None:
        """Keeps the newest record."""
        self._fill.mention(uid)
        self._records[uid] = self._share(controller) if controller is not None else None

    def drop(self, uid: UID) -> None:
        """Forgets the object, if it is known."""
        self._records.pop(uid, None)

    def begin_fill(self) -> None:
        """A list begins. What is known stays; one that was under way is forgotten."""
        self._fill.begin(self._records)

    def end_fill(self) -> Collection[UID]:
        """The list is complete: forgets what it did not mention, and gives those UIDs."""
        gone = self._fill.end()
        for uid in gone:
            self._records.pop(uid, None)
        return gone

    def _share(self, controller: Controller) -> Controller:
        known = self._shared.get(controller.uid)
        if known == controller:
            return known
        if len(self._shared) >= MOST_SHARED:
            self._shared.clear()
        self._shared[controller.uid] = controller
        return controller
