"""Tables against a model that remembers every moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.objects import Store
from sandbox.resources import JOBS, PODS
from sandbox.tables import Expired, Stored
from tests.fakes.stored import a_pod

NAMES = st.sampled_from(["a", "b", "c", "d", "a-b"])
WRITES = st.lists(st.tuples(st.sampled_from(["put", "remove", "compact", "elsewhere"]), NAMES), max_size=40)


class Moments:
    """The store, and what it held after each version."""

    def __init__(self, *, changes_kept: int = 1_000) -> None:
        self.store = Store(changes_kept=changes_kept)
        self.at: dict[int, dict[str, Stored]] = {self.store.version: {}}

    def write(self, what: str, name: str) -> None:
        match what:
            case "put":
                self.store.put(PODS, a_pod(name))
            case "remove" if self.store.get(PODS, f"default/{name}"):
                self.store.remove(PODS, f"default/{name}")
            case "compact":
                self.store.compact()
            case "elsewhere":
                self.store.put(JOBS, a_pod(name))
        self.at[self.store.version] = dict(self.store.table(PODS).objects)


@given(WRITES)
def test_every_moment_that_is_not_forgotten_can_be_listed_again(writes: list[tuple[str, str]]) -> None:
    """If a version is as new as the floor, then its view is what was there then, in the order of keys; if older, it is expired."""
    moments = Moments()
    for what, name in writes:
        moments.write(what, name)
    table = moments.store.table(PODS)

    for version, objects in moments.at.items():
        if version < table.floor:
            with pytest.raises(Expired):
                table.view(version)
        else:
            view = table.view(version)
            assert list(view.keys) == sorted(objects)
            assert list(view.objects) == [objects[key] for key in sorted(objects)]


@given(WRITES, st.integers(0, 45))
def test_changes_after_a_version_lead_to_the_newest_state(writes: list[tuple[str, str]], start: int) -> None:
    """If the changes after a version are applied to its state, then the newest state comes out, each change under a newer version."""
    moments = Moments()
    for what, name in writes:
        moments.write(what, name)
    table = moments.store.table(PODS)
    version = sorted(moments.at)[min(start, len(moments.at) - 1)]
    if version < table.floor:
        with pytest.raises(Expired):
            table.position_after(version)
        return

    state = dict(moments.at[version])
    for change in table.changes_from(table.position_after(version)):
        assert change.new.version > version
        version = change.new.version
        assert change.old == state.get(change.new.key)
        if change.type == "DELETED":
            del state[change.new.key]
        else:
            assert (change.type == "ADDED") == (change.new.key not in state)
            state[change.new.key] = change.new
    assert state == table.objects


def test_only_so_many_changes_are_kept() -> None:
    """If more changes come than are kept, then the oldest versions expire, and a watch that has stayed there does too."""
    store = Store(changes_kept=8)
    table = store.table(PODS)
    first = store.version
    position = table.position_after(first)

    for _ in range(20):
        store.put(PODS, a_pod("a"))

    with pytest.raises(Expired):
        table.position_after(first)
    with pytest.raises(Expired):
        table.changes_from(position)
    assert 8 <= len(table.changes_from(table.position_after(table.floor))) <= 9


def test_what_was_loaded_has_no_history() -> None:
    """If objects are loaded, then the state after them can be listed and watched from, and nothing before."""
    store = Store()
    before = store.version

    store.load(PODS, [a_pod("b"), a_pod("a")])

    table = store.table(PODS)
    assert list(table.view(store.version).keys) == ["default/a", "default/b"]
    with pytest.raises(Expired):
        table.view(before)
    assert table.changes_from(table.position_after(store.version)) == []


def test_a_deletion_has_the_last_state_under_its_own_version() -> None:
    """If an object is deleted, then the change tells its last state under the deletion's version."""
    store = Store()
    last = store.put(PODS, a_pod("a", colour="blue"))

    gone = store.remove(PODS, "default/a")

    assert gone.version == last.version + 1
    assert (gone.uid, gone.labels, gone.status) == (last.uid, last.labels, last.status)


def test_listeners_hear_each_change_once_it_can_be_read() -> None:
    """If an object is written, then listeners are told its resource and the change, and find it in the table."""
    store = Store()
    heard = []
    store.listeners.append(lambda resource, change: heard.append((resource, change, store.get(PODS, "default/a"))))

    written = store.put(PODS, a_pod("a"))

    ((resource, change, found),) = heard
    assert (resource, change.new, found) == (PODS, written, written)
