"""What one connection's messages make of the reducer's state."""

from sandbox.reducer import messages as m
from sandbox.reducer.decode import Decoder
from sandbox.reducer.held import HeldContainer
from sandbox.reducer.state import ConnectionState
from tests.fakes import upstream as up


def state_of(*parts: bytes, handshake: tuple[bytes, ...] = up.HANDSHAKE) -> ConnectionState:
    state = ConnectionState()
    for timestamp, message in Decoder().feed(up.stream(*parts, handshake=handshake)):
        state.apply(timestamp, message)
    return state


def test_the_handshake_leaves_facts_labels_and_addresses() -> None:
    address = up.fixed(353, "22s4s", b"vpc-1", bytes([10, 0, 0, 1]))
    state = state_of(
        handshake=(
            up.connect("host"),
            up.report_cpu_cores(8),
            up.label("cluster", "a"),
            up.label("zone", "b"),
            up.cloud_platform(1),
            up.dynamic(495, "", [], ["account"]),
            up.node_info("az", "role", "i-1", "large"),
            address,
            up.metadata_complete(),
        )
    )
    assert state.facts == {
        "version_info": m.VersionInfo(0, 11, 0),
        "connect": m.Connect(3, "host"),
        "report_cpu_cores": m.ReportCpuCores(8),
        "cloud_platform": m.CloudPlatform(1),
        "cloud_platform_account_info": m.CloudPlatformAccountInfo("account"),
        "set_node_info": m.SetNodeInfo("az", "role", "i-1", "large"),
        "metadata_complete": m.MetadataComplete(0),
    }
    assert state.labels == {"cluster": "a", "zone": "b"}
    assert state.addresses == [m.PrivateIpv4Addr("vpc-1", "10.0.0.1")]
    assert state.handshake is m.MetadataComplete


def test_a_pod_is_held_with_its_owner_and_containers() -> None:
    state = state_of(
        up.resync(1),
        up.pod(
            "u", ip="10.1.2.3", kind=0, owner=("rs", "rs-1"), name="n", namespace="ns", version="v", host_network=True
        ),
        up.container("u", "c1", "main", "i1"),
        up.container("u", "c2", "side", "i2"),
    )
    pod = state.pods["u"]
    assert (pod.ip, pod.namespace, pod.name, pod.version, pod.host_network) == ("10.1.2.3", "ns", "n", "v", True)
    assert (pod.owner_kind, pod.owner_name, pod.owner_uid) == ("ReplicaSet", "rs", "rs-1")
    assert pod.containers == {"c1": HeldContainer("main", "i1"), "c2": HeldContainer("side", "i2")}
    assert state.containers == 2


def test_a_pod_that_is_known_gets_new_details_and_keeps_its_containers() -> None:
    state = state_of(
        up.resync(1), up.pod("u"), up.container("u", "c1"), up.pod("u", owner=("other", "o"), version="'b'")
    )
    assert (state.pods["u"].owner_name, state.pods["u"].version) == ("other", "'b'")
    assert list(state.pods["u"].containers) == ["c1"]


def test_a_resync_forgets_everything() -> None:
    state = state_of(up.resync(1), up.pod("u"), up.container("u", "c1"), up.resync(2), up.pod("w"))
    assert list(state.pods) == ["w"]
    assert state.containers == 0
    assert list(state.resyncs) == [1, 2]
    assert state.epoch == 2


def test_a_container_of_an_unknown_pod_is_dropped() -> None:
    state = state_of(up.resync(1), up.container("u", "c1"), up.pod("u"))
    assert state.pods["u"].containers == {}
    assert (state.containers_dropped, state.containers) == (1, 0)


def test_a_container_id_that_was_seen_is_ignored() -> None:
    state = state_of(up.resync(1), up.pod("u"), up.container("u", "c1", image="a"), up.container("u", "c1", image="b"))
    assert state.pods["u"].containers["c1"].image == "a"
    assert (state.containers_repeated, state.containers) == (1, 1)


def test_a_delete_takes_the_pod_and_its_containers() -> None:
    state = state_of(up.resync(1), up.pod("u"), up.container("u", "c1"), up.delete("u"))
    assert (state.pods, state.containers, state.pod_not_found) == ({}, 0, 0)


def test_a_delete_of_an_unknown_pod_is_counted_as_the_reducer_counts_it() -> None:
    state = state_of(up.resync(1), up.delete("u"), up.delete("u"))
    assert state.pod_not_found == 2


def test_messages_are_counted_and_the_newest_heartbeat_kept() -> None:
    state = state_of(up.heartbeat(stamp=5), up.heartbeat(stamp=6), up.dynamic(411, "B", [2], ["line"]))
    assert state.heartbeat_ns == 6
    assert (state.counts()["heartbeat"], state.counts()["log_message"], state.counts()["connect"]) == (2, 1, 1)
    assert list(state.log) == [m.LogMessage(2, "line")]
