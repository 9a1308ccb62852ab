"""The pods, joined with their owners: takes records in any order and tells the outbox which pods change by them.

It owns the store of pods, the owners' records and the groups that join the two. It decides nothing about connections and epochs
(`core`), and nothing about when a watcher's news are complete (`follow`). Pure: no clock, no sockets.
"""

from collections.abc import Iterable

from common.messages import Apply, Delete, Incarnation
from common.records import BAD_RECORD, OWNER_KINDS, UID, Kind, Record, decode_controller, decode_pod_own_head
from matcher.addresses import Choice
from matcher.fill import Fill
from matcher.groups import Groups
from matcher.outbox import Outbox
from matcher.owners import Owners
from matcher.pods import MOVING, Pod


class Matcher:
    """What one life of the matcher knows of the cluster."""

    def __init__(self, *, incarnation: Incarnation, choose_ip: Choice, climb: bool) -> None:
        self.pods: dict[UID, Pod] = {}
        self.owners: dict[Kind, Owners] = {kind: Owners() for kind in OWNER_KINDS}
        self.outbox = Outbox(pods=self.pods, matcher=incarnation, choose_ip=choose_ip, on_bad_record=self._bad_record)
        self.groups = Groups(owners=self.owners, climb=climb, before_change=self._before_change)
        self.bad_records: dict[Kind, int] = dict.fromkeys(("pods", *OWNER_KINDS), 0)
        """Records that could not be decoded, and were left out."""
        self.choose_ip = choose_ip
        self._fill: Fill[UID] = Fill()
        self._stamp_ns = 0

    def change(self, kind: Kind, events: Iterable[Apply | Delete], *, stamp_ns: int, now: float) -> None:
        """Events of a watcher, in order. `stamp_ns` is their `Updates`' stamp."""
        self._stamp_ns = stamp_ns
        for event in events:
            if isinstance(event, Apply):
                self._apply(kind, event.record, now)
            elif kind == "pods":
                self._delete_pod(event.uid)
            else:
                self.owners[kind].drop(event.uid)
        self._stamp_ns = 0

    def fill(self, kind: Kind, records: list[Record], *, now: float) -> None:
        """Records of a snapshot."""
        for record in records:
            self._apply(kind, record, now)

    def begin_fill(self, kind: Kind) -> None:
        """A snapshot begins: what is known stays until its end."""
        if kind == "pods":
            self._fill.begin(self.pods)
        else:
            self.owners[kind].begin_fill()

    def end_fill(self, kind: Kind) -> int:
        """The snapshot, with what came since, is complete: what it did not mention is gone. Gives how many pods were known at its begin."""
        if kind != "pods":
            self.owners[kind].end_fill()
            return 0
        for uid in self._fill.end():
            self._delete_pod(uid)
        return self._fill.held_before

    def _apply(self, kind: Kind, record: Record, now: float) -> None:
        try:
            if kind == "pods":
                self._apply_pod(record, now)
            else:
                self._apply_owner(kind, record)
        except BAD_RECORD:
            self.bad_records[kind] += 1

    def _apply_owner(self, kind: Kind, record: Record) -> None:
        self.owners[kind].put(record.uid, decode_controller(record.shape))
        self.groups.record_came(kind, record.uid)

    def _apply_pod(self, record: Record, now: float) -> None:
        uid, own = record.uid, record.own
        ips = decode_pod_own_head(own).ips
        # The last that may refuse it, and before anything changes: it decodes a shape that is new.
        shape = self.groups.shape_of(record.shape, now)
        self._fill.mention(uid)
        pod = self.pods.get(uid)
        if pod is None:
            pod = Pod(uid, shape, own)
            self.groups.join(pod)
            self.pods[uid] = pod
            self.outbox.before_change(pod, self._stamp_ns)
        elif pod.shape is not shape or pod.own != own:
            self.outbox.before_change(pod, self._stamp_ns)
            pod.last_ip = "" if self.choose_ip(ips) else pod.ip(self.choose_ip)
            if pod.shape is not shape:
                pod.own = MOVING
                self.groups.move(pod, shape)
            pod.own = own

    def _delete_pod(self, uid: UID) -> None:
        pod = self.pods.pop(uid, None)
        if pod is not None:
            self.groups.leave(pod)
            self.outbox.deleted(pod, self._stamp_ns)

    def _before_change(self, pod: Pod) -> None:
        self.outbox.before_change(pod, self._stamp_ns)

    def _bad_record(self, _uid: UID) -> None:
        self.bad_records["pods"] += 1
