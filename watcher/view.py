"""What a watcher shows of itself over the admin HTTP."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from common.clock import monotonic
from common.messages import Condition
from watcher.channel import HttpChannel
from watcher.core import Watcher
from watcher.scope import Scope
from watcher.states import ListPages, ListStream, Waiting, Watch

if TYPE_CHECKING:
    from prometheus_client.core import Metric

ACTIVITIES = {Waiting: "waiting", ListStream: "streaming list", ListPages: "paging", Watch: "watching"}


class WatcherView:
    """Implements `common.admin.View`."""

    def __init__(self, *, watcher: Watcher, channels: Mapping[Scope, HttpChannel], server: str) -> None:
        self.bad_frames = 0
        self._watcher = watcher
        self._channels = channels
        self._server = server

    def state(self) -> dict[str, Any]:
        publisher = self._watcher.publisher
        return {
            "kind": publisher.kind,
            "server": self._server,
            "incarnation": publisher.incarnation,
            "sequence": publisher.sequence,
            "condition": self._watcher.condition.name.lower(),
            "objects": sum(len(scope.store) for scope in self._watcher.scopes),
            "snapshots": publisher.snapshots_begun,
            "bad_frames": self.bad_frames,
            "scopes": [self._scope(scope) for scope in self._watcher.scopes],
        }

    def _scope(self, scope: Scope) -> dict[str, Any]:
        state, counts = scope.state, scope.counts
        heard_at = self._channels[scope].heard_at
        return {
            "namespace": scope.namespace or "all",
            "activity": ACTIVITIES[type(state.activity)],
            "condition": state.condition.name.lower(),
            "denied": state.denied,
            "objects": len(scope.store),
            "remaining": scope.remaining,
            "watch_age_seconds": max(0.0, monotonic() - heard_at) if heard_at > float("-inf") else None,
            "last_error": scope.last_error,
            "added_or_modified": counts.added_or_modified,
            "deleted": counts.deleted,
            "unchanged": counts.unchanged,
            "bookmarks": counts.bookmarks,
            "without_uid": counts.without_uid,
            "unreadable": counts.unreadable,
            "pages": counts.pages,
            "lists": dict(counts.lists),
            "faults": dict(counts.faults),
        }

    def not_ready(self) -> str | None:
        for scope in self._watcher.scopes:
            match scope.state.condition:
                case Condition.FORBIDDEN:
                    return scope.state.denied or "forbidden"
                case Condition.LISTING:
                    return f"listing {scope.kind} of {scope.namespace or 'all namespaces'}; {scope.last_error or 'no fault so far'}"
                case Condition.FOLLOWING:
                    continue
        return None

    def metrics(self) -> "Iterable[Metric]":
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        kind = self._watcher.publisher.kind
        events = CounterMetricFamily(
            "podwire_watcher_events", "Objects taken, by what they were.", labels=["kind", "type"]
        )
        lists = CounterMetricFamily("podwire_watcher_lists", "Lists begun, by reason.", labels=["kind", "reason"])
        faults = CounterMetricFamily(
            "podwire_watcher_faults", "Requests that ended against our wish.", labels=["kind", "fault"]
        )
        for name in ("added_or_modified", "deleted", "unchanged", "bookmarks", "without_uid", "unreadable"):
            events.add_metric([kind, name], sum(getattr(scope.counts, name) for scope in self._watcher.scopes))
        for scope_counts in (scope.counts for scope in self._watcher.scopes):
            for reason, count in list(scope_counts.lists.items()):
                lists.add_metric([kind, reason], count)
            for fault, count in list(scope_counts.faults.items()):
                faults.add_metric([kind, fault], count)
        snapshots = CounterMetricFamily("podwire_watcher_snapshots", "Snapshots that a reader began.", labels=["kind"])
        snapshots.add_metric([kind], self._watcher.publisher.snapshots_begun)
        bad = CounterMetricFamily(
            "podwire_watcher_bad_frames", "Frames that were no question for a snapshot.", labels=["kind"]
        )
        bad.add_metric([kind], self.bad_frames)
        objects = GaugeMetricFamily("podwire_watcher_objects", "Objects in the store.", labels=["kind"])
        objects.add_metric([kind], sum(len(scope.store) for scope in self._watcher.scopes))
        return [events, lists, faults, snapshots, bad, objects]
