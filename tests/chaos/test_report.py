"""What chaos says, on a terminal and in a pipe."""

import pytest

from tests.chaos.faults import CATALOGUE
from tests.chaos.plan import acts
from tests.chaos.report import WIDTH, Recovery, say, say_at, table


def test_the_table_has_count_median_and_worst_of_each_fault() -> None:
    recoveries = [
        Recovery(kind="kill relay", seconds=seconds, within_seconds=15.0) for seconds in (0.5, 9.0, 1.0, 2.0, 1.5)
    ]
    recoveries.append(Recovery(kind="API: 500s", seconds=4.25, within_seconds=45.0))
    heading, *rows = table(recoveries)
    assert heading.split() == ["fault", "times", "median", "worst", "allowed"]
    assert [row.split() for row in rows] == [
        ["API:", "500s", "1", "4.2", "s", "4.2", "s", "45", "s"],
        ["kill", "relay", "5", "1.5", "s", "9.0", "s", "15", "s"],
    ]


def test_every_line_fits_into_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = next(acts(1, catalogue=CATALOGUE, starters=("up",)))
    faults = [one.fault for strikes in drawn.rounds for one in strikes]
    for fault in faults:
        say_at(359_999.0, f"{fault.words} {'and so on ' * 10}")
    say(
        f"not in step\npod team-0/foreign-10-cls9bx4k2-9krg6q5x ({'29d62b7e-da67-4e32-a0c4-cfc34358ebb0'}): should be gone by now"
    )
    lines = capsys.readouterr().out.splitlines()
    lines += table([Recovery(kind=fault.kind, seconds=99.9, within_seconds=45.0) for fault in faults])
    assert len(lines) > len(faults)
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("5999:59  ")
