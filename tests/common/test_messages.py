"""The messages' codec, held against the `msgpack` package as an independent decoder, and against hostile bytes."""

from contextlib import suppress
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.messages import (
    VERSION,
    AnyMessage,
    Apply,
    BadMessage,
    Beat,
    Condition,
    Epoch,
    Incarnation,
    Link,
    Report,
    Sequence,
    SnapshotAsk,
    Updates,
    Usage,
    decode,
    encode,
    new_incarnation,
)
from common.records import UID, OwnerRecord, pack_record
from tests.fakes.strategies import messages

TAGS = {
    "Updates": 10,
    "Beat": 11,
    "SnapshotAsk": 12,
    "SnapshotChunk": 13,
    "SnapshotGone": 14,
    "Emissions": 20,
    "Report": 21,
    "Link": 30,
}
"""docs/architecture.md's table."""


def plain(value: Any) -> Any:
    """What msgpack is to see of a value: structs are lists, behind their tag if they have one."""
    match value:
        case msgspec.Struct():
            tag = value.__struct_config__.tag
            fields = [plain(getattr(value, name)) for name in value.__struct_fields__]
            return fields if tag is None else [tag, *fields]
        case list():
            return [plain(one) for one in value]
        case _:
            return value


@given(messages)
def test_every_message_comes_back_as_it_was(message: AnyMessage) -> None:
    found = decode(encode(message))
    assert (type(found), found) == (type(message), message)


@given(messages)
def test_nothing_of_a_message_refers_to_its_frame(message: AnyMessage) -> None:
    frame = bytearray(encode(message))
    found = decode(memoryview(frame))
    frame[:] = bytes(len(frame))
    assert found == message


@given(messages)
def test_another_msgpack_reads_the_same_fields_in_the_same_order(message: AnyMessage) -> None:
    assert msgpack.unpackb(encode(message)) == plain(message)


@given(messages)
def test_every_message_begins_with_its_tag_and_the_version(message: AnyMessage) -> None:
    assert msgpack.unpackb(encode(message))[:2] == [TAGS[type(message).__name__], VERSION]


def test_updates_are_these_bytes() -> None:
    """Worked out by hand from the msgpack specification; a change of them is a change of VERSION."""
    record = pack_record(OwnerRecord(uid=UID("u1"), controller=None))
    message = Updates(
        kind="jobs", incarnation=Incarnation("i"), sequence=Sequence(3), stamp_ns=300, events=[Apply(record)]
    )
    assert encode(message) == bytes.fromhex(
        "97"  # an array of 7
        "0a 04"  # tag 10, version 4
        "a4 6a6f6273"  # "jobs"
        "a1 69"  # "i"
        "03"
        "cd 012c"  # 300
        "91 92 01 93 c4 01 c0 a2 7531 c4 01 c0"  # [[1, [bin of a nil, "u1", bin of a nil]]]
    )


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xc1")
@example(b"\x91" * 5_000)
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\xdb\xff\xff\xff\xff")
@example(msgpack.packb([10, 1]))
@example(msgpack.packb([99, 1, 2]))
@example(msgpack.packb({"tag": 10}))
@example(msgpack.packb([10, 1, "pods", "i", 1, 1, [[1, None]], b"\xff"]))
@example(b"\x92\x0c\xa1\xff")
def test_any_bytes_are_a_message_or_a_bad_message(frame: bytes) -> None:
    with suppress(BadMessage):
        assert decode(frame).version == VERSION


@given(messages, st.data())
def test_a_damaged_message_is_a_message_or_a_bad_message(message: AnyMessage, data: st.DataObject) -> None:
    frame = bytearray(encode(message))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(BadMessage):
        decode(bytes(frame[: data.draw(st.integers(0, len(frame)))]))


@given(messages, st.integers(0, 2**63 - 1).filter(lambda version: version != VERSION))
def test_a_message_of_another_version_is_refused_with_both_versions_named(message: AnyMessage, version: int) -> None:
    fields = msgpack.unpackb(encode(message), use_list=True)
    fields[1] = version
    with pytest.raises(BadMessage, match=f"protocol version {version}, this process speaks {VERSION}"):
        decode(msgpack.packb(fields))


