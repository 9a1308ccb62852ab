"""What a watcher shows of itself over the admin HTTP. Reads plain numbers while the loop writes them; changes nothing."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from common.keeping import Kept
from common.knocks import Refusal
from common.messages import Condition
from common.transport import IPC
from watcher.channel import HttpChannel
from watcher.core import Watcher
from watcher.scope import Scope
from watcher.states import ListPages, ListStream, Waiting, Watch
from watcher.tally import Counts, total

if TYPE_CHECKING:
    from prometheus_client.core import Metric

ACTIVITIES = {Waiting: "waiting", ListStream: "streaming list", ListPages: "paging", Watch: "watching"}


class WatcherView:
    """Implements `common.admin.View`. `clock` gives monotonic seconds."""

    def __init__(
        self, *, watcher: Watcher, channels: Mapping[Scope, HttpChannel], server: str, clock: Callable[[], float]
    ) -> None:
        self.bad_frames = 0
        self.recorded = Kept()
        self.listen = IPC
        """Where the matcher finds it, as `common.transport.written`."""
        self.connections_refused = dict.fromkeys(Refusal, 0)
        self._watcher = watcher
        self._channels = channels
        self._server = server
        self._clock = clock
        self._started_at = clock()

    def state(self) -> dict[str, Any]:
        publisher, scopes = self._watcher.publisher, self._watcher.scopes
        return {
            "kind": publisher.kind,
            "server": self._server,
            "incarnation": publisher.incarnation,
            "sequence": publisher.sequence,
            "condition": self._watcher.condition.name.lower(),
            "objects": sum(len(scope.store) for scope in scopes),
            "shapes": sum(scope.store.shapes for scope in scopes),
            "watch_age_seconds": max(map(self._watch_age, scopes)),
            "last_event_age_seconds": self._age(max(scope.event_at for scope in scopes)),
            "last_bookmark_age_seconds": self._age(max(scope.bookmark_at for scope in scopes)),
            "snapshots": publisher.snapshots_begun,
            "listen": self.listen,
            "connections_refused": {str(reason): count for reason, count in self.connections_refused.items()},
            "bad_frames": {"snapshots": self.bad_frames},
            "recorded_bytes": self.recorded.bytes,
            **_counted(total(scope.counts for scope in scopes)),
            "scopes": [self._scope(scope) for scope in scopes],
        }

    def _scope(self, scope: Scope) -> dict[str, Any]:
        state = scope.state
        return {
            "namespace": scope.namespace or "all",
            "activity": ACTIVITIES[type(state.activity)],
            "condition": state.standing.condition.name.lower(),
            "denied": state.denied,
            "objects": len(scope.store),
            "list": _listed(scope),
            "selectors": scope.selectors,
            "watch_age_seconds": self._watch_age(scope),
            "last_event_age_seconds": self._age(scope.event_at),
            "last_bookmark_age_seconds": self._age(scope.bookmark_at),
            "last_error": scope.last_error,
            **_counted(scope.counts),
        }

    def _watch_age(self, scope: Scope) -> float:
        """Seconds since the API server was last heard; since the start where it never was."""
        return max(0.0, self._clock() - max(self._channels[scope].heard_at, self._started_at))

    def _age(self, at: float) -> float | None:
        return max(0.0, self._clock() - at) if at > float("-inf") else None

    def not_ready(self) -> str | None:
        for scope in self._watcher.scopes:
            match scope.state.standing.condition:
                case Condition.FORBIDDEN:
                    return scope.state.denied or "forbidden"
                case Condition.LISTING:
                    return f"listing {scope.kind} of {scope.namespace or 'all namespaces'}; {scope.last_error or 'no fault so far'}"
                case Condition.FOLLOWING:
                    continue
        return None

    def metrics(self) -> "Iterable[Metric]":
        from watcher.metrics import families

        age = max(map(self._watch_age, self._watcher.scopes))
        return families(
            self._watcher,
            watch_age_seconds=age,
            bad_frames=self.bad_frames,
            connections_refused=self.connections_refused,
            recorded=self.recorded,
        )


def _listed(scope: Scope) -> dict[str, int | None] | None:
    """How far the list under way has come; None when there is none."""
    listing = scope.listing
    return None if listing is None else {"objects": listing.objects, "of_about": listing.of_about}


def _counted(counts: Counts) -> dict[str, Any]:
    return {
        "events": counts.events,
        "decode_errors": counts.decode_errors,
        "pages": counts.pages,
        "lists": dict(counts.lists),
        "faults": dict(counts.faults),
    }
