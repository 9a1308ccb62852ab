"""The list/watch machine: what each answer of an API server leads to."""

import random
from dataclasses import replace

import pytest

from common.messages import Condition
from watcher import reflect
from watcher.states import (
    FRESH,
    Advanced,
    Answered,
    Ask,
    BeginList,
    Ended,
    Event,
    FinishList,
    Garbled,
    HangUp,
    InitialEventsEnded,
    ListPages,
    ListStream,
    Lost,
    PageTaken,
    ReadCredentials,
    Refused,
    State,
    Streaming,
    Tell,
    Tick,
    Unreachable,
    Waiting,
    WantList,
    WantPage,
    WantWatch,
    Watch,
    initial,
)

STREAM_QUERY = {
    "watch": "true",
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
}
FIRST_PAGE = {"limit": "500"}


def _watch_query(version: str) -> dict[str, str]:
    return {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}


class Machine:
    """The machine with a clock that stands still until it is told to go on."""

    def __init__(self, state: State, *, now: float = 1_000.0) -> None:
        self.state = state
        self.now = now
        self.actions = []
        self._random = random.Random(1)

    def tell(self, event: Event) -> "Machine":
        self.state, self.actions = reflect.step(self.state, event, self.now, random_=self._random)
        return self

    def after(self, seconds: float) -> "Machine":
        self.now += seconds
        return self.tell(Tick())

    def wait_out(self) -> "Machine":
        assert isinstance(self.state.activity, Waiting)
        self.now = self.state.activity.until
        return self.tell(Tick())

    @property
    def wait(self) -> float:
        """Seconds until the wait is over."""
        assert isinstance(self.state.activity, Waiting)
        return self.state.activity.until - self.now

    @property
    def asks(self) -> list[Ask]:
        return [action for action in self.actions if isinstance(action, Ask)]

    def told(self) -> Tell:
        (tell,) = [action for action in self.actions if isinstance(action, Tell)]
        return tell


def _started(streaming: Streaming = "never") -> Machine:
    return Machine(initial(streaming)).tell(Tick())


def _watching(version: str = "7", *, lived: float = 0.0) -> Machine:
    machine = _started().tell(Answered(protobuf=True)).tell(PageTaken(resource_version=version, token=None))
    machine.now += lived
    return machine


# Listing ---------------------------------------------------------------------------------------------------------------------------


def test_it_begins_with_a_streaming_list():
    machine = _started("auto")
    assert machine.actions == [BeginList(reason="start"), Ask(query=STREAM_QUERY, watch=True)]
    assert machine.state.condition is Condition.LISTING


def test_it_begins_with_pages_where_streaming_lists_are_switched_off():
    machine = _started("never")
    assert machine.actions == [BeginList(reason="start"), Ask(query=FIRST_PAGE, watch=False)]


def test_time_that_passes_changes_nothing_while_something_is_asked():
    for machine in (_started("auto"), _started("never"), _watching()):
        before = machine.state
        assert machine.after(3_600.0).actions == []
        assert machine.state == before


def test_a_streaming_list_in_protobuf_is_taken_to_its_end_and_goes_on_as_a_watch():
    machine = _started("auto").tell(Answered(protobuf=True))
    assert machine.actions == []
    machine.tell(InitialEventsEnded(resource_version="7"))
    assert machine.actions == [FinishList()]
    assert machine.state.activity == Watch(resource_version="7", opened_at=machine.now, progressed=True)
    assert machine.state.condition is Condition.FOLLOWING


def test_versions_within_the_initial_events_are_nothing_to_go_on_from():
    machine = _started("auto").tell(Answered(protobuf=True)).tell(Advanced(resource_version="3"))
    assert machine.state.activity == ListStream(reason="start")


@pytest.mark.parametrize("code", [400, 422])
def test_a_server_without_streaming_lists_is_asked_for_pages_and_never_for_a_stream_again(code):
    machine = _started("always").tell(Refused(code=code, message="sendInitialEvents is forbidden"))
    assert machine.actions == [HangUp(), Ask(query=FIRST_PAGE, watch=False)]
    assert machine.state.activity == ListPages(reason="start")
    machine.tell(Garbled(why="?")).wait_out()
    assert machine.asks == [Ask(query=FIRST_PAGE, watch=False)]


