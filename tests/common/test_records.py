"""The records' codec, held against the `msgpack` package."""

import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import msgpack
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
    cut,
    decode_controller,
    decode_owner,
    decode_pod,
    decode_pod_own_head,
    decode_pod_shape_head,
    encode_record,
    pack,
    split_pod,
    uid_of,
)
from tests.fakes.strategies import owners, pods


@given(pods)
def test_a_pod_comes_back_as_it_was(pod: PodRecord) -> None:
    assert decode_pod(encode_record(pod)) == pod


@given(owners)
def test_an_owner_comes_back_as_it_was(owner: OwnerRecord) -> None:
    assert decode_owner(encode_record(owner)) == owner


@given(pods)
def test_the_parts_of_a_record_are_its_parts(pod: PodRecord) -> None:
    packed = encode_record(pod)
    record = cut(packed)
    assert record.packed() == packed
    assert record == split_pod(pod)
    assert record.uid == uid_of(packed) == pod.uid
    assert decode_pod_own_head(record.own).ips == pod.ips
    assert decode_controller(decode_pod_shape_head(record.shape).controller) == pod.controller


@given(owners)
def test_the_shape_of_an_owner_is_its_controller(owner: OwnerRecord) -> None:
    record = cut(encode_record(owner))
    assert (record.uid, record.own) == (owner.uid, NOTHING)
    assert decode_controller(record.shape) == owner.controller


@given(pods, pods)
def test_pods_have_one_shape_exactly_when_nothing_but_their_own_differs(one: PodRecord, other: PodRecord) -> None:
    def shape(pod: PodRecord) -> object:
        containers = [(each.kind, each.name, each.image) for each in pod.containers]
        return pod.controller, pod.host_network, pod.namespace, containers

    assert (split_pod(one).shape == split_pod(other).shape) == (shape(one) == shape(other))


@given(pods)
def test_another_msgpack_reads_the_same(pod: PodRecord) -> None:
    controller = pod.controller
    assert msgpack.unpackb(encode_record(pod)) == [
        [
            controller and [controller.uid, controller.kind, controller.group, controller.name],
            pod.host_network,
            pod.namespace,
            [[one.kind, one.name, one.image] for one in pod.containers],
        ],
        pod.uid,
        [pod.ips, pod.name, [one.id for one in pod.containers]],
    ]


@given(pods, pods)
def test_records_are_equal_exactly_when_their_bytes_are(one: PodRecord, other: PodRecord) -> None:
    """The watcher drops an update whose bytes are those that it has."""
    assert (one == other) == (encode_record(one) == encode_record(other))


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
    assert encode_record(pod) == bytes.fromhex(
        "93 94 94a16fa34a6f62a56261746368a16e c2 a173 91 9301a163a169 a175 93 91a831302e302e302e31 a170 91c400"
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
    later = msgpack.packb([[None, False, "s", [[0, "c", "i", "later"]], "later"], "u", [[], "p", [b""], "later"]])
    assert decode_pod(later) == PodRecord(UID("u"), [], None, False, "s", "p", [Container(0, b"", "c", "i")])
    assert cut(later).packed() == later


def test_a_pod_with_more_containers_than_ids_is_none() -> None:
    with pytest.raises(BAD_RECORD):
        decode_pod(msgpack.packb([[None, False, "s", [[0, "c", "i"]]], "u", [[], "p", []]]))


@pytest.mark.parametrize("decoder", [decode_pod, decode_owner, cut, uid_of])
@given(frame=st.binary(max_size=60))
@example(frame=b"\x93\xc0\xa1\xff\xc0")
@example(frame=b"\x93\xc0\xa0\xc0")
@example(frame=b"\x94\xc0\xa0\xc0" + b"\x91" * 100_000)
@example(frame=b"\x93" + b"\x91" * 100_000)
def test_foreign_bytes_raise_only_what_is_promised(decoder: Callable[[bytes], object], frame: bytes) -> None:
    with suppress(*BAD_RECORD):
        decoder(frame)


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
