"""A watcher's metrics, by Prometheus' naming conventions. Imported at the first scrape."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client.core import Metric

from common.keeping import Kept
from common.knocks import Refusal
from common.messages import Condition
from common.metrics import counter, counters, gauge, gauges
from watcher.core import Watcher
from watcher.tally import Counts, total

if TYPE_CHECKING:
    from common.records import Kind


def families(
    watcher: Watcher,
    *,
    watch_age_seconds: float,
    bad_frames: int,
    connections_refused: Mapping[Refusal, int],
    recorded: Kept,
) -> Iterable[Metric]:
    """All of them, over all scopes of the kind."""
    kind = watcher.publisher.kind
    yield from _read(total(scope.counts for scope in watcher.scopes), kind)
    yield gauge(
        "podwire_watcher_watch_age_seconds",
        "Time since the API server was last heard, or since the start where it never was; of the scope where that is longest.",
        watch_age_seconds,
        kind=kind,
    )
    conditions = {one.name.lower(): float(one is watcher.condition) for one in Condition}
    yield gauges(
        "podwire_watcher_condition",
        "1 for the condition that the watcher is in, else 0.",
        "condition",
        conditions,
        kind=kind,
    )
    objects = sum(len(scope.store) for scope in watcher.scopes)
    yield gauge("podwire_watcher_objects", "Objects in the store.", objects, kind=kind)
    yield counter(
        "podwire_watcher_snapshots",
        "Snapshots that a reader began to take.",
        watcher.publisher.snapshots_begun,
        kind=kind,
    )
    yield from _kept(recorded, kind)
    yield counters(
        "podwire_watcher_connections_refused",
        "Connections refused that were no matcher's of a known key.",
        "reason",
        connections_refused,
        kind=kind,
    )
    yield counters(
        "podwire_watcher_bad_frames",
        "Frames dropped that were no message for a watcher, by the socket they came on.",
        "origin",
        {"snapshots": bad_frames},
        kind=kind,
    )


def _kept(recorded: Kept, kind: "Kind") -> Iterator[Metric]:
    yield counter("podwire_watcher_recorded_bytes", "Bytes written to the recording.", recorded.bytes, kind=kind)
    yield counters(
        "podwire_watcher_recordings_ended",
        "Recordings that ended before the watcher did, by reason.",
        "reason",
        recorded.ended,
        kind=kind,
    )


def _read(counts: Counts, kind: "Kind") -> Iterator[Metric]:
    yield counters(
        "podwire_watcher_events", "What lists and watches brought, by type.", "type", counts.events, kind=kind
    )
    yield counters(
        "podwire_watcher_decode_errors",
        "Objects left out, by what was wrong with them.",
        "reason",
        counts.decode_errors,
        kind=kind,
    )
    yield counters("podwire_watcher_lists", "Lists begun, by reason.", "reason", counts.lists, kind=kind)
    yield counter("podwire_watcher_list_pages", "Pages of lists taken.", counts.pages, kind=kind)
    yield counters(
        "podwire_watcher_faults",
        "Lists and watches that ended before all was said, by reason.",
        "reason",
        counts.faults,
        kind=kind,
    )