def test_a_streaming_list_in_json_is_given_up_for_pages_under_auto():
    machine = _started("auto").tell(Answered(protobuf=False))
    assert machine.actions == [HangUp(), Ask(query=FIRST_PAGE, watch=False)]


def test_a_streaming_list_in_json_is_taken_where_it_is_always_wanted():
    machine = _started("always").tell(Answered(protobuf=False))
    assert machine.actions == []
    assert machine.state.activity == ListStream(reason="start")


def test_a_bad_request_for_a_page_or_a_watch_is_an_ordinary_refusal():
    for machine in (_started(), _watching()):
        assert machine.tell(Refused(code=400, message="?")).told().event == "refused"


def test_pages_are_asked_for_by_their_tokens_and_the_watch_goes_on_from_their_version():
    machine = _started().tell(Answered(protobuf=True)).tell(PageTaken(resource_version="7", token="t1"))
    assert machine.actions == [Ask(query=FIRST_PAGE | {"continue": "t1"}, watch=False)]
    machine.tell(PageTaken(resource_version="7", token="t2"))
    assert machine.actions == [Ask(query=FIRST_PAGE | {"continue": "t2"}, watch=False)]
    assert machine.state.condition is Condition.LISTING
    machine.tell(PageTaken(resource_version="7", token=None))
    assert machine.actions == [FinishList(), Ask(query=_watch_query("7"), watch=True)]
    assert machine.state.condition is Condition.FOLLOWING


def test_a_page_that_an_error_held_up_is_asked_for_again_without_those_before_it():
    machine = _started().tell(PageTaken(resource_version="7", token="t1")).tell(Lost(why="reset"))
    assert machine.state.activity.want == WantPage(reason="start", token="t1")
    machine.wait_out()
    assert machine.actions == [Ask(query=FIRST_PAGE | {"continue": "t1"}, watch=False)]


def test_a_streaming_list_that_is_interrupted_begins_anew():
    machine = _started("auto").tell(Answered(protobuf=True)).tell(Lost(why="reset")).wait_out()
    assert machine.actions == [BeginList(reason="start"), Ask(query=STREAM_QUERY, watch=True)]


# 410 -------------------------------------------------------------------------------------------------------------------------------


def test_a_watch_that_lived_and_whose_version_is_too_old_leads_to_a_list_at_once():
    machine = _watching(lived=60.0).tell(Refused(code=410, message="too old"))
    assert machine.actions == [
        HangUp(),
        Tell(event="expired", why="too old", wait_seconds=0.0),
        BeginList(reason="expired"),
        Ask(query=FIRST_PAGE, watch=False),
    ]
    assert machine.state.condition is Condition.FOLLOWING


def test_a_watch_whose_version_is_too_old_at_once_waits_before_the_list():
    machine = _watching().tell(Refused(code=410, message="too old"))
    assert [type(action) for action in machine.actions] == [HangUp, Tell]
    assert machine.wait > 0.0
    assert machine.state.activity.want == WantList(reason="expired")


@pytest.mark.parametrize("token", [None, "t1"])
def test_a_list_or_token_that_is_too_old_leads_to_a_list_from_its_beginning(token):
    machine = _started()
    if token:
        machine.tell(PageTaken(resource_version="7", token=token))
    machine.tell(Refused(code=410, message="expired")).wait_out()
    assert machine.actions == [BeginList(reason="expired"), Ask(query=FIRST_PAGE, watch=False)]


def test_a_streaming_list_that_is_too_old_begins_anew():
    machine = _started("auto").tell(Answered(protobuf=True)).tell(Refused(code=410, message="too old")).wait_out()
    assert machine.actions == [BeginList(reason="expired"), Ask(query=STREAM_QUERY, watch=True)]


# Refusals --------------------------------------------------------------------------------------------------------------------------


def test_unauthorized_reads_the_credentials_again_and_asks_the_same():
    machine = _watching("7").tell(Refused(code=401, message="Unauthorized"))
    assert machine.actions[0] == HangUp()
    assert machine.actions[-1] == ReadCredentials()
    assert machine.wait <= FRESH.first_seconds
    assert machine.wait_out().asks == [Ask(query=_watch_query("7"), watch=True)]


