"""What the matcher shows of itself over the admin HTTP. Reads the core's counts at the moment of the request; changes nothing."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from common.records import KINDS, OWNER_KINDS, Kind
from matcher.core import Core
from matcher.follow import Follower, Following
from matcher.loop import Loop
from matcher.neighbour import Neighbour
from matcher.outbox import Open

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class MatcherView:
    """The admin HTTP's view of one matcher. `clock` gives monotonic seconds."""

    def __init__(self, core: Core, loop: Loop, *, neighbours: Iterable[Neighbour], clock: Callable[[], float]) -> None:
        self._core = core
        self._loop = loop
        self._neighbours = {one.stage: one for one in neighbours}
        self._clock = clock

    def state(self) -> dict[str, Any]:
        """Counts, epoch, link, and how each watcher is followed."""
        core, matcher, outbox = self._core, self._core.matcher, self._core.outbox
        return {
            "incarnation": core.incarnation,
            "pods": {
                "known": len(matcher.pods),
                "shapes": matcher.groups.shapes,
                "live": outbox.live,
                "waiting": matcher.groups.waiting,
                "provisional": matcher.groups.provisional,
                "dirty": outbox.dirty,
                "unswept": outbox.unswept,
                "swept": outbox.swept,
            },
            "owners": {kind: len(matcher.owners[kind]) for kind in OWNER_KINDS},
            "reading": type(core.reading).__name__,
            "guard": {"state": type(core.guard.state).__name__, "trips": core.guard.trips},
            "epoch": {
                "number": core.epochs.number,
                "open": isinstance(outbox.state, Open),
                "reasons": list(core.epochs.reasons),
                "due": list(core.epochs.due),
                "opened_by_reason": dict(core.epochs.opened),
                "sent": outbox.sent,
                "age_seconds": self._age(core.epochs.opened_at),
            },
            "link": self._link(),
            "last_event_age_seconds": self._age(max(one.event_at for one in core.followers.values())),
            "watchers": {kind: self._watcher(kind) for kind in KINDS},
            "neighbours": {stage: _connection(one) for stage, one in self._neighbours.items()},
            "emissions": {
                "sent": outbox.emissions_taken,
                "bytes": self._loop.emitted_bytes,
                "without_ipv4": outbox.without_ipv4,
            },
            "decode_errors": dict(matcher.bad_records),
            "bad_frames": dict(self._loop.bad_frames),
        }

    def not_ready(self) -> str | None:
        """What the reducer, once the rest of the pipeline has passed it on, does not know yet; None when it knows everything."""
        for kind in KINDS:
            follower = self._core.followers[kind]
            trouble = follower.pulse.trouble(self._clock())
            if trouble is not None:
                return f"the watcher of {kind} is {trouble}{self._why(f'watcher-{kind}')}"
            if not isinstance(follower.state, Following):
                return f"the snapshot of {kind} is not complete"
        if not isinstance(self._core.outbox.state, Open):
            return f"no connection to a reducer{self._why('relay')}"
        unswept = self._core.outbox.unswept
        return f"{unswept} pods of the epoch have not been sent" if unswept else None

    def metrics(self) -> "Iterable[Metric]":
        """Metric families in Prometheus' form."""
        from matcher.metrics import families

        failures = {stage: one.failures for stage, one in self._neighbours.items()}
        return families(self._core, self._loop, handshakes_failed=failures, now=self._clock())

    def _why(self, stage: str) -> str:
        """What is known of a stage that is not heard, to go on with."""
        neighbour = self._neighbours.get(stage)
        return f": {neighbour.trouble}" if neighbour is not None and neighbour.trouble is not None else ""

    def _link(self) -> dict[str, Any] | None:
        link = self._core.link.latest
        if link is None:
            return None
        return {name: getattr(link, name) for name in link.__struct_fields__ if name != "version"}

    def _age(self, at: float) -> float | None:
        return max(0.0, self._clock() - at) if at > float("-inf") else None

    def _watcher(self, kind: Kind) -> dict[str, Any]:
        follower = self._core.followers[kind]
        condition = follower.pulse.condition
        return {
            "follows": type(follower.state).__name__,
            "snapshot": _snapshot(follower),
            "incarnation": getattr(follower.state, "incarnation", None),
            "sequence": getattr(follower.state, "sequence", None),
            "condition": condition.name.lower() if condition is not None else None,
            "trouble": follower.pulse.trouble(self._clock()),
            "heard_age_seconds": self._age(follower.pulse.heard_at),
            "last_event_age_seconds": self._age(follower.event_at),
            "snapshots_asked": follower.counts.asked,
            "fills": follower.counts.fills,
            "gaps": follower.counts.gaps,
            "duplicates": follower.counts.duplicates,
            "of_the_dead": follower.counts.of_the_dead,
        }


def _connection(neighbour: Neighbour) -> dict[str, Any]:
    return {
        "where": neighbour.where,
        "trouble": neighbour.trouble,
        "handshakes_failed": neighbour.failures,
        "reopened": neighbour.reopened,
    }


def _snapshot(follower: Follower) -> dict[str, int | None] | None:
    """How far the snapshot under way has come; None when there is none."""
    progress = follower.progress
    return None if progress is None else msgspec.structs.asdict(progress)
