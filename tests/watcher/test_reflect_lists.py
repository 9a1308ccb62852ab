"""The list/watch machine: lists, streaming lists, and versions that are too old."""

import pytest

from common.messages import Condition
from tests.fakes.kube_machine import FIRST_PAGE, STREAM_QUERY, started, watch_query, watching
from watcher.states import (
    Answered,
    Ask,
    BeginList,
    FinishList,
    Garbled,
    HangUp,
    InitialEventsEnded,
    ListPages,
    ListStream,
    Lost,
    PageTaken,
    Refused,
    Tell,
    WantList,
    WantPage,
    Watch,
)

# Listing ---------------------------------------------------------------------------------------------------------------------------


def test_it_begins_with_a_streaming_list():
    machine = started("auto")
    assert machine.actions == [BeginList(reason="start"), Ask(query=STREAM_QUERY, watch=True)]
    assert machine.state.standing.condition is Condition.LISTING


def test_it_begins_with_pages_where_streaming_lists_are_switched_off():
    machine = started("never")
    assert machine.actions == [BeginList(reason="start"), Ask(query=FIRST_PAGE, watch=False)]


def test_time_that_passes_changes_nothing_while_something_is_asked():
    for machine in (started("auto"), started("never"), watching()):
        before = machine.state
        assert machine.after(3_600.0).actions == []
        assert machine.state == before


def test_a_streaming_list_in_protobuf_is_taken_to_its_end_and_goes_on_as_a_watch():
    machine = started("auto").tell(Answered(protobuf=True))
    assert machine.actions == []
    machine.tell(InitialEventsEnded(resource_version="7"))
    assert machine.actions == [FinishList()]
    assert machine.state.activity == Watch(resource_version="7", opened_at=machine.now, progressed=True)
    assert machine.state.standing.condition is Condition.FOLLOWING


def test_versions_within_the_initial_events_are_nothing_to_go_on_from():
    machine = started("auto").tell(Answered(protobuf=True)).advance("3")
    assert machine.state.activity == ListStream(reason="start")


@pytest.mark.parametrize("code", [400, 422])
def test_a_server_without_streaming_lists_is_asked_for_pages_and_never_for_a_stream_again(code):
    machine = started("always").tell(Refused(code=code, message="sendInitialEvents is forbidden"))
    assert machine.actions == [HangUp(), Ask(query=FIRST_PAGE, watch=False)]
    assert machine.state.activity == ListPages(reason="start")
    machine.tell(Garbled(why="?")).wait_out()
    assert machine.asks == [Ask(query=FIRST_PAGE, watch=False)]


def test_a_streaming_list_in_json_is_given_up_for_pages_under_auto():
    machine = started("auto").tell(Answered(protobuf=False))
    assert machine.actions == [HangUp(), Ask(query=FIRST_PAGE, watch=False)]


def test_a_streaming_list_in_json_is_taken_where_it_is_always_wanted():
    machine = started("always").tell(Answered(protobuf=False))
    assert machine.actions == []
    assert machine.state.activity == ListStream(reason="start")


def test_a_bad_request_for_a_page_or_a_watch_is_an_ordinary_refusal():
    for machine in (started(), watching()):
        assert machine.tell(Refused(code=400, message="?")).told().fault == "refused"


def test_pages_are_asked_for_by_their_tokens_and_the_watch_goes_on_from_their_version():
    machine = started().tell(Answered(protobuf=True)).tell(PageTaken(resource_version="7", token="t1"))
    assert machine.actions == [Ask(query=FIRST_PAGE | {"continue": "t1"}, watch=False)]
    machine.tell(PageTaken(resource_version="7", token="t2"))
    assert machine.actions == [Ask(query=FIRST_PAGE | {"continue": "t2"}, watch=False)]
    assert machine.state.standing.condition is Condition.LISTING
    machine.tell(PageTaken(resource_version="7", token=None))
    assert machine.actions == [FinishList(), Ask(query=watch_query("7"), watch=True)]
    assert machine.state.standing.condition is Condition.FOLLOWING


def test_a_page_that_an_error_held_up_is_asked_for_again_without_those_before_it():
    machine = started().tell(PageTaken(resource_version="7", token="t1")).tell(Lost(why="reset"))
    assert machine.state.activity.want == WantPage(reason="start", token="t1")
    machine.wait_out()
    assert machine.actions == [Ask(query=FIRST_PAGE | {"continue": "t1"}, watch=False)]


def test_a_streaming_list_that_is_interrupted_begins_anew():
    machine = started("auto").tell(Answered(protobuf=True)).tell(Lost(why="reset")).wait_out()
    assert machine.actions == [BeginList(reason="start"), Ask(query=STREAM_QUERY, watch=True)]


# 410 -------------------------------------------------------------------------------------------------------------------------------


def test_a_watch_that_lived_and_whose_version_is_too_old_leads_to_a_list_at_once():
    machine = watching(lived=60.0).tell(Refused(code=410, message="too old"))
    assert machine.actions == [
        HangUp(),
        Tell(fault="expired", why="too old", wait_seconds=0.0),
        BeginList(reason="expired"),
        Ask(query=FIRST_PAGE, watch=False),
    ]
    assert machine.state.standing.condition is Condition.FOLLOWING


def test_a_watch_whose_version_is_too_old_at_once_waits_before_the_list():
    machine = watching().tell(Refused(code=410, message="too old"))
    assert [type(action) for action in machine.actions] == [HangUp, Tell]
    assert machine.wait > 0.0
    assert machine.state.activity.want == WantList(reason="expired")


@pytest.mark.parametrize("token", [None, "t1"])
def test_a_list_or_token_that_is_too_old_leads_to_a_list_from_its_beginning(token):
    machine = started()
    if token:
        machine.tell(PageTaken(resource_version="7", token=token))
    machine.tell(Refused(code=410, message="expired")).wait_out()
    assert machine.actions == [BeginList(reason="expired"), Ask(query=FIRST_PAGE, watch=False)]


def test_a_streaming_list_that_is_too_old_begins_anew():
    machine = started("auto").tell(Answered(protobuf=True)).tell(Refused(code=410, message="too old")).wait_out()
    assert machine.actions == [BeginList(reason="expired"), Ask(query=STREAM_QUERY, watch=True)]
