"""The strict decoder: golden bytes worked by hand from protocol.md's table, cuts, hostile bytes."""

import random
from contextlib import suppress
from itertools import pairwise

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.reducer import messages as m
from sandbox.reducer.decode import Decoder, ProtocolBreach
from sandbox.reducer.layout import LAYOUTS
from tests.fakes import upstream as up

STAMP_HEX = "0807060504030201"
STAMP = 0x0102030405060708

# Each line is the struct as protocol.md's table has it, in hex: rpc_id (little-endian), then the fields at their offsets, then the payload.
GOLDEN = [
    # 548 = 0x0224; len = 5 + 2 = 7; collector_type 3; "n1"
    ("2402 0700 03 6e31", m.Connect(3, "n1")),
    # 536 = 0x0218; two zero bytes; 4 cores
    ("1802 0000 04000000", m.ReportCpuCores(4)),
    # 416 = 0x01a0; len = 6 + 3 + 2 = 11; key of 3 bytes; "env", "qa"
    ("a001 0b00 0300 656e76 7161", m.SetConfigLabel("env", "qa")),
    # 413 = 0x019d; GCP
    ("9d01 0200", m.CloudPlatform(2)),
    # 495 = 0x01ef; len = 4 + 2; "42"
    ("ef01 0600 3432", m.CloudPlatformAccountInfo("42")),
    # 415 = 0x019f; len = 10 + 1 + 1 + 2 + 1 = 15; az 1, role 1, instance_id 2 bytes; "z", "r", "id", "t"
    ("9f01 0f00 0100 0100 0200 7a 72 6964 74", m.SetNodeInfo("z", "r", "id", "t")),
    # 353 = 0x0161; 22 bytes of vpc_id "vpc-1"; 10.1.2.3
    ("6101 7670632d31" + "00" * 17 + "0a010203", m.PrivateIpv4Addr("vpc-1", "10.1.2.3")),
    # 354 = 0x0162; fd00::1; vpc_id of 22 bytes without room for a zero
    ("6201 fd00" + "00" * 13 + "01" + "61" * 22, m.Ipv6Addr("fd00::1", "a" * 22)),
    # 355 = 0x0163; empty vpc_id; 192.0.2.1, 10.0.0.9
    ("6301" + "00" * 22 + "c0000201 0a000009", m.PublicToPrivateIpv4("", "192.0.2.1", "10.0.0.9")),
    # 356 = 0x0164; six zero bytes; time 0
    ("6401 000000000000 0000000000000000", m.MetadataComplete(0)),
    # 392 = 0x0188
    ("8801", m.Heartbeat()),
    # 390 = 0x0186; six zero bytes; 258
    ("8601 000000000000 0201000000000000", m.PodResync(258)),
    # 515 = 0x0203; len = 20 + 2 + 3 + 1 + 0 + 2 + 4 = 32; 10.0.0.7; lengths of uid 2, owner_name 3, pod_name 1, owner_uid 0, ns 2;
    # CronJob; host network; "u1", "job", "p", "", "ns", and the 4 bytes left are the version
    (
        "0302 2000 0a000007 0200 0300 0100 0000 0200 03 01 7531 6a6f62 70 6e73 27c3a927",
        m.PodNewWithName("10.0.0.7", "CronJob", True, "u1", "job", "p", "", "ns", "'é'"),
    ),
    # 494 = 0x01ee; len = 10 + 2 + 3 + 1 + 3 = 19; uid 2, container_id 3, container_name 1; "u1", "c:1", "m", "i:2"
    ("ee01 1300 0200 0300 0100 7531 633a31 6d 693a32", m.PodContainer("u1", "c:1", "m", "i:2")),
    # 359 = 0x0167; len = 4 + 2
    ("6701 0600 7531", m.PodDelete("u1")),
    # 496 = 0x01f0; unknown, detail 7
    ("f001 0100 0700", m.CollectorHealth(1, 7)),
    # 412 = 0x019c; each field at its offset, 54 bytes in all
    (
        "9c01 0100 02000000 0300000000000000 0400000000000000 0500000000000000"
        "06000000 07000000 08000000 09000000 0a000000 0b00",
        m.AgentResourceUsage(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
    ),
    # 411 = 0x019b; len = 5 + 2; warning
    ("9b01 0700 03 6869", m.LogMessage(3, "hi")),
]
# 310 = 0x0136; two zero bytes; 0.11.0
GOLDEN_VERSION = bytes.fromhex(STAMP_HEX + "3601 0000 00000000 0b000000 00000000")


def decoded(data: bytes, decoder: Decoder | None = None) -> list[m.Message]:
    return [message for _, message in (decoder or Decoder()).feed(data)]


def opened() -> Decoder:
    """A decoder behind version_info and connect."""
    decoder = Decoder()
    list(decoder.feed(up.version_info() + up.frame(up.connect())))
    return decoder


def breach(data: bytes) -> ProtocolBreach:
    """What `data`, as messages behind version_info and connect, breaks."""
    with pytest.raises(ProtocolBreach) as caught:
        list(opened().feed(up.frame(data)))
    return caught.value


def test_version_info_is_read_from_its_golden_bytes() -> None:
    assert list(Decoder().feed(GOLDEN_VERSION)) == [(STAMP, m.VersionInfo(0, 11, 0))]


@pytest.mark.parametrize(("golden", "message"), GOLDEN, ids=lambda value: type(value).__name__)
def test_each_message_is_read_from_its_golden_bytes(golden: str, message: m.Message) -> None:
    data = bytes.fromhex(STAMP_HEX + golden)
    if isinstance(message, m.Connect):
        decoder = Decoder()
        list(decoder.feed(up.version_info()))
    else:
        decoder = opened()
    assert list(decoder.feed(up.frame(data))) == [(STAMP, message)]
    assert decoder.pending_bytes == 0


def test_every_struct_is_as_long_as_the_table_of_the_protocol_says() -> None:
    table = {
        310: 16, 548: 5, 536: 8, 416: 6, 413: 4, 495: 4, 415: 10, 353: 28, 354: 40, 355: 32, 356: 16, 392: 2, 390: 16, 515: 20,
        494: 10, 359: 4, 496: 6, 412: 54, 411: 5,
    }  # fmt: skip
    assert {rpc_id: layout.struct.size for rpc_id, layout in LAYOUTS.items()} == table


def test_one_open_frame_and_a_series_of_frames_give_the_same() -> None:
    parts = [up.resync(1), up.pod("u1"), up.container("u1", "c1"), up.delete("u1")]
    compressor = lz4.frame.LZ4FrameCompressor(block_linked=True, auto_flush=True)
    one = compressor.begin() + b"".join(compressor.compress(part) for part in (*up.HANDSHAKE, *parts))
    series = b"".join(map(up.frame, (*up.HANDSHAKE, *parts)))
    assert decoded(up.version_info() + one) == decoded(up.version_info() + series)
    assert decoded(up.version_info() + one + compressor.flush() + up.frame(up.heartbeat()))[-1] == m.Heartbeat()


def test_every_flushed_message_is_there_at_once() -> None:
    """python-lz4 keeps up to a block back when it is asked without a length: the tail of a storm would come late or never."""
    decoder = opened()
    compressor = lz4.frame.LZ4FrameCompressor(block_size=lz4.frame.BLOCKSIZE_MAX4MB, auto_flush=True)
    list(decoder.feed(compressor.begin()))
    for number in range(500):
        uid = f"{number:032x}" * 10
        assert decoded(compressor.compress(up.pod(uid) + up.delete(uid)), decoder)[1:] == [m.PodDelete(uid)]


def test_what_a_few_compressed_bytes_hold_is_read_in_pieces() -> None:
    decoder = opened()
    assert len(decoded(up.frame(up.heartbeat() * 400_000), decoder)) == 400_000
    assert decoder.wire_bytes < 100_000
    assert decoder.plain_bytes > 4_000_000


STREAM = up.stream(
    up.resync(7),
    *(part for n in range(40) for part in (up.pod(f"u{n}"), up.container(f"u{n}", f"c{n}"), up.heartbeat())),
    up.delete("u3"),
    up.fixed(412, "HIQQQIIIIIH", *range(11)),
)
MESSAGES = list(Decoder().feed(STREAM))


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_any_cut_of_the_stream_gives_the_same_messages(cuts: list[int]) -> None:
    decoder = Decoder()
    ends = [0, *sorted(cuts), len(STREAM)]
    got = [one for start, stop in pairwise(ends) for one in decoder.feed(STREAM[start:stop])]
    assert got == MESSAGES
    assert (decoder.wire_bytes, decoder.pending_bytes) == (len(STREAM), 0)


def test_a_stream_in_single_bytes_gives_the_same_messages() -> None:
    decoder = Decoder()
    assert [one for n in range(len(STREAM)) for one in decoder.feed(STREAM[n : n + 1])] == MESSAGES


@given(st.integers(0, len(STREAM)))
def test_a_truncated_stream_gives_a_beginning_of_the_messages(stop: int) -> None:
    got = list(Decoder().feed(STREAM[:stop]))
    assert got == MESSAGES[: len(got)]


@given(st.binary(max_size=200), st.integers(0, 3))
def test_random_bytes_are_a_breach_or_wait_for_more(noise: bytes, where: int) -> None:
    beginnings = [b"", up.version_info(), up.stream(up.resync(1)), up.stream()[:-9]]
    with suppress(ProtocolBreach):
        list(Decoder().feed(beginnings[where] + noise))


@given(st.sampled_from(sorted(LAYOUTS)), st.binary(max_size=80))
def test_random_messages_are_a_breach_or_wait_for_more(rpc_id: int, body: bytes) -> None:
    decoder = opened()
    with suppress(ProtocolBreach):
        list(decoder.feed(up.frame(up.fixed(rpc_id, "") + body)))


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_a_flipped_byte_never_raises_anything_but_a_breach(at: int, flip: int) -> None:
    spoilt = bytearray(STREAM)
    spoilt[at] ^= flip
    with suppress(ProtocolBreach):
        list(Decoder().feed(bytes(spoilt)))


def test_a_breach_comes_behind_the_messages_before_it_and_says_where_it_is() -> None:
    good = up.resync(1) + up.heartbeat()
    decoder = opened()
    before = decoder.plain_bytes
    messages = decoder.feed(up.frame(good, up.fixed(9, "I", 0)))
    assert [next(messages)[1], next(messages)[1]] == [m.PodResync(1), m.Heartbeat()]
    with pytest.raises(ProtocolBreach) as caught:
        next(messages)
    assert caught.value.offset == before + len(good)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (up.fixed(9_999, "H", 0), "unknown rpc_id 9999"),
        (up.connect(), "connect where anything but"),
        (up.version_info(), "version_info where anything but"),
        (up.fixed(536, "HI", 1, 4), "report_cpu_cores: zero is 0100"),
        (up.fixed(356, "HIQ", 0, 256, 0), "metadata_complete: zero is 000000010000"),
        (up.fixed(390, "IHQ", 0, 1, 1), "pod_resync: zero is"),
        (up.fixed(413, "H", 3), "cloud_platform: platform is 3"),
        (up.fixed(496, "HH", 2, 0), "collector_health: status is 2"),
        (up.dynamic(411, "B", [6], ["x"]), "log_message: level is 6"),
        (up.pod("u", kind=4), "owner_kind is 4"),
        (up.dynamic(515, "4sHHHHHBB", [b"abcd", 0, 0, 0, 0, 0, 1, 2], []), "is_host_network is 2"),
        (
            up.dynamic(515, "4sHHHHHBB", [b"abcd", 2, 2, 2, 2, 2, 1, 0], ["123456789"]),
            "its strings take 10 bytes, len leaves 9",
        ),
        (up.fixed(494, "H", 9), "pod_container: len is 9, less than the 10 bytes"),
        (up.fixed(359, "H4s", 8, b"a\xffbc"), "pod_delete: 'utf-8' codec"),
        (up.fixed(359, "H3s", 7, b"\xed\xa0\x80"), "pod_delete: 'utf-8' codec"),
        (up.fixed(353, "22s4s", b"vpc\0x", b"abcd"), "private_ipv4_addr: vpc_id is 78"),
        (up.fixed(353, "22s4s", b"\xff", b"abcd"), "private_ipv4_addr: vpc_id 'utf-8' codec"),
    ],
)
def test_what_the_table_does_not_allow_is_a_breach(data: bytes, why: str) -> None:
    assert why in breach(data).why


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (up.connect(), "connect where version_info must stand"),
        (up.fixed(310, "HIII", 1, 0, 11, 0), "version_info: zero is 0100"),
        (up.version_info(0, 8, 99), "0.8.99 is older than 0.9.0"),
        (up.version_info() + up.connect(), "not an LZ4 frame"),
        (up.version_info() + up.frame(up.heartbeat()), "heartbeat where connect must stand"),
        (up.version_info() + up.frame(up.dynamic(548, "B", [1], ["x"])), "connect: collector_type is 1"),
        (up.frame(up.version_info()), "unknown rpc_id"),
        (up.stream() + b"what is no frame", "not an LZ4 frame"),
    ],
)
def test_a_connection_that_begins_wrong_is_a_breach(data: bytes, why: str) -> None:
    with pytest.raises(ProtocolBreach) as caught:
        list(Decoder().feed(data))
    assert why in caught.value.why


@pytest.mark.parametrize("version", [(0, 9, 0), (0, 11, 0), (1, 0, 0)])
def test_versions_from_0_9_0_are_taken(version: tuple[int, int, int]) -> None:
    assert decoded(up.version_info(*version)) == [m.VersionInfo(*version)]


def test_a_message_may_be_as_long_as_its_length_field_allows() -> None:
    longest = "x" * (65_535 - 4)
    assert decoded(up.frame(up.delete(longest)), opened()) == [m.PodDelete(longest)]


def test_a_spoilt_block_inside_a_frame_is_a_breach() -> None:
    random_ = random.Random(1)
    noise = "".join(random_.choices("abcdef", k=30_000))
    whole = up.stream(up.resync(1), up.delete(noise))
    spoilt = whole[:-20_000] + bytes(20_000)
    with pytest.raises(ProtocolBreach, match="not an LZ4 frame"):
        list(Decoder().feed(spoilt))
