"""What goes out beside the pods: heartbeats, health and resources, as long as the reducer reads."""

import random

import pytest

from common.messages import Incarnation, PodDelete, Report, Resync, Usage
from common.records import UID
from relay.outbox import LARGEST_BYTES, Gate
from tests.fakes.pods import batch, pod_new, record
from tests.relay.delivery import HANDSHAKE, VITALS, Bench, connected


@pytest.fixture
def up() -> Bench:
    return connected()


def test_a_slow_reducer_shuts_the_gate_and_vitals_stop_until_it_reads(up: Bench) -> None:
    """The last report does not age meanwhile, because reports are in the socket that is not read."""
    noise = random.Random(2)
    number = 1
    up.take(Report(matcher=Incarnation("m"), healthy=True, usage=Usage()))
    up.take(batch(Resync(), first=1))
    while up.relay.gate is Gate.OPEN:
        pods = [pod_new(record(noise.randbytes(16).hex(), name=noise.randbytes(500).hex())) for _ in range(100)]
        up.take(batch(*pods, first=number + 1))
        number += 100
    up.turn()
    assert up.links[-1].accepting is False
    assert up.relay.tally.holds == 1
    waiting = up.relay.outbox.size if up.relay.outbox else 0
    assert LARGEST_BYTES <= waiting < LARGEST_BYTES + 200_000
    up.turn(after=60.0)
    assert up.relay.outbox is not None
    assert up.relay.outbox.size == waiting
    assert up.relay.deadline() > up.now
    up.read()
    assert up.relay.deadline() < up.now
    up.turn()
    assert up.links[-1].accepting is True
    assert [(one["message"], one.get("status")) for one in up.heard(vitals=True)[-3:]] == [
        ("collector_health", 0),
        ("agent_resource_usage", None),
        ("heartbeat", None),
    ]


def test_heartbeats_go_out_while_no_pods_do(up: Bench) -> None:
    for _ in range(5):
        up.turn(after=1.0)
    assert up.names() == [*HANDSHAKE, "heartbeat", "heartbeat"]


def test_pods_hold_heartbeats_back(up: Bench) -> None:
    up.take(batch(Resync(), first=1))
    for number in range(2, 8):
        up.turn(after=0.9)
        up.take(batch(PodDelete(UID("u")), first=number))
    assert "heartbeat" not in up.names()


def test_vitals_tell_the_health_and_resources_of_the_whole_pipeline(up: Bench) -> None:
    report = Report(matcher=Incarnation("m"), healthy=True, usage=Usage(user_us=100))
    up.take(report)
    up.turn(after=1.2)
    up.turn(after=5.0)
    told = [one for one in up.heard(vitals=True) if one["message"] in VITALS]
    assert [one["status"] for one in told if "status" in one] == [1, 0, 1]
    assert [one["user_us"] for one in told if "user_us" in one] == [5, 105, 105]


def test_what_the_pipeline_used_before_its_first_report_is_no_share_of_the_second_in_which_it_came(up: Bench) -> None:
    up.turn(after=1.2)
    for second in (1, 2):
        up.take(Report(matcher=Incarnation("m"), healthy=True, usage=Usage(user_us=900_000 + second * 100_000)))
        up.turn(after=1.0)
    shares = [one["cpu_usage"] for one in up.heard(vitals=True) if "cpu_usage" in one]
    assert shares == [0, 0, 0, 100]
