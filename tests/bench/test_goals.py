"""The goals are judged by the figures of the sizes and rates that they name, and the page has them."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import page
from bench.events import Load
from bench.goals import judge
from bench.growth import table
from bench.hotpaths import paths
from bench.regression import BASELINE
from bench.sync import figures


def sync(pods: int, **changed: float) -> dict[str, Any]:
    usual = {
        "bare wall": 1.0,
        "podwire wall": 1.04,
        "podwire pss_mb": 75.0,
        "peak peak_over_steady": 1.1,
        "podwire bytes_of_two": 180.0,
        "cpu over bare": 1.2,
        "server_cpu over bare": 0.4,
    }
    return {"pods": pods, "server": "a server", "other_cores": 0.0, **usual, **changed}


def events(**changed: float) -> dict[str, Any]:
    resting = {"cpu_percent": 0.3, "cpu_percent_all": 0.3}
    run = {"rate": 100.0, "p50_ms": 0.6, "p99_ms": 2.0, "cpu_us": 180.0, **changed}
    return {"pods": 20_000, "idle": resting, "rates": [run, {**run, "rate": 5.0}]}


def missed(**results: Any) -> list[str]:
    return [one.goal for one in judge(results) if not one.met]


def test_figures_on_their_bounds_meet_the_goals() -> None:
    judged = judge({"sync": [sync(20_000)], "events": events()})
    assert [one.goal for one in judged if not one.met] == []
    assert len(judged) == 5 + 4


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("podwire wall", 1.06),
        ("podwire pss_mb", 75.1),
        ("peak peak_over_steady", 1.11),
        ("podwire bytes_of_two", 181.0),
        ("server_cpu over bare", 0.41),
        ("typed cpu over podwire's", 9.9),
    ],
)
def test_a_figure_beyond_its_bound_misses_one_goal(figure: str, value: float) -> None:
    assert len(missed(sync=[sync(20_000, **{figure: value})])) == 1


def test_the_largest_size_has_bounds_of_its_own() -> None:
    goals = missed(sync=[sync(100_000, **{"cpu over bare": 1.3, "podwire pss_mb": 196.0})])
    assert len(goals) == 3  # and its wall time, of which less is allowed
    assert missed(sync=[sync(100_000, **{"podwire wall": 0.77})]) == []


def test_a_size_that_no_goal_names_is_judged_by_none() -> None:
    assert judge({"sync": [sync(1_000)]}) == []


def test_events_are_judged_at_the_rates_that_the_goals_name() -> None:
    assert missed(events=events(p99_ms=2.1)) == ["100 events a second: lag, p99"]


def test_what_is_reckoned_from_medians() -> None:
    runs = {
        "bare": [{"wall": 1.0, "cpu": 2.0, "server_cpu": 0.0}],
        "podwire": [{"wall": 2.0, "cpu": 1.0, "server_cpu": 0.0}, {"wall": 4.0, "cpu": 3.0, "server_cpu": 0.0}],
        "peak": [],
        "typed": [{"wall": 9.0, "cpu": 20.0}],
    }
    found = figures(runs, 1_000)
    assert found["wall over bare"] == 3.0
    assert found["cpu over bare"] == 1.0
    assert found["typed cpu over podwire's"] == 10.0
    assert found["podwire cpu_us_per_pod"] == 2_000.0
    assert "server_cpu over bare" not in found, "the API server is not ours to measure"


def test_the_growth_is_told_by_a_base_and_a_slope() -> None:
    heads, rows = table([{"pods": 1_000, "podwire wall": 1.5}, {"pods": 3_000, "podwire wall": 2.5}])
    assert heads == ["", "1,000", "3,000", "base", "per 1,000 pods more"]
    assert rows == [["podwire: wall", "1.5 s", "2.5 s", "1 s", "0.5 s"]]


def test_results_take_their_place_in_a_page(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    target.write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
    results = {"command": "make bench", "when": "2026-01-02", "machine": "a machine", "sync": [sync(20_000)]}
    page.write(target, page.markdown(results))
    text = target.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| 20,000 pods: memory of the five after sync (PSS) | 75.00 MB | ≤ 75.00 MB | met |" in text


def test_a_page_without_a_place_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "page.md"
    target.write_text("no markers")
    with pytest.raises(ValueError, match="no place"):
        page.write(target, "results")
    assert target.read_text() == "no markers"


def test_the_docs_have_a_place_for_results() -> None:
    text = Path(page.__file__).parent.parent.joinpath("docs", "performance.md").read_text("utf-8")
    assert text.count(page.BEGIN) == text.count(page.END) == 1


def test_every_hot_path_is_on_record() -> None:
    """With `python -m bench.regression --record`."""
    for recorded in json.loads(BASELINE.read_text("utf-8")).values():
        assert sorted(recorded) == sorted(path.name for path in paths())


def test_the_rate_asked_for_is_the_rate_of_events() -> None:
    load = Load(rate=100.0, seconds=20.0, useful=0.2)
    changes, useful = load.fill_changes()
    assert changes * (1 + useful) == pytest.approx(100.0)
    assert 2 * changes * useful == pytest.approx(20.0)
