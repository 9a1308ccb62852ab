"""When a new epoch is opened, with which number, and when not."""

import pytest

from common.messages import Emissions, Epoch, Incarnation, Resync
from common.records import UID
from matcher.epochs import Cause
from matcher.outbox import Closed
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import BY_DEPLOYMENT, BY_REPLICA_SET, DEPLOYMENT, NOBODY, REPLICA_SET, owner, pod

IP = "10.0.0.1"


def unread(**settings: object) -> Pipeline:
    """A pipeline of which the watchers have not listed anything."""
    return Pipeline(**settings)


def reasons(pipeline: Pipeline) -> tuple[Cause, ...]:
    return pipeline.core.epochs.reasons


def test_the_first_message_of_a_connection_is_a_resync_and_all_live_pods_follow() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2")))
    assert pipeline.heard() == [("resync", 1), ("new", "p1", IP, NOBODY), ("new", "p2", IP, NOBODY)]
    assert reasons(pipeline) == (Cause.CONNECTION,)


def test_an_empty_cluster_is_told_as_such() -> None:
    pipeline = Pipeline.started()
    assert pipeline.heard() == [("resync", 1)]


def test_a_new_connection_is_told_everything() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.relay.connect()
    pipeline.settle()
    assert pipeline.heard() == [("resync", 2), ("new", "p1", IP, NOBODY)]


def test_a_new_relay_is_told_everything_although_its_connection_has_the_same_number() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.relay.start()
    pipeline.relay.connect()
    pipeline.settle()
    assert pipeline.heard() == [("resync", 2), ("new", "p1", IP, NOBODY)]


def test_while_the_link_is_down_nothing_is_sent_and_nothing_is_kept_for_it() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2")))
    pipeline.relay.disconnect()
    pipeline.put("pods", pod("p1", ips=("10.0.0.9",)))
    pipeline.put("pods", pod("p3"))
    pipeline.remove("pods", "p2")
    pipeline.settle()
    assert not pipeline.core.has_news()
    assert (pipeline.core.outbox.state, pipeline.core.outbox.dirty) == (Closed(), 0)
    pipeline.relay.connect()
    pipeline.settle()
    assert pipeline.heard() == [("resync", 2), ("new", "p1", "10.0.0.9", NOBODY), ("new", "p3", IP, NOBODY)]


def test_what_was_to_be_sent_on_a_lost_connection_is_not_sent_on_the_next() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.put("pods", pod(ips=("10.0.0.2",)))
    pipeline.hear()
    pipeline.relay.disconnect()
    pipeline.relay.connect()
    pipeline.settle()
    assert pipeline.heard() == [("resync", 2), ("new", "p1", "10.0.0.2", NOBODY)]


def test_a_relist_of_the_pods_makes_an_epoch_and_one_of_owners_does_not() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.watchers["replicasets"].finish_list()
    pipeline.watchers["jobs"].finish_list()
    pipeline.settle()
    assert pipeline.core.epochs.number == 1
    pipeline.watchers["pods"].finish_list()
    pipeline.settle()
    assert (pipeline.core.epochs.number, reasons(pipeline)) == (2, (Cause.RELIST,))


def test_a_gap_in_the_pods_makes_an_epoch_when_the_snapshot_is_complete() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2")))
    pipeline.remove("pods", "p1")
    pipeline.watchers["pods"].published.clear()
    pipeline.put("pods", pod("p3"))
    pipeline.settle()
    assert (pipeline.core.epochs.number, reasons(pipeline)) == (2, (Cause.RELIST,))
    assert pipeline.reducer.pods.keys() == {"p2", "p3"}


def test_a_pod_watcher_that_starts_anew_leaves_the_pods_until_its_list_is_complete() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2"), pod("p3")))
    del pipeline.truth["pods"][UID("p2")]
    pipeline.watchers["pods"].start()
    pipeline.watchers["pods"].beat()
    pipeline.settle()
    pipeline.watchers["pods"].list_some()
    pipeline.put("pods", pod("p4"))
    pipeline.settle()
    assert pipeline.reducer.pods.keys() == {"p1", "p2", "p3", "p4"}
    assert pipeline.core.epochs.number == 1
    pipeline.watchers["pods"].finish_list()
    pipeline.settle()
    assert pipeline.reducer.pods.keys() == {"p1", "p3", "p4"}
    assert pipeline.core.epochs.number == 2


