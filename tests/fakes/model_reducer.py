"""A relay and the reducer behind it, as small as their promises. The reducer checks each emission against the upstream invariants."""

from collections import deque
from itertools import count

from common.container_ids import container_id
from common.messages import (
    Emission,
    Emissions,
    Epoch,
    Incarnation,
    Link,
    OwnerKind,
    PodContainers,
    PodDelete,
    PodNew,
    Resync,
)
from common.records import UID, unpack_pod

Owner = tuple[OwnerKind, str, str]
"""Kind, UID, name."""

_relays = count(1)


class ModelReducer:
    """What one upstream connection has made its reducer know. Raises AssertionError at the first breach."""

    def __init__(self) -> None:
        self.epoch = 0
        self.resyncs = 0
        self.pods: dict[UID, tuple[str, Owner]] = {}
        self.containers: dict[UID, set[str]] = {}
        self.heard: list[tuple[object, ...]] = []
        """Each emission in short, for tests that look at the order."""

    def take(self, epoch: int, emission: Emission) -> None:
        """One emission."""
        match emission:
            case Resync():
                assert epoch > self.epoch, "an epoch that is not newer"
                self.epoch = epoch
                self.resyncs += 1
                self.pods.clear()
                self.containers.clear()
                self.heard.append(("resync", epoch))
            case PodNew():
                self._new(epoch, emission)
            case PodContainers(uid=uid, containers=containers):
                self._same_epoch(epoch)
                assert uid in self.pods, "containers of a pod that is not known"
                assert containers, "an emission that says nothing"
                assert all(one.id for one in containers), "a container without an ID"
                self.containers[uid].update(container_id(one.id) for one in containers)
                self.heard.append(("containers", uid, [container_id(one.id) for one in containers]))
            case PodDelete(uid=uid):
                self._same_epoch(epoch)
                assert uid in self.pods, "a delete of a pod that is not known"
                del self.pods[uid], self.containers[uid]
                self.heard.append(("delete", uid))

    def _new(self, epoch: int, emission: PodNew) -> None:
        self._same_epoch(epoch)
        record = unpack_pod(emission.record)
        details = (emission.ip, (OwnerKind(emission.owner_kind), emission.owner_uid, emission.owner_name))
        assert emission.ip, "a pod without an address"
        assert self.pods.get(record.uid) != details, "a pod again, although neither IP nor owner changed"
        assert emission.containers == (record.uid not in self.pods), "containers go out with a new pod, and not again"
        self.pods[record.uid] = details
        if emission.containers:
            self.containers[record.uid] = {container_id(one.id) for one in record.containers if one.id}
        self.heard.append(("new", record.uid, *details))

    def _same_epoch(self, epoch: int) -> None:
        assert self.epoch, "the first pod message of a connection is not a resync"
        assert epoch == self.epoch, "a message of another epoch"


class ModelRelay:
    """Takes batches by the rules of architecture.md. Batches and links lie in queues until a test moves them."""

    def __init__(self) -> None:
        self.inbox: deque[Emissions] = deque()
        self.links: deque[Link] = deque()
        self.epoch = Epoch(0)
        self.matcher = Incarnation("")
        self.reducer = ModelReducer()
        self.start()

    def start(self) -> None:
        """A new life, not connected. What lay in its socket is gone."""
        self.incarnation = Incarnation(f"relay-{next(_relays)}")
        self.inbox.clear()
        self.connection = 0
        self.connected = False
        self.epoch, self.matcher = Epoch(0), Incarnation("")
        self.taken, self.broken, self.accepting = 0, False, True

    def connect(self) -> None:
        """A new connection, to a reducer that knows nothing."""
        self.connection += 1
        self.connected = True
        self.taken, self.broken, self.accepting = 0, False, True
        self.reducer = ModelReducer()
        self.tell()

    def disconnect(self) -> None:
        """The connection is gone."""
        self.connected = False
        self.tell()

    def tell(self) -> None:
        """Publishes the link's state."""
        self.links.append(
            Link(
                relay=self.incarnation,
                connection=self.connection,
                connected=self.connected,
                since_ns=0,
                epoch=self.epoch,
                matcher=self.matcher,
                taken=self.taken,
                broken=self.broken,
                accepting=self.accepting,
            )
        )

    def take_one(self) -> None:
        """Takes the next batch, if there is one and the reducer has room."""
        if self.inbox and self.accepting:
            self._take(self.inbox.popleft())

    def _take(self, batch: Emissions) -> None:
        if not self.connected or (batch.relay, batch.connection) != (self.incarnation, self.connection):
            return
        if batch.epoch < self.epoch or (batch.epoch == self.epoch and batch.matcher != self.matcher):
            return
        if batch.epoch > self.epoch:
            self.epoch, self.matcher = batch.epoch, batch.matcher
            self.taken, self.broken = 0, False
        if self.broken or batch.first != self.taken + 1:
            self.broken = True
            self.tell()
            return
        self.taken += len(batch.emissions)
        for emission in batch.emissions:
            self.reducer.take(batch.epoch, emission)
