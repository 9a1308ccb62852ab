"""What a reducer must hold of a quiet cluster, worked out from the cluster's own lists, and how that differs from what it holds.

Pure, and written from the rules of docs/design.md (sections Watcher and Matcher, with their defaults) and docs/protocol.md alone: it
shares no code with the watcher or the matcher, which it is the check on. Objects are plain dicts, as the API serves them in JSON.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from sandbox.reducer.held import HeldContainer, HeldPod

Object = Mapping[str, Any]
"""A Kubernetes object, or a part of one."""

SHOWN: Final = 50
"""Differences that are told in words; the rest is counted."""

_CLIMBS: Final = {("apps", "ReplicaSet"): ("apps", "Deployment"), ("batch", "Job"): ("batch", "CronJob")}
"""Owners that are climbed from, and what to. A kind is this kind only in its own API group."""

_ABOVE: Final = {(kind, above) for (_, kind), (_, above) in _CLIMBS.items()}

_STATUSES: Final = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


class Truth(NamedTuple):
    """What the cluster's lists say."""

    pods: dict[str, HeldPod]
    """By UID, all that have an IP: these the reducer must hold."""
    without_ip: set[str]
    """UIDs of the others. One that has lost its IP stays in the reducer as it was, one that has not had any is not there."""
    orphaned: set[str]
    """UIDs of pods whose ReplicaSet or Job is gone, as garbage collection leaves them until it comes to the pods. `pods` has that direct
    owner; the Deployment or CronJob that was known behind it is as right."""


class _Owner(NamedTuple):
    kind: str
    name: str
    uid: str


def truth(*, pods: Iterable[Object], replicasets: Iterable[Object], jobs: Iterable[Object]) -> Truth:
    """The truth of these lists, which are read once; an object without a UID is passed over."""
    above = {_uid(owner): _controller(owner) for kind in (replicasets, jobs) for owner in kind if _uid(owner)}
    found = Truth({}, set(), set())
    for pod in pods:
        uid = _uid(pod)
        if not uid:
            continue
        if not any(_ips(pod)):
            found.without_ip.add(uid)
            continue
        found.pods[uid] = _pod(pod, above)
        if _is_orphaned(pod, above):
            found.orphaned.add(uid)
    return found


def _is_orphaned(pod: Object, above: Mapping[str, Object | None]) -> bool:
    direct = _controller(pod)
    return direct is not None and _group_and_kind(direct) in _CLIMBS and (direct.get("uid") or "") not in above


def _pod(pod: Object, above: Mapping[str, Object | None]) -> HeldPod:
    metadata = _part(pod, "metadata")
    owner = _owner(pod, above)
    return HeldPod(
        uid=_uid(pod),
        ip=_ipv4(pod),
        namespace=metadata.get("namespace") or "",
        name=metadata.get("name") or "",
        owner_kind=owner.kind,
        owner_name=owner.name,
        owner_uid=owner.uid,
        version=_version(pod),
        host_network=_part(pod, "spec").get("hostNetwork") is True,
        containers=dict(_containers(pod)),
    )


def _owner(pod: Object, above: Mapping[str, Object | None]) -> _Owner:
    """Its controller, or what that is controlled by where the design climbs. One whose object is gone stands for itself."""
    direct = _controller(pod)
    if direct is None:
        return _Owner("none", _part(pod, "metadata").get("name") or "", "")
    group_and_kind = _group_and_kind(direct)
    if group_and_kind not in _CLIMBS:
        return _named(direct, kind="other")
    upper = above.get(direct.get("uid") or "")
    if upper is not None and _group_and_kind(upper) == _CLIMBS[group_and_kind]:
        return _named(upper, kind=upper["kind"])
    return _named(direct, kind=direct["kind"])


def _named(reference: Object, *, kind: str) -> _Owner:
    return _Owner(kind, reference.get("name") or "", reference.get("uid") or "")


def _has_lost_its_owner(pod: Object, above: Mapping[str, Object | None]) -> bool:
    direct = _controller(pod)
    return direct is not None and _group_and_kind(direct) in _CLIMBS and direct["uid"] not in above


def _controller(of: Object) -> Object | None:
    references = _part(of, "metadata").get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller") is True), None)


def _group_and_kind(reference: Object) -> tuple[str, str]:
    """The group is empty for the core's, whose `apiVersion` is `v1` alone."""
    group, slash, _ = (reference.get("apiVersion") or "").partition("/")
    return (group if slash else "", reference.get("kind") or "")


def _ips(pod: Object) -> tuple[str, ...]:
    """Those of `podIPs` in their order, then `podIP`."""
    status = _part(pod, "status")
    return (*(entry.get("ip") or "" for entry in status.get("podIPs") or ()), status.get("podIP") or "")


def _ipv4(pod: Object) -> str:
    return next((ip for ip in _ips(pod) if _is_ipv4(ip)), "0.0.0.0")  # noqa: S104 (protocol.md's word for none, not an address to listen on)


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _version(pod: Object) -> str:
    """As protocol.md has it: the images of `containerStatuses`, each in single quotes, sorted, joined by commas."""
    statuses = _part(pod, "status").get("containerStatuses") or ()
    return ",".join(sorted(f"'{status.get('image') or ''}'" for status in statuses))