def test_forbidden_shows_as_such_and_is_tried_again_slowly():
    machine = _started().tell(Refused(code=403, message='cannot list "pods"'))
    assert machine.state.condition is Condition.FORBIDDEN
    assert machine.state.denied == 'cannot list "pods"'
    for _ in range(5):
        machine.wait_out().tell(Refused(code=403, message='cannot list "pods"'))
        assert 0.75 * reflect.FORBIDDEN_WAIT_SECONDS <= machine.wait <= reflect.FORBIDDEN_WAIT_SECONDS
        assert machine.told().event == "forbidden"


def test_a_first_denial_is_tried_again_soon_since_a_starting_server_denies_everything():
    assert _watching().tell(Refused(code=403, message="no")).wait <= FRESH.first_seconds


@pytest.mark.parametrize("listed", [True, False])
def test_a_right_that_comes_back_brings_back_the_condition_before(listed):
    machine = _watching() if listed else _started()
    before = machine.state.condition
    machine.tell(Refused(code=403, message="no"))
    assert machine.state.condition is Condition.FORBIDDEN
    machine.wait_out().tell(Answered(protobuf=True))
    assert machine.state.condition is before
    assert machine.state.denied is None


def test_a_denial_stands_until_the_server_allows_something():
    machine = _started().tell(Refused(code=403, message="no")).wait_out().tell(Lost(why="reset"))
    assert machine.state.condition is Condition.FORBIDDEN


def test_a_server_that_says_when_to_come_back_is_left_alone_until_then():
    machine = _started().tell(Refused(code=429, message="busy", retry_after_seconds=17.0))
    assert machine.wait == 17.0
    assert machine.told() == Tell(event="refused", why="429 busy", wait_seconds=17.0)


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504, 0, 302])
def test_any_other_refusal_waits_and_asks_the_same_again(code):
    machine = _watching("7").tell(Refused(code=code, message="?"))
    assert 0.5 * FRESH.first_seconds <= machine.wait <= FRESH.first_seconds
    assert machine.wait_out().asks == [Ask(query=_watch_query("7"), watch=True)]


def test_a_retry_after_shorter_than_the_backoff_does_not_shorten_it():
    machine = _started()
    for _ in range(10):
        machine.tell(Refused(code=429, message="busy", retry_after_seconds=1.0))
        wait = machine.wait
        machine.wait_out()
    assert wait >= 15.0


# Interruptions -----------------------------------------------------------------------------------------------------------------------


def test_a_server_that_nobody_answers_for_is_tried_at_least_every_four_seconds():
    machine = _watching("7")
    waits = []
    for _ in range(20):
        machine.tell(Unreachable(why="refused"))
        waits.append(machine.wait)
        machine.wait_out()
        assert machine.asks == [Ask(query=_watch_query("7"), watch=True)]
    assert waits[0] <= 0.8
    assert all(2.0 <= wait <= 4.0 for wait in waits[4:])


def test_hours_without_a_server_do_not_make_the_first_refusal_after_them_a_long_one():
    machine = _watching()
    for _ in range(1_000):
        machine.tell(Unreachable(why="refused")).wait_out()
    assert machine.tell(Refused(code=503, message="starting")).wait <= FRESH.first_seconds


@pytest.mark.parametrize("end", [Lost(why="reset"), Ended()])
def test_a_watch_that_had_lived_goes_on_at_once_from_the_last_version(end):
    machine = _watching("7", lived=300.0).tell(Advanced(resource_version="9")).tell(end)
    assert machine.actions[0] == HangUp()
    assert machine.told().wait_seconds == 0.0
    assert machine.asks == [Ask(query=_watch_query("9"), watch=True)]
    assert machine.state.activity == Watch(resource_version="9", opened_at=machine.now)


@pytest.mark.parametrize("end", [Lost(why="reset"), Ended()])
def test_a_watch_that_ends_as_soon_as_it_began_waits(end):
    machine = _watching("7", lived=0.1).tell(end)
    assert machine.asks == []
    assert machine.state.activity.want == WantWatch(resource_version="7")
    assert machine.wait >= 0.4


def test_garbage_in_a_watch_that_brought_something_goes_on_from_there():
    machine = _watching("7", lived=60.0).tell(Advanced(resource_version="9")).tell(Garbled(why="no JSON"))
    assert [type(action) for action in machine.actions] == [HangUp, Tell]
    assert (machine.told().event, machine.told().why) == ("garbled", "no JSON")
    assert machine.wait_out().asks == [Ask(query=_watch_query("9"), watch=True)]


