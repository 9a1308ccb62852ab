"""From emissions to messages, for good and for faulty ones."""

from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.container_ids import container_id, pack_container_id
from common.messages import Emission, Epoch, OwnerKind, PodContainers, PodDelete, PodNew, Resync
from common.records import UID, Container, ContainerId, ContainerKind, PodRecord, Record, pack_record
from relay.translate import Fault, Translator
from tests.fakes.pods import container, pod_new, record
from tests.fakes.reducer_ear import messages_of

STAMP_NS = 1_700_000_000_000_000_000


class Heard:
    """A translator, what it said, and what it found fault with."""

    def __init__(self) -> None:
        self.faults: list[tuple[Fault, str]] = []
        self.translator = Translator(lambda fault, uid: self.faults.append((fault, uid)))

    def say(self, *emissions: Emission, first: int = 2) -> list[dict[str, Any]]:
        encoded = self.translator.translate(emissions, epoch=Epoch(7), first=first, stamp_ns=STAMP_NS)
        return messages_of(b"".join(encoded))


@pytest.fixture
def heard() -> Heard:
    return Heard()


def names(messages: list[dict[str, Any]]) -> list[str]:
    return [message["message"] for message in messages]


def test_a_resync_carries_the_epoch(heard: Heard) -> None:
    assert heard.say(Resync(), first=1) == [{"message": "pod_resync", "stamp_ns": STAMP_NS, "resync_count": 7}]


def test_a_pod_goes_out_with_all_its_details(heard: Heard) -> None:
    pod, _ = heard.say(pod_new(record("uid-9", name="web-9", host_network=True), ip="10.1.2.3"))
    assert pod == {
        "message": "pod_new_with_name",
        "stamp_ns": STAMP_NS,
        "ip": "10.1.2.3",
        "owner_kind": 1,
        "is_host_network": 1,
        "uid": b"uid-9",
        "owner_name": b"web",
        "pod_name": b"web-9",
        "owner_uid": b"uid-web",
        "namespace": b"shop",
        "version": b"'app:1'",
    }
    assert heard.faults == []


def test_a_pod_without_owner_is_named_as_its_own_owner(heard: Heard) -> None:
    pod, _ = heard.say(
        pod_new(record(name="bare"), owner_kind=OwnerKind.NONE, owner_name="ignored", owner_uid="ignored")
    )
    assert (pod["owner_kind"], pod["owner_name"], pod["owner_uid"]) == (254, b"bare", b"")


def test_the_version_is_the_main_containers_images_quoted_and_sorted(heard: Heard) -> None:
    images = [
        container("c://1", image="b:2"),
        container("", image="a:1"),
        container("c://3", kind=ContainerKind.INIT, image="init:1"),
        container("c://4", kind=ContainerKind.EPHEMERAL, image="debug:1"),
    ]
    assert heard.say(pod_new(record(containers=images)))[0]["version"] == b"'a:1','b:2'"


def test_containers_follow_their_pod_init_and_ephemeral_ones_too(heard: Heard) -> None:
    containers = [
        container("c://1", kind=ContainerKind.INIT, name="init"),
        container("c://2", name="app", image="app:2"),
        container("c://3", kind=ContainerKind.EPHEMERAL, name="debug"),
    ]
    pod, *rest = heard.say(pod_new(record("u", containers=containers)))
    assert pod["message"] == "pod_new_with_name"
    assert [(one["message"], one["uid"], one["container_id"], one["name"]) for one in rest] == [
        ("pod_container", b"u", b"c://1", b"init"),
        ("pod_container", b"u", b"c://2", b"app"),
        ("pod_container", b"u", b"c://3", b"debug"),
    ]
    assert rest[1]["image"] == b"app:2"


def test_a_container_without_an_id_is_left_out(heard: Heard) -> None:
    assert names(heard.say(pod_new(record(containers=[container("")])))) == ["pod_new_with_name"]
    assert heard.say(PodContainers(UID("u"), [container("")])) == []


def test_a_pod_may_go_out_without_its_containers(heard: Heard) -> None:
    assert names(heard.say(pod_new(containers=False))) == ["pod_new_with_name"]


def test_new_containers_and_deletes_name_their_pod(heard: Heard) -> None:
    added, deleted = heard.say(PodContainers(UID("u"), [container("c://9")]), PodDelete(UID("u")))
    assert (added["message"], added["uid"], added["container_id"]) == ("pod_container", b"u", b"c://9")
    assert (deleted["message"], deleted["uid"]) == ("pod_delete", b"u")


def test_messages_are_counted_by_name(heard: Heard) -> None:
    heard.say(Resync(), pod_new(), PodDelete(UID("uid-1")), first=1)
    assert heard.translator.messages == {"pod_resync": 1, "pod_new_with_name": 1, "pod_container": 1, "pod_delete": 1}


