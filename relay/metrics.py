"""The relay's metrics, by Prometheus' naming conventions. Imported at the first scrape."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from common.metrics import counter, counters, gauge, histogram
from relay.connect import Up
from relay.deliver import Relay
from relay.outbox import Gate


def families(relay: Relay) -> Iterable[Metric]:
    """All of them."""
    yield from _link(relay)
    yield from _taken(relay)
    yield from _sent(relay)


def _link(relay: Relay) -> Iterator[Metric]:
    tally = relay.tally
    yield gauge(
        "podwire_relay_link_connected",
        "1 while the connection to the reducer stands.",
        float(isinstance(relay.line, Up)),
    )
    yield gauge(
        "podwire_relay_link_changed_timestamp_seconds",
        "When the connection began to stand, or ceased to.",
        relay.since_ns / 1e9,
    )
    yield counter("podwire_relay_connections", "Connections to the reducer that stood.", relay.line.connections)
    yield counters("podwire_relay_connections_lost", "Connections lost.", "reason", tally.connections_lost)
    yield counters("podwire_relay_dials_failed", "Attempts to connect that failed.", "reason", tally.dials_failed)


def _taken(relay: Relay) -> Iterator[Metric]:
    tally, link = relay.tally, relay.link
    yield gauge("podwire_relay_epoch", "The newest epoch seen.", link.epoch)
    yield gauge("podwire_relay_epoch_broken", "1 while emissions of that epoch are missing.", float(link.broken))
    yield counter("podwire_relay_epochs_broken", "Epochs of which emissions were missing.", tally.epochs_broken)
    yield counter("podwire_relay_emissions_taken", "Emissions taken from the matcher.", tally.emissions_taken)
    yield counters("podwire_relay_emissions_dropped", "Emissions not taken.", "reason", tally.emissions_dropped)
    yield counters(
        "podwire_relay_emission_faults", "Emissions taken that were repaired or left out.", "reason", tally.faults
    )
    yield counters(
        "podwire_relay_connections_refused",
        "Connections refused that were no matcher's of a known key.",
        "reason",
        tally.connections_refused,
    )
    yield counters(
        "podwire_relay_bad_frames",
        "Frames dropped that were no message for the relay, by the socket they came on.",
        "origin",
        {"emissions": tally.bad_frames},
    )


def _sent(relay: Relay) -> Iterator[Metric]:
    tally, outbox = relay.tally, relay.outbox
    yield counters(
        "podwire_relay_messages_sent",
        "Messages to the reducer, without handshakes.",
        "message",
        {**relay.translator.messages, **tally.messages},
    )
    yield counter("podwire_relay_plain_bytes", "Bytes to the reducer before compression.", tally.plain_bytes)
    yield counter("podwire_relay_compressed_bytes", "Bytes to the reducer as sent.", tally.compressed_bytes)
    yield gauge(
        "podwire_relay_buffer_bytes", "Bytes that wait for the reducer to read.", 0 if outbox is None else outbox.size
    )
    yield gauge("podwire_relay_held", "1 while a slow reducer holds emissions back.", float(relay.gate is Gate.HELD))
    yield counter("podwire_relay_recorded_bytes", "Bytes written to the recording.", tally.recorded.bytes)
    yield counters(
        "podwire_relay_recordings_ended",
        "Recordings that ended before the relay did.",
        "reason",
        tally.recorded.ended,
    )
    yield counter("podwire_relay_holds", "Times that a slow reducer held emissions back.", tally.holds)
    yield histogram(
        "podwire_relay_flush_latency_seconds",
        "From the oldest message of a flush to the flush.",
        tally.gather_seconds.buckets(),
        tally.gather_seconds.sum_seconds,
    )
    yield histogram(
        "podwire_relay_lag_seconds",
        "From the watcher's read of an update to the flush that carries it.",
        tally.lag_seconds.buckets(),
        tally.lag_seconds.sum_seconds,
    )
