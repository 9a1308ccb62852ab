"""How soon an event arrives, and what it costs: from the line of the pods' watch to the reducer's read, and CPU per event.

    python -m bench.events [--pods 5000] [--rate 5 --rate 100] [--seconds 20] [--json FILE]

The line's time is that at which an independent watch on the same API server read it (`bare_watch`), the arrival's that at which the sink
read the bytes that tell it (`sink`); what they read is decoded afterwards, so neither's cost is in a figure. Both times are of this
machine's wall clock. The two watches get an event one after the other, in any order: a lag may be a little below zero. CPU per event
is that of the five processes in the window, less what they use at rest, over all pod events of the watch in it. Beside it stands what
the bare watch uses, which reads the same bytes through TLS and does nothing with them.

On `shared/apiserver` pods of about 6 KB are changed; --useful is the part of events that a reducer is told of. Its own `fill` writes
through the API server, whose work for a write leaves two cores nothing at 400 a second: `changer` writes into etcd.
The sandbox makes its own. A cluster of KUBECONFIG is left alone: what happens there anyway is measured.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import click

from bench import others, pipeline, rig
from bench.api import load as load_api
from bench.clusters import Clusters, Filled, clusters
from bench.figures import Run, Told, lags_ms, medians, quantile
from bench.pipeline import SUPERVISOR, Costs, Pipeline, five
from bench.sink import Sink, sink
from bench.sync import PATIENCE_SECONDS
from bench.usage import cpu_seconds

RATES = (5.0, 100.0, 700.0, 1000.0)
LEAST_EVENTS = 300
"""A slow rate's window lasts until it has so many: a p99 of a handful says nothing."""
WARM_SECONDS = 3.0
"""Changes before the window."""
TAIL_SECONDS = 1.0
"""Changes after it: the window ends while it still moves."""


@dataclass(frozen=True)
class Load:
    """How the pods change."""

    rate: float
    """Pod events a second."""
    seconds: float
    """The window's length."""
    useful: float
    """The part of events that a reducer is told of."""

    def fill_changes(self) -> tuple[float, float]:
        """Changes a second and their useful part, as `fill` takes them: of its changes these are two events, an end and a beginning."""
        of_changes = self.useful / (2 - self.useful)
        return self.rate / (1 + of_changes), of_changes


@contextmanager
def _changing(filled: Filled, load: Load, *, seed: int, by: str) -> Iterator[None]:
    """The changes of `shared/apiserver`; elsewhere others make them."""
    if filled.source != "real":
        yield
        return
    command = _by_fill(filled, load) if by == "fill" else _by_etcd(filled, load)
    seconds = load.seconds + WARM_SECONDS + TAIL_SECONDS
    command = [sys.executable, *command, f"--seconds={seconds}", f"--seed={seed}"]
    with subprocess.Popen(command, cwd=rig.ROOT, stdout=subprocess.DEVNULL) as changer:
        yield
        if changer.wait(timeout=120):
            raise RuntimeError("the changes failed: see above")


def _by_etcd(filled: Filled, load: Load) -> list[str]:
    """`shared/apiserver/up` gives etcd the port after the API server's."""
    etcd = f"127.0.0.1:{(urlsplit(load_api(filled.cluster.kubeconfig).host).port or 0) + 1}"
    return ["-m", "bench.changer", f"--etcd={etcd}", f"--rate={load.rate}", f"--useful={load.useful}"]


def _by_fill(filled: Filled, load: Load) -> list[str]:
    changes, useful = load.fill_changes()
    told = [f"--changes={changes}", f"--useful={useful}"]
    return [str(rig.SHARED / "fill"), "--kubeconfig", filled.cluster.kubeconfig, "--pods", "0", *told]


@dataclass
class Seen:
    """What the bare watch saw."""

    told: list[Told] = field(default_factory=list)
    ends: int = 0
    """How often the API server ended it, and it was opened again."""


@contextmanager
def _watching(kubeconfig: str, found: Seen) -> Iterator[tuple[int, IO[bytes]]]:
    """The bare watch's PID, once it is open, and where it says that something has moved; what it saw is in `found` when it has ended."""
    with tempfile.TemporaryDirectory(prefix="podwire-bench-") as directory:
        file = Path(directory, "told.json")
        command = [sys.executable, "-m", "bench.bare_watch", kubeconfig, str(file)]
        with subprocess.Popen(command, cwd=rig.ROOT, env=rig.environment(), stdout=subprocess.PIPE) as watch:
            assert watch.stdout is not None
            if watch.stdout.readline() != b"open\n":
                raise RuntimeError("the bare watch did not open")
            try:
                yield watch.pid, watch.stdout
            finally:
                watch.terminate()
        record = json.loads(file.read_text())
        found.told += [Told(*row) for row in record["told"]]
        found.ends = record["ends"]


def idle(ours: Costs, *, seconds: float) -> Run:
    """The part of a core that each process uses while nothing happens."""
    before, began = ours.cpu(), time.monotonic()
    time.sleep(seconds)
    used, passed = pipeline.since(before, ours.cpu()), time.monotonic() - began
    parts = {f"cpu_percent {name}": 100 * value / passed for name, value in used.items()}
    percent = 100 * five(used) / passed
    return {"cpu_percent": percent, "cpu_percent_all": percent + parts[f"cpu_percent {SUPERVISOR}"], **parts}


