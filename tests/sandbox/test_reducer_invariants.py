"""What podwire promises of its upstream, broken one by one."""

import pytest

from sandbox.reducer.decode import Decoder
from sandbox.reducer.invariants import Rule, faults
from sandbox.reducer.state import ConnectionState
from tests.fakes import upstream as up


def found(*parts: bytes, handshake: tuple[bytes, ...] = up.HANDSHAKE) -> list[Rule]:
    state, rules = ConnectionState(), []
    for timestamp, message in Decoder().feed(up.stream(*parts, handshake=handshake)):
        rules += [fault.rule for fault in faults(state, message)]
        state.apply(timestamp, message)
    return rules


def test_a_connection_as_it_should_be_breaks_nothing() -> None:
    assert not found(
        up.heartbeat(),
        up.resync(3),
        up.pod("u"),
        up.container("u", "c1"),
        up.pod("w", kind=254, owner=("web-1", "")),
        up.delete("u"),
        up.pod("u"),
        up.resync(4),
        up.pod("w"),
        up.container("w", "c1"),
    )


@pytest.mark.parametrize(
    "handshake",
    [
        (up.connect(), up.report_cpu_cores(), up.cloud_platform(), up.node_info(), up.metadata_complete()),
        (
            up.connect(),
            up.report_cpu_cores(),
            up.label("a", "b"),
            up.label("c", "d"),
            up.cloud_platform(2),
            up.dynamic(495, "", [], ["account"]),
            up.node_info("az", "", "other", ""),
            up.fixed(353, "22s4s", b"", b"abcd"),
            up.fixed(354, "16s22s", b"", b""),
            up.fixed(355, "22s4s4s", b"", b"abcd", b"efgh"),
            up.metadata_complete(),
        ),
    ],
)
def test_every_handshake_of_the_protocol_is_taken(handshake: tuple[bytes, ...]) -> None:
    assert not found(up.resync(1), handshake=handshake)


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_a_handshake_that_leaves_a_message_out_is_broken_at_the_next_one(missing: int) -> None:
    assert found(handshake=up.HANDSHAKE[:missing] + up.HANDSHAKE[missing + 1 :]) == [Rule.HANDSHAKE]


def test_a_handshake_out_of_order_is_broken() -> None:
    connect, cores, cloud, node, done = up.HANDSHAKE
    assert Rule.HANDSHAKE in found(handshake=(connect, cores, cloud, up.label("a", "b"), node, done))
    assert Rule.HANDSHAKE in found(handshake=(*up.HANDSHAKE, up.label("a", "b")))
    assert Rule.HANDSHAKE in found(handshake=(*up.HANDSHAKE, done))


@pytest.mark.parametrize(
    "early", [up.heartbeat(), up.resync(1), up.fixed(496, "HH", 0, 0), up.dynamic(411, "B", [2], ["x"])]
)
def test_nothing_else_comes_before_the_handshake_is_complete(early: bytes) -> None:
    assert found(handshake=(*up.HANDSHAKE[:-1], early, up.metadata_complete())) == [Rule.HANDSHAKE]


def test_without_a_cloud_the_node_is_its_host() -> None:
    connect, cores, cloud, _, done = up.HANDSHAKE
    for node in (up.node_info("az"), up.node_info(instance_id="another")):
        assert found(handshake=(connect, cores, cloud, node, done)) == [Rule.FIELDS]


@pytest.mark.parametrize("first", [up.pod("u"), up.container("u", "c"), up.delete("u")])
def test_the_first_pod_message_is_a_resync(first: bytes) -> None:
    assert Rule.RESYNC_FIRST in found(first)


@pytest.mark.parametrize("second", [1, 2])
def test_the_resync_count_grows_within_a_connection(second: int) -> None:
    assert found(up.resync(2), up.resync(second)) == [Rule.RESYNC_GROWS]


@pytest.mark.parametrize("part", [up.container("u", "c"), up.delete("u")])
def test_a_container_or_delete_follows_its_pod_in_the_same_epoch(part: bytes) -> None:
    assert found(up.resync(1), part) == [Rule.POD_KNOWN]
    assert found(up.resync(1), up.pod("u"), up.resync(2), part) == [Rule.POD_KNOWN]
    assert found(up.resync(1), up.pod("u"), up.delete("u"), part) == [Rule.POD_KNOWN]


def test_a_pod_is_not_repeated_when_neither_ip_nor_owner_changed() -> None:
    assert found(up.resync(1), up.pod("u"), up.pod("u", version="'other'", name="web-1")) == [Rule.POD_ONCE]


@pytest.mark.parametrize(
    "changed",
    [
        up.pod("u", ip="10.0.0.2"),
        up.pod("u", kind=0),
        up.pod("u", owner=("other", "d-1")),
        up.pod("u", owner=("web", "d-2")),
    ],
)
def test_a_pod_is_repeated_when_its_ip_or_owner_changed(changed: bytes) -> None:
    assert not found(up.resync(1), up.pod("u"), changed)


@pytest.mark.parametrize(
    "part",
    [
        up.pod(""),
        up.pod("u", kind=254, owner=("another", "")),
        up.pod("u", kind=254, owner=("web-1", "uid")),
        up.pod("u") + up.container("u", ""),
    ],
)
def test_fields_say_what_the_protocol_wants(part: bytes) -> None:
    assert found(up.resync(1), part) == [Rule.FIELDS]
