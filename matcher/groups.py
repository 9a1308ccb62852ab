"""Pods by their controller reference: pods with the same one have the same owner, wait together, and change hands together.

A group waits while its controller is a ReplicaSet or Job without a record; then it is resolved, or given up and provisional: its pods go
out with the direct owner that their own reference names, and once more should the record come. A group that was resolved stays so
when the record is deleted, for as long as it has pods: garbage collection deletes owners before their pods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, assert_never

import msgspec

from common.records import UID, Controller, Kind, decode_controller, decode_pod_shape_head
from matcher.owners import NOBODY, Owners, direct_owner, owner_behind, watched_kind
from matcher.pods import Owner, Pod, Shape

NO_REFERENCE: Final = b"\xc0"
"""Of a pod without a controller: msgpack's nil."""


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """The controller's record has not come. `since` when, in monotonic seconds, its first pod has waited."""

    since: float


class Provisional(msgspec.Struct, frozen=True, gc=False):
    """The record did not come in time: the direct owner stands in for what it would say."""

    owner: Owner


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """The owner is known."""

    owner: Owner


Standing = Waiting | Provisional | Resolved


class Group(msgspec.Struct, gc=False, eq=False):
    """The pods with one controller reference."""

    reference: bytes
    """As pods' records have it (`PodShapeHead.controller`)."""
    controller: Controller | None
    standing: Standing
    pods: list[Pod]


class Groups:
    """All groups. `before_change` is called with each pod that is about to get another owner, or to stop waiting."""

    def __init__(self, *, owners: Mapping[Kind, Owners], climb: bool, before_change: Callable[[Pod], None]) -> None:
        self.waiting = 0
        """Pods that wait."""
        self.provisional = 0
        """Pods whose owner is provisional."""
        self.hopeless: set[Kind] = set()
        """Kinds whose records are not to be expected for now: nobody waits for them."""
        self._owners = owners
        self._climb = climb
        self._before_change = before_change
        self._by_shape: dict[bytes, Shape] = {}
        self._by_reference: dict[bytes, Group] = {NO_REFERENCE: Group(NO_REFERENCE, None, Resolved(NOBODY), [])}
        self._by_controller: dict[UID, tuple[Group, ...]] = {}
        """Mostly one group each: a controller has one name and kind, unless a reference is made up."""
        self._waiting: dict[Group, Waiting] = {}
        """Groups that wait, in the order in which they began to."""

    @property
    def shapes(self) -> int:
        """How many different shapes the pods have."""
        return len(self._by_shape)

    def shape_of(self, data: bytes, now: float) -> Shape:
        """The one with these bytes, made with its group if there is none; whoever asks puts a pod in it.

        Raises one of `BAD_RECORD` for bytes that are no shape of a pod.
        """
        shape = self._by_shape.get(data)
        if shape is None:
            reference = bytes(decode_pod_shape_head(data).controller)
            group = self._by_reference.get(reference)
            shape = Shape(data, self._new_group(reference, now) if group is None else group)
            self._by_shape[data] = shape
        return shape

    def join(self, pod: Pod) -> None:
        """Puts the pod in the group of its shape, and gives it the group's owner."""
        shape = pod.shape
        shape.pods += 1
        group = shape.group
        pod.place = len(group.pods)
        group.pods.append(pod)
        standing = group.standing
        if isinstance(standing, Resolved):
            pod.owner = standing.owner
            return
        self._count(standing, 1)
        if isinstance(standing, Provisional):
            pod.owner = standing.owner

    def leave(self, pod: Pod) -> None:
        """Takes the pod out of its group, at the cost of one step however large the group is. A group without pods is forgotten."""
        self._leave_shape(pod.shape)
        group = pod.group
        last = group.pods.pop()
        if last is not pod:
            group.pods[pod.place] = last
            last.place = pod.place
        self._count(group.standing, -1)
        if not group.pods and group.controller is not None:
            self._forget(group, group.controller.uid)

    def move(self, pod: Pod, shape: Shape) -> None:
        """Gives the pod another shape. With that it may change its group: adoption, orphaning, or another controller."""
        if shape.group is pod.group:
            self._leave_shape(pod.shape)
            pod.shape = shape
            shape.pods += 1
        else:
            self.leave(pod)
            pod.shape = shape
            self.join(pod)

    def record_came(self, kind: Kind, uid: UID) -> None:
        """The owner's record is new or has changed: its groups are resolved by it."""
        for group in self._by_controller.get(uid, ()):
            if group.controller is not None and watched_kind(group.controller) == kind:
                above = self._owners[kind].controller_of(uid)
                self._settle(group, Resolved(owner_behind(group.controller, above, climb=self._climb)))

    def give_up(self, kind: Kind) -> None:
        """Records of this kind are not to be expected for now: who waits for one goes out provisionally, and who comes waits no more."""
        if kind not in self.hopeless:
            self.hopeless.add(kind)
            for group in list(self._waiting):
                if watched_kind(group.controller) == kind:
                    self._go_provisional(group)

    def hope(self, kind: Kind) -> None:
        """Records of this kind can be expected again."""
        self.hopeless.discard(kind)

    def expire(self, *, before: float) -> None:
        """Who has waited since `before`, or longer, goes out provisionally."""
        due: list[Group] = []
        for group, waiting in self._waiting.items():
            if waiting.since > before:
                break
            due.append(group)
        for group in due:
            self._go_provisional(group)

    def _new_group(self, reference: bytes, now: float) -> Group:
        controller = decode_controller(reference)
        assert controller is not None  # nil has one encoding, and its group is always there
        group = Group(reference, controller, self._first_standing(controller, now), [])
        self._by_reference[reference] = group
        self._by_controller[controller.uid] = (*self._by_controller.get(controller.uid, ()), group)
        self._note_waiting(group)
        return group

    def _first_standing(self, controller: Controller, now: float) -> Standing:
        kind = watched_kind(controller)
        if kind is None:
            return Resolved(direct_owner(controller))
        if controller.uid in self._owners[kind]:
            above = self._owners[kind].controller_of(controller.uid)
            return Resolved(owner_behind(controller, above, climb=self._climb))
        return Provisional(direct_owner(controller)) if kind in self.hopeless else Waiting(now)

    def _leave_shape(self, shape: Shape) -> None:
        shape.pods -= 1
        if not shape.pods:
            del self._by_shape[shape.data]

    def _go_provisional(self, group: Group) -> None:
        self._settle(group, Provisional(direct_owner(group.controller)))

    def _settle(self, group: Group, standing: Provisional | Resolved) -> None:
        before = group.standing
        self._count(before, -len(group.pods))
        self._count(standing, len(group.pods))
        group.standing = standing
        self._waiting.pop(group, None)
        if isinstance(before, Waiting) or before.owner != standing.owner:
            for pod in group.pods:
                self._before_change(pod)
                pod.owner = standing.owner

    def _note_waiting(self, group: Group) -> None:
        if isinstance(group.standing, Waiting):
            self._waiting[group] = group.standing

    def _count(self, standing: Standing, pods: int) -> None:
        match standing:
            case Waiting():
                self.waiting += pods
            case Provisional():
                self.provisional += pods
            case Resolved():
                pass
            case _:
                assert_never(standing)

    def _forget(self, group: Group, uid: UID) -> None:
        self._waiting.pop(group, None)
        del self._by_reference[group.reference]
        rest = tuple(other for other in self._by_controller[uid] if other is not group)
        if rest:
            self._by_controller[uid] = rest
        else:
            del self._by_controller[uid]
