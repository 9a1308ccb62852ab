"""A real matcher and a real relay between watchers that a test plays and the reference reducer.

The watchers' sockets are real, and so is how they number updates and freeze snapshots (`watcher.publish`); which of their frames go out,
twice, late or never is the test's to say. Nothing runs beside the test: watchers answer and beat while it waits.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zmq

from bench import rig
from common.clock import monotonic
from common.container_ids import container_id, pack_container_id
from common.messages import (
    Apply,
    Beat,
    Condition,
    Delete,
    Event,
    Message,
    SnapshotAsk,
    Updates,
    decode,
    encode,
    new_incarnation,
)
from common.records import (
    KINDS,
    UID,
    Container,
    Controller,
    Kind,
    OwnerRecord,
    PodRecord,
    Record,
    pack_record,
    unpack_owner,
    unpack_pod,
)
from common.sockets import UPDATES_HIGH_WATER, new_socket, snapshots_endpoint, updates_endpoint
from podwire.ask import NoAnswer, stage_state
from tests.fakes.processes import PATIENCE_SECONDS
from watcher.publish import Publisher

BEAT_SECONDS = 1.0


def pod(number: int, *, controller: Controller | None = None) -> PodRecord:
    """The pod of this number: what tells it from others follows from the number."""
    ip = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    container = Container(0, pack_container_id(f"containerd://{number}"), "app", "app:1")
    return PodRecord(UID(f"pod-{number}"), [ip], controller, False, "shop", f"web-{number}", [container])


def replica_set(name: str) -> Controller:
    """A reference to this ReplicaSet, whose UID is its name."""
    return Controller(UID(name), "ReplicaSet", "apps", name)


def below_deployment(name: str, deployment: str) -> OwnerRecord:
    """That ReplicaSet's record: this Deployment controls it."""
    return OwnerRecord(UID(name), Controller(UID(deployment), "Deployment", "apps", deployment))


class PlayedWatcher:
    """The watcher of one kind. `records` is its store: what a snapshot shows."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], run_dir: Path, kind: Kind) -> None:
        self.kind: Kind = kind
        self.records: dict[UID, Record] = {}
        self.condition = Condition.FOLLOWING
        self.client = b""
        """The matcher's name on the ROUTER, once it has asked."""
        self._updates = new_socket(context, zmq.PUB, high_water=UPDATES_HIGH_WATER)
        self._updates.bind(updates_endpoint(run_dir, kind))
        self._snapshots = new_socket(context, zmq.ROUTER, high_water=UPDATES_HIGH_WATER)
        self._snapshots.bind(snapshots_endpoint(run_dir, kind))
        self.live()

    def live(self) -> None:
        """A new life, which has the same records."""
        self._publisher = Publisher(kind=self.kind, incarnation=new_incarnation(), records=self._kept)
        self._beat_at = float("-inf")

    def _kept(self) -> list[Record]:
        return list(self.records.values())

    def applied(self, *records: PodRecord | OwnerRecord) -> Updates:
        """What it publishes when it learns these records. Not sent."""
        return self.applied_packed(*map(pack_record, records))

    def applied_packed(self, *records: Record) -> Updates:
        """The same of what is packed already, which need not be such that it can be unpacked."""
        self.records |= {record.uid: record for record in records}
        return self._numbered(list(map(Apply, records)))

    def deleted(self, *uids: UID) -> Updates:
        """What it publishes when these are gone. Not sent."""
        for uid in uids:
            del self.records[uid]
        return self._numbered([Delete(uid) for uid in uids])

    def _numbered(self, events: list[Event]) -> Updates:
        return self._publisher.updates(events, stamp_ns=0)

    def beat(self) -> Beat:
        """Its sequence number alone. Not sent."""
        return self._publisher.beat(self.condition)

    def send(self, message: Message) -> None:
        """Publishes it."""
        self._updates.send(encode(message))

    def send_frame(self, frame: bytes) -> None:
        """Publishes any bytes."""
        self._updates.send(frame)

    def answer_frame(self, *frames: bytes) -> None:
        """Sends any bytes to the matcher, as though it had asked for them."""
        self._snapshots.send_multipart([self.client, *frames])

    def asks(self) -> Iterator[SnapshotAsk]:
        """The questions that wait."""
        while self._snapshots.poll(0):
            self.client, frame = self._snapshots.recv_multipart()
            ask = decode(frame)
            assert isinstance(ask, SnapshotAsk)
            yield ask

    def answer(self, ask: SnapshotAsk) -> None:
        """Gives the chunk."""
        chunk = self._publisher.answer(self.client, ask, self.condition, monotonic())
        self._snapshots.send_multipart([self.client, encode(chunk)])

    def serve(self) -> None:
        """Answers, and beats when it is time."""
        for ask in self.asks():
            self.answer(ask)
        if monotonic() >= self._beat_at:
            self._beat_at = monotonic() + BEAT_SECONDS
            self.send(self.beat())

    def close(self) -> None:
        self._updates.close()
        self._snapshots.close()


