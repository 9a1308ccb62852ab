"""Every message of protocol.md as bytes: timestamp, packed struct, payload.

One function for each row of the table, in the table's words. Strings come as the UTF-8 bytes that go on the wire, addresses as the
bytes in the order in which people write them, and `stamp_ns` is nanoseconds since the Unix epoch. A function packs what it is
given and decides nothing: a number wider than its field, and strings that make a message longer than 65,535 bytes, raise
`struct.error`. What to do about that is for `translate` and `handshake`.
"""

from enum import IntEnum
from struct import Struct
from typing import Final

LONGEST_MESSAGE_BYTES: Final = 65_535
"""What a message's `len` can say: struct and payload, without the timestamp (protocol.md, "A message")."""

KUBERNETES_COLLECTOR: Final = 3
"""protocol.md's `collector_type`."""


class CloudPlatform(IntEnum):
    """protocol.md's `platform`."""

    UNKNOWN = 0
    AWS = 1
    GCP = 2


class LogLevel(IntEnum):
    """protocol.md's `level`: spdlog's numbers."""

    TRACE = 0
    DEBUG = 1
    INFO = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5


# Bytes of each dynamic message's struct, which its `len` counts in (the table's column "struct bytes").
CONNECT_BYTES: Final = 5
SET_CONFIG_LABEL_BYTES: Final = 6
CLOUD_PLATFORM_ACCOUNT_INFO_BYTES: Final = 4
SET_NODE_INFO_BYTES: Final = 10
POD_NEW_BYTES: Final = 20
POD_CONTAINER_BYTES: Final = 10
POD_DELETE_BYTES: Final = 4
LOG_MESSAGE_BYTES: Final = 5

# The timestamp (Q) stands before each struct; "x" are bytes that the table calls unused or zero.
_version_info = Struct("<QH2xIII").pack
_connect = Struct("<QHHB").pack
_report_cpu_cores = Struct("<QH2xI").pack
_set_config_label = Struct("<QHHH").pack
_cloud_platform = Struct("<QHH").pack
_cloud_platform_account_info = Struct("<QHH").pack
_set_node_info = Struct("<QHHHHH").pack
_private_ipv4_addr = Struct("<QH22s4s").pack
_ipv6_addr = Struct("<QH16s22s").pack
_public_to_private_ipv4 = Struct("<QH22s4s4s").pack
_time_or_count = Struct("<QH6xQ").pack
_heartbeat = Struct("<QH").pack
pod_new_head = Struct("<QHH4sHHHHHBB").pack
"""`pod_new_with_name` up to its payload: stamp, 515, `len`, `ip`, the lengths of uid, owner name, pod name, owner UID and namespace, owner
kind, host network."""
pod_container_head = Struct("<QHHHHH").pack
"""`pod_container` up to its payload: stamp, 494, `len`, the lengths of uid, container ID and name."""
_pod_delete = Struct("<QHH").pack
_collector_health = Struct("<QHHH").pack
_agent_resource_usage = Struct("<QHHIQQQIIIIIH").pack
_log_message = Struct("<QHHB").pack


# The handshake ------------------------------------------------------------------------------------------------------------------


def version_info(stamp_ns: int, *, major: int, minor: int, patch: int) -> bytes:
    """Goes out uncompressed, before anything else."""
    return _version_info(stamp_ns, 310, major, minor, patch)


def connect(stamp_ns: int, *, collector_type: int, hostname: bytes) -> bytes:
    return _connect(stamp_ns, 548, CONNECT_BYTES + len(hostname), collector_type) + hostname


def report_cpu_cores(stamp_ns: int, *, count: int) -> bytes:
    return _report_cpu_cores(stamp_ns, 536, count)


def set_config_label(stamp_ns: int, *, key: bytes, value: bytes) -> bytes:
    length = SET_CONFIG_LABEL_BYTES + len(key) + len(value)
    return _set_config_label(stamp_ns, 416, length, len(key)) + key + value


def cloud_platform(stamp_ns: int, *, platform: CloudPlatform) -> bytes:
    return _cloud_platform(stamp_ns, 413, platform)


def cloud_platform_account_info(stamp_ns: int, *, account_id: bytes) -> bytes:
    length = CLOUD_PLATFORM_ACCOUNT_INFO_BYTES + len(account_id)
    return _cloud_platform_account_info(stamp_ns, 495, length) + account_id


