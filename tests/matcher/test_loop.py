"""The loop around the core: what it does with frames, with a full pipe, and with neighbours that are not there."""

from itertools import count

import pytest

from common.clock import BEAT_SECONDS, LATE_SECONDS, next_beat
from common.logs import Log
from common.messages import Beat, Condition, Emissions, Incarnation, Report, Resync, SnapshotAsk, Usage, decode, encode
from common.records import KINDS, UID, Kind
from matcher.core import Core
from matcher.follow import Following
from matcher.loop import MOST_SENT, TICK_SECONDS, Loop
from tests.fakes.model_reducer import ModelRelay
from tests.fakes.neighbours import FakeNeighbours
from tests.fakes.pipeline import SETTINGS, Pipeline
from tests.fakes.workloads import pod

POD = UID("p1")


class Stage:
    """A loop over a core that is in step with a cluster of some pods, and has not connected."""

    def __init__(self, pods: int = 0) -> None:
        pipeline = Pipeline.started(pods=tuple(pod(f"p{n}") for n in range(pods)))
        self.core: Core = pipeline.core
        self.watcher = pipeline.watchers["pods"]
        self.relay: ModelRelay = pipeline.relay
        self.now = pipeline.now
        self.neighbours = FakeNeighbours()
        self.loop = Loop(self.core, self.neighbours, clock=lambda: self.now, log=Log("matcher"))
        self.loop.turn()
        self.neighbours.emitted.clear()

    def emissions(self) -> list[Emissions]:
        return [one for frame in self.neighbours.emitted if isinstance(one := decode(frame), Emissions)]


def test_frames_of_watchers_and_relay_reach_the_core() -> None:
    stage = Stage()
    stage.watcher.truth[POD] = pod("p1")
    stage.watcher.notice(POD)
    stage.neighbours.incoming.append((("updates", "pods"), encode(stage.watcher.published.popleft())))
    stage.relay.connect()
    stage.neighbours.incoming.append((("link", None), encode(stage.relay.links.popleft())))
    stage.loop.turn()
    (batch,) = stage.emissions()
    assert (batch.connection, len(batch.emissions), batch.emissions[0]) == (2, 2, Resync())
    assert not any(stage.loop.bad_frames.values())
    assert stage.loop.emitted_bytes == len(stage.neighbours.emitted[-1])


def beat(kind: str) -> bytes:
    return encode(
        Beat(kind=kind, incarnation=Incarnation("x"), sequence=0, condition=Condition.FOLLOWING, usage=Usage())
    )


@pytest.mark.parametrize(
    ("origin", "frame", "name"),
    [
        (("updates", "pods"), b"", "updates-pods"),
        (("snapshots", "jobs"), b"garbage", "snapshots-jobs"),
        (("link", None), b"\x92\x1e\x63", "link"),
        (("updates", "pods"), beat("jobs"), "updates-pods"),
        (("snapshots", "pods"), beat("pods"), "snapshots-pods"),
        (("link", None), beat("pods"), "link"),
        (("updates", "pods"), encode(SnapshotAsk(request=1, index=0)), "updates-pods"),
    ],
)
def test_a_frame_that_has_no_place_is_dropped_and_counted_by_its_origin(origin, frame: bytes, name: str) -> None:
    stage = Stage()
    stage.neighbours.incoming.append((origin, frame))
    stage.neighbours.incoming.append((origin, frame))
    stage.loop.turn()
    assert {origin: count for origin, count in stage.loop.bad_frames.items() if count} == {name: 2}


