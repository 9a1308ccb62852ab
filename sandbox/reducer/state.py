"""What one connection has told: the state that a reducer keeps, by "What the reducer does with it" of docs/protocol.md.

It takes every message as a reducer does, also where podwire should not have sent it; whether it should have is `invariants`' question,
asked before the message is taken.
"""

from collections import Counter, deque
from collections.abc import Callable
from sys import intern
from typing import Any, Final

from sandbox.reducer import messages
from sandbox.reducer.held import HeldContainer, HeldPod
from sandbox.reducer.layout import NAMES
from sandbox.reducer.messages import Message

KEPT_RESYNCS: Final = 1_000
KEPT_LOG_LINES: Final = 100


class ConnectionState:
    """One connection's facts and pods."""

    def __init__(self) -> None:
        self.facts: dict[str, Message] = {}
        """The newest message of each kind that says one thing of the collector, by protocol.md's name of it."""
        self.labels: dict[str, str] = {}
        self.addresses: list[Message] = []
        self.handshake: type[Message] | None = None
        """The newest message of the handshake."""
        self.resyncs: deque[int] = deque(maxlen=KEPT_RESYNCS)
        """`resync_count` of each `pod_resync`, the newest last."""
        self.pods: dict[str, HeldPod] = {}
        self.containers = 0
        """Containers of all pods."""
        self.messages: Counter[type[Message]] = Counter()
        self.pod_not_found = 0
        """`pod_delete` of a pod that is not there, as the reducer counts it."""
        self.containers_dropped = 0
        """Containers of a pod that is not there."""
        self.containers_repeated = 0
        """Container IDs that had been seen in their pod."""
        self.heartbeat_ns: int | None = None
        """Timestamp of the newest heartbeat."""
        self.log: deque[messages.LogMessage] = deque(maxlen=KEPT_LOG_LINES)

    @property
    def epoch(self) -> int | None:
        """The newest `resync_count`, None before the first."""
        return self.resyncs[-1] if self.resyncs else None

    def counts(self) -> dict[str, int]:
        """Messages by protocol.md's names."""
        return {NAMES[kind]: count for kind, count in self.messages.items()}

    def apply(self, timestamp_ns: int, message: Message) -> None:
        """Takes the next message."""
        kind = type(message)
        self.messages[kind] += 1
        if kind in HANDSHAKE:
            self.handshake = kind
        if kind is messages.Heartbeat:
            self.heartbeat_ns = timestamp_ns
        take = _TAKE.get(kind)
        if take is None:
            self.facts[NAMES[kind]] = message
        else:
            take(self, message)

    def _label(self, message: messages.SetConfigLabel) -> None:
        self.labels[message.key] = message.value

    def _address(self, message: Message) -> None:
        self.addresses.append(message)

    def forget_pods(self) -> None:
        """All pods are gone."""
        self.pods = {}
        self.containers = 0

    def _resync(self, message: messages.PodResync) -> None:
        self.resyncs.append(message.resync_count)
        self.forget_pods()

    def _new(self, message: messages.PodNewWithName) -> None:
        known = self.pods.get(message.uid)
        self.pods[message.uid] = HeldPod(
            uid=message.uid,
            ip=message.ip,
            # Many pods say the same here, and so share one string.
            namespace=intern(message.ns),
            name=message.pod_name,
            owner_kind=message.owner_kind,
            owner_name=intern(message.owner_name),
            owner_uid=intern(message.owner_uid),
            version=intern(message.version),
            host_network=message.is_host_network,
            containers={} if known is None else known.containers,
        )

    def _container(self, message: messages.PodContainer) -> None:
        pod = self.pods.get(message.uid)
        if pod is None:
            self.containers_dropped += 1
        elif message.container_id in pod.containers:
            self.containers_repeated += 1
        else:
            container = HeldContainer(intern(message.container_name), intern(message.container_image))
            pod.containers[message.container_id] = container
            self.containers += 1

    def _delete(self, message: messages.PodDelete) -> None:
        pod = self.pods.pop(message.uid, None)
        if pod is None:
            self.pod_not_found += 1
        else:
            self.containers -= len(pod.containers)

    def _log_line(self, message: messages.LogMessage) -> None:
        self.log.append(message)

    def _nothing(self, message: Message) -> None:
        """A heartbeat says nothing but that it came."""


HANDSHAKE: Final[frozenset[type[Message]]] = frozenset(
    {
        messages.VersionInfo,
        messages.Connect,
        messages.ReportCpuCores,
        messages.SetConfigLabel,
        messages.CloudPlatform,
        messages.CloudPlatformAccountInfo,
        messages.SetNodeInfo,
        messages.PrivateIpv4Addr,
        messages.Ipv6Addr,
        messages.PublicToPrivateIpv4,
        messages.MetadataComplete,
    }
)
"""What the handshake is made of."""

_TAKE: Final[dict[type[Message], Callable[[ConnectionState, Any], None]]] = {
    messages.SetConfigLabel: ConnectionState._label,
    messages.PrivateIpv4Addr: ConnectionState._address,
    messages.Ipv6Addr: ConnectionState._address,
    messages.PublicToPrivateIpv4: ConnectionState._address,
    messages.PodResync: ConnectionState._resync,
    messages.PodNewWithName: ConnectionState._new,
    messages.PodContainer: ConnectionState._container,
    messages.PodDelete: ConnectionState._delete,
    messages.LogMessage: ConnectionState._log_line,
    messages.Heartbeat: ConnectionState._nothing,
}
"""What each message does; those not here are facts."""
