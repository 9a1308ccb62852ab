"""Garbage and foreign versions into every socket of the pipeline: dropped, counted, logged once, and nobody dies or falls out of step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from common.messages import (
    Emissions,
    Epoch,
    Incarnation,
    Link,
    Message,
    PodNew,
    Report,
    SnapshotAsk,
    decode,
    encode,
    new_incarnation,
)
from common.records import KINDS, UID, Record, pack_record
from common.sockets import (
    EMISSIONS_HIGH_WATER,
    emissions_endpoint,
    joined,
    link_endpoint,
    new_publisher,
    new_socket,
    snapshots_endpoint,
    updates_endpoint,
)
from common.usage import own_usage
from tests.e2e.garbage import FRAMES, assert_a_change_arrives, connected
from tests.e2e.played import Stage, played_watchers, pod, scene, stage_process
from tests.e2e.sandboxed import Running, running, sandbox
from tests.fakes.pods import batch, pod_new

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

WHOLE = pack_record(pod(9))
PARTS = [
    b"",
    b"\xc1",
    b"\x91" * 100_000,
    *(encode(something) for something in (None, 7, "text", [], ["uid"], [1, 2, 3, 4, 5, 6, 7], {"uid": "x"})),
]
RECORDS = [
    *(Record(part, UID(f"bad-shape-{number}"), WHOLE.own) for number, part in enumerate(PARTS)),
    *(Record(WHOLE.shape, UID(f"bad-own-{number}"), part) for number, part in enumerate(PARTS)),
]
"""None is of a pod: one part is none."""

ASK: Message = SnapshotAsk(request=1, index=0)
REPORT: Message = Report(matcher=Incarnation("m"), healthy=True, usage=own_usage())
EMISSIONS: Message = batch(pod_new(), first=1)


def link(*, relay: Incarnation) -> Link:
    """The state of a first connection, on which nothing was taken."""
    return Link(
        relay=relay,
        connection=1,
        connected=True,
        since_ns=0,
        epoch=Epoch(0),
        matcher=Incarnation(""),
        taken=0,
        broken=False,
        accepting=True,
    )


def send_to(stage: str, endpoint: str, kind: int, frames: list[bytes], podwire: Running) -> None:
    """Sends the frames, and waits until the stage has counted them all."""
    before = sum(podwire.state(stage)["bad_frames"].values())
    with connected(kind, endpoint) as stranger:
        for frame in frames:
            stranger.send(frame)
        podwire.until(
            lambda: sum(podwire.state(stage)["bad_frames"].values()) == before + len(frames), f"{stage} to count"
        )


def test_garbage_into_what_the_watchers_and_the_relay_bind(tmp_path: Path) -> None:
    """Strangers' frames, and messages that belong elsewhere."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_ready()
        misplaced = [encode(message) for message in (REPORT, EMISSIONS)]
        for kind in KINDS:
            endpoint = snapshots_endpoint(podwire.run_dir, kind)
            send_to(f"watcher-{kind}", endpoint, zmq.DEALER, FRAMES + misplaced, podwire)
            assert len(podwire.events(f"watcher-{kind}", "frame dropped")) == 1
        misplaced = [encode(message) for message in (ASK, link(relay=new_incarnation()))]
        send_to("relay", emissions_endpoint(podwire.run_dir), zmq.PUSH, FRAMES + misplaced, podwire)
        assert len(podwire.events("relay", "frame dropped")) == 1
        assert_a_change_arrives(podwire, "after-garbage")
        podwire.assert_in_step()


def test_messages_to_publishers(tmp_path: Path) -> None:
    """A subscriber may send, too: nobody listens to it, and others' subscriptions stay."""
    with sandbox(tmp_path) as api, running(api, tmp_path) as podwire:
        podwire.until_ready()
        endpoints = [updates_endpoint(podwire.run_dir, kind) for kind in KINDS]
        for endpoint in (*endpoints, link_endpoint(podwire.run_dir)):
            with connected(zmq.XSUB, endpoint) as stranger:
                for frame in (*FRAMES, b"\x00", b"\x01", b"\x00" * 100, b"\x01" * 100_000):
                    stranger.send(frame)
                stranger.send(b"\x01")
                assert stranger.poll(10_000), "no message of a publisher that was sent garbage"
        assert_a_change_arrives(podwire, "after-garbage")
        podwire.assert_in_step()


def bad_frames(played: Stage, origin: str) -> int:
    return int(played.state()["bad_frames"].get(origin, 0))


