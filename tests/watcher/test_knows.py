"""Whether a watcher has an object that a person asks for."""

import random
from collections.abc import Callable

import pytest

from common.errors import UsageError
from common.logs import Log
from common.records import UID, Kind, Record
from common.wanted import CHUNK
from tests.fakes.kube_channel import NotingChannel
from tests.fakes.kube_wire import PROTOBUF, pod
from watcher.core import Watcher
from watcher.knows import Knows
from watcher.publish import Publisher
from watcher.scope import Scope


def knows(kind: Kind = "pods", *, pods: int = 0, rest: Callable[[Scope], None] = lambda _scope: None) -> Knows:
    """Of a watcher that has listed the objects `a` and `b`, and so many more."""
    channel = NotingChannel()
    scope = Scope(
        kind=kind,
        namespace=None,
        selectors={},
        encoding="protobuf",
        streaming="never",
        channel=channel,
        log=Log("watcher-test"),
        random_=random.Random(1),
    )
    watcher = Watcher(scopes=[scope], publisher=Publisher(kind=kind, incarnation="life", records=scope.store.records))
    watcher.tick(now=0.0, stamp_ns=0)
    page = PROTOBUF.page([pod("a"), pod("b"), *(pod(f"p{n}") for n in range(pods))], version=7)
    watcher.take(scope, [channel.answer(page)], now=1.0, stamp_ns=0)
    return Knows(watcher, rest=lambda: rest(scope))


def test_a_pod_is_known_by_its_uid_and_its_name():
    known = pod("a")["metadata"]
    assert knows().answer({"what": "a"}) == {"uids": ["a"]}
    assert "a" in knows().answer({"what": f"{known['namespace']}/{known['name']}"})["uids"]
    assert knows().answer({"what": "c"}) == {"uids": []}


def test_an_owner_is_known_by_its_uid_only():
    assert knows("replicasets").answer({"what": "a"}) == {"uids": ["a"]}
    with pytest.raises(UsageError, match="UIDs only"):
        knows("replicasets").answer({"what": "shop/web"})


def test_objects_may_come_and_go_while_one_is_looked_for():
    def rest(scope: Scope) -> None:
        scope.store.delete("b")
        scope.store.apply(Record(b"\xc0", UID("new"), b"\xc0"))

    assert knows(pods=CHUNK, rest=rest).answer({"what": "shop/nobody"}) == {"uids": []}
