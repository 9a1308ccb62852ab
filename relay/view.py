"""What the admin HTTP shows of a relay. Reads plain numbers of the core while the loop writes them; changes nothing.

Handshake messages are not counted by name: each connection has one handshake.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from common.transport import written
from relay.accept import Awaiting, Broken, Closed, Following
from relay.connect import Down, Up
from relay.deliver import Relay
from relay.histogram import Histogram
from relay.settings import Settings

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class RelayView:
    """A `common.admin.View`. `clock` gives monotonic seconds."""

    def __init__(self, relay: Relay, settings: Settings, *, clock: Callable[[], float]) -> None:
        self._relay = relay
        self._settings = settings
        self._clock = clock

    def state(self) -> dict[str, Any]:
        relay, tally = self._relay, self._relay.tally
        link = relay.link
        return {
            "incarnation": relay.incarnation,
            "intake": str(self._settings.intake),
            "tls": None if self._settings.tls is None else self._settings.tls.server_name,
            "link": self._link(),
            "epoch": {"number": link.epoch, "matcher": link.matcher, "taken": link.taken, "broken": link.broken},
            "emissions": {"taken": tally.emissions_taken, "dropped": _named(tally.emissions_dropped)},
            "messages": {**relay.translator.messages, **tally.messages},
            "emission_faults": _named(tally.faults),
            "listen": written(self._settings.listen),
            "connections_refused": _named(tally.connections_refused),
            "bad_frames": {"emissions": tally.bad_frames},
            "bytes": {"plain": tally.plain_bytes, "compressed": tally.compressed_bytes},
            "holds": tally.holds,
            "connections_lost": _named(tally.connections_lost),
            "dials_failed": _named(tally.dials_failed),
            "flush_latency": _summary(tally.gather_seconds),
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

    def metrics(self) -> "Iterable[Metric]":
        from relay.metrics import families

        return families(self._relay)

    def _link(self) -> dict[str, Any]:
        relay, link, now = self._relay, self._relay.link, self._clock()
        line = relay.line
        return {
            "connection": link.connection,
            "connected": link.connected,
            "since_ns": link.since_ns,
            "age_seconds": max(0.0, now - line.since) if isinstance(line, Up) else None,
            "state": type(line).__name__.lower(),
            "dials_in_seconds": max(0.0, line.until - now) if isinstance(line, Down) else None,
            "last_trouble": relay.last_trouble,
            "accepting": link.accepting,
            "buffer_bytes": 0 if relay.outbox is None else relay.outbox.size,
        }


def _named(counts: dict[Any, int]) -> dict[str, int]:
    return {str(key): count for key, count in counts.items()}


def _summary(histogram: Histogram) -> dict[str, float | int | None]:
    return {
        "count": histogram.count,
        "p50_seconds": histogram.quantile(0.5),
        "p99_seconds": histogram.quantile(0.99),
    }
