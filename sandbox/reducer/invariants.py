"""What podwire promises of its upstream, checked message by message: protocol.md's handshake and design.md's invariants.

`faults` looks at the next message and at what the connection has told before it. Pure, and it keeps nothing: what was found is the
ledger's. What a reducer would not even decode is `decode`'s.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sandbox.reducer import messages
from sandbox.reducer.layout import NAMES
from sandbox.reducer.messages import Message
from sandbox.reducer.state import HANDSHAKE, ConnectionState


class Rule(StrEnum):
    """What was broken."""

    PROTOCOL = "the stream is protocol.md's"
    HANDSHAKE = "the handshake comes first, complete and in its order"
    RESYNC_FIRST = "the first pod message is pod_resync"
    RESYNC_GROWS = "resync_count grows"
    POD_KNOWN = "a container or a delete follows its pod in the same epoch"
    POD_ONCE = "a pod is repeated in an epoch only when its IP or owner has changed"
    FIELDS = "fields say what protocol.md wants them to say"


class Fault(NamedTuple):
    """A message that should not have come."""

    rule: Rule
    what: str


def faults(state: ConnectionState, message: Message) -> Iterator[Fault]:
    """What is wrong with `message` where `state` is what the connection has told before it."""
    kind = type(message)
    if kind in HANDSHAKE or state.handshake is not messages.MetadataComplete:
        yield from _handshake(state, kind)
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(state, message)


_AFTER_NODE_INFO: Final[frozenset[type[Message] | None]] = frozenset(
    {messages.SetNodeInfo, messages.PrivateIpv4Addr, messages.Ipv6Addr, messages.PublicToPrivateIpv4}
)

_MAY_FOLLOW: Final[dict[type[Message], frozenset[type[Message] | None]]] = {
    messages.VersionInfo: frozenset({None}),
    messages.Connect: frozenset({messages.VersionInfo}),
    messages.ReportCpuCores: frozenset({messages.Connect}),
    messages.SetConfigLabel: frozenset({messages.ReportCpuCores, messages.SetConfigLabel}),
    messages.CloudPlatform: frozenset({messages.ReportCpuCores, messages.SetConfigLabel}),
    messages.CloudPlatformAccountInfo: frozenset({messages.CloudPlatform}),
    messages.SetNodeInfo: frozenset({messages.CloudPlatform, messages.CloudPlatformAccountInfo}),
    messages.PrivateIpv4Addr: _AFTER_NODE_INFO,
    messages.Ipv6Addr: _AFTER_NODE_INFO,
    messages.PublicToPrivateIpv4: _AFTER_NODE_INFO,
    messages.MetadataComplete: _AFTER_NODE_INFO,
}
"""The handshake's order: what may stand before each of its messages. All others follow `metadata_complete`."""


def _handshake(state: ConnectionState, kind: type[Message]) -> Iterator[Fault]:
    before = state.handshake
    if before not in _MAY_FOLLOW.get(kind, ()):
        yield Fault(Rule.HANDSHAKE, f"{NAMES[kind]} comes after {NAMES[before] if before else 'nothing'}")


def _node_info(state: ConnectionState, message: messages.SetNodeInfo) -> Iterator[Fault]:
    platform, connect = state.facts.get("cloud_platform"), state.facts.get("connect")
    if not (isinstance(platform, messages.CloudPlatform) and isinstance(connect, messages.Connect)):
        return
    if platform.platform == 0 and message != messages.SetNodeInfo("", "", connect.hostname, ""):
        yield Fault(Rule.FIELDS, f"set_node_info without a cloud is not ('', '', {connect.hostname!r}, '')")


def _resync(state: ConnectionState, message: messages.PodResync) -> Iterator[Fault]:
    if state.epoch is not None and message.resync_count <= state.epoch:
        yield Fault(Rule.RESYNC_GROWS, f"pod_resync {message.resync_count} comes after {state.epoch}")


def _new(state: ConnectionState, message: messages.PodNewWithName) -> Iterator[Fault]:
    yield from _resynced(state, message)
    known = state.pods.get(message.uid)
    if known is not None and (known.ip, known.owner_kind, known.owner_name, known.owner_uid) == (
        message.ip,
        message.owner_kind,
        message.owner_name,
        message.owner_uid,
    ):
        yield Fault(Rule.POD_ONCE, f"pod {message.uid} comes again with the same IP and owner")
    if not message.uid:
        yield Fault(Rule.FIELDS, f"pod {message.ns}/{message.pod_name} has no uid")
    if message.owner_kind == "none" and (message.owner_name, message.owner_uid) != (message.pod_name, ""):
        yield Fault(
            Rule.FIELDS, f"pod {message.uid} has no owner, yet names {message.owner_name!r} with a uid or for itself"
        )


def _container(state: ConnectionState, message: messages.PodContainer) -> Iterator[Fault]:
    yield from _resynced(state, message)
    if message.uid not in state.pods:
        yield Fault(Rule.POD_KNOWN, f"container {message.container_id} of pod {message.uid}, which is not there")
    if not message.container_id:
        yield Fault(Rule.FIELDS, f"container {message.container_name} of pod {message.uid} has no ID")


def _delete(state: ConnectionState, message: messages.PodDelete) -> Iterator[Fault]:
    yield from _resynced(state, message)
    if message.uid not in state.pods:
        yield Fault(Rule.POD_KNOWN, f"delete of pod {message.uid}, which is not there")


def _resynced(state: ConnectionState, message: Message) -> Iterator[Fault]:
    if state.epoch is None:
        yield Fault(Rule.RESYNC_FIRST, f"{NAMES[type(message)]} comes before any pod_resync")


_CHECKS: Final[dict[type[Message], Callable[[ConnectionState, Any], Iterator[Fault]]]] = {
    messages.SetNodeInfo: _node_info,
    messages.PodResync: _resync,
    messages.PodNewWithName: _new,
    messages.PodContainer: _container,
    messages.PodDelete: _delete,
}
"""What each kind of message is asked, beyond the handshake's order."""
