"""What a reducer hears: a small decoder of the upstream stream, written from protocol.md alone and sharing nothing with `relay`.

It is slow and plain on purpose, so that it can be checked against the table by eye. Names of fields are the relay's function
arguments where there are such.
"""

from typing import Any

import lz4.frame

LONGEST_STREAM_BYTES = 64 * 1024 * 1024

# rpc_id: (message, fixed fields as (offset, bytes, name), string names in payload order with the offset of their u16 length)
_ROWS: dict[int, tuple[str, int, list[tuple[int, int, str]], list[tuple[str, int | None]]]] = {
    310: ("version_info", 16, [(4, 4, "major"), (8, 4, "minor"), (12, 4, "patch")], []),
    548: ("connect", 5, [(4, 1, "collector_type")], [("hostname", None)]),
    536: ("report_cpu_cores", 8, [(4, 4, "count")], []),
    416: ("set_config_label", 6, [], [("key", 4), ("value", None)]),
    413: ("cloud_platform", 4, [(2, 2, "platform")], []),
    415: ("set_node_info", 10, [], [("az", 4), ("role", 6), ("instance_id", 8), ("instance_type", None)]),
    356: ("metadata_complete", 16, [(8, 8, "time")], []),
    392: ("heartbeat", 2, [], []),
    390: ("pod_resync", 16, [(8, 8, "resync_count")], []),
    515: (
        "pod_new_with_name",
        20,
        [(18, 1, "owner_kind"), (19, 1, "is_host_network")],
        [("uid", 8), ("owner_name", 10), ("pod_name", 12), ("owner_uid", 14), ("namespace", 16), ("version", None)],
    ),
    494: ("pod_container", 10, [], [("uid", 4), ("container_id", 6), ("name", 8), ("image", None)]),
    359: ("pod_delete", 4, [], [("uid", None)]),
    496: ("collector_health", 6, [(2, 2, "status"), (4, 2, "detail")], []),
    412: (
        "agent_resource_usage",
        54,
        [(2, 2, "cpu_usage"), (8, 8, "user_us"), (24, 8, "max_rss_bytes"), (52, 2, "cpu_idle")],
        [],
    ),
}


def messages_of(plain: bytes) -> list[dict[str, Any]]:
    """Every message in `plain`, each with `message` (its name), `stamp_ns`, its fields, and its strings as bytes."""
    found = []
    while plain:
        message, plain = _first_of(plain)
        found.append(message)
    return found


def stream_of(wire: bytes) -> list[dict[str, Any]]:
    """Every message of a connection's bytes so far, `version_info` included."""
    # Without a max_length, python-lz4's decompressor keeps the last block's bytes back (design.md, "What else the sketch found").
    plain = (
        lz4.frame.LZ4FrameDecompressor().decompress(wire[24:], max_length=LONGEST_STREAM_BYTES)
        if len(wire) > 24
        else b""
    )
    return messages_of(wire[:24]) + messages_of(plain)


def _first_of(plain: bytes) -> tuple[dict[str, Any], bytes]:
    struct = plain[8:]
    name, size, fields, strings = _ROWS[_number(struct, 0, 2)]
    message: dict[str, Any] = {"message": name, "stamp_ns": _number(plain, 0, 8)}
    message |= {field: _number(struct, offset, width) for offset, width, field in fields}
    if name == "pod_new_with_name":
        message["ip"] = ".".join(str(byte) for byte in struct[4:8])
    if not strings:
        return message, struct[size:]
    end = _number(struct, 2, 2)
    assert len(struct) >= end >= size
    at = size
    for string, offset in strings:
        length = end - at if offset is None else _number(struct, offset, 2)
        assert at + length <= end
        message[string] = struct[at : at + length]
        at += length
    return message, struct[end:]


def _number(raw: bytes, offset: int, width: int) -> int:
    assert len(raw) >= offset + width
    return int.from_bytes(raw[offset : offset + width], "little")