def _containers(pod: Object) -> Iterator[tuple[str, HeldContainer]]:
    """Those that have an ID, init and ephemeral ones too."""
    for statuses in _STATUSES:
        for status in _part(pod, "status").get(statuses) or ():
            if status.get("containerID"):
                yield status["containerID"], HeldContainer(status.get("name") or "", status.get("image") or "")


def _uid(of: Object) -> str:
    uid = _part(of, "metadata").get("uid")
    return uid if isinstance(uid, str) else ""


def _part(of: Object, name: str) -> Object:
    return of.get(name) or {}


class Told(NamedTuple):
    """Sentences: how many there are, and the first `SHOWN` of them."""

    total: int
    first: list[str]


class Comparison(NamedTuple):
    """How what a reducer holds stands to the truth."""

    pods: int
    """Pods of the truth."""
    differences: Told
    """What must not be: none when the reducer is equal to the cluster."""
    stale: Told
    """Containers that have been replaced: a reducer keeps each ID it has seen until its pod goes."""
    versions: Told
    """Version strings that are not the newest: these alone are never sent again."""
    remembered: Told
    """Owners that were known while the ReplicaSet or Job below them was there."""


def compare(expected: Truth, held: Iterable[HeldPod]) -> Comparison:
    """Compares what a reducer holds with the truth."""
    there = {pod.uid: pod for pod in held}
    both = [(pod, there[uid]) for uid, pod in expected.pods.items() if uid in there]
    return Comparison(
        pods=len(expected.pods),
        differences=_told(_differences(expected, there)),
        stale=_told(_stale(both)),
        versions=_told(_versions(both)),
        remembered=_told(
            f"{_name(pod)}: owner is {_owner_words(held)}, {_owner_words(pod)} is gone"
            for pod, held in both
            if _is_remembered(expected, pod, held)
        ),
    )


def differences(expected: Truth, held: Mapping[str, HeldPod]) -> list[str]:
    """What must be mended before the reducer is equal to the cluster: empty when it is. At most `SHOWN`, and how many more."""
    told = _told(_differences(expected, held))
    more = told.total - len(told.first)
    return [*told.first, f"... and {more} more"] if more else told.first


def _differences(expected: Truth, held: Mapping[str, HeldPod]) -> Iterator[str]:
    for uid, pod in expected.pods.items():
        if uid not in held:
            yield f"{_name(pod)}: is missing"
            continue
        yield from _pod_differences(pod, held[uid])
        if _owner_of(held[uid]) != _owner_of(pod) and not _is_remembered(expected, pod, held[uid]):
            yield f"{_name(pod)}: owner is {_owner_words(held[uid])}, should be {_owner_words(pod)}"
    for uid in held.keys() - expected.pods.keys() - expected.without_ip:
        yield f"{_name(held[uid])}: should be gone"


def _is_remembered(expected: Truth, pod: HeldPod, held: HeldPod) -> bool:
    return pod.uid in expected.orphaned and (pod.owner_kind, held.owner_kind) in _ABOVE


def _pod_differences(pod: HeldPod, held: HeldPod) -> Iterator[str]:
    for what, is_, should in (
        ("IP", held.ip, pod.ip),
        ("namespace", held.namespace, pod.namespace),
        ("name", held.name, pod.name),
        ("host network", held.host_network, pod.host_network),
    ):
        if is_ != should:
            yield f"{_name(pod)}: {what} is {is_}, should be {should}"
    for container_id, container in pod.containers.items():
        there = held.containers.get(container_id)
        if there is None:
            yield f"{_name(pod)}: container {container.name} ({container_id}) is missing"
        elif there != container:
            yield (
                f"{_name(pod)}: container {container_id} is {there.name} of {there.image}, "
                f"should be {container.name} of {container.image}"
            )


def _stale(both: Iterable[tuple[HeldPod, HeldPod]]) -> Iterator[str]:
    for pod, held in both:
        for container_id in held.containers.keys() - pod.containers.keys():
            yield f"{_name(pod)}: container {held.containers[container_id].name} ({container_id}) has been replaced"


def _versions(both: Iterable[tuple[HeldPod, HeldPod]]) -> Iterator[str]:
    for pod, held in both:
        if pod.version != held.version:
            yield f"{_name(pod)}: version is {held.version!r}, the newest is {pod.version!r}"


def _name(pod: HeldPod) -> str:
    return f"pod {pod.namespace}/{pod.name} ({pod.uid})"


def _owner_of(pod: HeldPod) -> _Owner:
    return _Owner(pod.owner_kind, pod.owner_name, pod.owner_uid)


def _owner_words(pod: HeldPod) -> str:
    return f"{pod.owner_kind} {pod.owner_name} ({pod.owner_uid or 'no uid'})"


def _told(sentences: Iterable[str]) -> Told:
    first: list[str] = []
    total = 0
    for total, sentence in enumerate(sentences, start=1):
        if total <= SHOWN:
            first.append(sentence)
    return Told(total, first)