def test_another_version_is_named_also_where_its_fields_are_unknown_here() -> None:
    with pytest.raises(BadMessage, match=f"protocol version {VERSION + 1}"):
        decode(msgpack.packb([10, VERSION + 1, {"everything": "else"}]))


def test_a_fault_names_the_message_and_quotes_nothing() -> None:
    with pytest.raises(BadMessage, match=r"^malformed message of tag 12$"):
        decode(msgpack.packb([12, VERSION, "secret", 0]))


@pytest.mark.parametrize("kind", ["nodes", "", 3, None])
def test_a_kind_that_nobody_watches_is_refused(kind: Any) -> None:
    with pytest.raises(BadMessage):
        decode(msgpack.packb([11, VERSION, kind, "i", 0, 1, [0] * 9]))


def test_a_condition_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadMessage):
        decode(msgpack.packb([11, VERSION, "pods", "i", 0, 7, [0] * 9]))


RECORDS = [
    None,
    "text",
    b"\x93\xc0\xa1u\xc0",
    [],
    [b"\xc0", "u"],
    [b"\xc0", 7, b"\xc0"],
    [b"\xc0", None, b"\xc0"],
    [b"\xc0", b"u", b"\xc0"],
    [b"\xc0", "\udcff", b"\xc0"],  # a byte that is not UTF-8
    [None, "u", b"\xc0"],
    [b"\xc0", "u", [[], "", []]],
    ["shape", "u", b"\xc0"],
    {"shape": b"\xc0", "uid": "u", "own": b"\xc0"},
]
"""None of them is an array of shape, UID and own part."""


@pytest.mark.parametrize("record", RECORDS, ids=repr)
def test_a_message_with_a_record_that_has_no_three_parts_is_refused(record: Any) -> None:
    whole = [b"\xc0", "u", b"\xc0"]

    def frames(record: Any) -> list[bytes]:
        contents = [
            [10, VERSION, "pods", "i", 1, 1, [[1, whole], [1, record]]],
            [13, VERSION, 1, 0, "pods", "i", 1, 1, [whole, record], True],
            [20, VERSION, "r", 1, "m", 1, 1, 0, [[1, record, "10.0.0.1", 0, "", "", True]]],
        ]
        return [msgpack.packb(one, unicode_errors="surrogateescape") for one in contents]

    for good, bad in zip(frames(whole), frames(record), strict=True):
        assert decode(good).version == VERSION
        with pytest.raises(BadMessage, match="malformed message of tag"):
            decode(bad)


def test_fields_that_a_newer_process_appends_are_passed_over() -> None:
    frame = msgpack.packb([12, VERSION, 5, 0, "added later"])
    assert decode(frame) == SnapshotAsk(request=5, index=0)


def test_messages_of_equal_fields_are_equal() -> None:
    def beat() -> Beat:
        return Beat(
            kind="pods",
            incarnation=Incarnation("i"),
            sequence=Sequence(1),
            condition=Condition.FOLLOWING,
            usage=Usage(user_us=1),
        )

    assert decode(encode(beat())) == beat()
    assert decode(encode(Report(matcher=Incarnation("m"), healthy=True, usage=Usage()))) != beat()


def test_incarnations_differ() -> None:
    drawn = {new_incarnation() for _ in range(100)}
    assert len(drawn) == 100
    assert all(len(one) == 16 for one in drawn)


def test_a_link_before_the_first_connection_has_zeros() -> None:
    link = Link(
        relay=Incarnation("r"),
        connection=0,
        connected=False,
        since_ns=0,
        epoch=Epoch(0),
        matcher=Incarnation(""),
        taken=0,
        broken=False,
        accepting=True,
    )
    assert msgpack.unpackb(encode(link)) == [30, VERSION, "r", 0, False, 0, 0, "", 0, False, True]
