"""The independent watch cuts and reads what the API server writes; the changer writes pods that are others."""

import json
import random

import pytest

from bench.bare_watch import fields, told
from bench.changer import PREFIX, successor, writes
from bench.figures import Told
from bench.hotpaths import frame, pod


def test_an_events_time_is_that_of_the_read_that_completed_it() -> None:
    stream = frame("ADDED", pod(1)) + frame("DELETED", pod(2))
    body = [(1, b""), (2, stream[:100]), (3, stream[100:-1]), (4, stream[-1:])]
    first, second = told(body)
    assert first == Told(3, first.uid, "ADDED", True)
    assert second == Told(4, second.uid, "DELETED", True)
    assert first.uid != second.uid


def test_what_a_broken_watch_left_is_dropped() -> None:
    whole = frame("ADDED", pod(1))
    assert [one.at_ns for one in told([(1, b""), (2, whole[:50]), (3, b""), (4, whole)])] == [4]


def test_a_server_without_protobuf_is_understood_too() -> None:
    metadata = {"uid": "a", "resourceVersion": "7"}
    events = [
        {"type": kind, "object": {"metadata": metadata, "status": {"podIP": "10.0.0.1"}}}
        for kind in ("ADDED", "BOOKMARK")
    ]
    stream = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    assert told([(1, b""), (2, stream[:30]), (3, stream[30:])]) == [Told(3, "a", "ADDED", True)]


def test_bytes_of_no_known_wire_type_are_no_message() -> None:
    with pytest.raises(ValueError, match="wire type"):
        fields(b"\x0f")


def stored() -> dict[bytes, bytes]:
    found = {}
    for number in range(40):
        name = f"service-3-abc-{number:012x}"
        uid = f"00000000-0000-0000-0000-{number:012}"
        made = {
            "metadata": {
                "name": name,
                "uid": uid,
                "annotations": {"checksum/config": "0" * 64},
                "ownerReferences": [{"uid": "owner"}],
            },
            "status": {"containerStatuses": [{"containerID": "containerd://" + "1" * 64}]},
        }
        found[PREFIX + b"team-1/" + name.encode()] = json.dumps(made, separators=(",", ":")).encode()
    return found


def test_a_successor_is_another_pod_of_the_same_owner() -> None:
    key, value = next(iter(stored().items()))
    fresh, made = successor(key, value, random.Random(1))
    before, after = json.loads(value), json.loads(made)
    assert fresh.startswith(PREFIX + b"team-1/service-3-abc-")
    assert fresh.endswith(after["metadata"]["name"].encode())
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["metadata"]["ownerReferences"] == before["metadata"]["ownerReferences"]
    assert after["status"] != before["status"]


def test_the_part_of_events_that_are_news_is_the_one_asked_for() -> None:
    pods, events, news = stored(), 0, 0
    changes = writes(pods, useful=0.2, chance=random.Random(1))
    while events < 5_000:
        some = next(changes)
        events += len(some)
        news += len(some) if len(some) == 2 else 0
    assert news / events == pytest.approx(0.2, abs=0.02)
    assert len(pods) == 40
