"""The rules of the snapshot-and-follow client, one at a time."""

import pytest

from common.messages import (
    Apply,
    Beat,
    Condition,
    Delete,
    Event,
    Incarnation,
    Init,
    InitDone,
    Sequence,
    SnapshotAsk,
    SnapshotChunk,
    SnapshotGone,
    Updates,
    Usage,
)
from common.records import UID
from matcher import follow
from matcher.follow import (
    ANSWER_SECONDS,
    Action,
    Asking,
    Changes,
    FillBegin,
    FillEnd,
    Filling,
    Follower,
    Following,
    Idle,
    Records,
    Relisted,
    Tick,
)
from tests.fakes.workloads import pod

LIFE, NEXT_LIFE, OLD_LIFE = Incarnation("one"), Incarnation("two"), Incarnation("zero")
LISTING, FOLLOWING, FORBIDDEN = Condition.LISTING, Condition.FOLLOWING, Condition.FORBIDDEN


def updates(sequence: int, *events: Event, life: Incarnation = LIFE) -> Updates:
    return Updates(kind="pods", incarnation=life, sequence=Sequence(sequence), stamp_ns=7, events=list(events))


def beat(sequence: int, condition: Condition = FOLLOWING, *, life: Incarnation = LIFE) -> Beat:
    return Beat(kind="pods", incarnation=life, sequence=Sequence(sequence), condition=condition, usage=Usage())


def chunk(
    request: int,
    index: int = 0,
    *,
    sequence: int = 0,
    condition: Condition = FOLLOWING,
    last: bool = True,
    life: Incarnation = LIFE,
) -> SnapshotChunk:
    return SnapshotChunk(
        request=request,
        index=index,
        kind="pods",
        incarnation=life,
        sequence=Sequence(sequence),
        condition=condition,
        records=[pod(f"r{index}")],
        last=last,
    )


def gone(uid: str) -> Delete:
    return Delete(UID(uid))


def ask(request: int, index: int = 0) -> SnapshotAsk:
    return SnapshotAsk(request=request, index=index)


def following(sequence: int = 5, condition: Condition = FOLLOWING) -> Follower:
    """A follower that has taken its first snapshot (request 1) of LIFE."""
    follower = Follower()
    follower.take_snapshot(0.0)
    follower.step(chunk(1, sequence=sequence, condition=condition), 0.0)
    return follower


def changed(*events: Apply | Delete) -> Changes:
    return Changes(7, list(events))


def test_before_it_is_told_to_take_a_snapshot_it_takes_no_updates() -> None:
    follower = Follower()
    assert follower.step(updates(1, gone("a")), 0.0) == []
    assert follower.step(beat(1), 0.0) == []
    assert follower.step(Tick(), 60.0) == []
    assert follower.state == Idle()


def test_each_chunk_is_asked_for_when_the_one_before_was_taken() -> None:
    follower = Follower()
    assert follower.take_snapshot(0.0) == [ask(1)]
    assert follower.step(chunk(1, 0, last=False), 0.0) == [FillBegin(), Records([pod("r0")]), ask(1, 1)]
    assert follower.step(chunk(1, 1, last=False), 0.0) == [Records([pod("r1")]), ask(1, 2)]
    assert follower.step(chunk(1, 2, sequence=9), 0.0) == [Records([pod("r2")]), FillEnd()]
    assert follower.state == Following(LIFE, Sequence(9))


def test_an_ask_that_is_not_answered_is_repeated_under_a_new_number() -> None:
    follower = Follower()
    follower.take_snapshot(0.0)
    assert follower.step(Tick(), ANSWER_SECONDS - 0.01) == []
    assert follower.step(Tick(), ANSWER_SECONDS) == [ask(2)]
    assert follower.step(Tick(), ANSWER_SECONDS + 0.1) == []
    assert follower.step(chunk(1), 2.5) == [], "the answer to an ask that was given up"
    assert follower.step(chunk(2), 2.5)[0] == FillBegin()