def test_an_operator_can_ask_for_an_epoch() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.core.resync()
    pipeline.settle()
    assert (pipeline.core.epochs.number, reasons(pipeline)) == (2, (Cause.OPERATOR,))


def test_causes_that_come_together_make_one_epoch() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.core.resync()
    pipeline.watchers["pods"].finish_list()
    pipeline.relay.connect()
    pipeline.settle()
    assert pipeline.core.epochs.number == 2
    assert set(reasons(pipeline)) == {Cause.OPERATOR, Cause.RELIST, Cause.CONNECTION}
    assert pipeline.core.epochs.opened[Cause.RELIST] == 1


def test_pods_go_out_as_the_first_list_brings_them_to_a_reducer_that_knows_nothing() -> None:
    pipeline = unread()
    pipeline.watchers["replicasets"].finish_list()
    pipeline.watchers["jobs"].finish_list()
    pipeline.relay.connect()
    pipeline.settle()
    assert pipeline.heard() == [], "no resync before there is a pod"
    pipeline.truth["pods"][UID("p1")] = pod("p1")
    pipeline.watchers["pods"].list_some()
    pipeline.settle()
    assert pipeline.heard() == [("resync", 1), ("new", "p1", IP, NOBODY)]
    pipeline.truth["pods"][UID("p2")] = pod("p2")
    pipeline.watchers["pods"].finish_list()
    pipeline.settle()
    assert pipeline.heard() == [("new", "p2", IP, NOBODY)], "the list's end is no second epoch"


def test_a_reducer_that_knows_pods_from_a_life_before_is_told_anew_when_the_list_is_complete() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2")))
    pipeline.start_matcher()
    pipeline.relay.tell()
    pipeline.watchers["pods"].start()
    pipeline.watchers["pods"].list_some()
    pipeline.settle()
    assert pipeline.core.matcher.pods.keys() == {"p1"}
    assert pipeline.reducer.pods.keys() == {"p1", "p2"}
    pipeline.heard()
    pipeline.watchers["pods"].finish_list()
    pipeline.settle()
    assert pipeline.heard() == [("resync", 2), ("new", "p1", IP, NOBODY), ("new", "p2", IP, NOBODY)]


def test_a_matcher_that_starts_goes_beyond_the_epoch_that_the_relay_has_seen() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    for _ in range(3):
        pipeline.core.resync()
        pipeline.settle()
    pipeline.start_matcher()
    pipeline.relay.tell()
    pipeline.settle()
    assert pipeline.heard()[-2:] == [("resync", 5), ("new", "p1", IP, NOBODY)]


def test_what_a_dead_matcher_left_under_our_epochs_number_is_gone_beyond() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.start_matcher()
    pipeline.relay.tell()
    left = Emissions(
        relay=pipeline.relay.incarnation,
        connection=1,
        matcher=Incarnation("matcher-1"),
        epoch=Epoch(2),
        first=1,
        stamp_ns=0,
        emissions=[Resync()],
    )
    pipeline.relay.inbox.append(left)
    pipeline.settle()
    assert pipeline.reducer.pods == {}, "our epoch 2 was not taken, the relay follows the dead one's"
    pipeline.relay.tell()
    pipeline.settle()
    assert (pipeline.core.epochs.number, reasons(pipeline)) == (3, (Cause.FOREIGN,))
    assert pipeline.reducer.pods == {"p1": (IP, NOBODY)}


def test_a_batch_that_the_relay_missed_makes_an_epoch() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.put("pods", pod("p2"))
    pipeline.hear()
    pipeline.core.take()
    pipeline.put("pods", pod("p3"))
    pipeline.settle()
    assert (pipeline.core.epochs.number, reasons(pipeline)) == (2, (Cause.BROKEN,))
    assert pipeline.reducer.pods.keys() == {"p1", "p2", "p3"}


def lose_last_batch(pipeline: Pipeline) -> None:
    pipeline.put("pods", pod("p2"))
    pipeline.hear()
    assert pipeline.core.take() is not None


def tell_link_at(pipeline: Pipeline, second: float) -> None:
    pipeline.now = second
    pipeline.relay.tell()
    pipeline.settle()


