"""Pod records and emissions for tests, with everything that a test does not name filled in."""

from common.container_ids import pack_container_id
from common.messages import Emission, Emissions, Epoch, Incarnation, OwnerKind, PodNew
from common.records import UID, Container, ContainerKind, PodRecord, pack_record


def container(
    id_: str = "containerd://c1", *, kind: int = ContainerKind.MAIN, name: str = "app", image: str = "app:1"
) -> Container:
    return Container(kind, pack_container_id(id_), name, image)


def record(
    uid: str = "uid-1", *, name: str = "web-1", containers: list[Container] | None = None, host_network: bool = False
) -> PodRecord:
    return PodRecord(
        uid=UID(uid),
        ips=["10.0.0.1"],
        controller=None,
        host_network=host_network,
        namespace="shop",
        name=name,
        containers=[container()] if containers is None else containers,
    )


def pod_new(
    of: PodRecord | None = None,
    *,
    ip: str = "10.0.0.1",
    owner_kind: int = OwnerKind.DEPLOYMENT,
    owner_name: str = "web",
    owner_uid: str = "uid-web",
    containers: bool = True,
) -> PodNew:
    return PodNew(pack_record(of or record()), ip, owner_kind, owner_name, owner_uid, containers)


def batch(
    *emissions: Emission,
    first: int,
    epoch: int = 1,
    relay: str = "relay-1",
    connection: int = 1,
    matcher: str = "matcher-1",
    stamp_ns: int = 0,
) -> Emissions:
    return Emissions(
        relay=Incarnation(relay),
        connection=connection,
        matcher=Incarnation(matcher),
        epoch=Epoch(epoch),
        first=first,
        stamp_ns=stamp_ns,
        emissions=list(emissions),
    )
