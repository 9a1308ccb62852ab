"""`podwire tap`: each event is a line, what was missed is told, and a filter learns whose a deletion is."""

from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from common.errors import UsageError
from common.messages import (
    Apply,
    Beat,
    Condition,
    Delete,
    Event,
    Incarnation,
    Init,
    InitDone,
    PodDelete,
    Resync,
    Sequence,
    Updates,
    Usage,
)
from common.records import UID, Kind, OwnerRecord, Record, pack_record
from common.tapped import Passed
from podwire.cli import group
from podwire.tap.emissions import EmissionFollower
from podwire.tap.updates import Follower, Line, Wanted
from podwire.tap.upstream import UpstreamFollower
from tests.fakes import upstream as sent
from tests.fakes.pods import batch, pod_new, record


def updates(*events: Event, sequence: int = 1, life: str = "a", kind: Kind = "pods") -> Updates:
    return Updates(
        kind=kind, incarnation=Incarnation(life), sequence=Sequence(sequence), stamp_ns=7, events=list(events)
    )


def beat(sequence: int, life: str = "a") -> Beat:
    return Beat(
        kind="pods",
        incarnation=Incarnation(life),
        sequence=Sequence(sequence),
        condition=Condition.FOLLOWING,
        usage=Usage(),
    )


def applied(uid: str = "uid-1", *, name: str = "web-1") -> Apply:
    return Apply(pack_record(record(uid, name=name)))


def shown(*messages: Updates | Beat, kind: Kind = "pods", **wanted: str) -> list[Line]:
    follower = Follower(kind, Wanted(**wanted))
    return [line for message in messages for line in follower.lines(message)]


def events(*messages: Updates | Beat, kind: Kind = "pods", **wanted: str) -> list[str]:
    return [line["event"] for line in shown(*messages, kind=kind, **wanted)]


def test_each_event_is_a_line_that_json_can_say_with_the_names_of_its_fields() -> None:
    lines = shown(updates(Init(), applied(), InitDone(), sequence=4))
    assert [line["event"] for line in lines] == ["init", "apply", "init_done"]
    line = msgspec.json.decode(msgspec.json.encode(lines[1]))
    assert (line["time_ns"], line["kind"], line["sequence"]) == (7, "pods", 4)
    assert (line["record"]["name"], line["record"]["containers"][0]["image"]) == ("web-1", "app:1")


def test_what_the_tap_has_missed_is_told_at_the_next_update_or_beat() -> None:
    first = updates(applied(), sequence=3)
    assert shown(first, updates(sequence=6))[1] == {"kind": "pods", "event": "gap", "missed": 2}
    assert shown(first, beat(5))[1] == {"kind": "pods", "event": "gap", "missed": 2}
    assert events(first, beat(3), updates(applied(), sequence=4)) == ["apply", "apply"]
    assert events(beat(3), updates(applied(), sequence=4)) == ["apply"]


def test_a_watcher_that_begins_a_new_life_is_told_and_its_numbers_begin_anew() -> None:
    assert events(updates(applied(), sequence=9), updates(applied(), life="b")) == ["apply", "restart", "apply"]


def test_a_deletion_is_shown_to_those_who_asked_for_its_namespace_as_far_as_that_is_known() -> None:
    told = [updates(applied()), updates(Delete(UID("uid-1")), sequence=2)]
    assert shown(*told, namespace="shop")[1] | {"sequence": 0} == {
        "time_ns": 7,
        "kind": "pods",
        "sequence": 0,
        "event": "delete",
        "uid": "uid-1",
        "namespace": "shop",
        "name": "web-1",
    }
    assert events(*told, namespace="billing") == []
    assert events(*told, pod="web-2") == []
    assert events(updates(Delete(UID("unseen"))), namespace="billing") == ["delete"]


def test_owners_have_no_namespace_so_who_asks_for_one_gets_pods_only() -> None:
    owner = Apply(pack_record(OwnerRecord(UID("rs"), None)))
    told = updates(owner, Delete(UID("rs")), kind="replicasets")
    assert events(told, kind="replicasets") == ["apply", "delete"]
    assert events(told, kind="replicasets", namespace="shop") == []