def window(filled: Filled, ours: Costs, reducer: Sink, load: Load, *, resting: Run, seed: int, by: str) -> Run:
    """One window of changes at one rate."""
    seen = Seen()
    with _watching(filled.cluster.kubeconfig, seen) as (bare, moves), _changing(filled, load, seed=seed, by=by):
        moves.readline()
        time.sleep(WARM_SECONDS)
        before, bare_before, began_ns = ours.cpu(), cpu_seconds(bare), time.time_ns()
        time.sleep(load.seconds)
        used, bare_used, ended_ns = (
            pipeline.since(before, ours.cpu()),
            cpu_seconds(bare) - bare_before,
            time.time_ns(),
        )
    time.sleep(1.0)
    state = reducer.state()
    seconds = (ended_ns - began_ns) / 1e9
    counted = [one for one in seen.told if began_ns <= one.at_ns < ended_ns]
    lags = lags_ms((one for one in seen.told if one.at_ns < ended_ns), reducer.arrivals(began_ns), after_ns=began_ns)
    if not lags:
        raise RuntimeError(f"none of {len(counted)} events told the reducer anything")
    each = {
        f"cpu_us {name}": 1e6 * (value - seconds * resting[f"cpu_percent {name}"] / 100) / len(counted)
        for name, value in used.items()
    }
    return {
        "rate": load.rate,
        "rate_seen": len(counted) / seconds,
        "events": len(counted),
        "lags": len(lags),
        "useful": len(lags) / len(counted),
        "p50_ms": quantile(lags, 0.5),
        "p99_ms": quantile(lags, 0.99),
        "max_ms": max(lags),
        "min_ms": min(lags),
        "cpu_us": sum(value for name, value in each.items() if name != f"cpu_us {SUPERVISOR}"),
        **each,
        "bare_us": 1e6 * bare_used / len(counted),
        "watch_ends": seen.ends,
        "breaches": state.breaches,
    }


def measure(
    servers: Clusters, pods: int, *, loads: list[Load], idle_seconds: float, repeat: int = 1, by: str = "etcd"
) -> dict[str, Any]:
    """Idle, then each rate, `repeat` times in turn, on one pipeline where the cluster is the same one."""
    runs: dict[float, list[Run]] = {load.rate: [] for load in loads}
    with ExitStack() as opened:
        filled = servers.at(pods)
        with others.watched(filled.cluster) as busy:
            ours, reducer = _start(filled, opened)
            resting = idle(ours, seconds=idle_seconds)
            for turn in range(repeat):
                for number, load in enumerate(loads):
                    if filled.source == "sandbox":
                        opened.close()
                        filled = servers.at(pods, sandbox_rate=load.rate)
                        ours, reducer = _start(filled, opened)
                    seed = 1_000 + turn * 100 + number
                    runs[load.rate].append(window(filled, ours, reducer, load, resting=resting, seed=seed, by=by))
            opened.close()
    figures = {"idle": resting, "runs": runs, "rates": [*map(medians, runs.values())]}
    return {"pods": filled.pods, "server": filled.cluster.what, "other_cores": busy.cores, **figures}


def _start(filled: Filled, opened: ExitStack) -> tuple[Pipeline, Sink]:
    reducer = opened.enter_context(sink())
    ours = opened.enter_context(pipeline.running(filled.cluster.kubeconfig, reducer.address))
    reducer.wait_for(filled.wanted, seconds=PATIENCE_SECONDS)
    time.sleep(3)
    return ours, reducer


def show(found: dict[str, Any]) -> None:
    """Prints the table."""
    resting = found["idle"]
    click.echo(f"{found['pods']:,} pods, {found['server']}; {others.said(found['other_cores'])}")
    click.echo(
        f"  at rest: {resting['cpu_percent']:.3f} % of a core, {resting['cpu_percent_all']:.3f} % with supervisor"
    )
    heads = (
        "wanted/s",
        "seen/s",
        "told",
        "p50 ms",
        "p99 ms",
        "max ms",
        "ends",
        "CPU µs",
        "bare µs",
        *(name.removeprefix("watcher-") for name in rig.STAGES),
    )
    click.echo("  " + " ".join(f"{head:>10}" for head in heads))
    for run in found["rates"]:
        values = [run[name] for name in ("rate", "rate_seen")]
        cells = [f"{value:10,.1f}" for value in values] + [f"{100 * run['useful']:9.1f}%"]
        cells += [f"{run[name]:10.3f}" for name in ("p50_ms", "p99_ms", "max_ms")]
        cells += [
            f"{run[name]:10.1f}"
            for name in ("watch_ends", "cpu_us", "bare_us", *(f"cpu_us {stage}" for stage in rig.STAGES))
        ]
        click.echo("  " + " ".join(cells))


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.option("--pods", default=5_000, show_default=True)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    type=float,
    default=RATES,
    show_default=True,
    help="Pod events a second; give it many times.",
)
@click.option("--seconds", default=20.0, show_default=True, help="The window of each rate.")
@click.option("--useful", default=0.2, show_default=True, help="The part of events that a reducer is told of.")
@click.option(
    "--by", type=click.Choice(["etcd", "fill"]), default="etcd", show_default=True, help="Who changes pods: see above."
)
@click.option("--idle-seconds", default=60.0, show_default=True, help="Rest that is measured first.")
@click.option("--repeat", default=1, show_default=True, help="Windows of each rate, in turn.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write all figures here.")
def main(
    *,
    pods: int,
    rates: tuple[float, ...],
    seconds: float,
    useful: float,
    by: str,
    idle_seconds: float,
    repeat: int,
    file: Path | None,
) -> None:
    rig.end_in_order()
    click.echo(rig.machine())
    loads = [Load(rate, max(seconds, LEAST_EVENTS / rate), useful) for rate in rates]
    with clusters() as servers:
        found = measure(servers, pods, loads=loads, idle_seconds=idle_seconds, repeat=repeat, by=by)
    show(found)
    if file:
        file.write_text(json.dumps({"machine": rig.machine(), "events": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
