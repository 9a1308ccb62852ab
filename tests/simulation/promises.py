"""What the reducer hears, held against what the matcher emitted: of each epoch a beginning, without a hole and in its order.

The reducer's own invariants see only messages that cannot be right. A batch that is missing, or taken twice, may leave nothing but a
pod or a container out, until the next epoch mends it: here it is seen at once.
"""

from collections.abc import Iterable, Iterator

from common.messages import Emission, Emissions, PodContainers, PodDelete, PodNew, Resync, decode
from common.records import Container, decode_pod
from sandbox.reducer.journal import Arrival

Word = tuple[str, str]
"""Kind of a message and the pod's UID, as the reducer's journal has them."""


class Broken(Exception):
    """The reducer heard something else than what was emitted."""


class Promises:
    """Everything that was emitted in a schedule, and how far each of the reducer's connections has heard it."""

    def __init__(self) -> None:
        self._emitted: dict[int, dict[str, list[Word]]] = {}
        """By epoch and matcher: two matchers may choose the same number."""
        self._heard: dict[int, tuple[int, list[Word]]] = {}
        """By connection: the epoch, and what came in it."""

    def emit(self, frame: bytes) -> None:
        """The matcher has sent a frame to the relay."""
        message = decode(frame)
        if isinstance(message, Emissions):
            words = self._emitted.setdefault(message.epoch, {}).setdefault(message.matcher, [])
            assert len(words) or message.first == 1
            for emission in message.emissions:
                words += _words(emission)

    def hear(self, arrivals: Iterable[Arrival], epochs: Iterator[int]) -> None:
        """What has come since the last call; `epochs` are the numbers of its resyncs. Raises Broken."""
        for _, uid, kind, connection in arrivals:
            if kind == "resync":
                self._heard[connection] = next(epochs), []
            if kind not in ("connected", "closed"):
                self._heard[connection][1].append((kind, uid))
        for epoch, heard in self._heard.values():
            if not any(words[: len(heard)] == heard for words in self._emitted[epoch].values()):
                raise Broken(f"epoch {epoch} was heard as {heard}, and emitted as {self._emitted[epoch]}")


def _words(emission: Emission) -> list[Word]:
    match emission:
        case Resync():
            return [("resync", "")]
        case PodNew(record=record, containers=containers):
            pod = decode_pod(record)
            return [("new", pod.uid), *(_of_containers(pod.uid, pod.containers) if containers else ())]
        case PodContainers(uid=uid, containers=containers):
            return _of_containers(uid, containers)
        case PodDelete(uid=uid):
            return [("delete", uid)]


def _of_containers(uid: str, containers: list[Container]) -> list[Word]:
    return [("container", uid) for container in containers if container.id]