class Stage:
    """Where processes run, and the watchers that are played to them."""

    def __init__(self, directory: Path, watchers: Mapping[Kind, PlayedWatcher]) -> None:
        self.run_dir = directory
        self.pods = watchers["pods"]
        self.replicasets = watchers["replicasets"]
        self.jobs = watchers["jobs"]
        self._watchers = watchers

    def wait(
        self, condition: Callable[[], object], what: str, *, without: Iterable[PlayedWatcher] = (), every: float = 0.01
    ) -> None:
        """Serves as all watchers but those in `without` until the condition holds."""

        def look() -> object:
            for watcher in self._watchers.values():
                if watcher not in without:
                    watcher.serve()
            return condition()

        try:
            rig.wait_for(look, seconds=PATIENCE_SECONDS, what=what, every=every)
        except TimeoutError as error:
            logs = "".join(log.read_text() for log in sorted(self.run_dir.glob("*.log")))
            raise AssertionError(f"{error}; the logs:\n{logs}") from error

    def log(self, stage: str) -> str:
        return (self.run_dir / f"{stage}.log").read_text()

    def events(self, stage: str, event: str) -> list[dict[str, Any]]:
        """The lines of the stage's log with this event."""
        return [line for line in map(json.loads, self.log(stage).splitlines()) if line["event"] == event]

    def state(self, stage: str = "matcher") -> dict[str, Any]:
        """The stage's /state and `not_ready`; empty while nobody answers."""
        try:
            return stage_state(self.run_dir, stage)
        except NoAnswer:
            return {}

    def followed(self, watcher: PlayedWatcher) -> dict[str, Any]:
        """How the matcher follows it."""
        found: dict[str, Any] = self.state()["watchers"][watcher.kind]
        return found


class Scene(Stage):
    """A stage with a matcher, a relay and a reducer."""

    def __init__(self, directory: Path, watchers: Mapping[Kind, PlayedWatcher], reducer: rig.Reducer) -> None:
        super().__init__(directory, watchers)
        self.reducer = reducer

    def held(self) -> dict[str, tuple[str, str, str, list[str]]]:
        """What the reducer holds, by UID: IP, kind and name of the owner, container IDs."""
        return {
            one["uid"]: (one["ip"], one["owner_kind"], one["owner_name"], sorted(one["containers"]))
            for one in self.reducer.get("/pods")["pods"]
        }

    def truth(self) -> dict[str, tuple[str, str, str, list[str]]]:
        """What the reducer has to hold, by the watchers' records."""
        return dict(self._truth_of(unpack_pod(one)) for one in self.pods.records.values())

    def _truth_of(self, one: PodRecord) -> tuple[str, tuple[str, str, str, list[str]]]:
        owner = ("none", one.name)
        if one.controller is not None:
            owner = (one.controller.kind, one.controller.name)
            record = self.replicasets.records.get(one.controller.uid)
            above = unpack_owner(record).controller if record is not None else None
            owner = (above.kind, above.name) if above is not None else owner
        return one.uid, (one.ips[0], *owner, sorted(container_id(container.id) for container in one.containers))

    def wait_until_exact(self) -> None:
        """Until the reducer holds what the watchers' records say, and nothing else. No invariant may have been broken."""
        truth = self.truth()
        self.wait(lambda: self.held() == truth, "the reducer to hold the truth", every=0.1)
        assert self.reducer.get("/breaches")["breaches"]["count"] == 0

    def wait_until_followed(self) -> None:
        """Until the matcher has read everything."""
        self.wait(lambda: self.state().get("not_ready", "") is None, "the matcher in sync")


@contextmanager
def played_watchers(run_dir: Path) -> Iterator[dict[Kind, PlayedWatcher]]:
    """One of each kind."""
    with zmq.Context() as context:
        watchers = {kind: PlayedWatcher(context, run_dir, kind) for kind in KINDS}
        try:
            yield watchers
        finally:
            for watcher in watchers.values():
                watcher.close()


@contextmanager
def stage_process(name: str, directory: Path, *options: str) -> Iterator[None]:
    """A process of podwire, which may not end by itself."""
    log = directory / f"{name}.log"
    with rig.process([name, "--run-dir", str(directory), "--log-format", "json", *options], log=log) as process:
        yield
        assert process.poll() is None, log.read_text()


@contextmanager
def scene(directory: Path, *matcher_options: str, records: Iterable[PodRecord] = ()) -> Iterator[Scene]:
    """A matcher and a relay that are up; the pods' watcher has these records from the start."""
    with (
        rig.reducer() as reducer,
        played_watchers(directory) as watchers,
        stage_process("relay", directory, "--intake", reducer.address),
        stage_process("matcher", directory, *matcher_options),
    ):
        watchers["pods"].records |= {record.uid: pack_record(record) for record in records}
        found = Scene(directory, watchers, reducer)
        found.wait_until_followed()
        yield found
