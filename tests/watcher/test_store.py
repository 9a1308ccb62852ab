"""The newest record of each object, and what a change changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.store import Store


@pytest.fixture
def store() -> Store:
    store = Store()
    for uid in ("a", "b", "c"):
        store.apply(uid, uid.encode())
    return store


def test_a_record_that_is_the_one_that_was_there_is_no_news(store):
    assert not store.apply("a", b"a")
    assert store.apply("a", b"a2")
    assert store.apply("d", b"d")


def test_only_what_was_there_can_be_deleted(store):
    assert store.delete("a")
    assert not store.delete("a")
    assert sorted(store.records()) == [b"b", b"c"]


def test_what_a_list_does_not_mention_is_gone_at_its_end(store):
    store.begin_list()
    assert not store.apply("b", b"b")
    assert len(store) == 3
    assert sorted(store.finish_list()) == ["a", "c"]
    assert list(store.records()) == [b"b"]


def test_what_is_deleted_during_a_list_is_not_told_twice(store):
    store.begin_list()
    assert store.delete("a")
    store.apply("b", b"b")
    assert store.finish_list() == ["c"]


def test_a_list_begun_again_forgets_what_the_one_before_had_mentioned(store):
    store.begin_list()
    store.apply("a", b"a")
    store.apply("new", b"new")
    store.begin_list()
    store.apply("b", b"b")
    assert sorted(store.finish_list()) == ["a", "c", "new"]


def test_a_list_that_ends_without_having_begun_deletes_nothing(store):
    assert store.finish_list() == []
    assert len(store) == 3


uids = st.sampled_from("abcd")
records = st.sampled_from([b"1", b"2"])
operations = st.one_of(
    st.tuples(st.just("apply"), uids, records),
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
            case ("apply", uid, record):
                assert store.apply(uid, record) == (model.get(uid) != record)
                model[uid] = record
                unmentioned -= {uid}
            case ("delete", uid):
                assert store.delete(uid) == (model.pop(uid, None) is not None)
                unmentioned -= {uid}
            case ("begin",):
                store.begin_list()
                unmentioned = set(model)
            case ("finish",):
                assert set(store.finish_list()) == unmentioned
                model = {uid: record for uid, record in model.items() if uid not in unmentioned}
                unmentioned = set()
        assert sorted(store.records()) == sorted(model.values())
        assert len(store) == len(model)
