"""Log lines, for people and for machines."""

import json
import re

import pytest

from common import logs
from common.logs import Format, Log, Seldom, configure, last_error


def written(capsys: pytest.CaptureFixture[str], *, format_: Format, level: str = "info") -> list[str]:
    """Lines of one call of each kind."""
    configure(format_=format_, level=level)
    log = Log("relay")
    log.debug("looked")
    log.info("connected", peer="10.0.0.1:8000", seconds=1.25, again=True)
    log.warning("cannot connect", why='no route "there"', code=None)
    log.error("gave up", text="")
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_text_has_the_time_the_level_the_stage_the_event_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(capsys, format_="text")
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{3} info    relay: connected peer=10.0.0.1:8000 seconds=1.25 again=True", lines[0]
    )
    assert lines[1].endswith(r'warning relay: cannot connect why="no route \"there\"" code=None')
    assert lines[2].endswith('error   relay: gave up text=""')


def test_json_has_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = json.loads(written(capsys, format_="json")[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "info",
        "stage": "relay",
        "event": "connected",
        "peer": "10.0.0.1:8000",
        "seconds": 1.25,
        "again": True,
    }


def test_a_newline_in_a_field_does_not_make_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format_="text", level="info")
    Log("relay").info("read", text="one\ntwo")
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("level", "count"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_lines_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str], level: str, count: int) -> None:
    assert len(written(capsys, format_="text", level=level)) == count


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_fault_says_where_it_came_from(capsys: pytest.CaptureFixture[str], format_: Format) -> None:
    configure(format_=format_, level="info")
    try:
        raise ZeroDivisionError("of nothing")
    except ZeroDivisionError as error:
        Log("relay").fault("ended by an error", error)
    text = capsys.readouterr().err
    assert "test_a_fault_says_where_it_came_from" in text
    assert "ZeroDivisionError: of nothing" in text


def test_the_last_warning_of_a_stage_is_remembered_with_its_age(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(logs, "monotonic", lambda: now)
    configure(format_="text", level="error")
    assert last_error("watcher-test", now) is None
    Log("watcher-test").info("started")
    assert last_error("watcher-test", now) is None
    configure(format_="text", level="info")
    Log("watcher-test").warning("cannot connect", why="refused by it", attempt=2)
    now = 102.5
    Log("watcher-test").info("connected")
    Log("relay").error("another stage's")
    assert last_error("watcher-test", now) == {
        "text": 'cannot connect why="refused by it" attempt=2',
        "age_seconds": 2.5,
    }


def test_a_repeated_event_comes_once_a_minute_with_what_was_held_back() -> None:
    seldom = Seldom()
    assert seldom.held_back("a", 0.0) == 0
    assert seldom.held_back("a", 1.0) is None
    assert seldom.held_back("b", 1.0) == 0
    assert seldom.held_back("a", 59.9) is None
    assert seldom.held_back("a", 60.0) == 2
    assert seldom.held_back("a", 61.0) is None


def test_many_keys_do_not_take_all_memory() -> None:
    seldom = Seldom(most_keys=10)
    assert all(seldom.held_back(str(number), 0.0) == 0 for number in range(10_000))
    assert len(vars(seldom)["_held"]) <= 10
