"""What the reducer has yet to hear, as state: for each pod whose newest truth has not gone out, what the reducer knows of it.

An epoch is opened for one connection, begins with Resync and sweeps once over all pods; what changes meanwhile and after is kept as
dirty. A pod is compared with what was told when its turn comes, so what changed five times goes out once, what changed back not at
all, and a pod that came and went unsaid is never mentioned. While no epoch is open nothing is kept: the next one says everything.

The sweep is a list of references to the pods, 8 bytes each, taken when the epoch opens: a dict that changes cannot be walked.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from common.messages import (
    Emission,
    Emissions,
    Epoch,
    Incarnation,
    PodContainers,
    PodDelete,
    PodNew,
    Resync,
)
from common.records import BAD_RECORD, UID, Container, Record
from matcher.addresses import UNROUTABLE, Choice
from matcher.groups import Waiting
from matcher.pods import NEVER, Owner, Pod, Sending, new_containers

EMISSION_BYTES = 128
"""About what an emission takes in a message beside a pod's record."""

SHARED_SECONDS = 10.0
"""How exactly it is known when a pod was sent last. What is sent within this time shares 56 bytes: half a megabyte a day at the most."""


class Closed(msgspec.Struct, frozen=True):
    """Nobody listens, or nothing may be said yet."""


class Open(msgspec.Struct, frozen=True):
    """An epoch, and the upstream connection that it is for."""

    epoch: Epoch
    relay: Incarnation
    connection: int


class Told(msgspec.Struct, frozen=True, gc=False):
    """What the reducer knows of a pod in this epoch."""

    shape: bytes
    own: bytes
    """Of its record: parts that the pod had, and not a copy of both. A change of owner may make all pods dirty."""
    ip: str
    owner: Owner | None


class Unsaid(msgspec.Struct, gc=False):
    """Why a pod is dirty."""

    stamp_ns: int
    """Of the newest update to it; 0 when no update made it dirty."""
    told: Told | None
    """None: the reducer does not know the pod in this epoch."""


