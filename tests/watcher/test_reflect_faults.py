"""The list/watch machine: refusals, interruptions, and how long each is waited out."""

import pytest
from msgspec.structs import replace

from common.messages import Condition
from tests.fakes.kube_machine import FIRST_PAGE, Machine, started, watch_query, watching
from watcher import reflect
from watcher.states import (
    FRESH,
    Answered,
    Ask,
    BeginList,
    Ended,
    Garbled,
    HangUp,
    InitialEventsEnded,
    Lost,
    PageTaken,
    ReadCredentials,
    Refused,
    Tell,
    Tick,
    Unreachable,
    Waiting,
    WantWatch,
    Watch,
    initial,
)

# Refusals --------------------------------------------------------------------------------------------------------------------------


def test_unauthorized_reads_the_credentials_again_and_asks_the_same():
    machine = watching("7").tell(Refused(code=401, message="Unauthorized"))
    assert machine.actions[0] == HangUp()
    assert machine.actions[-1] == ReadCredentials()
    assert machine.wait <= FRESH.first_seconds
    assert machine.wait_out().asks == [Ask(query=watch_query("7"), watch=True)]


def test_forbidden_shows_as_such_and_is_tried_again_slowly():
    machine = started().tell(Refused(code=403, message='cannot list "pods"'))
    assert machine.state.standing.condition is Condition.FORBIDDEN
    assert machine.state.denied == 'cannot list "pods"'
    for _ in range(5):
        machine.wait_out().tell(Refused(code=403, message='cannot list "pods"'))
        assert 0.75 * reflect.FORBIDDEN_WAIT_SECONDS <= machine.wait <= reflect.FORBIDDEN_WAIT_SECONDS
        assert machine.told().fault == "forbidden"


def test_a_first_denial_is_tried_again_soon_since_a_starting_server_denies_everything():
    assert watching().tell(Refused(code=403, message="no")).wait <= FRESH.first_seconds


@pytest.mark.parametrize("listed", [True, False])
def test_a_right_that_comes_back_brings_back_the_condition_before(listed):
    machine = watching() if listed else started()
    before = machine.state.standing.condition
    machine.tell(Refused(code=403, message="no"))
    assert machine.state.standing.condition is Condition.FORBIDDEN
    machine.wait_out().tell(Answered(protobuf=True))
    assert machine.state.standing.condition is before
    assert machine.state.denied is None


def test_a_denial_stands_until_the_server_allows_something():
    machine = started().tell(Refused(code=403, message="no")).wait_out().tell(Lost(why="reset"))
    assert machine.state.standing.condition is Condition.FORBIDDEN


def test_a_server_that_says_when_to_come_back_is_left_alone_until_then():
    machine = started().tell(Refused(code=429, message="busy", retry_after_seconds=17.0))
    assert machine.wait == 17.0
    assert machine.told() == Tell(fault="refused", why="429 busy", wait_seconds=17.0)


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504, 0, 302])
def test_any_other_refusal_waits_and_asks_the_same_again(code):
    machine = watching("7").tell(Refused(code=code, message="?"))
    assert 0.5 * FRESH.first_seconds <= machine.wait <= FRESH.first_seconds
    assert machine.wait_out().asks == [Ask(query=watch_query("7"), watch=True)]


def test_a_retry_after_shorter_than_the_backoff_does_not_shorten_it():
    machine = started()
    for _ in range(10):
        machine.tell(Refused(code=429, message="busy", retry_after_seconds=1.0))
        wait = machine.wait
        machine.wait_out()
    assert wait >= 15.0


# Interruptions -----------------------------------------------------------------------------------------------------------------------


def test_a_server_that_nobody_answers_for_is_tried_at_least_every_four_seconds():
    machine = watching("7")
    waits = []
    for _ in range(20):
        machine.tell(Unreachable(why="refused"))
        waits.append(machine.wait)
        machine.wait_out()
        assert machine.asks == [Ask(query=watch_query("7"), watch=True)]
    assert waits[0] <= 0.8
    assert all(2.0 <= wait <= 4.0 for wait in waits[4:])


def test_hours_without_a_server_do_not_make_the_first_refusal_after_them_a_long_one():
    machine = watching()
    for _ in range(1_000):
        machine.tell(Unreachable(why="refused")).wait_out()
    assert machine.tell(Refused(code=503, message="starting")).wait <= FRESH.first_seconds


