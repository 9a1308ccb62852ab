"""Who lives in the cluster at the start: which controllers there are, with how many pods each."""

import random
from collections.abc import Iterator

from sandbox.groups import GroupKind
from sandbox.resources import CRONJOBS, DAEMONSETS, DEPLOYMENTS, STATEFULSETS, Resource

_SHARES = (
    (GroupKind.DEPLOYMENT, 0.64),
    (GroupKind.STATEFUL, 0.10),
    (GroupKind.DAEMON, 0.08),
    (GroupKind.JOB, 0.06),
    (GroupKind.FOREIGN, 0.05),
    (GroupKind.ORPHAN, 0.04),
    (GroupKind.BARE, 0.03),
)

_SIZES = {
    GroupKind.DEPLOYMENT: (1, 20),
    GroupKind.STATEFUL: (1, 5),
    GroupKind.DAEMON: (2, 12),
    GroupKind.JOB: (1, 3),
    GroupKind.FOREIGN: (1, 8),
    GroupKind.ORPHAN: (1, 4),
    GroupKind.BARE: (1, 2),
}

ABOVE: dict[GroupKind, Resource] = {
    GroupKind.DEPLOYMENT: DEPLOYMENTS,
    GroupKind.STATEFUL: STATEFULSETS,
    GroupKind.DAEMON: DAEMONSETS,
    GroupKind.JOB: CRONJOBS,
}
"""The resource at the top of a group's owners, where the sandbox serves it."""


def census(pods: int, random_: random.Random) -> Iterator[tuple[GroupKind, int]]:
    """Groups with their sizes, so many pods together. A small cluster has one group of each kind before any has two."""
    left = pods
    for kind, _ in _SHARES:
        if left == 0:
            return
        size = min(left, random_.randint(*_SIZES[kind]), max(1, pods // 4))
        left -= size
        yield kind, size
    kinds, weights = [kind for kind, _ in _SHARES], [share / sum(_SIZES[kind]) for kind, share in _SHARES]
    while left:
        kind = random_.choices(kinds, weights)[0]
        size = min(left, random_.randint(*_SIZES[kind]))
        left -= size
        yield kind, size
