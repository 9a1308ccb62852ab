"""The newest record of each object, and what a change changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.records import UID, Record
from watcher.store import Store


def record(uid: str, own: str = "1", shape: str = "web") -> Record:
    return Record(shape.encode(), UID(uid), own.encode())


@pytest.fixture
def store() -> Store:
    store = Store()
    for uid in ("a", "b", "c"):
        store.apply(record(uid))
    return store


def test_a_record_that_is_the_one_that_was_there_is_no_news(store):
    assert not store.apply(record("a"))
    assert store.apply(record("a", "2"))
    assert store.apply(record("a", "2", "shop"))
    assert store.apply(record("d"))


def test_only_what_was_there_can_be_deleted(store):
    assert store.delete("a")
    assert not store.delete("a")
    assert list(store.records()) == [record("b"), record("c")]


def test_what_a_list_does_not_mention_is_gone_at_its_end(store):
    store.begin_list()
    assert not store.apply(record("b"))
    assert len(store) == 3
    assert sorted(store.finish_list()) == ["a", "c"]
    assert list(store.records()) == [record("b")]


def test_what_is_deleted_during_a_list_is_not_told_twice(store):
    store.begin_list()
    assert store.delete("a")
    store.apply(record("b"))
    assert store.finish_list() == ["c"]


def test_a_list_begun_again_forgets_what_the_one_before_had_mentioned(store):
    store.begin_list()
    store.apply(record("a"))
    store.apply(record("new"))
    store.begin_list()
    store.apply(record("b"))
    assert sorted(store.finish_list()) == ["a", "c", "new"]


def test_a_list_that_ends_without_having_begun_deletes_nothing(store):
    assert store.finish_list() == []
    assert len(store) == 3


uids = st.sampled_from("abcd")
records = st.sampled_from("12")
shapes = st.sampled_from(["web", "shop"])
operations = st.one_of(
    st.tuples(st.just("apply"), st.builds(record, uids, records, shapes)),
    st.tuples(st.just("delete"), uids),
    st.tuples(st.just("begin")),
    st.tuples(st.just("finish")),
)


@given(st.lists(operations, max_size=40))
def test_whatever_happens_the_store_holds_what_a_simple_model_holds(steps):
    store, model = Store(), {}
    unmentioned = set()
    for step in steps:
        match step:
            case ("apply", applied):
                assert store.apply(applied) == (model.get(applied.uid) != applied)
                model[applied.uid] = applied
                unmentioned -= {applied.uid}
            case ("delete", uid):
                assert store.delete(uid) == (model.pop(uid, None) is not None)
                unmentioned -= {uid}
            case ("begin",):
                store.begin_list()
                unmentioned = set(model)
            case ("finish",):
                assert set(store.finish_list()) == unmentioned
                model = {uid: kept for uid, kept in model.items() if uid not in unmentioned}
                unmentioned = set()
        assert {one.uid: one for one in store.records()} == model
        assert len(store) == len(model)
        assert store.shapes == len({one.shape for one in model.values()})
        assert len({id(one.shape) for one in store.records()}) == store.shapes