def test_a_chunk_in_the_middle_that_is_not_answered_starts_the_snapshot_anew() -> None:
    follower = Follower()
    follower.take_snapshot(0.0)
    follower.step(chunk(1, 0, last=False), 1.5)
    assert follower.step(Tick(), ANSWER_SECONDS) == [], "the wait began with the second ask"
    assert follower.step(Tick(), 1.5 + ANSWER_SECONDS) == [ask(2)]
    assert follower.step(chunk(2), 4.0)[0] == FillBegin()


def test_a_chunk_that_comes_twice_is_taken_once() -> None:
    follower = Follower()
    follower.take_snapshot(0.0)
    follower.step(chunk(1, 0, last=False), 0.0)
    assert follower.step(chunk(1, 0, last=False), 0.0) == []


def test_a_chunk_of_another_life_than_the_first_starts_the_snapshot_anew() -> None:
    follower = Follower()
    follower.take_snapshot(0.0)
    follower.step(chunk(1, 0, last=False), 0.0)
    assert follower.step(chunk(1, 1, life=NEXT_LIFE), 0.0) == [ask(2)]


def test_a_snapshot_that_the_watcher_does_not_keep_is_asked_anew() -> None:
    follower = Follower()
    follower.take_snapshot(0.0)
    follower.step(chunk(1, 0, last=False), 0.0)
    assert follower.step(SnapshotGone(request=7, incarnation=LIFE), 0.0) == [], "not the one that is being taken"
    assert follower.step(SnapshotGone(request=1, incarnation=LIFE), 0.0) == [ask(2)]


def test_updates_that_the_snapshot_has_are_dropped_and_those_after_it_follow() -> None:
    follower = Follower()
    follower.take_snapshot(0.0)
    follower.step(updates(4, gone("four")), 0.0)
    follower.step(chunk(1, 0, sequence=4, last=False), 0.0)
    follower.step(updates(5, gone("five")), 0.0)
    actions = follower.step(chunk(1, 1, sequence=4), 0.0)
    assert actions == [Records([pod("r1")]), FillEnd(), changed(gone("five"))]
    assert follower.state == Following(LIFE, Sequence(5))
    assert (follower.counts.duplicates, follower.counts.gaps) == (0, 0)


def test_a_gap_among_the_kept_updates_asks_anew() -> None:
    follower = Follower()
    follower.take_snapshot(0.0)
    follower.step(updates(6, gone("six")), 0.0)
    follower.step(updates(7, gone("seven")), 0.0)
    actions = follower.step(chunk(1, sequence=4), 0.0)
    assert actions == [FillBegin(), Records([pod("r0")]), FillEnd(), ask(2)]
    assert follower.state == Asking(2, 0.0, frozenset({LIFE}))


def test_more_updates_than_are_worth_keeping_ask_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "MOST_KEPT_EVENTS", 3)
    follower = Follower()
    follower.take_snapshot(0.0)
    assert follower.step(updates(1, gone("a"), gone("b"), gone("c")), 0.0) == []
    assert follower.step(updates(2, gone("d")), 0.0) == [ask(2)]
    assert follower.state == Asking(2, 0.0, frozenset())


def test_the_next_update_is_passed_on_and_a_duplicate_is_not() -> None:
    follower = following(5)
    assert follower.step(updates(6, gone("a"), gone("b")), 0.0) == [changed(gone("a"), gone("b"))]
    assert follower.step(updates(6, gone("a")), 0.0) == []
    assert follower.step(updates(2, gone("a")), 0.0) == []
    assert follower.counts.duplicates == 2


def test_a_number_that_is_not_the_next_one_is_a_gap() -> None:
    follower = following(5)
    assert follower.step(updates(7, gone("a")), 1.0) == [ask(2)]
    assert follower.counts.gaps == 1


def test_a_beat_tells_of_the_loss_of_the_last_update() -> None:
    follower = following(5)
    assert follower.step(beat(5), 1.0) == []
    assert follower.step(beat(6), 1.0) == [ask(2)]
    assert follower.counts.gaps == 1


