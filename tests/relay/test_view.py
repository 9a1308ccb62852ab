"""What the admin HTTP shows of a relay."""

import json
import random
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from common.address import Address
from common.logs import Log
from common.messages import Incarnation, Resync, Usage
from relay.connect import Trouble
from relay.deliver import Relay
from relay.handshake import Identity
from relay.settings import Settings
from relay.view import RelayView
from tests.fakes.pods import batch, pod_new

SETTINGS = Settings(
    run_dir=Path("run"),
    admin="off",
    listen=None,
    keys_dir=None,
    intake=Address("reducer", 8000),
    labels=(),
    hostname="h",
    tls=None,
)


def clock() -> float:
    return 4.0


def relay() -> Relay:
    one = Relay(
        incarnation=Incarnation("relay-1"),
        identity=Identity(hostname="h", cores=1, labels=()),
        random_=random.Random(1),
        measure=lambda: (Usage(), None),
        log=Log("relay"),
        now=0.0,
        wall_ns=1,
    )
    one.turn(now=0.0, wall_ns=1, more_coming=False)
    return one


def following() -> Relay:
    one = relay()
    one.dialed(peer="reducer:8000", now=1.0, wall_ns=2_000_000_000)
    one.take(batch(Resync(), pod_new(ip=""), first=1, epoch=3, stamp_ns=1_000_000_000), now=1.0, wall_ns=2_000_000_000)
    one.take(batch(pod_new(), first=1, epoch=2), now=1.0, wall_ns=2_000_000_000)
    one.turn(now=1.5, wall_ns=2_500_000_000, more_coming=False)
    return one


def test_the_state_is_json_and_names_connection_epoch_and_drops() -> None:
    state = json.loads(json.dumps(RelayView(following(), SETTINGS, clock=clock).state()))
    assert state["intake"] == "reducer:8000"
    assert (state["link"]["connection"], state["link"]["connected"], state["link"]["state"]) == (1, True, "up")
    assert state["link"]["buffer_bytes"] > 0
    assert (state["link"]["age_seconds"], state["link"]["dials_in_seconds"]) == (3.0, None)
    assert state["epoch"] == {"number": 3, "matcher": "matcher-1", "taken": 2, "broken": False}
    assert state["emissions"]["taken"] == 2
    assert state["emissions"]["dropped"]["older_epoch"] == 1
    assert state["messages"]["pod_new_with_name"] == 1
    assert state["emission_faults"]["no_ipv4"] == 1
    assert state["lag"] == {"count": 1, "p50_seconds": 1.5, "p99_seconds": 1.5}


def test_it_is_ready_when_it_follows_an_epoch_and_says_why_not_before() -> None:
    one = relay()
    view = RelayView(one, SETTINGS, clock=clock)
    assert view.not_ready() == "not connected to reducer:8000: no answer yet"
    one.failed(Trouble.REFUSED, "Connection refused", now=0.0, wall_ns=1)
    assert view.not_ready() == "not connected to reducer:8000: Connection refused"
    assert RelayView(following(), SETTINGS, clock=clock).not_ready() is None
    one = following()
    one.take(batch(pod_new(), first=9, epoch=3), now=2.0, wall_ns=3)
    assert "epoch 3 is broken" in (RelayView(one, SETTINGS, clock=clock).not_ready() or "")
    one.failed(Trouble.CLOSED, "closed", now=3.0, wall_ns=4)
    one.turn(now=40.0, wall_ns=5, more_coming=False)
    one.dialed(peer="reducer:8000", now=40.0, wall_ns=5)
    assert "waiting for the matcher" in (RelayView(one, SETTINGS, clock=clock).not_ready() or "")


def test_metrics_are_what_prometheus_reads() -> None:
    class Scrape(Collector):
        def collect(self):
            return RelayView(following(), SETTINGS, clock=clock).metrics()

    registry = CollectorRegistry()
    registry.register(Scrape())
    lines = generate_latest(registry).decode().splitlines()
    for line in (
        "podwire_relay_link_connected 1.0",
        "podwire_relay_epoch 3.0",
        "podwire_relay_emissions_taken_total 2.0",
        'podwire_relay_emissions_dropped_total{reason="older_epoch"} 1.0',
        'podwire_relay_emission_faults_total{reason="no_ipv4"} 1.0',
        'podwire_relay_messages_sent_total{message="pod_resync"} 1.0',
        'podwire_relay_lag_seconds_bucket{le="1.0"} 0.0',
        'podwire_relay_lag_seconds_bucket{le="2.5"} 1.0',
        "podwire_relay_lag_seconds_count 1.0",
        "podwire_relay_lag_seconds_sum 1.5",
    ):
        assert line in lines
