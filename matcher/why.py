"""What the matcher knows of a pod, for a person who asks: record, owner, whether it has been sent, and if not, why not.

Called from the admin's threads while the loop changes what it reads. Each look is at one object or at a copy that is made in one step of
the interpreter, so an answer may show a pod in the midst of a change, and never stops one.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

import msgspec

from common.container_ids import container_id
from common.messages import Link
from common.records import BAD_RECORD, Container, ContainerKind, PodRecord, unpack_pod
from common.wanted import ByAddress, ByUid, Search, Wanted, gently, parse_wanted
from matcher.addresses import UNROUTABLE
from matcher.core import Core
from matcher.groups import Waiting
from matcher.lineage import Lineage
from matcher.outbox import SHARED_SECONDS, Open, Unsaid
from matcher.pods import NEVER, Owner, Pod

MOST_FOUND: Final = 100
"""Pods in an answer: more than a node has on the host's network."""

Json = dict[str, Any]


class Why:
    """Answers for one matcher. `clock` gives monotonic seconds; `rest` is what `common.wanted.gently` calls."""

    def __init__(
        self, core: Core, *, owner_wait_seconds: float, clock: Callable[[], float], rest: Callable[[], None]
    ) -> None:
        self._core = core
        self._lineage = Lineage(core, owner_wait_seconds=owner_wait_seconds)
        self._clock = clock
        self._rest = rest

    def answer(self, query: Mapping[str, str]) -> Json:
        """`what` is anything that `common.wanted` understands. Raises UsageError for what it does not."""
        wanted = parse_wanted(query.get("what", ""))
        found = list(islice(self._found(wanted), MOST_FOUND + 1))
        return {
            "pods": [self._told(pod, record) for pod, record in found[:MOST_FOUND]],
            "more": len(found) > MOST_FOUND,
            "upstream": self._upstream(),
        }

    def _found(self, wanted: Wanted) -> Iterator[tuple[Pod, PodRecord]]:
        pods = self._core.matcher.pods
        if isinstance(wanted, ByUid):
            pod = pods.get(wanted.uid)
            record = _decoded(pod) if pod is not None else None
            if pod is not None and record is not None:
                yield pod, record
            return
        search = Search(wanted)
        for pod in gently(list(pods.values()), self._rest):
            # A pod keeps the address that it is sent with, also when a later record has none.
            kept = isinstance(wanted, ByAddress) and self._keeps(pod, wanted.ip)
            record = _decoded(pod) if kept else search.record(pod.record)
            if record is not None:
                yield pod, record

    def _keeps(self, pod: Pod, ip: str) -> bool:
        """Whether it is sent with this address though its record has it not."""
        return ip in (pod.last_ip, UNROUTABLE) and self._ip(pod) == ip

    def _ip(self, pod: Pod) -> str:
        return pod.ip(self._core.matcher.choose_ip)

    def _told(self, pod: Pod, record: PodRecord) -> Json:
        unsaid = self._core.outbox.unsaid(pod.uid)
        return {
            "uid": pod.uid,
            "namespace": record.namespace,
            "name": record.name,
            "ip": self._ip(pod),
            "ips": record.ips,
            "host_network": record.host_network,
            "containers": [*map(_container, record.containers)],
            "owner": _named(pod.owner),
            "chain": self._lineage.steps(pod.group, self._clock()),
            "sent": self._sent(pod),
            "not_sent": list(self._obstacles(pod, unsaid)),
        }

    def _sent(self, pod: Pod) -> Json | None:
        """When something of it went out last, as far as this life of the matcher knows; None when nothing has."""
        sent, state = pod.sent, self._core.outbox.state
        if sent is NEVER:
            return None
        return {
            "epoch": sent.epoch,
            "live": isinstance(state, Open) and sent.epoch == state.epoch,
            "age_seconds": max(0.0, self._clock() - sent.since),
            "within_seconds": SHARED_SECONDS,
        }

    def _obstacles(self, pod: Pod, unsaid: Unsaid | None) -> Iterator[Json]:
        """Why its newest state has not gone out; nothing when it has."""
        ip = self._ip(pod)
        if not ip:
            yield _obstacle("no_ip", "it has no IP address yet")
        standing = pod.group.standing
        if isinstance(standing, Waiting):
            yield self._lineage.waiting(pod.group, standing, self._clock())
        state = self._core.outbox.state
        if not isinstance(state, Open):
            yield self._closed()
        elif unsaid is not None:
            yield self._held_back("dirty", "its newest change has not been sent")
        elif ip and not isinstance(standing, Waiting) and pod.sent.epoch != state.epoch:
            left = self._core.outbox.unswept
            yield self._held_back("unswept", f"epoch {state.epoch} is being sent, and {left} pods are still to come")

    def _closed(self) -> Json:
        link = self._core.link.latest
        if link is None:
            return _obstacle("no_relay", "the relay has not been heard: does it run?")
        if not link.connected:
            return _obstacle("link_down", "the link to the reducer is down; all pods are sent when it is up again")
        return _obstacle("no_epoch", "the link has come up, and the list of pods is not complete yet")

    def _held_back(self, reason: str, text: str) -> Json:
        link = self._core.link.latest
        slow = link is not None and not link.accepting
        return _obstacle(reason, f"{text}: the reducer reads slowly" if slow else text)

    def _upstream(self) -> Json:
        core = self._core
        state = core.outbox.state
        return {
            "epoch": core.epochs.number,
            "open": isinstance(state, Open),
            "reasons": list(core.epochs.reasons),
            "opened_age_seconds": self._clock() - core.epochs.opened_at if core.epochs.number else None,
            "emissions_sent": core.outbox.sent,
            **_of_link(core.link.latest),
        }


def _of_link(link: Link | None) -> Json:
    if link is None:
        return {"connected": None, "accepting": None, "emissions_taken": None}
    return {"connected": link.connected, "accepting": link.accepting, "emissions_taken": link.taken}


def _decoded(pod: Pod) -> PodRecord | None:
    try:
        return unpack_pod(pod.record)
    except BAD_RECORD:
        return None


def _container(one: Container) -> Json:
    kind = ContainerKind(one.kind).name.lower()
    return {"kind": kind, "name": one.name, "id": container_id(one.id), "image": one.image}


def _named(owner: Owner | None) -> Json | None:
    return None if owner is None else {**msgspec.structs.asdict(owner), "kind": owner.kind.name.lower()}


def _obstacle(reason: str, text: str) -> Json:
    return {"reason": reason, "text": text}
