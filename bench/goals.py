"""The goals, and whether a run's results meet them. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

Results = dict[str, Any]
"""What `python -m bench` writes as JSON: `sync` has a record for each size, `events` one."""

START_SECONDS = 0.35
"""What a start may take beside the sync itself."""


class Judged(NamedTuple):
    """A goal against the results."""

    goal: str
    figure: float
    bound: float
    unit: str
    sign: str
    """`≤` or `≥`: how the figure is to stand to the bound."""

    @property
    def met(self) -> bool:
        """It stands so."""
        return self.figure <= self.bound if self.sign == "≤" else self.figure >= self.bound

    def cells(self) -> list[str]:
        """Goal, figure, bound, and the verdict, for a table."""
        figure, bound = (f"{value:.2f} {self.unit}".strip() for value in (self.figure, self.bound))
        return [self.goal, figure, f"{self.sign} {bound}", "met" if self.met else "**missed**"]


def judge(results: Results) -> list[Judged]:
    """Every goal for which there are results."""
    judged: list[Judged] = []
    for record in results.get("sync", []):
        judged += _sync(record)
    if results.get("events"):
        judged += _events(results["events"])
    return judged


def _sync(record: dict[str, Any]) -> Iterator[Judged]:
    pods = record["pods"]
    bare, size = record["bare wall"], f"{pods:,} pods"
    for wanted, part in ((20_000, 0.7), (100_000, 0.42)):
        if pods == wanted:
            what = f"{size}: sync wall time, {part} of the bare reader's {bare:.2f} s and {START_SECONDS} s"
            yield _most(what, record["podwire wall"], part * bare + START_SECONDS, "s")
    for wanted, most in ((20_000, 75.0), (100_000, 195.0)):
        if pods == wanted:
            yield _most(f"{size}: memory of the five after sync (PSS)", record["podwire pss_mb"], most, "MB")
            yield _most(f"{size}: its peak over that", record["peak peak_over_steady"], 1.1, "")
    if pods == 100_000:
        yield _most(f"{size}: sync CPU of the five over the bare reader's", record["cpu over bare"], 1.2, "")
    if pods >= 20_000:
        what = f"{size}: bytes upstream at sync per pod of two containers"
        yield _most(what, record["podwire bytes_of_two"], 180.0, "B")
        if "server_cpu over bare" in record:
            what = f"{size}: the API server's CPU for it over that for the bare reader"
            yield _most(what, record["server_cpu over bare"], 0.4, "")
    if "typed cpu over podwire's" in record:
        what = f"{size}: CPU of the typed client over that of the five"
        yield _least(what, record["typed cpu over podwire's"], 10.0, "")


def _events(record: dict[str, Any]) -> Iterator[Judged]:
    bounds = {100.0: (0.6, 2.0, 180.0), 700.0: (1.0, 14.0, 85.0)}
    for run in record["rates"]:
        if run["rate"] in bounds:
            p50, p99, cpu = bounds[run["rate"]]
            rate = f"{run['rate']:.0f} events a second"
            yield _most(f"{rate}: lag, p50", run["p50_ms"], p50, "ms")
            yield _most(f"{rate}: lag, p99", run["p99_ms"], p99, "ms")
            yield _most(f"{rate}: CPU per event, the five", run["cpu_us"], cpu, "µs")
    yield _most("idle: CPU of the five", record["idle"]["cpu_percent"], 0.3, "% of a core")


def _most(goal: str, figure: float, bound: float, unit: str) -> Judged:
    return Judged(goal, figure, bound, unit, "≤")


def _least(goal: str, figure: float, bound: float, unit: str) -> Judged:
    return Judged(goal, figure, bound, unit, "≥")
