"""Lists: what they hold, how they come in pages, and at which version."""

import pytest

from tests.contract.api import Api, Room


def test_a_list_has_a_kind_and_its_items_have_none(room: Room) -> None:
    """If pods are listed, then the list names kind, API version and resource version, and the items leave kind and version out."""
    room.pod("one")

    listed = room.api.get(room.pods)

    assert listed.status == 200
    assert (listed.body["kind"], listed.body["apiVersion"]) == ("PodList", "v1")
    assert int(listed.version) > 0
    assert [set(item) & {"kind", "apiVersion"} for item in listed.items] == [set()]


def test_an_empty_list_is_no_error_even_in_a_namespace_that_is_not_there(room: Room) -> None:
    """If there is nothing to list, then the answer is 200 and `items` is null or empty."""
    for path in (room.pods, "/api/v1/namespaces/contract-never-made/pods"):
        listed = room.api.get(path)

        assert listed.status == 200
        assert not listed.body["items"]
        assert "continue" not in listed.body["metadata"]


def test_pages_hold_every_object_once_in_the_order_of_names(room: Room) -> None:
    """If a list is taken in pages, then together they are the whole list, in order, and all carry the first page's version."""
    names = room.some_pods(7)

    pages = _pages(room, limit=3)

    assert [page.names for page in pages] == [names[:3], names[3:6], names[6:]]
    assert len({page.version for page in pages}) == 1


def test_pages_say_how_many_objects_remain(room: Room) -> None:
    """If a page is not the last, then it says how many objects come after it."""
    room.some_pods(7)

    pages = _pages(room, limit=3)

    assert [page.body["metadata"].get("remainingItemCount") for page in pages] == [4, 1, None]


def test_a_full_last_page_has_no_continue_token(room: Room) -> None:
    """If the objects end exactly with a page, then that page is the last."""
    room.some_pods(4)

    assert "continue" not in room.api.get(room.pods, limit=4).body["metadata"]
    assert [len(page.names) for page in _pages(room, limit=2)] == [2, 2]


def test_pages_show_the_moment_of_the_first_page(room: Room) -> None:
    """If objects change between pages, then the pages still show what was there at the first page's version."""
    names = room.some_pods(6)
    first = room.api.get(room.pods, limit=2)

    room.delete(names[3])
    room.pod("pod-03-and-a-half")
    room.label(names[4], changed="yes")
    second = room.api.get(room.pods, limit=9, **{"continue": first.body["metadata"]["continue"]})

    assert second.names == names[2:]
    assert second.version == first.version
    assert all("changed" not in item["metadata"]["labels"] for item in second.items)


def test_a_token_gives_the_same_page_each_time(room: Room) -> None:
    """If a continue token is used again, then it gives the same page again."""
    names = room.some_pods(5)
    token = room.api.get(room.pods, limit=2).body["metadata"]["continue"]

    again = [room.api.get(room.pods, limit=2, **{"continue": token}).names for _ in range(2)]

    assert again == [names[2:4]] * 2


def test_what_remains_is_not_counted_with_a_selector(room: Room) -> None:
    """If a selector leaves objects out, then pages are full of what it picks and do not say how many remain."""
    names = room.some_pods(8)

    page = room.api.get(room.pods, limit=2, labelSelector="number=1")

    assert page.names == [names[1], names[3]]
    assert page.body["metadata"]["continue"]
    assert "remainingItemCount" not in page.body["metadata"]
    assert [name for one in _pages(room, limit=2, labelSelector="number=1") for name in one.names] == names[1::2]


def test_version_0_ignores_the_limit(room: Room) -> None:
    """If whatever the cache holds is asked for, then it comes whole."""
    room.some_pods(4)

    listed = room.api.get(room.pods, limit=2, resourceVersion="0")

    assert len(listed.items) == 4
    assert "continue" not in listed.body["metadata"]


def test_an_exact_version_shows_the_past_and_not_older_than_the_present(room: Room) -> None:
    """If a version is named with a rule, then Exact gives that moment and NotOlderThan one from then on."""
    room.some_pods(2)
    then = room.version
    room.pod("later")

    exact = room.api.get(room.pods, resourceVersion=then, resourceVersionMatch="Exact")
    fresh = room.api.get(room.pods, resourceVersion=then, resourceVersionMatch="NotOlderThan")

    assert (exact.version, exact.names) == (then, ["pod-00", "pod-01"])
    assert "later" in fresh.names
    assert int(fresh.version) > int(then)


def test_a_limit_makes_a_version_without_a_rule_exact(room: Room) -> None:
    """If a version is named together with a limit, then the list shows exactly that version."""
    room.some_pods(2)
    then = room.version
    room.pod("a-later-one")

    assert room.api.get(room.pods, resourceVersion=then, limit=10).names == ["pod-00", "pod-01"]


def test_a_version_that_is_not_reached_times_out(room: Room) -> None:
    """If a list may not be older than a version that is far off, then the answer is a timeout that says so."""
    answer = room.api.get(room.pods, resourceVersion=room.far_off)

    assert answer.status == 504
    assert answer.body["reason"] == "Timeout"
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    assert answer.headers["Retry-After"] == "1"


def test_namespaces_are_kept_apart(api: Api, room: Room) -> None:
    """If a namespace's name begins with another's, then its pods are not listed in the other; a list without one has both."""
    longer = Room(api)
    longer.namespace = f"{room.namespace}-more"
    longer.pods = f"/api/v1/namespaces/{longer.namespace}/pods"
    longer.open()
    try:
        room.pod("here")
        longer.pod("there")

        assert room.api.get(room.pods).names == ["here"]
        assert longer.api.get(longer.pods).names == ["there"]
        assert {"here", "there"} <= set(api.get("/api/v1/pods").names)
    finally:
        longer.close()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "many"}, 400),
        ({"continue": "not-a-token", "limit": 2}, 400),
        ({"resourceVersionMatch": "Exact"}, 422),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 422),
        ({"resourceVersionMatch": "Sometimes", "resourceVersion": "1"}, 422),
    ],
)
def test_parameters_that_make_no_sense_are_refused(room: Room, query: dict[str, str], status: int) -> None:
    """If a parameter is malformed, or may not stand with another, then the answer is a Status that says so."""
    answer = room.api.get(room.pods, **query)

    assert answer.status == status
    assert (answer.body["kind"], answer.body["status"], answer.body["code"]) == ("Status", "Failure", status)
    assert answer.body["reason"] == {400: "BadRequest", 422: "Invalid"}[status]


def test_a_negative_limit_is_none(room: Room) -> None:
    """If the limit is below 0, then the list is whole."""
    room.some_pods(3)

    assert len(room.api.get(room.pods, limit=-1).items) == 3


def _pages(room: Room, **query: object) -> list:
    pages = [room.api.get(room.pods, **query)]
    while token := pages[-1].body["metadata"].get("continue"):
        pages.append(room.api.get(room.pods, **{**query, "continue": token}))
    return pages
