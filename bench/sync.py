"""What a sync costs: from podwire's start until the reducer has every pod, against other ways of getting there.

    python -m bench.sync [--pods 20000] [--repeat 3] [--json FILE]

In turn, on one API server (`clusters` says which): a bare reader that fetches the list as JSON pages and throws it away; podwire, and then
its resync after the reducer has dropped the connection; and, up to --typed-pods, the typed client of the `kubernetes` package doing the
same job. Peaks of memory come from runs of their own, in which PSS is read every 20 ms: their times are not used.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench import others, pipeline, rig, usage
from bench.clusters import Filled, clusters
from bench.figures import Run, medians
from bench.pipeline import SUPERVISOR, five
from bench.served import Serving, collect, cpu_seconds
from bench.sink import State, sink

SETTLE_SECONDS = 2.0
"""From the end of a sync until steady memory is read: what is given back is given back by then."""

PATIENCE_SECONDS = 300.0


def bare(filled: Filled) -> Run:
    """One run of the bare reader."""
    serving = Serving(filled)
    found: Run = json.loads(_run(["bench.bare_reader", filled.cluster.kubeconfig]))
    return found | serving.used()


def typed(filled: Filled) -> Run:
    """One run of the typed client, from its start."""
    serving, began_ns = Serving(filled), time.time_ns()
    found = json.loads(_run(["bench.typed_client", filled.cluster.kubeconfig]))
    wall = (found["done_ns"] - began_ns) / 1e9
    return {"wall": wall, "cpu": found["cpu"], **serving.used()}


def podwire(filled: Filled) -> Run:
    """One start of `podwire up` until the reducer has all, and a resync."""
    serving = Serving(filled)
    with sink() as reducer, pipeline.running(filled.cluster.kubeconfig, reducer.address) as ours:
        state = reducer.wait_for(filled.wanted, seconds=PATIENCE_SECONDS)
        used, served = ours.cpu(), serving.used()
        time.sleep(SETTLE_SECONDS)
        pss = ours.pss_mb()
        figures = {
            "wall": (_all_ns(filled, state) - ours.began_ns) / 1e9,
            **served,
            "pss_mb": five(pss),
            "pss_all_mb": sum(pss.values()),
            "bytes_per_pod": state.wire_bytes / state.pods,
            **_cpu(used, ""),
            **{f"pss_mb {stage}": value for stage, value in pss.items()},
        }
        before, cut_ns = ours.cpu(), time.time_ns()
        reducer.cut()
        again = reducer.wait_for(filled.wanted, seconds=PATIENCE_SECONDS, connections=2)
        used = pipeline.since(before, ours.cpu())
        return {
            **figures,
            **_resync(filled, again, cut_ns),
            **_cpu(used, "resync_"),
            "bytes_of_two": state.wire_bytes / state.pods * reducer.two_containers(state.connections),
            "breaches": float(again.breaches),
        }


def _all_ns(filled: Filled, state: State) -> int:
    """When the reducer had everything: with the last word about a pod, where these are not more changes."""
    return state.reached_ns if filled.moving else state.told_ns


def _resync(filled: Filled, state: State, cut_ns: int) -> Run:
    return {
        "resync_wall": (_all_ns(filled, state) - state.opened_ns) / 1e9,
        "resync_redial": (state.opened_ns - cut_ns) / 1e9,
    }


def _cpu(used: dict[str, float], prefix: str) -> Run:
    by_stage = {f"{prefix}cpu {stage}": value for stage, value in used.items()}
    return {f"{prefix}cpu": five(used), f"{prefix}cpu_all": sum(used.values()), **by_stage}


def peak(filled: Filled) -> Run:
    """One start of `podwire up` whose memory is watched."""
    with (
        sink() as reducer,
        pipeline.running(filled.cluster.kubeconfig, reducer.address) as ours,
        usage.MemorySampler(ours.supervisor) as sampler,
    ):
        reducer.wait_for(filled.wanted, seconds=PATIENCE_SECONDS)
        time.sleep(SETTLE_SECONDS)
        steady = ours.pss_mb()
        return {
            "peak_mb": sampler.peak_below_mb,
            "peak_all_mb": sampler.peak_mb,
            "peak_over_steady": sampler.peak_below_mb / five(steady),
            "peak_bound_mb": five(steady) + ours.slack_mb(),
        }


def _run(module: list[str]) -> str:
    command = [sys.executable, "-m", *module]
    out = subprocess.run(
        command, cwd=rig.ROOT, env=rig.environment(), stdout=subprocess.PIPE, text=True, check=True, timeout=3600
    )
    return out.stdout.splitlines()[0]


def calm(filled: Filled, *, seconds: float = 10.0) -> None:
    """Has the API server collect its garbage, then waits until it has put what was before behind it, at most so long."""
    collect(filled)
    until = time.monotonic() + seconds
    while filled.cluster.server_pid and time.monotonic() < until:
        before = cpu_seconds(filled)
        time.sleep(0.3)
        if cpu_seconds(filled) - before < 0.02:
            return


def measure(filled: Filled, *, repeat: int, typed_pods: int) -> dict[str, Any]:
    """All runs at one size, in turn, and their medians and ratios."""
    ways: dict[str, tuple[Callable[[Filled], Run], int]] = {
        "bare": (bare, repeat),
        "podwire": (podwire, repeat),
        "peak": (peak, max(1, repeat // 2)),
        "typed": (typed, 1 if filled.pods <= typed_pods else 0),
    }
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    bare(filled)  # the server's caches are warm then, for all
    with others.watched(filled.cluster) as busy:
        for turn in range(repeat):
            for name, (way, times) in ways.items():
                if turn < times:
                    calm(filled)
                    runs[name].append(way(filled))
    head = {"pods": filled.pods, "server": filled.cluster.what, "other_cores": busy.cores, "runs": runs}
    return head | figures(runs, filled.pods)


def figures(runs: dict[str, list[Run]], pods: int) -> Run:
    """Medians, named for whose they are, and what is reckoned from them."""
    flat = {f"{way} {name}": value for way, some in runs.items() for name, value in medians(some).items()}
    ratios = {
        f"{name} over bare": flat[f"podwire {name}"] / flat[f"bare {name}"]
        for name in ("wall", "cpu", "server_cpu")
        if flat[f"bare {name}"]
    }
    means = {
        f"mean {way} server_collections": statistics.fmean(run["server_collections"] for run in runs[way])
        for way in ("bare", "podwire")
        if all("server_collections" in run for run in runs[way])
    }
    if runs["typed"]:
        ratios["typed cpu over podwire's"] = flat["typed cpu"] / flat["podwire cpu"]
    return flat | ratios | means | {"podwire cpu_us_per_pod": 1e6 * flat["podwire cpu"] / pods}


SHOWN = (
    ("bare reader: wall", "bare wall", "s"),
    ("bare reader: CPU", "bare cpu", "s"),
    ("podwire: start until the reducer has all", "podwire wall", "s"),
    ("  over the bare reader's", "wall over bare", ""),
    ("podwire: CPU of the five", "podwire cpu", "s"),
    *((f"  {stage}", f"podwire cpu {stage}", "s") for stage in rig.STAGES),
    ("  the supervisor, not in the five", f"podwire cpu {SUPERVISOR}", "s"),
    ("  the five's over the bare reader's", "cpu over bare", ""),
    ("API server: CPU for podwire's sync", "podwire server_cpu", "s"),
    ("  over that for the bare reader's", "server_cpu over bare", ""),
    ("  garbage collections in a run", "mean podwire server_collections", ""),
    ("  garbage collections in one of the bare reader", "mean bare server_collections", ""),
    ("  memory that it allocated", "podwire server_allocated_mb", "MB"),
    ("  memory that it allocated for the bare reader", "bare server_allocated_mb", "MB"),
    ("podwire: PSS of the five, steady", "podwire pss_mb", "MB"),
    *((f"  {stage}", f"podwire pss_mb {stage}", "MB") for stage in (*rig.STAGES, SUPERVISOR)),
    ("  with the supervisor", "podwire pss_all_mb", "MB"),
    ("podwire: PSS of the five, peak", "peak peak_mb", "MB"),
    ("  over the steady one of the same run", "peak peak_over_steady", ""),
    ("  with the supervisor", "peak peak_all_mb", "MB"),
    ("  bound: each one's own peak, summed", "peak peak_bound_mb", "MB"),
    ("bytes upstream per pod", "podwire bytes_per_pod", "B"),
    ("  of it and of two containers", "podwire bytes_of_two", "B"),
    ("resync: connection until the reducer has all", "podwire resync_wall", "s"),
    ("  the drop until the new connection", "podwire resync_redial", "s"),
    ("  CPU of the five", "podwire resync_cpu", "s"),
    ("typed client: wall", "typed wall", "s"),
    ("typed client: CPU", "typed cpu", "s"),
    ("  over that of the five", "typed cpu over podwire's", ""),
    ("breaches of what podwire promises", "podwire breaches", ""),
)
"""Label, figure and unit."""


def show(found: dict[str, Any]) -> None:
    """Prints one size's figures."""
    click.echo(
        f"{found['pods']:,} pods, {found['server']}, medians of {len(found['runs']['podwire'])}; {others.said(found['other_cores'])}"
    )
    for label, name, unit in SHOWN:
        if name in found:
            click.echo(f"  {label:48} {found[name]:12,.3f} {unit}")


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option(
    "--pods", multiple=True, type=int, default=(20_000,), show_default=True, help="Sizes; give it many times."
)
@click.option("--repeat", default=3, show_default=True, help="Runs of each, in turn.")
@click.option("--typed-pods", default=20_000, show_default=True, help="Up to this size the typed client runs too.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write all figures here.")
def main(pods: tuple[int, ...], repeat: int, typed_pods: int, file: Path | None) -> None:
    rig.end_in_order()
    click.echo(rig.machine())
    records = []
    with clusters() as servers:
        for count in sorted(pods):
            records.append(measure(servers.at(count), repeat=repeat, typed_pods=typed_pods))
            show(records[-1])
    if file:
        file.write_text(json.dumps({"machine": rig.machine(), "sync": records}, indent=1) + "\n")


if __name__ == "__main__":
    main()
