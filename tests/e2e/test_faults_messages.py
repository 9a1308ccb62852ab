"""What ZeroMQ may do to a watcher's updates, done to a real matcher: the gap is noticed, a snapshot is taken, and the reducer is exact."""

import os
import signal
from pathlib import Path

import pytest

from common.messages import SnapshotAsk
from common.records import UID
from common.sockets import UPDATES_HIGH_WATER
from tests.e2e.played import Scene, below_deployment, pod, replica_set, scene

pytestmark = [pytest.mark.e2e, pytest.mark.faults]

STORM = 10 * UPDATES_HIGH_WATER
"""Messages that fit into no reader's high-water mark, with what the kernel holds of them beside it."""


def counts(of: Scene) -> tuple[int, int, int]:
    """Of the pods' watcher: snapshots asked for, gaps, duplicates."""
    followed = of.followed(of.pods)
    return followed["snapshots_asked"], followed["gaps"], followed["duplicates"]


def test_a_lost_update_before_others(tmp_path: Path) -> None:
    """The next number is not the next one: a snapshot brings what the lost one had."""
    with scene(tmp_path, records=[pod(1)]) as played:
        asked, gaps, _ = counts(played)
        played.pods.applied(pod(2))
        played.pods.send(played.pods.deleted(UID("pod-1")))
        played.wait_until_exact()
        assert counts(played)[:2] == (asked + 1, gaps + 1)


def test_a_lost_last_update(tmp_path: Path) -> None:
    """Nothing follows it but the watcher's beat, which tells its number."""
    with scene(tmp_path, records=[pod(1)]) as played:
        asked, gaps, _ = counts(played)
        played.pods.deleted(UID("pod-1"))
        played.wait_until_exact()
        assert counts(played)[:2] == (asked + 1, gaps + 1)


def test_a_lost_update_of_an_owner(tmp_path: Path) -> None:
    """Pods that wait for it go out after the snapshot."""
    with scene(tmp_path, "--owner-wait", "0") as played:
        played.pods.send(played.pods.applied(pod(1, controller=replica_set("web-1"))))
        played.wait(lambda: played.state()["pods"]["waiting"] == 1, "a pod that waits")
        played.replicasets.applied(below_deployment("web-1", "web"))
        played.wait_until_exact()
        assert played.held()["pod-1"][1] == "Deployment"


def test_a_duplicate(tmp_path: Path) -> None:
    """A message that comes again, also after the pod that it brought was deleted, changes nothing."""
    with scene(tmp_path) as played:
        asked, _, duplicates = counts(played)
        applied = played.pods.applied(pod(1), pod(2))
        deleted = played.pods.deleted(UID("pod-1"))
        for message in (applied, applied, deleted, applied, deleted, played.pods.applied(pod(3))):
            played.pods.send(message)
        played.wait(lambda: "pod-3" in played.held(), "what was sent last")
        played.wait_until_exact()
        assert counts(played) == (asked, 0, duplicates + 3)


def test_updates_of_a_dead_incarnation(tmp_path: Path) -> None:
    """What a socket still held of a life that is over brings no pod back, and costs no snapshot."""
    with scene(tmp_path, records=[pod(1), pod(2)]) as played:
        late = [played.pods.applied(pod(3)), played.pods.beat()]
        played.pods.deleted(UID("pod-1"), UID("pod-3"))
        played.pods.live()
        played.wait(lambda: "pod-1" not in played.held(), "the new life to be followed")
        asked = counts(played)[0]
        for message in (*late, played.pods.applied(pod(4)), *late):
            played.pods.send(message)
        played.wait(lambda: played.followed(played.pods)["of_the_dead"] == 4, "the dead one's messages")
        played.wait_until_exact()
        assert counts(played)[:2] == (asked, 0)


def test_a_snapshot_that_races_with_updates(tmp_path: Path) -> None:
    """Updates before, between and after the chunks: what the snapshot has already is not taken twice, what it lacks is not lost."""
    with scene(tmp_path, records=[pod(number) for number in range(20_000)]) as played:
        pods = played.pods
        pods.applied(pod(20_000))
        pods.send(pods.beat())
        asks: list[SnapshotAsk] = []

        def next_ask() -> SnapshotAsk:
            played.wait(lambda: asks.extend(pods.asks()) or asks, "a question", without=[pods])
            return asks.pop(0)

        first = next_ask()
        pods.send(pods.applied(pod(20_001)))
        pods.send(pods.deleted(UID("pod-7")))
        pods.answer(first)
        # Now it is frozen: a change to what was sent, to what has yet to be sent, and to what is in no chunk.
        pods.send(pods.deleted(UID("pod-0"), UID("pod-19999")))
        pods.send(pods.applied(pod(20_002), pod(5, controller=replica_set("web-1"))))
        second = next_ask()
        assert (second.request, second.index) == (first.request, 1)
        pods.send(pods.applied(pod(0), pod(20_003)))
        pods.answer(second)
        pods.send(pods.deleted(UID("pod-20003")))
        played.replicasets.send(played.replicasets.applied(below_deployment("web-1", "web")))
        played.wait_until_exact()
        assert counts(played)[1] == 1


def test_a_snapshot_whose_answer_is_lost(tmp_path: Path) -> None:
    """Asked anew when it does not come."""
    with scene(tmp_path, records=[pod(1)]) as played:
        asked, _, _ = counts(played)
        played.pods.applied(pod(2))
        played.pods.send(played.pods.beat())
        lost: list[SnapshotAsk] = []
        played.wait(lambda: lost.extend(played.pods.asks()) or lost, "a question", without=[played.pods])
        played.wait_until_exact()
        assert counts(played)[:2] == (asked + 2, 1)


def test_a_watcher_that_forgot_the_snapshot(tmp_path: Path) -> None:
    """A new life in the middle of a snapshot answers that it knows nothing of it: the matcher starts anew with that life."""
    with scene(tmp_path, records=[pod(number) for number in range(10_000)]) as played:
        pods = played.pods
        pods.applied(pod(10_000))
        pods.send(pods.beat())
        asks: list[SnapshotAsk] = []
        played.wait(lambda: asks.extend(pods.asks()) or asks, "a question", without=[pods])
        pods.answer(asks.pop())
        pods.deleted(UID("pod-3"))
        pods.live()
        played.wait_until_exact()
        played.wait_until_followed()


def test_a_subscriber_slower_than_the_high_water_mark(tmp_path: Path) -> None:
    """A matcher that stands still misses most of a storm: the hole is seen when it goes on, and the end of the storm is all that counts."""
    with scene(tmp_path, records=[pod(STORM)]) as played:
        matcher = played.state()["pid"]
        os.kill(matcher, signal.SIGSTOP)
        try:
            for number in range(STORM):
                # Twenty pods that come and go: what the reducer has to hold at the end is nothing like the storm's beginning.
                played.pods.send(played.pods.applied(pod(number)))
                if number >= 20:
                    played.pods.send(played.pods.deleted(UID(f"pod-{number - 20}")))
        finally:
            os.kill(matcher, signal.SIGCONT)
        played.wait_until_exact()
        asked, gaps, _ = counts(played)
        assert gaps >= 1
        assert asked < 10