@pytest.mark.parametrize("frame", [updates(1, gone("a"), life=NEXT_LIFE), beat(0, life=NEXT_LIFE)])
def test_a_new_life_is_asked_for_its_snapshot_and_the_old_one_is_dead(frame: Updates | Beat) -> None:
    follower = following(5)
    assert follower.step(frame, 1.0) == [ask(2)]
    follower.step(chunk(2, sequence=1, life=NEXT_LIFE), 1.0)
    assert follower.state == Following(NEXT_LIFE, Sequence(1))
    assert follower.step(updates(6, gone("late")), 1.0) == []
    assert follower.step(beat(9), 1.0) == []
    assert follower.counts.of_the_dead == 2


def test_a_life_that_was_heard_but_does_not_answer_is_dead() -> None:
    follower = following(5)
    follower.step(updates(9, gone("late"), life=OLD_LIFE), 1.0)
    follower.step(chunk(2, sequence=5), 1.0)
    assert follower.state == Following(LIFE, Sequence(5))
    assert follower.step(updates(10, gone("late"), life=OLD_LIFE), 1.0) == []


def test_kept_updates_of_a_dead_life_are_not_taken_for_a_new_one() -> None:
    follower = following(5)
    follower.step(beat(0, life=NEXT_LIFE), 1.0)
    follower.step(updates(6, gone("late")), 1.0)
    assert follower.step(chunk(2, life=NEXT_LIFE), 1.0) == [FillBegin(), Records([pod("r0")]), FillEnd()]


def test_a_partial_snapshot_ends_with_the_watchers_list() -> None:
    follower = following(5, LISTING)
    assert follower.state == Filling(LIFE, Sequence(5))
    assert follower.step(updates(6, gone("a")), 0.0) == [changed(gone("a"))]
    actions = follower.step(updates(7, gone("b"), InitDone(), gone("c")), 0.0)
    assert actions == [changed(gone("b")), FillEnd(), changed(gone("c"))]
    assert follower.state == Following(LIFE, Sequence(7))
    assert follower.counts.fills == 1


def test_a_watcher_that_may_list_again_ends_its_fill_without_a_list() -> None:
    follower = following(5, FORBIDDEN)
    assert follower.step(beat(5, FORBIDDEN), 0.0) == []
    assert follower.step(beat(5, LISTING), 0.0) == []
    assert follower.step(beat(5, FOLLOWING), 0.0) == [FillEnd()]
    assert follower.step(beat(5, FOLLOWING), 0.0) == []


def test_a_gap_in_a_partial_snapshot_begins_it_anew() -> None:
    follower = following(5, LISTING)
    assert follower.step(updates(8, InitDone()), 0.0) == [ask(2)]
    assert follower.step(chunk(2), 0.0) == [FillBegin(), Records([pod("r0")]), FillEnd()]


def test_a_list_within_the_life_that_is_followed_is_told_at_its_end() -> None:
    follower = following(5)
    apply = Apply(pod("x"))
    assert follower.step(updates(6, Init(), apply), 0.0) == [changed(apply)]
    assert follower.step(updates(7, gone("a"), InitDone()), 0.0) == [changed(gone("a")), Relisted()]


def test_without_beats_a_watcher_is_silent_and_what_is_known_of_it_stays() -> None:
    follower = following(5)
    assert follower.pulse.trouble(0.0) == "silent"
    follower.step(beat(5), 10.0)
    assert follower.pulse.trouble(14.9) is None
    assert follower.pulse.trouble(15.0) == "silent"
    assert follower.step(Tick(), 100.0) == []
    assert follower.state == Following(LIFE, Sequence(5))


@pytest.mark.parametrize(("condition", "trouble"), [(LISTING, "listing"), (FORBIDDEN, "forbidden"), (FOLLOWING, None)])
def test_a_watcher_says_why_it_is_not_healthy(condition: Condition, trouble: str | None) -> None:
    follower = following(5)
    follower.step(beat(5, condition), 1.0)
    assert follower.pulse.trouble(1.0) == trouble


def test_a_beat_of_a_dead_life_says_nothing_about_the_watcher() -> None:
    follower = following(5)
    follower.step(beat(0, LISTING, life=NEXT_LIFE), 1.0)
    follower.step(chunk(2, life=NEXT_LIFE, condition=LISTING), 1.0)
    actions: list[Action] = follower.step(beat(5, FOLLOWING), 1.0)
    assert actions == []
    assert follower.pulse.condition is LISTING
