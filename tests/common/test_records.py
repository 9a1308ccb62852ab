"""The records' codec, held against the `msgpack` package."""

import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.container_ids import container_id, pack_container_id
from common.records import (
    BAD_RECORD,
    NOTHING,
    UID,
    Container,
    ContainerKind,
    Controller,
    OwnerRecord,
    PodOwn,
    PodRecord,
    Record,
    decode_controller,
    decode_pod_own,
    decode_pod_own_head,
    decode_pod_shape,
    decode_pod_shape_head,
    pack,
    pack_record,
    unpack_owner,
    unpack_pod,
)
from tests.fakes.strategies import owners, pods

POD = pack_record(PodRecord(UID("u"), [], None, False, "s", "p", [Container(ContainerKind.MAIN, b"", "c", "i")]))
OWNER = pack_record(OwnerRecord(UID("u"), Controller(UID("o"), "Job", "batch", "n")))
DEEP = b"\x91" * 100_000
"""Arrays nested deeper than anybody reads."""


@given(pods)
def test_a_pod_comes_back_as_it_was(pod: PodRecord) -> None:
    assert unpack_pod(pack_record(pod)) == pod


@given(owners)
def test_an_owner_comes_back_as_it_was(owner: OwnerRecord) -> None:
    assert unpack_owner(pack_record(owner)) == owner


@given(pods)
def test_the_parts_of_a_record_are_its_parts(pod: PodRecord) -> None:
    record = pack_record(pod)
    assert record.uid == pod.uid
    assert decode_pod_own_head(record.own).ips == pod.ips
    assert decode_controller(decode_pod_shape_head(record.shape).controller) == pod.controller


def test_all_three_parts_count_in_the_size_of_a_record() -> None:
    assert Record(b"1", UID("22"), b"4444").size == 7


@given(owners)
def test_the_shape_of_an_owner_is_its_controller(owner: OwnerRecord) -> None:
    record = pack_record(owner)
    assert (record.uid, record.own) == (owner.uid, NOTHING)
    assert decode_controller(record.shape) == owner.controller


@given(pods, pods)
def test_pods_have_one_shape_exactly_when_nothing_but_their_own_differs(one: PodRecord, other: PodRecord) -> None:
    def shape(pod: PodRecord) -> object:
        containers = [(each.kind, each.name, each.image) for each in pod.containers]
        return pod.controller, pod.host_network, pod.namespace, containers

    assert (pack_record(one).shape == pack_record(other).shape) == (shape(one) == shape(other))


@given(pods)
def test_another_msgpack_reads_the_same(pod: PodRecord) -> None:
    record, controller = pack_record(pod), pod.controller
    assert msgpack.unpackb(record.shape) == [
        controller and [controller.uid, controller.kind, controller.group, controller.name],
        pod.host_network,
        pod.namespace,
        [[one.kind, one.name, one.image] for one in pod.containers],
    ]
    assert msgpack.unpackb(record.own) == [pod.ips, pod.name, [one.id for one in pod.containers]]


@given(pods, pods)
def test_records_are_equal_exactly_when_they_are_packed(one: PodRecord, other: PodRecord) -> None:
    """The watcher drops an update whose parts are those that it has."""
    assert (one == other) == (pack_record(one) == pack_record(other))


def test_a_pod_is_these_bytes() -> None:
    """Worked out by hand from the msgpack specification."""
    pod = PodRecord(
        uid=UID("u"),
        ips=["10.0.0.1"],
        controller=Controller(uid=UID("o"), kind="Job", group="batch", name="n"),
        host_network=False,
        namespace="s",
        name="p",
        containers=[Container(kind=ContainerKind.INIT, id=b"", name="c", image="i")],
    )
    assert pack_record(pod) == Record(
        shape=bytes.fromhex("94 94a16fa34a6f62a56261746368a16e c2 a173 91 9301a163a169"),
        uid=UID("u"),
        own=bytes.fromhex("93 91a831302e302e302e31 a170 91c400"),
    )


def test_an_owner_is_these_bytes() -> None:
    """Worked out by hand, too."""
    above = Controller(uid=UID("o"), kind="Job", group="batch", name="n")
    assert pack_record(OwnerRecord(UID("u"), above)) == Record(
        shape=bytes.fromhex("94 a16f a34a6f62 a56261746368 a16e"), uid=UID("u"), own=b"\xc0"
    )


