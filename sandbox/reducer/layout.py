"""The table of docs/protocol.md as code: where each message's fields lie, and what may stand in them.

`LAYOUTS` has a row for each message, in the table's words: `name:type` for a field of the struct, `name#` for the u16 length of a
string in the payload, `len` for that of the whole message, `zero` for bytes that must be zero. The last string has no length field:
it is what `len` leaves over. Strict: a value that the table does not know is a fault.
"""

import socket
import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sandbox.reducer import messages
from sandbox.reducer.messages import OWNER_KINDS, Message

Convert = Callable[[Any], Any]
"""Gives a field's meaning from its raw value. Raises ValueError that says what is wrong with it."""


class Incomplete(Exception):
    """The message goes on behind the bytes that are there."""


def _zero(raw: bytes) -> None:
    if raw.count(0) != len(raw):
        raise ValueError(f"is {raw.hex()} where zero must stand")


def _zero_padded(raw: bytes) -> str:
    text, _, padding = raw.partition(b"\0")
    _zero(padding)
    return text.decode()


def _ipv6(raw: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, raw)


def _one_of(known: dict[int, Any]) -> Convert:
    def convert(raw: int) -> Any:  # noqa: ANN401 (the meaning's type is the field's)
        if raw not in known:
            raise ValueError(f"is {raw}, not one of {', '.join(map(str, known))}")
        return known[raw]

    return convert


def _numbers(*known: int) -> Convert:
    return _one_of({number: number for number in known})


_TYPES: Final[dict[str, tuple[str, Convert | None]]] = {
    "u8": ("B", None),
    "u16": ("H", None),
    "u32": ("I", None),
    "u64": ("Q", None),
    "zero2": ("2s", _zero),
    "zero6": ("6s", _zero),
    "ipv4": ("4s", socket.inet_ntoa),
    "ipv6": ("16s", _ipv6),
    "vpc": ("22s", _zero_padded),
    "kubernetes": ("B", _numbers(3)),
    "platform": ("H", _numbers(0, 1, 2)),
    "owner_kind": ("B", _one_of(OWNER_KINDS)),
    "flag": ("B", _one_of({0: False, 1: True})),
    "health": ("H", _numbers(0, 1)),
    "spdlog": ("B", _numbers(0, 1, 2, 3, 4, 5)),
}
"""A field's type: its struct(3) format, and its meaning where that is not the number itself."""


class Layout(NamedTuple):
    """Where the fields of one message lie."""

    name: str
    kind: Callable[..., Message]
    struct: struct.Struct
    """All of the packed struct, `rpc_id` first."""
    dynamic: bool
    """It has `len`, and strings behind the struct."""
    values: tuple[int, ...]
    """Which of the struct's items are the message's numbers."""
    lengths: slice
    """Which of them are lengths of strings."""
    conversions: tuple[tuple[int, str, Convert], ...]
    """Item, field and meaning."""

    def read(self, data: bytes, start: int) -> tuple[Message, int]:
        """The message whose struct begins at `start`, and where it ends.

        Raises Incomplete where `data` ends before the message does, and ValueError that says what is wrong with it.
        """
        stop = self._stop(data, start)
        if stop > len(data):
            raise Incomplete
        items: list[Any] = list(self.struct.unpack_from(data, start))
        for item, field, convert in self.conversions:
            try:
                items[item] = convert(items[item])
            except ValueError as error:
                raise ValueError(f"{field} {error}") from error
        values = [items[item] for item in self.values]
        if self.dynamic:
            values += _strings(data, start + self.struct.size, stop, items[self.lengths])
        return self.kind(*values), stop

    def _stop(self, data: bytes, start: int) -> int:
        if not self.dynamic:
            return start + self.struct.size
        if len(data) < start + 4:
            raise Incomplete
        length = data[start + 2] | data[start + 3] << 8
        if length < self.struct.size:
            raise ValueError(f"len is {length}, less than the {self.struct.size} bytes of its struct")
        return start + length


