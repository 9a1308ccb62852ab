"""When the matcher is calm: while no wait of it ends soon, so that its loop may sleep for longer."""

from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import REPLICA_SET, owner, pod


def test_it_is_calm_while_everything_is_read_and_said() -> None:
    pipeline = Pipeline(owner_wait_seconds=30.0)
    assert not pipeline.core.calm
    assert Pipeline.started(pods=(pod(),)).core.calm


def test_it_is_not_calm_while_any_watcher_is_read_anew() -> None:
    """A snapshot that does not come is asked for again."""
    pipeline = Pipeline.started(pods=(pod(),))
    watcher = pipeline.watchers["jobs"]
    watcher.start()
    watcher.beat()
    pipeline.hear_updates("jobs")
    assert not pipeline.core.calm
    watcher.finish_list()
    pipeline.settle()
    assert pipeline.core.calm


def test_it_is_not_calm_while_a_pod_waits_for_its_owner() -> None:
    """The wait ends, with an owner that stands in."""
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    assert not pipeline.core.calm
    pipeline.put("replicasets", owner("rs1"))
    pipeline.settle()
    assert pipeline.core.calm


def test_it_is_not_calm_while_an_epoch_is_due() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.core.resync()
    assert not pipeline.core.calm
    pipeline.settle()
    assert pipeline.core.calm
