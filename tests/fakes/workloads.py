"""Records of pods and owners, in the few words that a test wants to say."""

from common.container_ids import pack_container_id
from common.messages import OwnerKind
from common.records import UID, Container, ContainerKind, Controller, OwnerRecord, PodRecord, Record, pack_record

DEPLOYMENT = Controller(UID("d1"), "Deployment", "apps", "web")
OTHER_DEPLOYMENT = Controller(UID("d2"), "Deployment", "apps", "shop")
CRON_JOB = Controller(UID("c1"), "CronJob", "batch", "nightly")
ROLLOUT = Controller(UID("r1"), "Rollout", "argoproj.io", "canary")
REPLICA_SET = Controller(UID("rs1"), "ReplicaSet", "apps", "web-7d4b9c")
OTHER_REPLICA_SET = Controller(UID("rs2"), "ReplicaSet", "apps", "web-66f8d5")
JOB = Controller(UID("j1"), "Job", "batch", "nightly-1700")
DAEMON_SET = Controller(UID("ds1"), "DaemonSet", "apps", "agent")

NOBODY = (OwnerKind.NONE, "", "")
BY_REPLICA_SET = (OwnerKind.REPLICA_SET, "rs1", "web-7d4b9c")
BY_DEPLOYMENT = (OwnerKind.DEPLOYMENT, "d1", "web")
BY_OTHER_DEPLOYMENT = (OwnerKind.DEPLOYMENT, "d2", "shop")
BY_JOB = (OwnerKind.JOB, "j1", "nightly-1700")
BY_CRON_JOB = (OwnerKind.CRON_JOB, "c1", "nightly")


def pod(
    uid: str = "p1",
    *,
    ips: tuple[str, ...] = ("10.0.0.1",),
    by: Controller | None = None,
    containers: tuple[str, ...] = (),
    image: str = "app:1",
) -> Record:
    """A pod's record; containers by their IDs, an empty one for a container that has none yet."""
    return pack_record(
        PodRecord(
            uid=UID(uid),
            ips=list(ips),
            controller=by,
            host_network=False,
            namespace="default",
            name=f"pod-{uid}",
            containers=[
                Container(ContainerKind.MAIN, pack_container_id(id_), f"c{n}", image)
                for n, id_ in enumerate(containers)
            ],
        )
    )


def owner(uid: str, by: Controller | None = None) -> Record:
    """The record of a ReplicaSet or a Job."""
    return pack_record(OwnerRecord(UID(uid), by))
