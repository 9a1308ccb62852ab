"""What a person may ask for, and which records that finds."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import wanted
from common.container_ids import pack_container_id
from common.errors import UsageError
from common.records import UID, Container, PodRecord, Record, pack_record
from common.wanted import CHUNK, ByAddress, ByContainer, ByName, ByUid, Search, gently, parse_wanted
from tests.fakes.pods import record

ID = "3f1a9c0e7b52" * 5 + "abcd"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("shop/web-1", ByName("shop", "web-1")),
        ("10.0.0.7", ByAddress("10.0.0.7")),
        ("fd00::7", ByAddress("fd00::7")),
        ("FD00:0::7", ByAddress("fd00::7")),
        (f"containerd://{ID}", ByContainer("containerd", ID)),
        (ID[:12], ByContainer("", ID[:12])),
        ("f48fe7d3-1997-48f3-adb9-24d87e0b6723", ByUid("f48fe7d3-1997-48f3-adb9-24d87e0b6723")),
        ("web-1", ByUid("web-1")),
    ],
)
def test_what_is_meant_is_told_by_its_form(text, wanted):
    assert parse_wanted(text) == wanted


@pytest.mark.parametrize("text", ["shop/", "/web", "shop/web/1", "containerd://3f1a", "containerd://"])
def test_what_can_be_none_of_them_is_the_askers_mistake(text):
    with pytest.raises(UsageError, match="is no"):
        parse_wanted(text)


def found(what: str, *records: PodRecord) -> list[str]:
    search = Search(parse_wanted(what))
    return [one.uid for one in map(pack_record, records) if search.record(one) is not None]


@pytest.mark.parametrize("pack", [str.encode, pack_container_id])
def test_a_container_is_found_with_and_without_scheme_and_by_its_first_digits(pack):
    pod = record("p1", containers=[Container(0, pack(f"containerd://{ID}"), "app", "app:1")])
    other = record("p2", containers=[Container(0, pack("cri-o://" + "0" * 64), "app", "app:1")])
    for what in (f"containerd://{ID}", ID, ID[:12], ID[:13], f"containerd://{ID[:12]}"):
        assert found(what, pod, other) == ["p1"]
    assert found(f"cri-o://{ID}", pod, other) == []
    assert found(ID[1:], pod, other) == []


def test_an_address_or_a_name_finds_all_that_have_it_and_nothing_that_only_begins_so():
    pods = [record("p1"), record("p2"), msgspec.structs.replace(record("p3"), ips=["10.0.0.11"], name="web-11")]
    assert found("10.0.0.1", *pods) == ["p1", "p2"]
    assert found("shop/web-1", *pods) == ["p1", "p2"]
    assert found("web-1", *pods) == []


def test_a_name_in_another_place_of_the_record_is_no_match():
    pod = record("p1", name="other", containers=[Container(0, b"containerd://x", "shop", "web-1")])
    assert found("shop/web-1", pod) == []


def test_a_name_that_many_containers_have_costs_no_decoding(monkeypatch):
    monkeypatch.setattr(wanted, "unpack_pod", lambda _packed: pytest.fail("decoded"))
    assert found("web/app", record("p1", containers=[Container(0, b"docker://x", "app", "app")])) == []


@given(st.binary(max_size=200), st.sampled_from([b"\xc0", pack_record(record()).shape]))
def test_bytes_that_are_no_record_are_passed_over(raw, shape):
    own = raw + msgspec.msgpack.encode("b")
    assert Search(ByName("a", "b")).record(Record(shape, UID("u"), own)) is None


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=300), st.text(max_size=80))
def test_every_pod_is_found_by_what_its_record_says(namespace, name, address):
    pod = PodRecord(UID("u"), [address], None, False, namespace, name, [])
    record = pack_record(pod)
    assert Search(ByName(namespace, name)).record(record) == pod
    assert Search(ByAddress(address)).record(record) == pod
    assert Search(ByUid(UID("u"))).record(record) == pod


def test_there_is_a_rest_after_each_chunk():
    rests = []
    assert list(gently(range(2 * CHUNK + 1), lambda: rests.append(1))) == list(range(2 * CHUNK + 1))
    assert len(rests) == 3
