"""Every benchmark in turn, on one API server that grows: `make bench`.

    python -m bench --pods 1000 --pods 20000 --json results.json
    python -m bench --results results.json --write docs/performance.md --plot docs/performance.png

`python -m bench.sync`, `bench.events`, `bench.sizing` and `bench.regression` are parts of it, or beside it, each with --help.
"""

import json
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import click

from bench import events, goals, growth, page, rig, sync
from bench.clusters import clusters
from bench.events import LEAST_EVENTS, RATES, Load

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(
    help="Measure syncs of every size, and events at one of them, on one API server that grows. Prints tables, goals and growth."
)
@click.option(
    "--pods",
    multiple=True,
    type=int,
    default=(1_000, 5_000, 20_000),
    show_default=True,
    help="Sizes; give it many times.",
)
@click.option(
    "--repeat", default=3, show_default=True, help="Runs of each sync, and windows of each rate of events, in turn."
)
@click.option("--typed-pods", default=20_000, show_default=True, help="Up to this size the typed client runs too.")
@click.option(
    "--events-pods",
    default=20_000,
    show_default=True,
    help="Events are measured at the largest size up to this; 0: not at all.",
)
@click.option("--seconds", default=20.0, show_default=True, help="The window of each rate of events.")
@click.option("--idle-seconds", default=60.0, show_default=True)
@click.option("--results", type=FILE, help="Measure nothing: take the results that --json wrote.")
@click.option("--json", "record", type=FILE, help="Write the results here, after each size.")
@click.option("--write", "target", type=FILE, help="Write the tables between the markers of this page.")
@click.option("--plot", type=FILE, help="Draw the growth here (PNG).")
def main(
    *,
    pods: tuple[int, ...],
    repeat: int,
    typed_pods: int,
    events_pods: int,
    seconds: float,
    idle_seconds: float,
    results: Path | None,
    record: Path | None,
    target: Path | None,
    plot: Path | None,
) -> None:
    rig.end_in_order()
    click.echo(rig.machine())
    if results is not None:
        found: goals.Results = json.loads(results.read_text())
    else:
        found = {"command": _command(), "when": time.strftime("%Y-%m-%d"), "machine": rig.machine(), "sync": []}
        loads = [Load(rate, max(seconds, LEAST_EVENTS / rate), 0.2) for rate in RATES]
        events_at = max((size for size in pods if size <= events_pods), default=0)
        with clusters() as servers:
            for size in sorted(pods):
                found["sync"].append(sync.measure(servers.at(size), repeat=repeat, typed_pods=typed_pods))
                sync.show(found["sync"][-1])
                if size == events_at:
                    found["events"] = events.measure(
                        servers, size, loads=loads, idle_seconds=idle_seconds, repeat=repeat
                    )
                    events.show(found["events"])
                _keep(found, record)
    _conclude(found, target=target, plot=plot)


def _command() -> str:
    """As it was given, by make's name, less where the results go."""
    given, kept = iter(sys.argv[1:]), []
    for argument in given:
        if argument in ("--json", "--write", "--plot"):
            next(given)
        else:
            kept.append(argument)
    return f"make bench ARGS='{shlex.join(kept)}'" if kept else "make bench"


def _keep(found: dict[str, Any], record: Path | None) -> None:
    if record is not None:
        record.write_text(json.dumps(found, indent=1) + "\n")


def _conclude(found: goals.Results, *, target: Path | None, plot: Path | None) -> None:
    click.echo("growth")
    heads, rows = growth.table(found["sync"])
    for row in [heads, *rows]:
        click.echo("  " + f"{row[0]:38}" + "".join(f"{cell:>14}" for cell in row[1:]))
    click.echo("goals")
    for one in goals.judge(found):
        goal, figure, bound, verdict = one.cells()
        click.echo(f"  {goal:78} {figure:>18}  {bound:>18}  {verdict.strip('*')}")
    if target is not None:
        page.write(target, page.markdown(found))
    if plot is not None:
        growth.plot(found["sync"], plot)


if __name__ == "__main__":
    main()