def _strings(data: bytes, start: int, stop: int, lengths: list[int]) -> list[str]:
    if sum(lengths) > stop - start:
        raise ValueError(f"its strings take {sum(lengths)} bytes, len leaves {stop - start}")
    texts = []
    for length in lengths:
        texts.append(data[start : start + length].decode())
        start += length
    texts.append(data[start:stop].decode())
    return texts


def _layout(name: str, kind: Callable[..., Message], fields: str = "") -> Layout:
    items = [(field, "u16") if field == "len" or field.endswith("#") else _split(field) for field in fields.split()]
    numbered = list(enumerate(items, start=1))
    lengths = [item for item, (field, _) in numbered if field.endswith("#")]
    return Layout(
        name=name,
        kind=kind,
        struct=struct.Struct("<H" + "".join(_TYPES[type_][0] for _, type_ in items)),
        dynamic=any(field == "len" for field, _ in items),
        values=tuple(i for i, (field, _) in numbered if field not in ("len", "zero") and not field.endswith("#")),
        lengths=slice(lengths[0], lengths[-1] + 1) if lengths else slice(0, 0),
        conversions=tuple((i, field, convert) for i, (field, type_) in numbered if (convert := _TYPES[type_][1])),
    )


def _split(field: str) -> tuple[str, str]:
    name, _, type_ = field.partition(":")
    return name, type_


LAYOUTS: Final[dict[int, Layout]] = {
    310: _layout("version_info", messages.VersionInfo, "zero:zero2 major:u32 minor:u32 patch:u32"),
    548: _layout("connect", messages.Connect, "len collector_type:kubernetes"),
    536: _layout("report_cpu_cores", messages.ReportCpuCores, "zero:zero2 cpu_core_count:u32"),
    416: _layout("set_config_label", messages.SetConfigLabel, "len key#"),
    413: _layout("cloud_platform", messages.CloudPlatform, "platform:platform"),
    495: _layout("cloud_platform_account_info", messages.CloudPlatformAccountInfo, "len"),
    415: _layout("set_node_info", messages.SetNodeInfo, "len az# role# instance_id#"),
    353: _layout("private_ipv4_addr", messages.PrivateIpv4Addr, "vpc_id:vpc addr:ipv4"),
    354: _layout("ipv6_addr", messages.Ipv6Addr, "addr:ipv6 vpc_id:vpc"),
    355: _layout(
        "public_to_private_ipv4", messages.PublicToPrivateIpv4, "vpc_id:vpc public_addr:ipv4 private_addr:ipv4"
    ),
    356: _layout("metadata_complete", messages.MetadataComplete, "zero:zero6 time:u64"),
    392: _layout("heartbeat", messages.Heartbeat),
    390: _layout("pod_resync", messages.PodResync, "zero:zero6 resync_count:u64"),
    515: _layout(
        "pod_new_with_name",
        messages.PodNewWithName,
        "len ip:ipv4 uid# owner_name# pod_name# owner_uid# ns# owner_kind:owner_kind is_host_network:flag",
    ),
    494: _layout("pod_container", messages.PodContainer, "len uid# container_id# container_name#"),
    359: _layout("pod_delete", messages.PodDelete, "len"),
    496: _layout("collector_health", messages.CollectorHealth, "status:health detail:u16"),
    412: _layout(
        "agent_resource_usage",
        messages.AgentResourceUsage,
        "cpu_usage_by_agent:u16 minor_page_faults:u32 user_mode_time_us:u64 kernel_mode_time_us:u64 max_resident_set_size:u64 "
        "major_page_faults:u32 block_input_count:u32 block_output_count:u32 voluntary_context_switch_count:u32 "
        "involuntary_context_switch_count:u32 cpu_idle:u16",
    ),
    411: _layout("log_message", messages.LogMessage, "len level:spdlog"),
}
"""By `rpc_id`."""

NAMES: Final = {layout.kind: layout.name for layout in LAYOUTS.values()}
"""The table's name of each message."""
