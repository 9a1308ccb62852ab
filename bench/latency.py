"""How soon an event arrives: from the line of the pods' watch, on the sandbox, to the reference reducer's decode.

    python -m bench.latency [--rate 5] [--seconds 20] [--pods 500]

At a low rate every event is alone: nothing is batched with it, and nothing keeps the pipeline awake. Both ends note wall-clock times of
this machine.
"""

import argparse
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from bench import rig
from podwire.demo.latency import Arrived, Join, Told, quantile


def measure(*, pods: int, rate: float, seconds: float) -> dict[str, float]:
    """Runs the pipeline on a sandbox of this size and rate; gives counts and milliseconds."""
    with (
        tempfile.TemporaryDirectory(prefix="podwire-bench-") as directory,
        rig.reducer() as reducer,
        rig.sandbox_cluster(pods, rate=rate) as cluster,
        rig.process(["podwire", "up", *_options(directory, cluster, reducer)], log=Path(directory, "log")),
    ):
        rig.wait_for(lambda: reducer.get("/state")["pods"] >= pods * 0.9, seconds=60, what="the first sync")
        time.sleep(2)  # the sync's own events are not lone
        began = time.time_ns()
        time.sleep(seconds)
        return _figures(reducer, _server(cluster), began)


def _options(run_dir: str, cluster: rig.Cluster, reducer: rig.Reducer) -> list[str]:
    return ["--kubeconfig", cluster.kubeconfig, "--intake", reducer.address, "--run-dir", run_dir]


def _server(cluster: rig.Cluster) -> str:
    """HOST:PORT of the API server."""
    found = yaml.safe_load(Path(cluster.kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
    return urlsplit(found).netloc


def _figures(reducer: rig.Reducer, server: str, began: int) -> dict[str, float]:
    rows = reducer.get(f"/arrivals?after={began}")
    until = time.time_ns()
    told = [
        row
        for row in rig.fetch(server, "/sandbox/changes?after=0")
        if row["resource"] == "pods" and row["at_ns"] >= began
    ]
    found = sorted(
        Join().take(
            (Told(row["at_ns"], row["uid"], row["type"] == "DELETED") for row in told),
            (Arrived(at_ns, uid, kind) for at_ns, uid, kind, _ in rows),
            until_ns=until,
        )
    )
    if not found:
        raise RuntimeError("no event arrived")
    return {
        "events": len(found),
        "p50_ms": (quantile(found, 0.5) or 0.0) * 1e3,
        "p99_ms": (quantile(found, 0.99) or 0.0) * 1e3,
        "max_ms": found[-1] * 1e3,
    }


def lone_events() -> dict[str, float]:
    """The lag of lone events, printed too."""
    figures = measure(pods=500, rate=5.0, seconds=20.0)
    print("lone events, sandbox: watch's line to the reducer's decode")
    for name, value in figures.items():
        print(f"  {name:22} {value:12,.2f}", flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pods", type=int, default=500)
    args = parser.parse_args()
    print(rig.machine())
    print(measure(pods=args.pods, rate=args.rate, seconds=args.seconds))


if __name__ == "__main__":
    main()
