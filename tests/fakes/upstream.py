"""Writes upstream messages, by the table of docs/protocol.md: what tests feed the reference reducer with."""

import struct
from collections.abc import Iterable

import lz4.frame

STAMP = 1_700_000_000_000_000_000


def fixed(rpc_id: int, layout: str, *values: object, stamp: int = STAMP) -> bytes:
    """A message without strings; `layout` is what struct(3) calls the bytes behind `rpc_id`."""
    return struct.pack("<QH", stamp, rpc_id) + struct.pack("<" + layout, *values)


def dynamic(rpc_id: int, layout: str, values: Iterable[object], strings: Iterable[str], *, stamp: int = STAMP) -> bytes:
    """A message with strings; `layout` is the struct behind `len`."""
    body = struct.pack("<" + layout, *values)
    payload = b"".join(string.encode() for string in strings)
    return struct.pack("<QHH", stamp, rpc_id, 4 + len(body) + len(payload)) + body + payload


def version_info(major: int = 0, minor: int = 11, patch: int = 0) -> bytes:
    return fixed(310, "2xIII", major, minor, patch)


def connect(hostname: str = "node-1") -> bytes:
    return dynamic(548, "B", [3], [hostname])


def label(key: str, value: str) -> bytes:
    return dynamic(416, "H", [len(key.encode())], [key, value])


def report_cpu_cores(count: int = 4) -> bytes:
    return fixed(536, "2xI", count)


def cloud_platform(platform: int = 0) -> bytes:
    return fixed(413, "H", platform)


def node_info(az: str = "", role: str = "", instance_id: str = "node-1", instance_type: str = "") -> bytes:
    lengths = [len(text.encode()) for text in (az, role, instance_id)]
    return dynamic(415, "HHH", lengths, [az, role, instance_id, instance_type])


def metadata_complete() -> bytes:
    return fixed(356, "6xQ", 0)


def heartbeat(stamp: int = STAMP) -> bytes:
    return fixed(392, "", stamp=stamp)


def resync(count: int) -> bytes:
    return fixed(390, "6xQ", count)


def pod(
    uid: str,
    *,
    ip: str = "10.0.0.1",
    kind: int = 1,
    owner: tuple[str, str] = ("web", "d-1"),
    name: str = "web-1",
    namespace: str = "shop",
    version: str = "'nginx:1'",
    host_network: bool = False,
) -> bytes:
    strings = [uid, owner[0], name, owner[1], namespace]
    address = bytes(map(int, ip.split(".")))
    values = [address, *(len(text.encode()) for text in strings), kind, host_network]
    return dynamic(515, "4sHHHHHBB", values, [*strings, version])


def container(uid: str, container_id: str, name: str = "nginx", image: str = "nginx:1") -> bytes:
    strings = [uid, container_id, name]
    return dynamic(494, "HHH", [len(text.encode()) for text in strings], [*strings, image])


def delete(uid: str) -> bytes:
    return dynamic(359, "", [], [uid])


HANDSHAKE = (connect(), report_cpu_cores(), cloud_platform(), node_info(), metadata_complete())
"""A complete one, behind version_info."""


def frame(*messages: bytes) -> bytes:
    """A complete LZ4 frame."""
    return lz4.frame.compress(b"".join(messages))


def stream(*messages: bytes, handshake: Iterable[bytes] = HANDSHAKE) -> bytes:
    """A connection from its beginning, handshake included, in one frame."""
    return version_info() + frame(*handshake, *messages)
