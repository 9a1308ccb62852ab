"""The messages of docs/protocol.md, as the reducer reads them.

A struct's fields stand in the order in which they lie on the wire: the struct's numbers first, then the payload's strings.
`layout` relies on it. Addresses are texts, as people write them.
"""

from typing import Final

import msgspec

OWNER_KINDS: Final = {0: "ReplicaSet", 1: "Deployment", 2: "Job", 3: "CronJob", 254: "none", 255: "other"}
"""protocol.md's `owner_kind`: a number and the name that the reducer's JSON has for it."""

OLDEST_VERSION: Final = (0, 9, 0)
"""A collector that says an older version is thrown out."""


class VersionInfo(msgspec.Struct, frozen=True, gc=False):
    """What the collector says it is: the first message."""

    major: int
    minor: int
    patch: int


class Connect(msgspec.Struct, frozen=True, gc=False):
    """The second message."""

    collector_type: int
    hostname: str


class ReportCpuCores(msgspec.Struct, frozen=True, gc=False):
    """Cores of the collector's host."""

    cpu_core_count: int


class SetConfigLabel(msgspec.Struct, frozen=True, gc=False):
    """One configured label."""

    key: str
    value: str


class CloudPlatform(msgspec.Struct, frozen=True, gc=False):
    """0 unknown, 1 AWS, 2 GCP."""

    platform: int


class CloudPlatformAccountInfo(msgspec.Struct, frozen=True, gc=False):
    """The cloud account."""

    account_id: str


class SetNodeInfo(msgspec.Struct, frozen=True, gc=False):
    """Where the collector runs."""

    az: str
    role: str
    instance_id: str
    instance_type: str


class PrivateIpv4Addr(msgspec.Struct, frozen=True, gc=False):
    """A private address of a cloud node."""

    vpc_id: str
    addr: str


class Ipv6Addr(msgspec.Struct, frozen=True, gc=False):
    """An IPv6 address of a cloud node."""

    addr: str
    vpc_id: str


class PublicToPrivateIpv4(msgspec.Struct, frozen=True, gc=False):
    """Which private address stands behind a public one."""

    vpc_id: str
    public_addr: str
    private_addr: str


class MetadataComplete(msgspec.Struct, frozen=True, gc=False):
    """Closes the handshake."""

    time: int


class Heartbeat(msgspec.Struct, frozen=True, gc=False):
    """The collector lives."""


class PodResync(msgspec.Struct, frozen=True, gc=False):
    """Forget all pods."""

    resync_count: int


class PodNewWithName(msgspec.Struct, frozen=True, gc=False):
    """A pod, or new details of one."""

    ip: str
    owner_kind: str
    """One of `OWNER_KINDS`' names."""
    is_host_network: bool
    uid: str
    owner_name: str
    pod_name: str
    owner_uid: str
    ns: str
    version: str


class PodContainer(msgspec.Struct, frozen=True, gc=False):
    """A container of a pod."""

    uid: str
    container_id: str
    container_name: str
    container_image: str


class PodDelete(msgspec.Struct, frozen=True, gc=False):
    """A pod is gone."""

    uid: str


class CollectorHealth(msgspec.Struct, frozen=True, gc=False):
    """Status 0 healthy, 1 unknown."""

    status: int
    detail: int


class AgentResourceUsage(msgspec.Struct, frozen=True, gc=False):
    """What the collector uses; `cpu_usage_by_agent` and `cpu_idle` are thousandths of a core."""

    cpu_usage_by_agent: int
    minor_page_faults: int
    user_mode_time_us: int
    kernel_mode_time_us: int
    max_resident_set_size: int
    major_page_faults: int
    block_input_count: int
    block_output_count: int
    voluntary_context_switch_count: int
    involuntary_context_switch_count: int
    cpu_idle: int


class LogMessage(msgspec.Struct, frozen=True, gc=False):
    """A line of the collector's log, with spdlog's level."""

    level: int
    message: str


Message = (
    VersionInfo
    | Connect
    | ReportCpuCores
    | SetConfigLabel
    | CloudPlatform
    | CloudPlatformAccountInfo
    | SetNodeInfo
    | PrivateIpv4Addr
    | Ipv6Addr
    | PublicToPrivateIpv4
    | MetadataComplete
    | Heartbeat
    | PodResync
    | PodNewWithName
    | PodContainer
    | PodDelete
    | CollectorHealth
    | AgentResourceUsage
    | LogMessage
)