def assert_counted(played: Stage, origin: str, count: int) -> None:
    """The matcher has dropped so many frames of this origin, and has said so once."""
    played.wait(lambda: bad_frames(played, origin) == count, f"{count} bad frames of {origin}")
    told = [line for line in played.events("matcher", "frame dropped") if line["origin"] == origin]
    assert len(told) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_garbage_from_a_watcher(kind: str, tmp_path: Path) -> None:
    """As updates and as answers; also whole messages of another kind's watcher, and answers that nobody asked for."""
    with scene(tmp_path, records=[pod(1)]) as played:
        watcher, other = (played.pods, played.jobs) if kind == "pods" else (getattr(played, kind), played.pods)
        misplaced = [encode(message) for message in (ASK, REPORT, other.applied(), other.beat())]
        for frame in FRAMES + misplaced:
            watcher.send_frame(frame)
        assert_counted(played, f"updates-{kind}", len(FRAMES + misplaced))
        for frame in FRAMES + misplaced:
            watcher.answer_frame(frame)
        watcher.answer_frame(*FRAMES[:3])
        assert_counted(played, f"snapshots-{kind}", len(FRAMES + misplaced) + 1)
        asked = played.followed(watcher)["snapshots_asked"]
        played.pods.send(played.pods.applied(pod(2)))
        played.wait_until_exact()
        assert played.followed(watcher)["snapshots_asked"] == asked


def test_records_that_are_garbage(tmp_path: Path) -> None:
    """Left out of updates and snapshots and counted; what stands beside them is taken."""
    with scene(tmp_path, records=[pod(1)]) as played:
        message = played.pods.applied(pod(2), pod(3))
        played.pods.send(message)
        played.wait_until_exact()
        asked = played.followed(played.pods)["snapshots_asked"]
        played.pods.send(played.pods.applied_packed(pack_record(pod(4)), *RECORDS, pack_record(pod(5))))
        played.wait(lambda: {"pod-4", "pod-5"} <= played.held().keys(), "what stands beside them")
        assert played.state()["decode_errors"]["pods"] == len(RECORDS)
        assert played.followed(played.pods)["snapshots_asked"] == asked
        played.pods.applied(pod(6))
        played.pods.send(played.pods.beat())
        played.wait(lambda: "pod-6" in played.held(), "the snapshot")
        assert played.state()["decode_errors"]["pods"] == 2 * len(RECORDS)
        for record in RECORDS:
            del played.pods.records[record.uid]
        played.wait_until_exact()


class PlayedRelay:
    """A relay whose connection stands."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], run_dir: Path) -> None:
        self.incarnation = new_incarnation()
        self.emissions = new_socket(context, zmq.PULL, high_water=EMISSIONS_HIGH_WATER)
        self.emissions.bind(emissions_endpoint(run_dir))
        self.publisher = new_publisher(context, high_water=1_000)
        self.publisher.bind(link_endpoint(run_dir))

    def told(self) -> set[str]:
        """UIDs of the pods that have come since the last call."""
        found = set()
        while self.emissions.poll(0):
            message = decode(self.emissions.recv())
            if isinstance(message, Emissions):
                found |= {one.record.uid for one in message.emissions if isinstance(one, PodNew)}
        return found

    def close(self) -> None:
        self.emissions.close()
        self.publisher.close()


@contextmanager
def played_relay(run_dir: Path) -> Iterator[PlayedRelay]:
    with zmq.Context() as context:
        relay = PlayedRelay(context, run_dir)
        try:
            yield relay
        finally:
            relay.close()


def test_garbage_from_the_relay(tmp_path: Path) -> None:
    """As the link's state."""
    with played_relay(tmp_path) as relay, played_watchers(tmp_path) as watchers, stage_process("matcher", tmp_path):
        played = Stage(tmp_path, watchers)
        played.wait(lambda: joined(relay.publisher), "the matcher to listen")
        relay.publisher.send(encode(link(relay=relay.incarnation)))
        played.pods.send(played.pods.applied(pod(1)))
        played.wait(lambda: "pod-1" in relay.told(), "a first pod")
        misplaced = [encode(message) for message in (ASK, REPORT, EMISSIONS, played.pods.beat())]
        for frame in FRAMES + misplaced:
            relay.publisher.send(frame)
        assert_counted(played, "link", len(FRAMES + misplaced))
        played.pods.send(played.pods.applied(pod(2)))
        played.wait(lambda: "pod-2" in relay.told(), "a second pod")
        assert played.state()["epoch"]["number"] == 1
