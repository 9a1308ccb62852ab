"""What a reducer holds of a pod: the shape of its state, of `/pods`, and of the truth that both are compared with."""

import msgspec


class HeldContainer(msgspec.Struct, frozen=True, gc=False):
    """A container; its ID is the key that it is held under."""

    name: str
    image: str


class HeldPod(msgspec.Struct, frozen=True):
    """A pod with its owner and containers."""

    uid: str
    ip: str
    namespace: str
    name: str
    owner_kind: str
    """`ReplicaSet`, `Deployment`, `Job`, `CronJob`, `none` or `other`."""
    owner_name: str
    """Without an owner: the pod's name (protocol.md)."""
    owner_uid: str
    version: str
    host_network: bool
    containers: dict[str, HeldContainer]


class PodsAnswer(msgspec.Struct, frozen=True):
    """`GET /pods`: the pods of the newest open connection; without one, none."""

    connection: int | None
    epoch: int | None
    pods: list[HeldPod]
