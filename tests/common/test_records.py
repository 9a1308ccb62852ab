"""The records' codec, held against the `msgpack` package."""

import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from common.records import (
    BAD_RECORD,
    UID,
    Container,
    ContainerKind,
    Controller,
    OwnerRecord,
    PodRecord,
    container_id,
    decode_controller,
    decode_owner,
    decode_pod,
    decode_pod_head,
    encode_record,
    pack_container_id,
)
from tests.fakes.strategies import owners, pods


@given(pods)
def test_a_pod_comes_back_as_it_was(pod: PodRecord) -> None:
    assert decode_pod(encode_record(pod)) == pod


@given(owners)
def test_an_owner_comes_back_as_it_was(owner: OwnerRecord) -> None:
    assert decode_owner(encode_record(owner)) == owner


@given(pods)
def test_the_head_is_the_beginning_of_the_record(pod: PodRecord) -> None:
    head = decode_pod_head(encode_record(pod))
    assert (head.uid, head.ips, decode_controller(head.controller)) == (pod.uid, pod.ips, pod.controller)


@given(pods)
def test_another_msgpack_reads_the_same(pod: PodRecord) -> None:
    fields = msgpack.unpackb(encode_record(pod))
    controller = pod.controller
    assert fields == [
        pod.uid,
        pod.ips,
        controller and [controller.uid, controller.kind, controller.group, controller.name],
        pod.host_network,
        pod.namespace,
        pod.name,
        [[one.kind, one.id, one.name, one.image] for one in pod.containers],
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
        "97a1 7591 a8 31302e302e302e3194 a1 6f a3 4a6f62 a5 6261746368 a1 6ec2a1 73a1 7091 94 01 c400 a1 63 a1 69"
    )


def test_a_record_takes_no_more_memory_than_its_bytes() -> None:
    """Records are kept by the hundred thousand."""
    pod = PodRecord(UID("u"), ["10.0.0.1"], None, False, "s", "p" * 300, [])
    encode_record(pod)  # what the encoder needs for itself
    tracemalloc.start()
    try:
        kept = [encode_record(pod) for _ in range(1_000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < sum(map(sys.getsizeof, kept)) + 2 * sys.getsizeof(kept)


def test_fields_appended_later_are_passed_over() -> None:
    assert decode_owner(msgpack.packb(["u", None, "later"])) == OwnerRecord(uid=UID("u"), controller=None)


@pytest.mark.parametrize("decoder", [decode_pod, decode_pod_head, decode_owner, decode_controller])
@given(frame=st.binary(max_size=60))
@example(frame=b"\x92\xa1\xff\xc0")
@example(frame=b"\x93\xa0\x90\xc0")
@example(frame=b"\x92\xa0\xc0" + b"\x91" * 100_000)
@example(frame=b"\x93\xa0\x90\xc0" + b"\x91" * 100_000)
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