def test_a_last_batch_that_stays_behind_for_two_beats_makes_an_epoch_though_the_second_comes_a_little_early() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    lose_last_batch(pipeline)
    for second in (200.001, 201.0, 201.4):
        tell_link_at(pipeline, second)
    assert pipeline.core.epochs.number == 1
    tell_link_at(pipeline, 202.0)
    assert (pipeline.core.epochs.number, reasons(pipeline)) == (2, (Cause.BEHIND,))
    assert pipeline.reducer.pods.keys() == {"p1", "p2"}


def test_a_first_batch_that_is_lost_makes_an_epoch_although_the_relay_never_heard_of_it() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.core.resync()
    assert pipeline.core.take() is not None
    for second in (200.0, 202.0):
        tell_link_at(pipeline, second)
    assert (pipeline.core.epochs.number, reasons(pipeline)) == (3, (Cause.BEHIND,))


def test_a_slow_reducer_is_not_taken_for_a_loss() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    pipeline.relay.accepting = False
    pipeline.put("pods", pod("p2"))
    for second in (200.0, 202.0, 204.0):
        tell_link_at(pipeline, second)
    pipeline.relay.accepting = True
    tell_link_at(pipeline, 204.5)
    assert pipeline.core.epochs.number == 1
    assert pipeline.reducer.pods.keys() == {"p1", "p2"}


@pytest.mark.parametrize("progress", ["sent", "taken", "not accepting"])
def test_the_two_beats_begin_anew_with_any_progress(progress: str) -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    lose_last_batch(pipeline)
    tell_link_at(pipeline, 200.0)
    pipeline.now = 201.5
    match progress:
        case "sent":
            pipeline.remove("pods", "p2")
            pipeline.hear()
            assert pipeline.core.take() is not None
        case "taken":
            pipeline.relay.taken -= 1
        case "not accepting":
            pipeline.relay.accepting = False
    tell_link_at(pipeline, 201.5)
    pipeline.relay.accepting = True
    tell_link_at(pipeline, 202.9)
    assert pipeline.core.epochs.number == 1
    tell_link_at(pipeline, 205.5)
    assert pipeline.core.epochs.number == 2


def test_a_stale_report_of_a_broken_epoch_does_not_break_the_next() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"),))
    lose_last_batch(pipeline)
    pipeline.put("pods", pod("p3"))
    pipeline.settle()
    assert pipeline.core.epochs.number == 2
    pipeline.relay.tell()
    link = pipeline.relay.links.pop()
    pipeline.relay.links.append(type(link)(**{**_fields(link), "epoch": Epoch(1), "broken": True}))
    pipeline.settle()
    assert pipeline.core.epochs.number == 2


def _fields(link: object) -> dict[str, object]:
    return {name: getattr(link, name) for name in link.__struct_fields__}  # type: ignore[attr-defined]


def test_a_broken_epoch_while_the_first_list_is_read_is_replaced_at_once() -> None:
    pipeline = unread()
    pipeline.watchers["replicasets"].finish_list()
    pipeline.watchers["jobs"].finish_list()
    pipeline.relay.connect()
    pipeline.truth["pods"][UID("p1")] = pod("p1")
    pipeline.watchers["pods"].list_some()
    pipeline.settle()
    lose_last_batch(pipeline)
    pipeline.put("pods", pod("p3"))
    pipeline.settle()
    assert pipeline.reducer.pods.keys() == {"p1", "p2", "p3"}
    assert pipeline.core.epochs.number == 2


def test_a_group_of_pods_that_waits_is_left_out_of_an_epoch_and_comes_later_in_it() -> None:
    pipeline = Pipeline.started(pods=(pod("p1"), pod("p2", by=REPLICA_SET)))
    pipeline.core.resync()
    pipeline.settle()
    assert pipeline.reducer.pods.keys() == {"p1"}
    pipeline.put("replicasets", owner("rs1", DEPLOYMENT))
    pipeline.settle()
    assert pipeline.reducer.pods["p2"] == (IP, BY_DEPLOYMENT)
    pipeline.remove("pods", "p2")
    pipeline.put("pods", pod("p4", by=REPLICA_SET))
    pipeline.settle()
    assert pipeline.reducer.pods["p4"] != (IP, BY_REPLICA_SET)
