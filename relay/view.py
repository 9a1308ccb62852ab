"""What the admin HTTP shows of a relay. Reads plain numbers of the core while the loop writes them; changes nothing.

Handshake messages are not counted by name: each connection has one handshake.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from relay.accept import Awaiting, Broken, Closed, Following
from relay.connect import Up
from relay.deliver import Relay
from relay.histogram import Histogram
from relay.outbox import Gate
from relay.settings import Settings

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class RelayView:
    """A `common.admin.View`."""

    def __init__(self, relay: Relay, settings: Settings) -> None:
        self._relay = relay
        self._settings = settings

    def state(self) -> dict[str, Any]:
        relay, tally = self._relay, self._relay.tally
        link = relay.link
        return {
            "incarnation": relay.incarnation,
            "intake": str(self._settings.intake),
            "link": {
                "connection": link.connection,
                "connected": link.connected,
                "since_ns": link.since_ns,
                "state": type(relay.line).__name__.lower(),
                "last_trouble": relay.last_trouble,
                "accepting": link.accepting,
                "buffer_bytes": self._buffer_bytes(),
            },
            "epoch": {"epoch": link.epoch, "matcher": link.matcher, "taken": link.taken, "broken": link.broken},
            "emissions": {"taken": tally.emissions_taken, "dropped": _named(tally.emissions_dropped)},
            "messages": self._messages(),
            "faults": _named(tally.faults),
            "bad_frames": tally.bad_frames,
            "bytes": {"plain": tally.plain_bytes, "compressed": tally.compressed_bytes},
            "flushes": tally.flushes,
            "holds": tally.holds,
            "connections_lost": _named(tally.connections_lost),
            "dials_failed": _named(tally.dials_failed),
            "gather": _summary(tally.gather_seconds),
            "lag": _summary(tally.lag_seconds),
        }

    def not_ready(self) -> str | None:
        match self._relay.fence:
            case Closed():
                return f"not connected to {self._settings.intake}: {self._relay.last_trouble or 'no answer yet'}"
            case Awaiting():
                return "connected, no epoch yet: waiting for the matcher"
            case Broken(epoch=epoch):
                return f"epoch {epoch} is broken: waiting for the matcher's next one"
            case Following():
                return None

    def metrics(self) -> "Iterator[Metric]":
        yield from self._gauges()
        yield from self._counters()
        yield from self._counters_by()
        yield from self._histograms()

    def _gauges(self) -> "Iterator[Metric]":
        from prometheus_client.core import GaugeMetricFamily

        relay = self._relay
        link = relay.link
        for name, help_, value in (
            ("connected", "Whether the upstream connection stands", float(isinstance(relay.line, Up))),
            ("connection_number", "Number of the newest upstream connection", link.connection),
            ("connection_since_seconds", "Unix time of the last change of connected", link.since_ns / 1e9),
            ("epoch", "Newest epoch seen", link.epoch),
            ("epoch_taken", "Number of the last emission taken in that epoch", link.taken),
            ("epoch_broken", "Whether that epoch has a gap", float(link.broken)),
            ("held", "Whether a slow reducer keeps emissions in their socket", float(relay.gate is Gate.HELD)),
            ("buffer_bytes", "Bytes waiting for the upstream socket", self._buffer_bytes()),
        ):
            yield GaugeMetricFamily(f"podwire_relay_{name}", help_, value=value)

    def _counters(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily

        tally = self._relay.tally
        for name, help_, value in (
            ("connections", "Upstream connections that stood", self._relay.line.connections),
            ("emissions_taken", "Emissions taken", tally.emissions_taken),
            ("epochs_broken", "Epochs in which a gap was seen", tally.epochs_broken),
            ("bad_frames", "Frames dropped that were no message for a relay", tally.bad_frames),
            ("plain_bytes", "Bytes upstream before compression", tally.plain_bytes),
            ("compressed_bytes", "Bytes upstream as sent", tally.compressed_bytes),
            ("flushes", "Flushes of gathered messages", tally.flushes),
            ("holds", "Times that a slow reducer held emissions back", tally.holds),
        ):
            yield CounterMetricFamily(f"podwire_relay_{name}", help_, value=value)

    def _counters_by(self) -> "Iterator[Metric]":
        from prometheus_client.core import CounterMetricFamily

        tally = self._relay.tally
        for name, help_, label, counts in (
            ("emissions_dropped", "Emissions dropped", "reason", _named(tally.emissions_dropped)),
            ("emission_faults", "Emissions that were repaired or left out", "fault", _named(tally.faults)),
            ("connections_lost", "Upstream connections lost", "reason", _named(tally.connections_lost)),
            ("dials_failed", "Attempts to connect that failed", "reason", _named(tally.dials_failed)),
            ("messages", "Messages upstream, without handshakes", "message", self._messages()),
        ):
            family = CounterMetricFamily(f"podwire_relay_{name}", help_, labels=[label])
            for value, count in counts.items():
                family.add_metric([value], count)
            yield family

    def _histograms(self) -> "Iterator[Metric]":
        from prometheus_client.core import HistogramMetricFamily

        tally = self._relay.tally
        for name, help_, histogram in (
            ("gather_seconds", "From the oldest message of a flush to the flush", tally.gather_seconds),
            ("lag_seconds", "From the watcher's read of an update to the flush that carries it", tally.lag_seconds),
        ):
            family = HistogramMetricFamily(f"podwire_relay_{name}", help_)
            family.add_metric([], histogram.buckets(), sum_value=histogram.sum_seconds)
            yield family

    def _messages(self) -> dict[str, int]:
        return {**self._relay.translator.messages, **self._relay.tally.messages}

    def _buffer_bytes(self) -> int:
        outbox = self._relay.outbox
        return 0 if outbox is None else outbox.size


def _named(counts: dict[Any, int]) -> dict[str, int]:
    return {str(key): count for key, count in counts.items()}


def _summary(histogram: Histogram) -> dict[str, float | int | None]:
    return {
        "count": histogram.count,
        "p50_seconds": histogram.quantile(0.5),
        "p99_seconds": histogram.quantile(0.99),
    }