def test_a_record_that_is_none_is_told_and_nothing_ends() -> None:
    whole = pack_record(record())
    for unread in (Record(b"\x01", whole.uid, whole.own), Record(whole.shape, whole.uid, b"\x01")):
        first, second = shown(updates(Apply(unread), applied()))
        assert (first["uid"], first["malformed_bytes"], second["event"]) == (whole.uid, unread.size, "apply")
        new = msgspec.structs.replace(pod_new(), record=unread)
        first, second = EmissionFollower(Wanted()).lines(batch(new, pod_new(), first=1))
        assert (first["uid"], first["malformed_bytes"], second["event"]) == (whole.uid, unread.size, "new")


def test_emissions_are_lines_too_and_a_filter_learns_whose_a_deletion_is() -> None:
    told = [batch(Resync(), pod_new(), first=1), batch(PodDelete(UID("uid-1")), first=4)]
    for wanted, seen in (({}, ["resync", "new", "gap", "delete"]), ({"namespace": "billing"}, ["resync", "gap"])):
        follower = EmissionFollower(Wanted(**wanted))
        lines = msgspec.json.decode(msgspec.json.encode([line for one in told for line in follower.lines(one)]))
        assert [line["event"] for line in lines] == seen
    follower = EmissionFollower(Wanted(namespace="shop"))
    new = [line for one in told for line in follower.lines(one)][1]
    assert (new["owner_name"], new["record"]["name"], new["epoch"], new["number"]) == ("web", "web-1", 1, 2)


def upstream(*messages: bytes, before: int = 0, life: str = "a") -> Passed:
    return Passed(Incarnation(life), connection=1, stamp_ns=7, before=before, plain=b"".join(messages))


def upstream_lines(*told: Passed, names: tuple[str, ...] = (), **wanted: Any) -> list[Line]:
    follower = UpstreamFollower(Wanted(**wanted), names=names)
    return msgspec.json.decode(msgspec.json.encode([line for one in told for line in follower.lines(one)]))


def test_what_goes_upstream_is_a_line_for_each_message_with_its_fields() -> None:
    line, *others = upstream_lines(upstream(sent.pod("uid-1"), sent.heartbeat(), sent.delete("uid-1")))
    assert (line["time_ns"], line["connection"], line["message"]) == (7, 1, "pod_new_with_name")
    assert (line["fields"]["uid"], line["fields"]["ns"]) == ("uid-1", "shop")
    assert [one["message"] for one in others] == ["heartbeat", "pod_delete"]


def test_upstream_filters_are_of_pods_and_of_messages() -> None:
    told = upstream(
        sent.resync(1), sent.heartbeat(), sent.pod("uid-1"), sent.container("uid-1", "c"), sent.delete("uid-1")
    )
    of_pod = ["pod_resync", "pod_new_with_name", "pod_container", "pod_delete"]
    assert [one["message"] for one in upstream_lines(told, namespace="shop")] == of_pod
    assert [one["message"] for one in upstream_lines(told, pods_only=True)] == of_pod
    assert [one["message"] for one in upstream_lines(told, namespace="billing")] == ["pod_resync"]
    assert [one["message"] for one in upstream_lines(told, names=("heartbeat",))] == ["heartbeat"]
    unseen = upstream_lines(upstream(sent.delete("unseen")), namespace="billing")
    assert [one["message"] for one in unseen] == ["pod_delete"]


def test_what_an_upstream_tap_has_missed_and_a_relay_that_begins_anew_are_told() -> None:
    beat = sent.heartbeat()
    told = [
        upstream(beat, before=5),
        upstream(beat, before=5 + len(beat)),
        upstream(beat, before=100),
        upstream(beat, life="b"),
    ]
    lines = upstream_lines(*told)
    assert [line["event"] for line in lines] == ["sent", "sent", "gap", "sent", "restart", "sent"]
    assert lines[2]["missed_bytes"] == 95 - 2 * len(beat)


@pytest.mark.parametrize("plain", [b"x", bytes(40), sent.heartbeat() + sent.pod("u")[:-1]])
def test_bytes_that_are_no_messages_are_told_and_the_next_are_read(plain: bytes) -> None:
    lines = upstream_lines(upstream(plain), upstream(sent.heartbeat(), before=len(plain)))
    assert [line["event"] for line in lines][-2:] == ["unreadable", "sent"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["emissions", "--message", "pod_delete"], "--message"),
        (["upstream", "--message", "pod_gone"], "pod_delete"),
        (["upstream", "--kind", "jobs"], "--kind"),
    ],
)
def test_filters_that_fit_nothing_are_the_users_mistake(words: list[str], names: str) -> None:
    with pytest.raises(UsageError, match=names):
        CliRunner().invoke(group, ["tap", *words], catch_exceptions=False)
