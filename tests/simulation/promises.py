"""What the matcher emits and what the reducer hears of it, held against each other and against the rules of epochs.

The reducer's own invariants see only messages that cannot be right. A batch that is missing, or taken twice, may leave nothing but a
pod or a container out, until the next epoch mends it: here it is seen at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from common.messages import Emission, Emissions, PodContainers, PodDelete, PodNew, Resync, decode
from common.records import UID, Container, unpack_pod
from sandbox.reducer.journal import Arrival

Word = tuple[str, str]
"""Kind of a message and the pod's UID, as the reducer's journal has them."""


class Broken(Exception):
    """The reducer heard something else than what was emitted, or numbers do not go on as they must."""


class Emitted:
    """One epoch of one matcher."""

    def __init__(self) -> None:
        self.emissions = 0
        self.words: list[Word] = []


class Promises:
    """Everything that was emitted in a schedule, and how far each of the reducer's connections has heard it."""

    def __init__(self, *, exists: Callable[[UID], bool | None]) -> None:
        """`exists`: whether the cluster has a pod, None where that says nothing of what podwire sees."""
        self._exists = exists
        self._deleted: set[UID] = set()
        self._tags: dict[UID, int] = {}
        """The newest tag of the pod's images: the simulated cluster counts them up."""
        self._emitted: defaultdict[int, dict[str, Emitted]] = defaultdict(dict)
        """By epoch and matcher: two matchers may choose the same number."""
        self._newest: dict[str, int] = {}
        """Epoch of each matcher."""
        self._heard: dict[int, tuple[int, list[Word]]] = {}
        """By connection: the epoch, and what came in it."""
        self._spans: defaultdict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
        """By the relay's life, then by connection: its first and last epoch."""

    def emit(self, frame: bytes) -> None:
        """The matcher has sent a frame to the relay. Raises Broken."""
        message = decode(frame)
        if not isinstance(message, Emissions):
            return
        newest = self._newest.get(message.matcher, 0)
        if message.epoch < newest:
            raise Broken(f"epoch {message.epoch} is emitted after {newest}")
        self._newest[message.matcher] = message.epoch
        emitted = self._emitted[message.epoch].setdefault(message.matcher, Emitted())
        if message.first != emitted.emissions + 1:
            raise Broken(f"epoch {message.epoch} goes on with {message.first} after {emitted.emissions}")
        emitted.emissions += len(message.emissions)
        for emission in message.emissions:
            self._check(emission)
            emitted.words += _words(emission)

    def hear(self, arrivals: Iterable[Arrival], epochs: Iterator[int], *, connection: int, relay: str) -> None:
        """What one read of a connection has brought. `epochs` are the numbers of its resyncs, `relay` is the life that sent it; connections
        are numbered in the order in which they were made. Raises Broken."""
        for _, uid, kind, _ in arrivals:
            if kind == "resync":
                epoch = next(epochs)
                self._heard[connection] = epoch, []
                self._span(relay, connection, epoch)
            if kind not in ("connected", "closed"):
                self._heard[connection][1].append((kind, uid))
        if connection not in self._heard:
            return
        epoch, heard = self._heard[connection]
        if not any(emitted.words[: len(heard)] == heard for emitted in self._emitted[epoch].values()):
            told = [emitted.words for emitted in self._emitted[epoch].values()]
            raise Broken(f"epoch {epoch} was heard as {heard}, and emitted as {told}")

    def _check(self, emission: Emission) -> None:
        """No pod is taken for gone that is there, and none comes back: the UIDs of the simulated cluster are used once."""
        match emission:
            case PodDelete(uid=uid):
                self._deleted.add(uid)
                if self._exists(uid):
                    raise Broken(f"pod {uid} is said to be gone")
            case PodNew(record=record):
                pod = unpack_pod(record)
                if pod.uid in self._deleted and self._exists(pod.uid) is not None:
                    raise Broken(f"pod {pod.uid} comes back")
                newest = max((int(container.image.rpartition(":")[2]) for container in pod.containers), default=0)
                if newest < self._tags.get(pod.uid, 0):
                    raise Broken(f"pod {pod.uid} goes back to what it was")
                self._tags[pod.uid] = newest
            case Resync() | PodContainers():
                pass

    def _span(self, relay: str, connection: int, epoch: int) -> None:
        """Within a relay's life epochs grow from connection to connection, in whatever order the reducer reads those."""
        spans = self._spans[relay]
        spans[connection] = spans.get(connection, (epoch, epoch))[0], epoch
        in_order = [epoch for _, (first, last) in sorted(spans.items()) for epoch in (first, last)]
        if in_order != sorted(in_order):
            raise Broken(f"epochs of {relay} do not grow with its connections: {spans}")


def _words(emission: Emission) -> list[Word]:
    match emission:
        case Resync():
            return [("resync", "")]
        case PodNew(record=record, containers=containers):
            pod = unpack_pod(record)
            return [("new", pod.uid), *(_of_containers(pod.uid, pod.containers) if containers else ())]
        case PodContainers(uid=uid, containers=containers):
            return _of_containers(uid, containers)
        case PodDelete(uid=uid):
            return [("delete", uid)]


def _of_containers(uid: str, containers: list[Container]) -> list[Word]:
    return [("container", uid) for container in containers if container.id]
