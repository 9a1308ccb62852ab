"""Which workload a pod is said to belong to, when, and what happens when that changes."""

import pytest

from common.messages import OwnerKind
from common.records import UID, Controller
from tests.fakes.pipeline import Pipeline
from tests.fakes.workloads import (
    BY_CRON_JOB,
    BY_DEPLOYMENT,
    BY_JOB,
    BY_OTHER_DEPLOYMENT,
    BY_REPLICA_SET,
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    JOB,
    NOBODY,
    OTHER_DEPLOYMENT,
    OTHER_REPLICA_SET,
    REPLICA_SET,
    ROLLOUT,
    owner,
    pod,
)

IP = "10.0.0.1"


def test_a_pod_without_a_controller_has_no_owner() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    assert pipeline.reducer.pods == {"p1": (IP, NOBODY)}


@pytest.mark.parametrize(
    "controller",
    [
        DAEMON_SET,
        ROLLOUT,
        Controller(UID("x"), "ReplicaSet", "example.com", "x"),
        Controller(UID("x"), "Job", "batch.example.com", "x"),
        Controller(UID("x"), "ReplicationController", "", "x"),
    ],
)
def test_a_controller_that_is_neither_replica_set_nor_job_of_kubernetes_is_the_owner(controller: Controller) -> None:
    pipeline = Pipeline.started(pods=(pod(by=controller),))
    assert pipeline.reducer.pods == {"p1": (IP, (OwnerKind.OTHER, controller.uid, controller.name))}


def test_a_replica_sets_deployment_and_a_jobs_cron_job_are_the_owners() -> None:
    pipeline = Pipeline.started(
        pods=(pod("p1", by=REPLICA_SET), pod("p2", by=JOB)),
        owners={"replicasets": (owner("rs1", DEPLOYMENT),), "jobs": (owner("j1", CRON_JOB),)},
    )
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT), "p2": (IP, BY_CRON_JOB)}


@pytest.mark.parametrize(
    "above", [None, ROLLOUT, Controller(UID("d1"), "Deployment", "example.com", "web"), DAEMON_SET]
)
def test_a_replica_set_or_job_under_nothing_or_something_else_is_the_owner_itself(above: Controller | None) -> None:
    pipeline = Pipeline.started(
        pods=(pod("p1", by=REPLICA_SET), pod("p2", by=JOB)),
        owners={"replicasets": (owner("rs1", above),), "jobs": (owner("j1", above),)},
    )
    assert pipeline.reducer.pods == {"p1": (IP, BY_REPLICA_SET), "p2": (IP, BY_JOB)}


def test_climbing_goes_on_to_any_controller() -> None:
    pipeline = Pipeline.started(
        pods=(pod("p1", by=REPLICA_SET), pod("p2", by=JOB), pod("p3", by=OTHER_REPLICA_SET)),
        owners={"replicasets": (owner("rs1", ROLLOUT), owner("rs2", DEPLOYMENT)), "jobs": (owner("j1"),)},
        climb=True,
    )
    assert pipeline.reducer.pods == {
        "p1": (IP, (OwnerKind.OTHER, "r1", "canary")),
        "p2": (IP, BY_JOB),
        "p3": (IP, BY_DEPLOYMENT),
    }


def test_the_record_of_a_job_with_a_replica_sets_uid_is_not_that_replica_sets() -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners={"jobs": (owner("rs1", CRON_JOB),)})
    pipeline.put("jobs", owner("rs1"))
    pipeline.settle()
    assert pipeline.reducer.pods == {}
    assert pipeline.core.matcher.groups.waiting == 1


def test_a_pod_waits_for_its_owner_and_goes_out_when_that_comes() -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    assert pipeline.reducer.pods == {}
    assert pipeline.core.matcher.groups.waiting == 1
    pipeline.put("replicasets", owner("rs1", DEPLOYMENT))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}
    assert pipeline.core.matcher.groups.waiting == 0


def test_a_pod_that_has_waited_for_too_long_goes_out_provisionally_and_is_corrected() -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owner_wait_seconds=30.0)
    pipeline.wait(29.75)
    assert pipeline.reducer.pods == {}
    pipeline.wait(0.25)
    assert pipeline.reducer.pods == {"p1": (IP, BY_REPLICA_SET)}
    assert (pipeline.core.matcher.groups.waiting, pipeline.core.matcher.groups.provisional) == (0, 1)
    pipeline.put("replicasets", owner("rs1", DEPLOYMENT))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}
    assert pipeline.core.matcher.groups.provisional == 0
    assert pipeline.core.epochs.number == 1