def test_dropped_frames_are_logged_once_a_minute_for_each_origin(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    for _ in range(4):
        stage.now += 1
        stage.neighbours.incoming.append((("link", None), b"garbage"))
        stage.neighbours.incoming.append((("updates", "pods"), b"garbage"))
        stage.loop.turn()
    assert [one.message for one in caplog.records if one.levelname == "WARNING"] == ["frame dropped"] * 2
    stage.now += 60
    stage.neighbours.incoming.append((("link", None), b"garbage"))
    stage.loop.turn()
    assert caplog.records[-1].fields == {"origin": "link", "why": "not a podwire message", "held_back": 3}


def connect(stage: Stage) -> None:
    stage.relay.connect()
    stage.neighbours.incoming.append((("link", None), encode(stage.relay.links.popleft())))


def test_a_full_pipe_holds_nothing_up_and_what_it_did_not_take_goes_first() -> None:
    stage = Stage(pods=1)
    connect(stage)
    stage.neighbours.room, stage.neighbours.lies = 0, True
    stage.loop.turn()
    assert stage.emissions() == []
    stage.watcher.truth[POD] = pod("p1")
    stage.watcher.notice(POD)
    stage.neighbours.incoming.append((("updates", "pods"), encode(stage.watcher.published.popleft())))
    stage.loop.turn()
    assert stage.neighbours.waits[-1][1], "it waits for room"
    stage.neighbours.room = 9
    stage.loop.turn()
    assert [(one.epoch, one.first, len(one.emissions)) for one in stage.emissions()] == [(2, 1, 2), (2, 3, 1)]


def test_while_the_pipe_is_full_nothing_is_taken_and_what_comes_meanwhile_goes_out_with_it() -> None:
    stage = Stage(pods=1)
    connect(stage)
    stage.neighbours.room = 0
    stage.loop.turn()
    stage.watcher.truth[POD] = pod("p1")
    stage.watcher.notice(POD)
    stage.neighbours.incoming.append((("updates", "pods"), encode(stage.watcher.published.popleft())))
    stage.loop.turn()
    stage.neighbours.room = 9
    stage.loop.turn()
    assert [(one.epoch, one.first, len(one.emissions)) for one in stage.emissions()] == [(2, 1, 3)]


def test_with_nothing_to_say_it_does_not_wait_for_room() -> None:
    stage = Stage()
    stage.loop.turn()
    stage.loop.turn()
    assert stage.neighbours.waits[-1][1:] == (False, set())


def test_a_long_sweep_lets_updates_in_between() -> None:
    stage = Stage(pods=256 * (MOST_SENT + 2))
    connect(stage)
    stage.loop.turn()
    assert len(stage.emissions()) == MOST_SENT
    stage.loop.turn()
    assert sum(len(one.emissions) for one in stage.emissions()) == 256 * (MOST_SENT + 2) + 1


def test_an_ask_waits_for_a_watcher_that_is_not_there_and_only_the_newest_is_sent() -> None:
    neighbours = FakeNeighbours()
    neighbours.there = {"jobs"}
    times = count(0.0, 0.5)
    core = Core(SETTINGS, incarnation=Incarnation("m"), log=Log("matcher"))
    loop = Loop(core, neighbours, clock=lambda: next(times), log=Log("matcher"))
    core.start(0.0)
    for _ in range(8):
        loop.turn()
    assert neighbours.waits[-1][2] == {"replicasets"}
    neighbours.asked.clear()
    neighbours.there = {"replicasets"}
    loop.turn()
    (ask,) = [decode(frame) for kind, frame in neighbours.asked if kind == "replicasets"]
    assert isinstance(ask, SnapshotAsk)
    assert ask.request > 1


def test_time_is_told_at_each_tick_and_a_report_goes_out_each_second() -> None:
    stage = Stage()
    for _ in range(round(BEAT_SECONDS / TICK_SECONDS) * 3):
        stage.now += TICK_SECONDS
        stage.loop.turn()
    reports = [decode(frame) for frame in stage.neighbours.emitted]
    assert [type(one) for one in reports] == [Report] * 3
    assert stage.neighbours.waits[-1][0] <= TICK_SECONDS


def test_a_report_waits_for_the_beats_of_its_second_but_not_for_long() -> None:
    """What the watchers have used by then is in it: in every report once, and in none twice."""
    stage = Stage()
    stage.now = 1_000.3
    stage.loop.turn()
    stage.neighbours.emitted.clear()
    stage.now = 1_001.0
    stage.loop.turn()
    stage.loop.turn()
    assert stage.neighbours.emitted == []
    assert stage.neighbours.waits[-1][0] == pytest.approx(LATE_SECONDS)
    beats = [(("updates", kind), encode(pipeline_beat(stage, kind))) for kind in KINDS]
    stage.neighbours.incoming.extend(beats)
    stage.now = 1_001.004
    stage.loop.turn()
    assert [type(decode(frame)) for frame in stage.neighbours.emitted] == [Report]
    stage.neighbours.incoming.extend(beats[:2])
    for stage.now in (1_002.0, 1_002.099):
        stage.loop.turn()
    assert len(stage.neighbours.emitted) == 1
    stage.now = 1_002.0 + LATE_SECONDS
    stage.loop.turn()
    assert len(stage.neighbours.emitted) == 2


def test_a_report_that_finds_no_room_is_not_kept() -> None:
    stage = Stage()
    stage.neighbours.room = 0
    for _ in range(3):
        stage.now += BEAT_SECONDS
        stage.loop.turn()
    stage.neighbours.room = 9
    stage.loop.turn()
    assert stage.neighbours.emitted == []


def pipeline_beat(stage: Stage, kind: Kind) -> Beat:
    """One that the matcher takes: of the watcher that it follows."""
    follower = stage.core.followers[kind]
    assert isinstance(follower.state, Following)
    return Beat(
        kind=kind,
        incarnation=follower.state.incarnation,
        sequence=follower.state.sequence,
        condition=Condition.FOLLOWING,
        usage=Usage(),
    )


def test_a_loop_sleeps_longer_while_no_wait_ends_soon() -> None:
    stage = Stage()
    stage.loop.turn()
    assert stage.core.calm
    assert stage.neighbours.waits[-1][0] == pytest.approx(LATE_SECONDS)
    stage.now += LATE_SECONDS
    for _ in range(2):
        stage.loop.turn()
    assert stage.neighbours.waits[-1][0] == next_beat(stage.now) - stage.now
    stage.core.start(stage.now)
    stage.now += BEAT_SECONDS
    stage.loop.turn()
    stage.loop.turn()
    assert not stage.core.calm
    assert stage.neighbours.waits[-1][0] == TICK_SECONDS


def test_at_each_tick_neighbours_are_looked_after() -> None:
    stage = Stage()
    stage.neighbours.looked_after.clear()
    stage.loop.turn()
    assert stage.neighbours.looked_after == []
    stage.now = next_beat(stage.now)
    stage.loop.turn()
    assert stage.neighbours.looked_after == [stage.now]
