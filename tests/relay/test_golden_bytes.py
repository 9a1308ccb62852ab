"""Golden bytes for every row of protocol.md's table, worked out by hand from it.

Every message begins with the same timestamp, 0x0102030405060708, whose little-endian bytes are 08 07 06 05 04 03 02 01. Groups of
hex are in the order of the table's columns; a comment beside a group says where its value comes from.
"""

import pytest

from relay import encode
from relay.encode import CloudPlatform, LogLevel

STAMP_NS = 0x0102030405060708
STAMP = "08 07 06 05 04 03 02 01"

VPC = "76 70 63" + " 00" * 19  # "vpc", zero-padded to 22 bytes

GOLDEN = {
    "version_info": (
        encode.version_info(STAMP_NS, major=0, minor=11, patch=2),
        "36 01"  # 310 = 0x0136
        "00 00"  # unused
        "00 00 00 00  0b 00 00 00  02 00 00 00",
    ),
    "connect": (
        encode.connect(STAMP_NS, collector_type=3, hostname=b"node"),
        "24 02"  # 548 = 0x0224
        "09 00"  # 5 + 4
        "03"
        "6e 6f 64 65",
    ),
    "report_cpu_cores": (
        encode.report_cpu_cores(STAMP_NS, count=66_000),
        "18 02"  # 536 = 0x0218
        "00 00"
        "d0 01 01 00",  # 66000 = 0x000101d0
    ),
    "set_config_label": (
        encode.set_config_label(STAMP_NS, key=b"zone", value=b"b1"),
        "a0 01"  # 416 = 0x01a0
        "0c 00"  # 6 + 4 + 2
        "04 00"  # key
        "7a 6f 6e 65  62 31",
    ),
    "cloud_platform": (
        encode.cloud_platform(STAMP_NS, platform=CloudPlatform.GCP),
        "9d 01  02 00",  # 413 = 0x019d
    ),
    "cloud_platform_account_info": (
        encode.cloud_platform_account_info(STAMP_NS, account_id=b"42"),
        "ef 01  06 00  34 32",  # 495 = 0x01ef; 4 + 2
    ),
    "set_node_info": (
        encode.set_node_info(STAMP_NS, az=b"a", role=b"ro", instance_id=b"ins", instance_type=b"type"),
        "9f 01"  # 415 = 0x019f
        "14 00"  # 10 + 1 + 2 + 3 + 4
        "01 00  02 00  03 00"  # az, role, instance_id
        "61  72 6f  69 6e 73  74 79 70 65",
    ),
    "private_ipv4_addr": (
        encode.private_ipv4_addr(STAMP_NS, vpc_id=b"vpc", address=bytes([10, 1, 2, 3])),
        "61 01" + VPC + "0a 01 02 03",  # 353 = 0x0161
    ),
    "ipv6_addr": (
        encode.ipv6_addr(STAMP_NS, address=bytes(range(16)), vpc_id=b"vpc"),
        "62 01" + "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f" + VPC,  # 354 = 0x0162
    ),
    "public_to_private_ipv4": (
        encode.public_to_private_ipv4(
            STAMP_NS, vpc_id=b"vpc", public=bytes([1, 2, 3, 4]), private=bytes([10, 0, 0, 9])
        ),
        "63 01" + VPC + "01 02 03 04  0a 00 00 09",  # 355 = 0x0163
    ),
    "metadata_complete": (
        encode.metadata_complete(STAMP_NS, time=0),
        "64 01" + "00 00 00 00 00 00" + "00 00 00 00 00 00 00 00",  # 356 = 0x0164
    ),
    "heartbeat": (
        encode.heartbeat(STAMP_NS),
        "88 01",  # 392 = 0x0188
    ),
    "pod_resync": (
        encode.pod_resync(STAMP_NS, resync_count=258),
        "86 01" + "00 00 00 00 00 00" + "02 01 00 00 00 00 00 00",  # 390 = 0x0186; 258 = 0x0102
    ),
    "pod_new_with_name": (
        encode.pod_new_with_name(
            STAMP_NS,
            ip=bytes([10, 1, 2, 3]),
            owner_kind=1,
            is_host_network=True,
            uid=b"u",
            owner_name=b"on",
            pod_name=b"pod",
            owner_uid=b"ouid",
            namespace=b"space",
            version=b"'app:1'",
        ),
        "03 02"  # 515 = 0x0203
        "2a 00"  # 20 + 1 + 2 + 3 + 4 + 5 + 7 = 42
        "0a 01 02 03"  # 10.1.2.3 as people write it
        "01 00  02 00  03 00  04 00  05 00"  # uid, owner_name, pod_name, owner_uid, ns
        "01  01"  # Deployment, host network
        "75  6f 6e  70 6f 64  6f 75 69 64  73 70 61 63 65  27 61 70 70 3a 31 27",
    ),
    "pod_container": (
        encode.pod_container(STAMP_NS, uid=b"u", container_id=b"c://1", name=b"app", image=b"im"),
        "ee 01"  # 494 = 0x01ee
        "15 00"  # 10 + 1 + 5 + 3 + 2 = 21
        "01 00  05 00  03 00"  # uid, container_id, container_name
        "75  63 3a 2f 2f 31  61 70 70  69 6d",
    ),
    "pod_delete": (
        encode.pod_delete(STAMP_NS, uid=b"uid"),
        "67 01  07 00  75 69 64",  # 359 = 0x0167; 4 + 3
    ),
    "collector_health": (
        encode.collector_health(STAMP_NS, status=1, detail=2),
        "f0 01  01 00  02 00",  # 496 = 0x01f0
    ),
    "agent_resource_usage": (
        encode.agent_resource_usage(
            STAMP_NS,
            cpu_usage=0x0102,
            minor_faults=0x03,
            user_us=0x04,
            system_us=0x05,
            max_rss_bytes=0x06,
            major_faults=0x07,
            blocks_in=0x08,
            blocks_out=0x09,
            voluntary_switches=0x0A,
            involuntary_switches=0x0B,
            cpu_idle=0x0C0D,
        ),
        "9c 01"  # 412 = 0x019c
        "02 01"  # 2: cpu_usage_by_agent
        "03 00 00 00"  # 4: minor_page_faults
        "04 00 00 00 00 00 00 00"  # 8: user_mode_time_us
        "05 00 00 00 00 00 00 00"  # 16: kernel_mode_time_us
        "06 00 00 00 00 00 00 00"  # 24: max_resident_set_size
        "07 00 00 00"  # 32: major_page_faults
        "08 00 00 00"  # 36: block_input_count
        "09 00 00 00"  # 40: block_output_count
        "0a 00 00 00"  # 44: voluntary_context_switch_count
        "0b 00 00 00"  # 48: involuntary_context_switch_count
        "0d 0c",  # 52: cpu_idle
    ),
    "log_message": (
        encode.log_message(STAMP_NS, level=LogLevel.WARNING, message=b"hi"),
        "9b 01  07 00  03  68 69",  # 411 = 0x019b; 5 + 2; spdlog's warn is 3
    ),
}


@pytest.mark.parametrize("message", GOLDEN)
def test_a_message_has_the_bytes_of_its_row_in_the_table(message: str) -> None:
    encoded, by_hand = GOLDEN[message]
    assert encoded.hex(" ") == bytes.fromhex(STAMP + by_hand).hex(" ")


def test_every_row_of_the_table_is_here() -> None:
    """The table has 19 rows."""
    assert len(GOLDEN) == 19


def test_version_info_of_a_handshake_is_0_11_0() -> None:
    from relay.handshake import first_message

    assert first_message(STAMP_NS) == bytes.fromhex(STAMP + "36 01 00 00  00 00 00 00  0b 00 00 00  00 00 00 00")