def test_a_provisional_owner_that_proves_right_is_not_sent_again() -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    pipeline.wait(30)
    pipeline.heard()
    pipeline.put("replicasets", owner("rs1"))
    pipeline.settle()
    assert pipeline.heard() == []
    assert pipeline.core.matcher.groups.provisional == 0


def test_with_an_owner_wait_of_zero_a_pod_waits_for_ever() -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owner_wait_seconds=0.0)
    pipeline.wait(200)
    assert pipeline.reducer.pods == {}


def test_nobody_waits_for_a_kind_that_is_forbidden_and_owners_that_come_later_correct() -> None:
    pipeline = Pipeline.started(pods=(pod("p1", by=JOB), pod("p0", by=OTHER_REPLICA_SET)))
    pipeline.watchers["jobs"].forbid()
    pipeline.watchers["jobs"].beat()
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_JOB)}
    pipeline.put("pods", pod("p2", by=Controller(UID("j2"), "Job", "batch", "once")))
    pipeline.put("pods", pod("p3", by=REPLICA_SET))
    pipeline.settle()
    assert pipeline.reducer.pods.keys() == {"p1", "p2"}, "replica sets are not forbidden"
    pipeline.truth["jobs"][UID("j1")] = owner("j1", CRON_JOB)
    pipeline.watchers["jobs"].finish_list()
    pipeline.watchers["jobs"].beat()
    pipeline.settle()
    assert pipeline.reducer.pods["p1"] == (IP, BY_CRON_JOB)
    pipeline.put("pods", pod("p4", by=Controller(UID("j4"), "Job", "batch", "later")))
    pipeline.settle()
    assert "p4" not in pipeline.reducer.pods, "the kind is followed again, so pods wait for it"


def test_adoption_and_orphaning_send_the_pod_again_in_place() -> None:
    pipeline = Pipeline.started(pods=(pod(containers=("a",)),), owners={"replicasets": (owner("rs1", DEPLOYMENT),)})
    pipeline.heard()
    pipeline.put("pods", pod(by=REPLICA_SET, containers=("a",)))
    pipeline.settle()
    assert pipeline.heard() == [("new", "p1", IP, BY_DEPLOYMENT)]
    pipeline.put("pods", pod(containers=("a",)))
    pipeline.settle()
    assert pipeline.heard() == [("new", "p1", IP, NOBODY)]
    assert pipeline.reducer.containers == {"p1": {"a"}}


def test_a_replica_set_that_changes_hands_sends_its_pods_again_and_no_others() -> None:
    pipeline = Pipeline.started(
        pods=(pod("p1", by=REPLICA_SET), pod("p2", by=REPLICA_SET), pod("p3", by=OTHER_REPLICA_SET)),
        owners={"replicasets": (owner("rs1", DEPLOYMENT), owner("rs2", DEPLOYMENT))},
    )
    pipeline.heard()
    pipeline.put("replicasets", owner("rs1", OTHER_DEPLOYMENT))
    pipeline.settle()
    assert pipeline.heard() == [
        ("new", "p1", IP, BY_OTHER_DEPLOYMENT),
        ("new", "p2", IP, BY_OTHER_DEPLOYMENT),
    ]
    pipeline.put("replicasets", owner("rs1"))
    pipeline.settle()
    assert pipeline.heard() == [("new", "p1", IP, BY_REPLICA_SET), ("new", "p2", IP, BY_REPLICA_SET)]


def test_pods_keep_their_owner_when_its_record_is_deleted_also_in_a_new_epoch() -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),), owners={"replicasets": (owner("rs1", DEPLOYMENT),)})
    pipeline.remove("replicasets", "rs1")
    pipeline.put("pods", pod(by=REPLICA_SET, containers=("late",)))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}
    pipeline.core.resync()
    pipeline.settle()
    assert (pipeline.reducer.resyncs, pipeline.reducer.pods) == (2, {"p1": (IP, BY_DEPLOYMENT)})
    pipeline.put("pods", pod())
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, NOBODY)}


def test_owners_that_a_fresh_snapshot_does_not_mention_are_forgotten() -> None:
    pipeline = Pipeline.started(owners={"replicasets": (owner("rs1", DEPLOYMENT), owner("rs2"))})
    del pipeline.truth["replicasets"][UID("rs1")]
    pipeline.watchers["replicasets"].start()
    pipeline.watchers["replicasets"].beat()
    pipeline.settle()
    assert len(pipeline.core.matcher.owners["replicasets"]) == 2, "not before the list is complete"
    pipeline.watchers["replicasets"].finish_list()
    pipeline.settle()
    assert len(pipeline.core.matcher.owners["replicasets"]) == 1
    pipeline.put("pods", pod(by=REPLICA_SET))
    pipeline.settle()
    assert pipeline.core.matcher.groups.waiting == 1


