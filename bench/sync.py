"""What a sync costs, from podwire's start until the reducer has every pod: time, CPU, memory; and how soon a lone event arrives.

    python -m bench.sync [--pods 20000] [--repeat 3] [--json FILE]

Alternates the bare reader of JSON pages with podwire on the same API server, and prints medians and ratios. `rig` says which API server;
the lone event is measured on the sandbox.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import rig
from bench.latency import lone_events


def bare(cluster: rig.Cluster) -> dict[str, Any]:
    server = rig.cpu_seconds(cluster.server_pid) if cluster.server_pid else 0.0
    command = [sys.executable, "-m", "bench.bare_reader", cluster.kubeconfig]
    out = subprocess.run(command, cwd=rig.ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(out.stdout)
    found["server_cpu"] = rig.cpu_seconds(cluster.server_pid) - server if cluster.server_pid else 0.0
    return found


def podwire(cluster: rig.Cluster, pods: int, *, settle: float = 2.0) -> dict[str, float]:
    """One start of `podwire up` until the reducer has `pods` pods, and what it costs a little later."""
    server = rig.cpu_seconds(cluster.server_pid) if cluster.server_pid else 0.0
    with tempfile.TemporaryDirectory(prefix="podwire-bench-") as run, rig.reducer() as reducer:
        began = time.monotonic()
        arguments = ["podwire", "up", "--kubeconfig", cluster.kubeconfig, "--intake", reducer.address, "--run-dir", run]
        with rig.process(arguments, log=Path(run, "log")) as up:
            rig.wait_for(
                lambda: reducer.get("/state")["pods"] >= pods,
                seconds=300,
                what=f"{pods} pods at the reducer",
                every=0.02,
            )
            wall = time.monotonic() - began
            pids = rig.descendants(up.pid)
            cpu = sum(map(rig.cpu_seconds, pids))
            time.sleep(settle)
            state = reducer.get("/state")
            return {
                "wall": wall,
                "cpu": cpu,
                "server_cpu": rig.cpu_seconds(cluster.server_pid) - server if cluster.server_pid else 0.0,
                "pss_mb": sum(map(rig.pss_mb, rig.descendants(up.pid))),
                "bytes_upstream": state["bytes_wire"],
                "breaches": reducer.get("/breaches")["breaches"]["count"],
            }


def median(runs: list[dict[str, Any]], key: str) -> float:
    return statistics.median(float(run[key]) for run in runs)


def report(pods: int, bares: list[dict[str, Any]], ours: list[dict[str, float]]) -> dict[str, float]:
    reader, wall = median(bares, "wall"), median(ours, "wall")
    figures = {
        "pods": pods,
        "bare_wall_s": reader,
        "wall_s": wall,
        "wall_over_bare": wall / reader,
        "bare_cpu_s": median(bares, "cpu"),
        "cpu_s": median(ours, "cpu"),
        "cpu_over_bare": median(ours, "cpu") / median(bares, "cpu"),
        "server_cpu_over_bare": median(ours, "server_cpu") / (median(bares, "server_cpu") or 1.0),
        "pss_mb": median(ours, "pss_mb"),
        "bytes_per_pod": median(ours, "bytes_upstream") / pods,
        "breaches": max(run["breaches"] for run in ours),
    }
    for name, value in figures.items():
        print(f"  {name:22} {value:12,.2f}", flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pods", type=int, action="append", help="how many; may be given many times (default 20000)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-latency", action="store_true", help="leave out the lone event")
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args()
    print(rig.machine())
    results: dict[str, Any] = {"machine": rig.machine(), "sync": []}
    for pods in args.pods or [20_000]:
        with rig.cluster(pods) as cluster:
            there = bare(cluster) and pods
            print(f"{there} pods, {cluster.what}: medians of {args.repeat} runs each, in turn", flush=True)
            bares, ours = [], []
            for _ in range(args.repeat):
                bares.append(bare(cluster))
                ours.append(podwire(cluster, pods))
            results["sync"].append(report(pods, bares, ours))
    if not args.no_latency:
        results["lone_event"] = lone_events()
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