class Batch:
    """Emissions that are being gathered for one message, up to a number and a size in bytes, whichever is met first."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self.emissions: list[Emission] = []
        self.stamp_ns = 0
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0

    def add(self, emission: Emission, size_bytes: int) -> None:
        """One more; it may go over the bounds by itself, so that any emission gets out."""
        self.emissions.append(emission)
        self._bytes += size_bytes

    def has_room(self, *, share: int = 1) -> bool:
        """Whether more may be added; with a share of n, to the first nth of it."""
        return len(self.emissions) * share < self._most and self._bytes * share < self._most_bytes


class Outbox:
    """Of one life of the matcher. `pods` is the matcher's store, whose keeper alone adds and removes."""

    def __init__(
        self,
        *,
        pods: Mapping[UID, Pod],
        matcher: Incarnation,
        choose_ip: Choice,
        on_bad_record: Callable[[UID], None],
    ) -> None:
        self.state: Closed | Open = Closed()
        self.sent = 0
        """Number of the epoch's last emission that was taken from here."""
        self.live = 0
        """Pods that the reducer knows in this epoch."""
        self.emissions_taken = 0
        self.without_ipv4 = 0
        """PodNew that went out without an address that the wire can carry."""
        self._pods = pods
        self._matcher = matcher
        self._choose_ip = choose_ip
        self._on_bad_record = on_bad_record
        self._sending = NEVER
        """What goes out now."""
        self._dirty: OrderedDict[UID, Unsaid] = OrderedDict()
        self._sweep: list[Pod] = []
        self._sweep_began_with = 0

    @property
    def dirty(self) -> int:
        """Pods whose newest truth has not gone out, beside those that the sweep has yet to come to."""
        return len(self._dirty)

    @property
    def unswept(self) -> int:
        """Pods that the epoch's sweep has yet to come to."""
        return len(self._sweep)

    @property
    def swept(self) -> int:
        """Pods that it has come to."""
        return self._sweep_began_with - len(self._sweep)

    def unsaid(self, uid: UID) -> Unsaid | None:
        """Why the pod is dirty; None when it is not. One look at a dict: any thread may ask."""
        return self._dirty.get(uid)

    def open(self, epoch: Epoch, *, relay: Incarnation, connection: int) -> None:
        """Begins an epoch, greater than all before: all is to be said, Resync first."""
        self.state = Open(epoch, relay, connection)
        self.sent = self.live = 0
        self._dirty.clear()
        self._sweep = list(self._pods.values())
        # Taken from the end, so pods go out in the order in which they came.
        self._sweep.reverse()
        self._sweep_began_with = len(self._sweep)

    def close(self) -> None:
        """The connection is gone, and with it what the reducer knew."""
        self.state = Closed()
        self.live = 0
        self._dirty.clear()
        self._sweep.clear()
        self._sweep_began_with = 0

    def before_change(self, pod: Pod, stamp_ns: int) -> None:
        """The pod is new, or is about to change: call it before its record, IP or owner does. `stamp_ns` is 0 without an update."""
        if isinstance(self.state, Closed):
            return
        unsaid = self._dirty.get(pod.uid)
        if unsaid is None:
            live = pod.sent.epoch == self.state.epoch
            self._dirty[pod.uid] = Unsaid(stamp_ns, self._told(pod) if live else None)
        elif stamp_ns:
            unsaid.stamp_ns = stamp_ns

    def _told(self, pod: Pod) -> Told:
        return Told(pod.shape.data, pod.own, pod.ip(self._choose_ip), pod.owner)

    def deleted(self, pod: Pod, stamp_ns: int) -> None:
        """The pod is no longer in the store. If the reducer knows it, it is to hear of that."""
        self.before_change(pod, stamp_ns)
        unsaid = self._dirty.get(pod.uid)
        if unsaid is not None and unsaid.told is None:
            del self._dirty[pod.uid]

    def has_news(self) -> bool:
        """Whether `take` may have something to give."""
        return isinstance(self.state, Open) and (not self.sent or bool(self._dirty) or bool(self._sweep))

    def take(self, *, most: int, most_bytes: int, now: float) -> Emissions | None:
        """The next message, of about at most so many emissions and bytes; None when there is nothing to say. `now` is monotonic seconds."""
        if isinstance(self.state, Closed):
            return None
        batch = Batch(most=most, most_bytes=most_bytes)
        if self._sending.epoch != self.state.epoch or now - self._sending.since >= SHARED_SECONDS:
            self._sending = Sending(self.state.epoch, now)
        if not self.sent:
            batch.add(Resync(), EMISSION_BYTES)
        self._say_all(batch, self._sending)
        if not batch.emissions:
            return None
        first = self.sent + 1
        self.sent += len(batch.emissions)
        self.emissions_taken += len(batch.emissions)
        return Emissions(
            relay=self.state.relay,
            connection=self.state.connection,
            matcher=self._matcher,
            epoch=self.state.epoch,
            first=first,
            stamp_ns=batch.stamp_ns,
            emissions=batch.emissions,
        )

    def _say_all(self, batch: Batch, sending: Sending) -> None:
        # Changes first, since they are news, but at most half of the batch while the sweep is under way: neither starves the other.
        share = 2 if self._sweep else 1
        while self._dirty and batch.has_room(share=share):
            self._say_change(batch, sending)
        while self._sweep and batch.has_room():
            pod = self._sweep.pop()
            if pod.sent.epoch != sending.epoch and self._pods.get(pod.uid) is pod:
                self._dirty.pop(pod.uid, None)
                self._say_new(batch, pod, sending)
        while self._dirty and batch.has_room():
            self._say_change(batch, sending)

    def _say_change(self, batch: Batch, sending: Sending) -> None:
        uid, unsaid = self._dirty.popitem(last=False)
        pod, told = self._pods.get(uid), unsaid.told
        before = len(batch.emissions)
        if pod is None:
            batch.add(PodDelete(uid), EMISSION_BYTES)
            self.live -= 1
        elif told is None:
            self._say_new(batch, pod, sending)
        else:
            self._say_difference(batch, pod, told)
            # The same UID may have been deleted and come back since: the reducer knows it all the same.
            if len(batch.emissions) > before or pod.sent.epoch != sending.epoch:
                pod.sent = sending
        if len(batch.emissions) > before and unsaid.stamp_ns > batch.stamp_ns:
            batch.stamp_ns = unsaid.stamp_ns

    def _say_new(self, batch: Batch, pod: Pod, sending: Sending) -> None:
        """A pod that the reducer does not know: if it may go out, it does with all its containers; else its next change brings it here."""
        ip = pod.ip(self._choose_ip)
        if not ip or isinstance(pod.shape.group.standing, Waiting):
            return
        pod.sent = sending
        self.live += 1
        self._say_pod(batch, pod, ip, containers=True)

    def _say_difference(self, batch: Batch, pod: Pod, told: Told) -> None:
        # One that was deleted and came back may have no address yet, or wait for its owner: till then it stays as it was told.
        ip = pod.ip(self._choose_ip)
        if not ip:
            ip = pod.last_ip = told.ip
        pod.owner = pod.owner or told.owner
        if ip != told.ip or pod.owner != told.owner:
            self._say_pod(batch, pod, ip, containers=False)
        containers = self._new_containers(pod, told)
        if containers:
            batch.add(PodContainers(pod.uid, containers), EMISSION_BYTES * (1 + len(containers)))

    def _say_pod(self, batch: Batch, pod: Pod, ip: str, *, containers: bool) -> None:
        owner = pod.owner
        assert owner is not None
        self.without_ipv4 += ip == UNROUTABLE
        record = pod.record
        emission = PodNew(record, ip, owner.kind, owner.name, owner.uid, containers)
        batch.add(emission, record.size + EMISSION_BYTES)

    def _new_containers(self, pod: Pod, told: Told) -> list[Container]:
        if told.own is pod.own and told.shape is pod.shape.data:
            return []
        try:
            return new_containers(told=Record(told.shape, pod.uid, told.own), record=pod.record)
        except BAD_RECORD:
            self._on_bad_record(pod.uid)
            return []
