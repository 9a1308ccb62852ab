"""Lists and their pages, without HTTP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.listing import Page, answer_list
from sandbox.objects import Store
from sandbox.queries import list_query
from sandbox.resources import PODS
from sandbox.selectors import Selection, select
from sandbox.statuses import ApiError
from tests.fakes.stored import a_pod

PLACES = st.lists(
    st.tuples(st.sampled_from(["n", "n-1", "n0", "m"]), st.sampled_from("abcdefgh"), st.sampled_from("xy")),
    unique_by=lambda p: p[:2],
)


def pods_of(namespace: str = "", labels: str = "") -> Selection:
    return select(PODS, namespace=namespace, name="", labels=labels, fields="")


def page(store: Store, selection: Selection, *, tokens_from: int = 0, **query: str) -> Page:
    named = {key.removesuffix("_"): value for key, value in query.items()}
    return answer_list(store, PODS, list_query(named), selection, tokens_from=tokens_from)


@given(PLACES, st.integers(1, 5), st.sampled_from(["", "n", "n-1", "m", "none"]), st.sampled_from(["", "l=x"]))
def test_pages_of_any_size_add_up_to_the_list(
    places: list[tuple[str, str, str]], limit: int, namespace: str, labels: str
) -> None:
    """If a list is taken in pages while everything is being deleted, then the pages are what the whole list was, each object once."""
    store = Store()
    for place, name, label in places:
        store.put(PODS, a_pod(name, namespace=place, l=label))
    selection = pods_of(namespace, labels)
    whole = page(store, selection).objects

    got = [page(store, selection, limit=str(limit))]
    for key in sorted(store.table(PODS).objects):
        store.remove(PODS, key)
    while token := got[-1].continue_:
        got.append(page(store, selection, limit=str(limit), continue_=token))

    assert [stored.key for one in got for stored in one.objects] == [stored.key for stored in whole]
    assert {one.version for one in got} == {got[0].version}
    assert all(len(one.objects) == limit for one in got[:-1])
    if not labels:
        left = [len(whole) - sum(len(one.objects) for one in got[: at + 1]) for at in range(len(got))]
        assert [one.remaining for one in got] == [*left[:-1], None]


def test_an_expired_token_is_exchanged_for_one_that_goes_on_in_the_same_place() -> None:
    """If history is forgotten between pages, then 410 carries a token for the rest as it is now."""
    store = Store()
    for name in "abcd":
        store.put(PODS, a_pod(name))
    first = page(store, pods_of(), limit="2")
    store.put(PODS, a_pod("c2"))
    store.put(PODS, a_pod("a2"))
    store.compact()

    with pytest.raises(ApiError) as expired:
        page(store, pods_of(), limit="2", continue_=first.continue_)
    assert (expired.value.code, expired.value.reason) == (410, "Expired")
    rest = page(store, pods_of(), limit="9", continue_=expired.value.continue_)

    assert [stored.name for stored in rest.objects] == ["c", "c2", "d"]
    assert rest.version == store.version


def test_tokens_can_expire_while_history_stays() -> None:
    """If only tokens are told to expire, then the token gives 410, and an exact list of its version is still answered."""
    store = Store()
    for name in "abc":
        store.put(PODS, a_pod(name))
    first = page(store, pods_of(), limit="1")

    with pytest.raises(ApiError) as expired:
        page(store, pods_of(), limit="1", continue_=first.continue_, tokens_from=store.version + 1)

    assert expired.value.code == 410
    exact = page(store, pods_of(), resourceVersion=str(first.version), resourceVersionMatch="Exact")
    assert len(exact.objects) == 3


@given(st.text(max_size=40))
def test_no_token_can_break_a_list(token: str) -> None:
    """If a continue token is anything, then the answer is a list or an ApiError."""
    store = Store()
    store.put(PODS, a_pod("a"))
    try:
        got: Page | ApiError = page(store, pods_of(), limit="1", continue_=token)
    except ApiError as error:
        got = error
    assert isinstance(got, Page) or got.code in (400, 410, 504)
