"""What `podwire status` and `podwire top` make of the stages' states."""

from typing import Any

import pytest
from rich.console import Console

from podwire.overview.draw import lines, picture, stage_table
from podwire.overview.model import Meter, Overview, Progress, duration


def stage(name: str, *, pid: int = 4, up: float = 10.0, cpu: float = 1.0, **more: Any) -> dict[str, Any]:
    usual = {"stage": name, "pid": pid, "incarnation": f"life-{pid}", "uptime_seconds": up, "cpu_seconds": cpu}
    return {**usual, "pss_kib": 2_048, "rss_kib": 4_096, "not_ready": None, "last_error": None, **more}


def watcher(*, changed: int = 20, **more: Any) -> dict[str, Any]:
    events = {"changed": changed, "unchanged": 5, "deleted": 5}
    return stage("watcher-pods", kind="pods", events=events, watch_age_seconds=0.25, scopes=[], **more)


def matcher(**more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "pods": {
            "known": 5_000,
            "live": 4_990,
            "waiting": 7,
            "provisional": 2,
            "dirty": 3,
            "unswept": 0,
            "swept": 5_000,
        },
        "epoch": {"number": 3, "open": True, "reasons": ["relist", "guard"], "age_seconds": 300.0},
        "emissions": {"sent": 100},
        "watchers": {"pods": {"snapshot": None}},
    }
    return stage("matcher", **{**usual, **more})


def relay(**more: Any) -> dict[str, Any]:
    link = {"connected": True, "connection": 2, "age_seconds": 65.0, "last_trouble": None, "dials_in_seconds": None}
    usual: dict[str, Any] = {
        "link": link,
        "lag": {"count": 9, "p50_seconds": 0.0006, "p99_seconds": 0.0021},
        "bytes": {"plain": 9_000, "compressed": 3_000},
        "emissions": {"taken": 100, "dropped": {}},
    }
    return stage("relay", **{**usual, **more})


def states(**more: Any) -> dict[str, Any]:
    return {"watcher-pods": watcher(), "matcher": matcher(), "relay": relay(), **more}


def text(overview: Overview) -> str:
    return "\n".join(lines(picture(overview)))


def test_everything_that_matters_is_there_in_words() -> None:
    assert text(Meter().take(states(), at=1_000.0)) == (
        "STAGE         PID    UP    CPU  MEMORY  STATE\n"
        "watcher-pods    4  10 s  10.0%  2.0 MB  in sync\n"
        "matcher         4  10 s  10.0%  2.0 MB  in sync\n"
        "relay           4  10 s  10.0%  2.0 MB  in sync\n"
        "\n"
        "pods       5,000 known, 4,990 live, 7 waiting, 2 provisional, 3 dirty, 0 unswept\n"
        "epoch      3, opened 5 min ago; reason: relist, guard\n"
        "link       up, connection 2, for 65 s\n"
        "lag        p50 0.6 ms, p99 2.1 ms since the relay's start\n"
        "watch age  pods 0.2 s\n"
        "rates      3.0 events/s read, 10.0 emissions/s, 300 B/s upstream"
    )


def test_rates_are_of_the_whole_life_at_first_and_of_the_last_seconds_then() -> None:
    meter = Meter()
    assert meter.take(states(), at=1_000.0).events_per_second == 3.0
    second = meter.take(states(**{"watcher-pods": watcher(changed=120, cpu=1.5)}), at=1_001.0)
    assert second.events_per_second == pytest.approx(100.0)
    assert second.stages[0].cpu_share == pytest.approx(0.5)
    for at in range(1_002, 1_010):
        last = meter.take(states(**{"watcher-pods": watcher(changed=120, cpu=1.5)}), at=float(at))
    assert (last.events_per_second, last.stages[0].cpu_share) == (0.0, 0.0)


def test_another_incarnation_is_a_restart_though_every_container_has_pid_1() -> None:
    meter = Meter()
    meter.take(states(matcher=matcher(pid=1, incarnation="a")), at=1_000.0)
    meter.take(states(matcher="127.0.0.1:1 does not answer: Connection refused"), at=1_001.0)
    after = meter.take(states(matcher=matcher(pid=1, incarnation="b", up=2.0, cpu=0.2)), at=1_002.0)
    assert after.stages[1].restarts == 1
    assert after.stages[1].cpu_share == pytest.approx(0.1)
    assert "RESTARTS" in text(after)