def set_node_info(stamp_ns: int, *, az: bytes, role: bytes, instance_id: bytes, instance_type: bytes) -> bytes:
    payload = b"".join((az, role, instance_id, instance_type))
    length = SET_NODE_INFO_BYTES + len(payload)
    return _set_node_info(stamp_ns, 415, length, len(az), len(role), len(instance_id)) + payload


def private_ipv4_addr(stamp_ns: int, *, vpc_id: bytes, address: bytes) -> bytes:
    """`vpc_id` of up to 22 bytes, `address` of 4."""
    return _private_ipv4_addr(stamp_ns, 353, vpc_id, address)


def ipv6_addr(stamp_ns: int, *, address: bytes, vpc_id: bytes) -> bytes:
    """`address` of 16 bytes, `vpc_id` of up to 22."""
    return _ipv6_addr(stamp_ns, 354, address, vpc_id)


def public_to_private_ipv4(stamp_ns: int, *, vpc_id: bytes, public: bytes, private: bytes) -> bytes:
    """`vpc_id` of up to 22 bytes, addresses of 4."""
    return _public_to_private_ipv4(stamp_ns, 355, vpc_id, public, private)


def metadata_complete(stamp_ns: int, *, time: int) -> bytes:
    return _time_or_count(stamp_ns, 356, time)


# Pods ---------------------------------------------------------------------------------------------------------------------------


def pod_resync(stamp_ns: int, *, resync_count: int) -> bytes:
    return _time_or_count(stamp_ns, 390, resync_count)


def pod_new_with_name(
    stamp_ns: int,
    *,
    ip: bytes,
    owner_kind: int,
    is_host_network: bool,
    uid: bytes,
    owner_name: bytes,
    pod_name: bytes,
    owner_uid: bytes,
    namespace: bytes,
    version: bytes,
) -> bytes:
    """`ip` of 4 bytes; `owner_kind` a number of protocol.md; `version` the quoted images."""
    payload = b"".join((uid, owner_name, pod_name, owner_uid, namespace, version))
    head = pod_new_head(
        stamp_ns,
        515,
        POD_NEW_BYTES + len(payload),
        ip,
        len(uid),
        len(owner_name),
        len(pod_name),
        len(owner_uid),
        len(namespace),
        owner_kind,
        is_host_network,
    )
    return head + payload


def pod_container(stamp_ns: int, *, uid: bytes, container_id: bytes, name: bytes, image: bytes) -> bytes:
    payload = b"".join((uid, container_id, name, image))
    length = POD_CONTAINER_BYTES + len(payload)
    return pod_container_head(stamp_ns, 494, length, len(uid), len(container_id), len(name)) + payload


def pod_delete(stamp_ns: int, *, uid: bytes) -> bytes:
    return _pod_delete(stamp_ns, 359, POD_DELETE_BYTES + len(uid)) + uid


# Beside the pods ----------------------------------------------------------------------------------------------------------------


def heartbeat(stamp_ns: int) -> bytes:
    return _heartbeat(stamp_ns, 392)


def collector_health(stamp_ns: int, *, status: int, detail: int) -> bytes:
    return _collector_health(stamp_ns, 496, status, detail)


def agent_resource_usage(
    stamp_ns: int,
    *,
    cpu_usage: int,
    minor_faults: int,
    user_us: int,
    system_us: int,
    max_rss_bytes: int,
    major_faults: int,
    blocks_in: int,
    blocks_out: int,
    voluntary_switches: int,
    involuntary_switches: int,
    cpu_idle: int,
) -> bytes:
    """`cpu_usage` and `cpu_idle` are thousandths of one core."""
    return _agent_resource_usage(
        stamp_ns,
        412,
        cpu_usage,
        minor_faults,
        user_us,
        system_us,
        max_rss_bytes,
        major_faults,
        blocks_in,
        blocks_out,
        voluntary_switches,
        involuntary_switches,
        cpu_idle,
    )


def log_message(stamp_ns: int, *, level: LogLevel, message: bytes) -> bytes:
    return _log_message(stamp_ns, 411, LOG_MESSAGE_BYTES + len(message), level) + message
