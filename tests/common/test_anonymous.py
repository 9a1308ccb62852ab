"""Names that say nothing: the same for the same name, and nothing of the name."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.anonymous import KEY_FILE, Names, key_of
from common.errors import UsageError
from common.messages import Apply, Delete, Init, InitDone, Updates
from common.records import UID, Controller, OwnerRecord, PodRecord, Record, pack_record, unpack_owner, unpack_pod
from tests.fakes.pods import record
from tests.fakes.strategies import owners, pods

NAMES = Names(b"k" * 32)


def renamed(kind: str, record: PodRecord | OwnerRecord) -> Record:
    message = Updates(kind=kind, incarnation="life", sequence=3, stamp_ns=5, events=[Apply(pack_record(record))])
    (event,) = NAMES.updates(message).events
    return event.record


@given(pods)
def test_of_a_pod_all_stays_but_its_names(pod: PodRecord) -> None:
    found = unpack_pod(renamed("pods", pod))
    assert (found.uid, found.ips, found.host_network) == (pod.uid, pod.ips, pod.host_network)
    assert [(one.kind, one.id) for one in found.containers] == [(one.kind, one.id) for one in pod.containers]
    assert (found.namespace, found.name) == (NAMES.of(pod.namespace), NAMES.of(pod.name))
    assert [(one.name, one.image) for one in found.containers] == [
        (NAMES.of(one.name), NAMES.of(one.image)) for one in pod.containers
    ]
    if pod.controller is None:
        assert found.controller is None
    else:
        assert (found.controller.uid, found.controller.name) == (pod.controller.uid, NAMES.of(pod.controller.name))


@pytest.mark.parametrize(
    ("group", "stays"),
    [("apps", True), ("", True), ("scheduling.k8s.io", True), ("postgres.acme.example", False), ("evil-k8s.io", False)],
)
def test_kinds_that_are_not_kubernetes_own_are_names_too(group: str, stays: bool) -> None:
    by = Controller(UID("o"), "Cluster", group, "main")
    found = unpack_owner(renamed("jobs", OwnerRecord(UID("u"), by))).controller
    assert found is not None
    assert (found.kind, found.group) == (("Cluster", group) if stays else (NAMES.of("Cluster"), NAMES.of(group)))


@given(owners)
def test_of_an_owner_all_stays_but_the_name_of_what_controls_it(owner: OwnerRecord) -> None:
    found = unpack_owner(renamed("replicasets", owner))
    assert found.uid == owner.uid
    assert (found.controller is None) == (owner.controller is None)
    if owner.controller and found.controller:
        assert (found.controller.uid, found.controller.name) == (owner.controller.uid, NAMES.of(owner.controller.name))


@given(st.text(min_size=1), st.text(min_size=1))
def test_another_name_has_another_hash_which_is_a_dns_label_and_another_key_gives_another(one: str, other: str) -> None:
    assert (NAMES.of(one) == NAMES.of(other)) == (one == other)
    assert NAMES.of(one) != Names(b"o" * 32).of(one)
    assert NAMES.of(one).removeprefix("n-").isalnum()
    assert NAMES.of("") == ""


def test_what_is_no_record_is_left_out_and_what_is_no_name_stays() -> None:
    pod = pack_record(record())
    unread = [Record(b"\xc1secret", pod.uid, pod.own), Record(pod.shape, pod.uid, b"\xc1secret")]
    events = [Init(), *map(Apply, unread), Delete("uid"), InitDone()]
    message = Updates(kind="pods", incarnation="life", sequence=3, stamp_ns=5, events=events)
    assert NAMES.updates(message) == msgspec.structs.replace(message, events=[Init(), Delete("uid"), InitDone()])


def test_a_run_directory_has_one_key_which_only_its_owner_may_read(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    assert key_of(tmp_path) == key
    assert [(one.name, one.stat().st_mode & 0o777) for one in tmp_path.iterdir()] == [(KEY_FILE, 0o600)]
    (tmp_path / "other").mkdir()
    assert key_of(tmp_path / "other") != key


def test_a_key_that_is_none_or_cannot_be_made_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(UsageError, match="is no key; remove it"):
        key_of(tmp_path)
    with pytest.raises(UsageError, match="--anonymize: cannot keep a key"):
        key_of(tmp_path / "nowhere")