@pytest.mark.parametrize("end", [Lost(why="reset"), Ended()])
def test_a_watch_that_had_lived_goes_on_at_once_from_the_last_version(end):
    machine = watching("7", lived=300.0).advance("9").tell(end)
    assert machine.actions[0] == HangUp()
    assert machine.told().wait_seconds == 0.0
    assert machine.asks == [Ask(query=watch_query("9"), watch=True)]
    assert machine.state.activity == Watch(resource_version="9", opened_at=machine.now)


@pytest.mark.parametrize("end", [Lost(why="reset"), Ended()])
def test_a_watch_that_ends_as_soon_as_it_began_waits(end):
    machine = watching("7", lived=0.1).tell(end)
    assert machine.asks == []
    assert machine.state.activity.want == WantWatch(resource_version="7")
    assert machine.wait >= 0.4


def test_garbage_in_a_watch_that_brought_something_goes_on_from_there():
    machine = watching("7", lived=60.0).advance("9").tell(Garbled(why="no JSON"))
    assert [type(action) for action in machine.actions] == [HangUp, Tell]
    assert (machine.told().fault, machine.told().why) == ("garbled", "no JSON")
    assert machine.wait_out().asks == [Ask(query=watch_query("9"), watch=True)]


def test_garbage_at_the_same_place_again_leads_to_a_list():
    machine = watching("7", lived=60.0).advance("9").tell(Garbled(why="no JSON")).wait_out()
    machine.tell(Answered(protobuf=True)).tell(Garbled(why="no JSON")).wait_out()
    assert machine.actions == [BeginList(reason="garbage"), Ask(query=FIRST_PAGE, watch=False)]


def test_garbage_in_a_list_begins_it_anew():
    machine = started().tell(PageTaken(resource_version="7", token="t1")).tell(Garbled(why="no JSON")).wait_out()
    assert machine.actions == [BeginList(reason="garbage"), Ask(query=FIRST_PAGE, watch=False)]


@pytest.mark.parametrize(
    "late",
    [
        Answered(protobuf=True),
        PageTaken(resource_version="9", token=None),
        InitialEventsEnded(resource_version="9"),
        Refused(code=500, message="late"),
        Unreachable(why="late"),
        Lost(why="late"),
        Garbled(why="late"),
        Ended(),
    ],
)
def test_what_a_closed_connection_still_brings_is_ignored(late):
    machine = watching().tell(Refused(code=403, message="no"))
    before = machine.state
    assert machine.tell(late).actions == []
    assert machine.advance("9").state == before


@pytest.mark.parametrize(
    "stray", [PageTaken(resource_version="9", token=None), InitialEventsEnded(resource_version="9")]
)
def test_the_end_of_a_list_that_nobody_asked_for_finishes_none(stray):
    machine = watching("7").tell(stray)
    assert machine.actions == []
    assert machine.state.activity == Watch(resource_version="7", opened_at=machine.now)


# Backoff -----------------------------------------------------------------------------------------------------------------------------


def test_waits_grow_to_half_a_minute_and_no_further():
    machine = started()
    waits = []
    for _ in range(12):
        waits.append(machine.tell(Refused(code=500, message="?")).wait)
        machine.wait_out()
    for failures, wait in enumerate(waits):
        ceiling = min(30.0, 0.8 * 2**failures)
        assert ceiling / 2 <= wait <= ceiling


def test_two_quiet_minutes_make_the_next_wait_a_short_one():
    machine = started()
    for _ in range(8):
        machine.tell(Refused(code=500, message="?")).wait_out()
    machine.tell(PageTaken(resource_version="7", token=None)).after(119.0)
    assert machine.tell(Refused(code=500, message="?")).wait > 1.0
    machine.wait_out().after(120.0)
    assert machine.tell(Refused(code=500, message="?")).wait <= 0.8


def test_a_wait_ends_neither_early_nor_late():
    machine = started().tell(Refused(code=500, message="?"))
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
            assert len(asked_at) < 1_000, "asked in a loop"
            machine.tell(harsh)
        machine.now += 0.01
    most_in_a_second = max(sum(at <= other < at + 1.0 for other in asked_at) for at in asked_at)
    assert most_in_a_second <= 4
    assert len(asked_at) <= 300 / 1.9
