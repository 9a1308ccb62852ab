"""What a connection begins with."""

from relay.handshake import LONGEST_LABEL_BYTES, Identity, introduction
from tests.fakes.reducer_ear import messages_of


def heard(identity: Identity) -> list[dict[str, object]]:
    messages = messages_of(b"".join(introduction(identity, stamp_ns=1)))
    assert all(message.pop("stamp_ns") == 1 for message in messages)
    return messages


def test_the_introduction_has_protocol_mds_order() -> None:
    identity = Identity(hostname="node-1", cores=8, labels=(("zone", "b"), ("cluster", "prod")))
    assert heard(identity) == [
        {"message": "connect", "collector_type": 3, "hostname": b"node-1"},
        {"message": "report_cpu_cores", "count": 8},
        {"message": "set_config_label", "key": b"zone", "value": b"b"},
        {"message": "set_config_label", "key": b"cluster", "value": b"prod"},
        {"message": "cloud_platform", "platform": 0},
        {"message": "set_node_info", "az": b"", "role": b"", "instance_id": b"node-1", "instance_type": b""},
        {"message": "metadata_complete", "time": 0},
    ]


def test_a_hostname_too_long_for_a_message_is_cut() -> None:
    connect, *_, node, _ = heard(Identity(hostname="h" * 70_000, cores=1, labels=()))
    assert connect["hostname"] == node["instance_id"] == b"h" * (65_535 - 10)


def test_a_hostname_that_is_no_utf8_is_replaced() -> None:
    assert heard(Identity(hostname="h\udcff", cores=1, labels=()))[0]["hostname"] == b"h?"


def test_the_longest_label_goes_out_whole() -> None:
    value = "v" * (LONGEST_LABEL_BYTES - 1)
    assert heard(Identity(hostname="h", cores=1, labels=(("k", value),)))[2] == {
        "message": "set_config_label",
        "key": b"k",
        "value": value.encode(),
    }