def test_garbage_at_the_same_place_again_leads_to_a_list():
    machine = _watching("7", lived=60.0).tell(Advanced(resource_version="9")).tell(Garbled(why="no JSON")).wait_out()
    machine.tell(Answered(protobuf=True)).tell(Garbled(why="no JSON")).wait_out()
    assert machine.actions == [BeginList(reason="garbage"), Ask(query=FIRST_PAGE, watch=False)]


def test_garbage_in_a_list_begins_it_anew():
    machine = _started().tell(PageTaken(resource_version="7", token="t1")).tell(Garbled(why="no JSON")).wait_out()
    assert machine.actions == [BeginList(reason="garbage"), Ask(query=FIRST_PAGE, watch=False)]


@pytest.mark.parametrize(
    "late",
    [
        Answered(protobuf=True),
        PageTaken(resource_version="9", token=None),
        Advanced(resource_version="9"),
        InitialEventsEnded(resource_version="9"),
        Refused(code=500, message="late"),
        Unreachable(why="late"),
        Lost(why="late"),
        Garbled(why="late"),
        Ended(),
    ],
)
def test_what_a_closed_connection_still_brings_is_ignored(late):
    machine = _watching().tell(Refused(code=403, message="no"))
    before = machine.state
    assert machine.tell(late).actions == []
    assert machine.state == before


@pytest.mark.parametrize(
    "stray", [PageTaken(resource_version="9", token=None), InitialEventsEnded(resource_version="9")]
)
def test_the_end_of_a_list_that_nobody_asked_for_finishes_none(stray):
    machine = _watching("7").tell(stray)
    assert machine.actions == []
    assert machine.state.activity == Watch(resource_version="7", opened_at=machine.now)


# Backoff -----------------------------------------------------------------------------------------------------------------------------


def test_waits_grow_to_half_a_minute_and_no_further():
    machine = _started()
    waits = []
    for _ in range(12):
        waits.append(machine.tell(Refused(code=500, message="?")).wait)
        machine.wait_out()
    for failures, wait in enumerate(waits):
        ceiling = min(30.0, 0.8 * 2**failures)
        assert ceiling / 2 <= wait <= ceiling


def test_two_quiet_minutes_make_the_next_wait_a_short_one():
    machine = _started()
    for _ in range(8):
        machine.tell(Refused(code=500, message="?")).wait_out()
    machine.tell(PageTaken(resource_version="7", token=None)).after(119.0)
    assert machine.tell(Refused(code=500, message="?")).wait > 1.0
    machine.wait_out().after(120.0)
    assert machine.tell(Refused(code=500, message="?")).wait <= 0.8


def test_a_wait_ends_neither_early_nor_late():
    machine = _started().tell(Refused(code=500, message="?"))
    until = machine.state.activity.until
    assert Machine(machine.state, now=until - 0.001).tell(Tick()).actions == []
    assert Machine(machine.state, now=until).tell(Tick()).asks == [Ask(query=FIRST_PAGE, watch=False)]


HARSH = [
    Refused(code=500, message="?"),
    Refused(code=410, message="?"),
    Refused(code=401, message="?"),
    Refused(code=403, message="?"),
    Refused(code=422, message="?"),
    Refused(code=429, message="?", retry_after_seconds=0.0),
    Unreachable(why="?"),
    Lost(why="?"),
    Garbled(why="?"),
    Ended(),
]


@pytest.mark.parametrize("harsh", HARSH, ids=lambda event: type(event).__name__ + str(getattr(event, "code", "")))
@pytest.mark.parametrize(
    "state",
    [initial("auto"), replace(initial("never"), activity=Waiting(want=WantWatch(resource_version="7"), until=0.0))],
)
def test_a_server_that_ends_everything_at_once_is_not_asked_in_a_loop(state, harsh):
    machine = Machine(state)
    asked_at = []
    while machine.now < 1_300.0:
        machine.tell(Tick())
        while machine.asks:
            asked_at.append(machine.now)
            machine.tell(harsh)
        machine.now += 0.01
    most_in_a_second = max(sum(at <= other < at + 1.0 for other in asked_at) for at in asked_at)
    assert most_in_a_second <= 4
    assert len(asked_at) <= 300 / 1.9