@pytest.mark.parametrize(
    ("ip", "fault"),
    [
        ("", Fault.NO_IPV4),
        ("fd00::1", Fault.NO_IPV4),
        ("10.0.0", Fault.ADDRESS_MALFORMED),
        ("10.0.0.256", Fault.ADDRESS_MALFORMED),
        ("10.0.0.1\0", Fault.ADDRESS_MALFORMED),
        ("nonsense \ud800", Fault.ADDRESS_MALFORMED),
    ],
)
def test_an_address_that_is_not_ipv4_goes_out_as_zeros_and_is_told(heard: Heard, ip: str, fault: Fault) -> None:
    assert heard.say(pod_new(ip=ip))[0]["ip"] == "0.0.0.0"
    assert heard.faults == [(fault, "uid-1")]


def test_a_name_too_long_is_cut_and_its_neighbours_are_not(heard: Heard) -> None:
    pod, _ = heard.say(pod_new(record("u", name="é" * 40_000)))
    kept = 65_535 - 20 - len("u" + "web" + "uid-web" + "shop" + "'app:1'")
    assert pod["pod_name"] == "é".encode() * (kept // 2)
    assert (pod["uid"], pod["owner_name"], pod["version"]) == (b"u", b"web", b"'app:1'")
    assert heard.faults == [(Fault.STRINGS_CUT, "u")]


def test_a_message_of_exactly_the_longest_length_is_whole(heard: Heard) -> None:
    longest = 65_535 - 20 - len("u" + "web" + "uid-web" + "shop" + "'app:1'")
    assert len(heard.say(pod_new(record("u", name="n" * longest)))[0]["pod_name"]) == longest
    assert heard.faults == []


def test_an_image_too_long_for_its_container_is_cut(heard: Heard) -> None:
    _, first = heard.say(pod_new(record("u", containers=[container("c://1", name="app", image="i" * 70_000)])))
    assert len(first["image"]) == 65_535 - 10 - len("u" + "c://1" + "app")


def test_a_container_id_is_never_cut_and_its_siblings_still_go_out(heard: Heard) -> None:
    _, *containers = heard.say(pod_new(record("u", containers=[container("c" * 70_000), container("c://2")])))
    assert [one["container_id"] for one in containers] == [b"c://2"]
    assert heard.faults == [(Fault.IDENTITY_TOO_LONG, "u")]


def test_a_pod_whose_uid_is_too_long_is_left_out_with_all_that_follows_it(heard: Heard) -> None:
    uid = UID("u" * 65_525)  # too long for pod_new_with_name, short enough for pod_delete
    assert heard.say(pod_new(record(uid)), PodContainers(uid, [container()]), PodDelete(uid)) == []
    assert heard.faults == [(Fault.IDENTITY_TOO_LONG, uid)]


def test_a_delete_whose_uid_is_too_long_is_left_out(heard: Heard) -> None:
    assert heard.say(PodDelete(UID("u" * 65_532))) == []
    assert heard.faults == [(Fault.IDENTITY_TOO_LONG, "u" * 65_532)]


def unread(*, shape: bytes | None = None, own: bytes | None = None) -> PodNew:
    """A pod of whose record a part is none."""
    whole = pack_record(record())
    packed = Record(whole.shape if shape is None else shape, UID("u"), whole.own if own is None else own)
    return PodNew(packed, "10.0.0.1", 1, "web", "w", True)


@pytest.mark.parametrize(
    "faulty",
    [
        unread(shape=b""),
        unread(shape=b"\xc1"),
        unread(shape=b"\xc0"),
        unread(shape=msgpack.packb([None, False, "shop", "no list"])),
        unread(shape=b"\x94\xc0\xc2\xa1\xff\x90"),
        unread(shape=pack_record(record()).shape + b"\xc0"),
        unread(own=b""),
        unread(own=b"\xa1\xff"),
        unread(own=msgpack.packb([["10.0.0.1"], "web-1", "no list"])),
        unread(own=b"\x93\x90\xa1\xff\x91\xc4\x00"),
        unread(own=pack_record(record()).own + b"\xc0"),
        unread(own=msgpack.packb([["10.0.0.1"], "web-1", []])),  # no ID for the container
        unread(own=msgpack.packb([["10.0.0.1"], "web-1", [b"", b""]])),
    ],
    ids=repr,
)
def test_a_malformed_record_leaves_out_that_pod_only(heard: Heard, faulty: PodNew) -> None:
    said = heard.say(
        pod_new(record("before")),
        faulty,
        PodContainers(UID("u"), [container()]),
        PodDelete(UID("u")),
        pod_new(record("after")),
    )
    assert [one["uid"] for one in said] == [b"before", b"before", b"after", b"after"]
    assert heard.faults == [(Fault.RECORD_MALFORMED, "u")]


def test_a_pod_left_out_once_is_heard_of_again_when_it_comes_whole(heard: Heard) -> None:
    heard.say(unread(shape=b"\xc0"))
    assert names(heard.say(pod_new(record("u", containers=[])), PodDelete(UID("u")))) == [
        "pod_new_with_name",
        "pod_delete",
    ]


def test_a_pod_left_out_is_forgotten_with_its_delete(heard: Heard) -> None:
    heard.say(unread(shape=b"\xc0"))
    assert heard.say(PodDelete(UID("u"))) == []
    assert names(heard.say(PodDelete(UID("u")))) == ["pod_delete"]


def test_a_resync_forgets_which_pods_were_left_out(heard: Heard) -> None:
    heard.say(unread(shape=b"\xc0"))
    heard.say(Resync(), first=1)
    assert names(heard.say(PodDelete(UID("u")))) == ["pod_delete"]


def test_surrogates_are_replaced(heard: Heard) -> None:
    pod, _ = heard.say(pod_new(owner_name="web\ud800"))
    assert pod["owner_name"] == b"web?"
    assert heard.faults == [(Fault.NOT_UTF8, "uid-1")]


def test_an_unknown_owner_kind_goes_out_as_other(heard: Heard) -> None:
    assert [heard.say(pod_new(owner_kind=kind))[0]["owner_kind"] for kind in (4, 256, -1)] == [255, 255, 255]
    assert heard.faults == [(Fault.OWNER_KIND_UNKNOWN, "uid-1")] * 3


@pytest.mark.parametrize(("emissions", "first"), [([Resync()], 2), ([PodDelete(UID("u")), Resync()], 1)])
def test_a_resync_inside_of_an_epoch_is_left_out(heard: Heard, emissions: list[Emission], first: int) -> None:
    assert "pod_resync" not in names(heard.say(*emissions, first=first))
    assert heard.faults == [(Fault.RESYNC_MISPLACED, "")]


def test_a_resync_behind_an_emission_of_which_nothing_goes_out_is_left_out_too(heard: Heard) -> None:
    assert heard.say(PodContainers(UID("u"), []), Resync(), first=1) == []
    assert heard.faults == [(Fault.RESYNC_MISPLACED, "")]


def test_the_same_resync_object_twice_in_a_batch_goes_out_once(heard: Heard) -> None:
    resync = Resync()
    assert names(heard.say(resync, resync, first=1)) == ["pod_resync"]


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
CONTAINERS = st.lists(st.builds(Container, st.integers(0, 2), TEXT.map(pack_container_id), TEXT, TEXT), max_size=4)
RECORDS = st.builds(
    PodRecord,
    uid=TEXT.map(UID),
    ips=st.just(["10.0.0.1"]),
    controller=st.none(),
    host_network=st.booleans(),
    namespace=TEXT,
    name=TEXT,
    containers=CONTAINERS,
)


@given(pod=RECORDS, ip=st.ip_addresses(v=4), kind=st.sampled_from(OwnerKind), owner_name=TEXT, owner_uid=TEXT)
def test_any_pod_comes_out_of_the_wire_as_it_went_in(
    pod: PodRecord, ip: object, kind: OwnerKind, owner_name: str, owner_uid: str
) -> None:
    heard = Heard()
    new, *containers = heard.say(pod_new(pod, ip=str(ip), owner_kind=kind, owner_name=owner_name, owner_uid=owner_uid))
    owner = (pod.name, "") if kind == OwnerKind.NONE else (owner_name, owner_uid)
    assert (new["uid"].decode(), new["pod_name"].decode(), new["namespace"].decode()) == (
        pod.uid,
        pod.name,
        pod.namespace,
    )
    assert (new["owner_name"].decode(), new["owner_uid"].decode(), new["owner_kind"]) == (*owner, kind)
    assert (new["ip"], new["is_host_network"]) == (str(ip), pod.host_network)
    assert [(one["container_id"].decode(), one["name"].decode(), one["image"].decode()) for one in containers] == [
        (container_id(one.id), one.name, one.image) for one in pod.containers if one.id
    ]
    assert heard.faults == []


HOSTILE = st.one_of(st.text(max_size=5), st.sampled_from(["x" * 65_530, "é" * 33_000, "\ud800", "y" * 30_000]))
HOSTILE_BYTES = st.one_of(
    st.binary(max_size=40), HOSTILE.map(lambda text: ContainerId(text.encode("utf-8", "surrogatepass")))
)


@settings(max_examples=60)
@given(
    uid=HOSTILE,
    ip=HOSTILE,
    kind=st.integers(-1, 300),
    owner=HOSTILE,
    containers=st.lists(st.builds(Container, st.integers(), HOSTILE_BYTES, HOSTILE, HOSTILE), max_size=3),
)
def test_nothing_in_an_emission_raises_or_spoils_the_stream(
    uid: str, ip: str, kind: int, owner: str, containers: list[Container]
) -> None:
    heard = Heard()
    said = heard.say(
        PodNew(pack_record(record()), ip, kind, owner, owner, True),
        PodContainers(UID(uid), containers),
        PodDelete(UID(uid)),
        pod_new(record("last", containers=[])),
    )
    assert said[0]["uid"] == b"uid-1"
    assert said[-1]["uid"] == b"last"