def test_a_long_reason_stands_below_the_table_and_a_short_one_in_it() -> None:
    trouble = "listing pods of all namespaces; no fault so far"
    found = text(Meter().take({"watcher-pods": watcher(not_ready=trouble), "relay": "not running"}, at=1.0))
    assert "not in sync\n" in found
    assert f"\nwatcher-pods: {trouble}\n" in found
    assert found.count("not running") == 1
    refused = "127.0.0.1:1 does not answer: [Errno 111] Connection refused"
    found = text(Meter().take({"relay": refused}, at=1.0))
    assert found.splitlines()[1].split() == ["relay", "-", "-", "-", "-", "no", "answer"]
    assert found.splitlines()[2] == f"relay: {refused}"


def test_a_link_that_is_down_says_why_and_when_it_is_tried_again() -> None:
    link = {
        "connected": False,
        "connection": 2,
        "age_seconds": None,
        "last_trouble": "refused",
        "dials_in_seconds": 3.0,
    }
    assert Meter().take(states(relay=relay(link=link)), at=1.0).link == "down: refused; next attempt in 3.0 s"


def test_what_takes_a_while_has_a_bar_with_how_far_it_is() -> None:
    scopes = [
        {"namespace": "all", "list": {"objects": 1_500, "of_about": 6_000}},
        {"namespace": "shop", "list": {"objects": 7, "of_about": None}},
        {"namespace": "done", "list": None},
    ]
    pods = {"known": 600, "unswept": 300, "swept": 100}
    found = Meter().take(
        states(
            **{"watcher-pods": {**watcher(), "scopes": scopes}},
            matcher=matcher(pods=pods, watchers={"pods": {"snapshot": {"objects": 50, "of_about": 100}}}),
        ),
        at=1.0,
    )
    assert found.progress == (
        Progress(what="list of pods", done=1_500, of_about=6_000),
        Progress(what="list of pods of shop", done=7, of_about=None),
        Progress(what="snapshot of pods", done=50, of_about=100),
        Progress(what="epoch 3", done=100, of_about=400),
    )
    shown = text(found)
    assert "━" * 6 in shown
    assert "1,500 of about 6,000 (25%)" in shown
    assert "7 so far" in shown


def test_a_warning_is_shown_while_it_is_recent() -> None:
    def with_warning(age: float) -> str:
        error = {"text": "watch failed reason=silent", "age_seconds": age}
        return text(Meter().take(states(relay=relay(last_error=error)), at=1.0))

    assert with_warning(65.0).endswith("\n65 s ago, relay: watch failed reason=silent")
    assert "silent" not in with_warning(601.0)


@pytest.mark.parametrize(
    "state", [{}, {"epoch": 3, "pods": None}, {"link": None, "lag": {}, "bytes": {}, "events": {}, "emissions": []}]
)
def test_a_state_that_lacks_what_is_read_breaks_nothing(state: dict[str, Any]) -> None:
    """A stage of another version says other things."""
    for name in ("watcher-pods", "matcher", "relay"):
        assert text(Meter().take({name: state}, at=1.0)).startswith("STAGE")


def test_it_fits_80_columns_and_says_the_same_without_colour() -> None:
    trouble = "listing pods of all namespaces; the API server answers 503 Service Unavailable to each of the requests"
    names = ("watcher-pods", "watcher-replicasets", "watcher-jobs", "matcher", "relay")
    found = {name: stage(name, pid=4_194_304, up=86_400.0, not_ready=trouble) for name in names}
    meter = Meter()
    meter.take(found, at=1.0)
    again = {name: {**state, "incarnation": "other"} for name, state in found.items()}
    overview = meter.take({**again, "matcher": matcher(pid=4_194_303), "relay": relay(pid=4_194_303)}, at=2.0)
    console = Console(width=80, no_color=True, color_system=None)
    with console.capture() as capture:
        console.print(picture(overview))
    assert max(map(len, capture.get().splitlines())) <= 80
    for word in ("watcher-replicasets", "4194304", "RESTARTS", "not in sync", "in sync", "503 Service"):
        assert word in capture.get()
    assert "…" not in capture.get()


def test_a_table_in_a_pipe_has_no_control_codes_and_no_trailing_blanks() -> None:
    found = lines(stage_table(Meter().take(states(), at=1.0).stages))
    assert all(line == line.rstrip() and line.isprintable() for line in found)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.9, "9.9 s"), (12.3, "12 s"), (119, "119 s"), (300, "5 min"), (7_300, "2 h"), (200_000, "2 d")],
)
def test_durations_are_said_in_a_few_characters(seconds: float, words: str) -> None:
    assert duration(seconds) == words