def test_a_live_pod_whose_new_owner_is_not_known_stays_as_it_is_until_that_comes() -> None:
    pipeline = Pipeline.started(pods=(pod(),))
    pipeline.put("pods", pod(by=REPLICA_SET, containers=("a",)))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, NOBODY)}
    assert pipeline.reducer.containers == {"p1": {"a"}}
    pipeline.put("replicasets", owner("rs1", DEPLOYMENT))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}


def test_two_references_to_one_uid_under_different_names_are_two_owners() -> None:
    made_up = Controller(UID("rs1"), "ReplicaSet", "apps", "made-up")
    pipeline = Pipeline.started(
        pods=(pod("p1", by=REPLICA_SET), pod("p2", by=made_up)), owners={"replicasets": (owner("rs1"),)}
    )
    assert pipeline.reducer.pods == {"p1": (IP, BY_REPLICA_SET), "p2": (IP, (OwnerKind.REPLICA_SET, "rs1", "made-up"))}
    pipeline.remove("pods", "p2")
    pipeline.put("replicasets", owner("rs1", DEPLOYMENT))
    pipeline.settle()
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT)}


def test_two_controllers_of_one_name_are_two_owners() -> None:
    """One that was deleted and made anew, for example, while pods of the old one are still there."""
    anew = Controller(UID("ds2"), DAEMON_SET.kind, DAEMON_SET.group, DAEMON_SET.name)
    pipeline = Pipeline.started(pods=(pod("p1", by=DAEMON_SET), pod("p2", by=anew)))
    assert pipeline.reducer.pods == {
        "p1": (IP, (OwnerKind.OTHER, "ds1", "agent")),
        "p2": (IP, (OwnerKind.OTHER, "ds2", "agent")),
    }


def test_a_waiting_pod_that_is_deleted_goes_silently() -> None:
    pipeline = Pipeline.started(pods=(pod(by=REPLICA_SET),))
    pipeline.heard()
    pipeline.remove("pods", "p1")
    pipeline.settle()
    pipeline.put("replicasets", owner("rs1", DEPLOYMENT))
    pipeline.settle()
    assert pipeline.heard() == []
    assert pipeline.core.matcher.groups.waiting == 0


def test_a_group_that_lost_all_its_pods_waits_anew_with_the_next_one() -> None:
    pipeline = Pipeline.started(pods=(pod("p1", by=REPLICA_SET),))
    pipeline.wait(20)
    pipeline.remove("pods", "p1")
    pipeline.settle()
    pipeline.put("pods", pod("p2", by=REPLICA_SET))
    pipeline.settle()
    pipeline.wait(20)
    assert pipeline.reducer.pods == {}
    pipeline.wait(10)
    assert pipeline.reducer.pods == {"p2": (IP, BY_REPLICA_SET)}


def test_pods_that_leave_a_group_in_any_order_leave_the_others_in_it() -> None:
    names = ("p1", "p2", "p3", "p4")
    pipeline = Pipeline.started(
        pods=tuple(pod(name, by=REPLICA_SET) for name in names), owners={"replicasets": (owner("rs1", DEPLOYMENT),)}
    )
    pipeline.remove("pods", "p1")
    pipeline.put("pods", pod("p4"))
    pipeline.settle()
    pipeline.heard()
    pipeline.put("replicasets", owner("rs1", OTHER_DEPLOYMENT))
    pipeline.settle()
    assert sorted(pipeline.heard()) == [("new", name, IP, BY_OTHER_DEPLOYMENT) for name in ("p2", "p3")]


def test_records_that_name_one_uid_differently_are_each_taken_at_their_word() -> None:
    renamed = Controller(DEPLOYMENT.uid, "Deployment", "apps", "renamed")
    pipeline = Pipeline.started(
        pods=(pod("p1", by=REPLICA_SET), pod("p2", by=OTHER_REPLICA_SET)),
        owners={"replicasets": (owner("rs1", DEPLOYMENT), owner("rs2", renamed))},
    )
    assert pipeline.reducer.pods == {"p1": (IP, BY_DEPLOYMENT), "p2": (IP, (OwnerKind.DEPLOYMENT, "d1", "renamed"))}