def test_a_part_takes_no_more_memory_than_its_bytes() -> None:
    """Records are kept by the hundred thousand."""
    own = PodOwn(["10.0.0.1"], "p" * 300, [])
    pack(own)  # what the encoder needs for itself
    tracemalloc.start()
    try:
        kept = [pack(own) for _ in range(1_000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < sum(map(sys.getsizeof, kept)) + 2 * sys.getsizeof(kept)


def test_fields_appended_later_are_passed_over() -> None:
    shape = msgpack.packb([None, False, "s", [[0, "c", "i", "later"]], "later"])
    own = msgpack.packb([[], "p", [b""], "later"])
    assert unpack_pod(Record(shape, UID("u"), own)) == unpack_pod(POD)
    above = msgpack.packb(["o", "Job", "batch", "n", "later"])
    assert unpack_owner(Record(above, UID("u"), msgpack.packb(["later"]))) == unpack_owner(OWNER)


@pytest.mark.parametrize("ids", [[], [b"", b""]])
def test_a_pod_without_one_id_for_each_container_is_none(ids: list[bytes]) -> None:
    with pytest.raises(BAD_RECORD):
        unpack_pod(Record(POD.shape, UID("u"), msgpack.packb([[], "p", ids])))


@pytest.mark.parametrize("part", [b"", b"\xc1", b"\x90", b"\xa1u", DEEP], ids=lambda part: repr(part[:2]))
def test_a_record_with_one_part_that_is_none_is_none(part: bytes) -> None:
    for unpack, bad in (
        (unpack_pod, msgspec.structs.replace(POD, shape=part)),
        (unpack_pod, msgspec.structs.replace(POD, own=part)),
        (unpack_owner, msgspec.structs.replace(OWNER, shape=part)),
    ):
        with pytest.raises(BAD_RECORD):
            unpack(bad)


def test_a_part_with_something_behind_it_is_none() -> None:
    for unpack, bad in (
        (unpack_pod, msgspec.structs.replace(POD, shape=POD.shape + b"\xc0")),
        (unpack_pod, msgspec.structs.replace(POD, own=POD.own + b"\xc0")),
        (unpack_owner, msgspec.structs.replace(OWNER, shape=OWNER.shape + b"\xc0")),
    ):
        with pytest.raises(BAD_RECORD):
            unpack(bad)


@pytest.mark.parametrize(
    "decoder", [decode_pod_shape, decode_pod_shape_head, decode_pod_own, decode_pod_own_head, decode_controller]
)
@given(part=st.binary(max_size=60))
@example(part=b"\x91\x91\xa1\xff")
@example(part=b"\x94\xa1\xff\xa0\xa0\xa0")
@example(part=b"\x93\x91\xa1\xff\xa0\x90")
@example(part=b"\x94" + DEEP)
@example(part=DEEP)
def test_foreign_bytes_raise_only_what_is_promised(decoder: Callable[[bytes], object], part: bytes) -> None:
    with suppress(*BAD_RECORD):
        decoder(part)


DIGITS = "0123456789abcdef" * 4
runtimes = st.sampled_from(["containerd", "docker", "cri-o", "rkt", ""])
digits = st.text("0123456789abcdef", min_size=62, max_size=66) | st.just(DIGITS)
odd = st.sampled_from([DIGITS.upper(), " " + DIGITS[1:], f"{DIGITS[:62]} 0", f"{DIGITS[:63]}g", f"{DIGITS}00"])


@given(st.builds("{}://{}".format, runtimes, digits | odd) | st.text("\0\1\2\3") | st.text())
def test_a_container_id_comes_out_as_it_went_in(text: str) -> None:
    assert container_id(pack_container_id(text)) == text


@pytest.mark.parametrize("runtime", ["containerd", "docker", "cri-o"])
def test_a_usual_container_id_takes_half_the_bytes_and_those_of_each_runtime_differ(runtime: str) -> None:
    packed = pack_container_id(f"{runtime}://{DIGITS}")
    assert len(packed) == 33
    assert container_id(packed).startswith(f"{runtime}://")


@given(st.binary())
def test_bytes_that_are_no_packed_container_id_are_shown_and_raise_nothing(data: bytes) -> None:
    assert isinstance(container_id(data), str)
