"""The matcher's metrics, by Prometheus' naming conventions. Imported at the first scrape."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import Metric

from common.metrics import counter, counters, gauge, gauges
from common.records import KINDS
from matcher.core import Core
from matcher.loop import Loop


def families(core: Core, loop: Loop, *, handshakes_failed: Mapping[str, int], now: float) -> Iterable[Metric]:
    """All of them, as they stand at `now` (monotonic seconds)."""
    yield from _pods(core)
    yield from _watchers(core, now)
    yield from _sending(core, loop)
    yield counters(
        "podwire_matcher_handshakes_failed",
        "Connections to a neighbour on tcp:// that it refused, or that were to somebody else.",
        "neighbour",
        handshakes_failed,
    )


def _pods(core: Core) -> Iterator[Metric]:
    matcher, outbox = core.matcher, core.outbox
    for name, text, count in (
        ("podwire_matcher_pods", "Pods of the cluster that are known.", len(matcher.pods)),
        ("podwire_matcher_pods_live", "Pods that the reducer knows in the open epoch.", outbox.live),
        ("podwire_matcher_pods_waiting", "Pods that wait for their owner's record.", matcher.groups.waiting),
        (
            "podwire_matcher_pods_provisional",
            "Pods that go out with their direct owner, since its record did not come.",
            matcher.groups.provisional,
        ),
        ("podwire_matcher_pods_dirty", "Pods whose newest state has not been sent.", outbox.dirty),
        ("podwire_matcher_pods_unswept", "Pods that the epoch's full send has not come to yet.", outbox.unswept),
    ):
        yield gauge(name, text, count)
    owners = {kind: len(one) for kind, one in matcher.owners.items()}
    yield gauges("podwire_matcher_owners", "Owners that are known.", "kind", owners)
    yield counters(
        "podwire_matcher_decode_errors",
        "Records left out because they could not be decoded.",
        "kind",
        matcher.bad_records,
    )
    yield counter("podwire_matcher_guard_trips", "Times that too many pods waited for their owners.", core.guard.trips)


def _watchers(core: Core, now: float) -> Iterator[Metric]:
    healthy = {kind: float(core.followers[kind].pulse.trouble(now) is None) for kind in KINDS}
    yield gauges(
        "podwire_matcher_watcher_healthy", "1 while the watcher is heard and follows its kind.", "kind", healthy
    )
    counts = {kind: core.followers[kind].counts for kind in KINDS}
    for name, text, attribute in (
        ("podwire_matcher_snapshots_asked", "Snapshots asked for.", "asked"),
        ("podwire_matcher_snapshots", "Snapshots taken completely.", "fills"),
        ("podwire_matcher_gaps", "Gaps in a watcher's sequence numbers.", "gaps"),
        ("podwire_matcher_duplicates", "Updates dropped that had been taken before.", "duplicates"),
        ("podwire_matcher_stale_updates", "Messages dropped that were of a watcher's earlier life.", "of_the_dead"),
    ):
        yield counters(name, text, "kind", {kind: getattr(count, attribute) for kind, count in counts.items()})


def _sending(core: Core, loop: Loop) -> Iterator[Metric]:
    link = core.link.latest
    connected = link is not None and link.connected
    yield gauge("podwire_matcher_link_connected", "1 while the relay says that it is connected.", float(connected))
    yield gauge("podwire_matcher_epoch", "The newest epoch.", core.epochs.number)
    yield counters(
        "podwire_matcher_epochs",
        "Epochs opened, by what caused them; one may have several causes.",
        "reason",
        core.epochs.opened,
    )
    yield counter("podwire_matcher_emissions_sent", "Emissions sent to the relay.", core.outbox.emissions_taken)
    yield counter("podwire_matcher_sent_bytes", "Bytes of emissions sent to the relay.", loop.emitted_bytes)
    yield counter("podwire_matcher_pods_without_ipv4", "Pods sent without an IPv4 address.", core.outbox.without_ipv4)
    yield counters(
        "podwire_matcher_bad_frames",
        "Frames dropped that were no message for the matcher, by the socket they came on.",
        "origin",
        loop.bad_frames,
    )
