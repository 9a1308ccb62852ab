"""A demo's figures, and how they are shown."""

from dataclasses import replace
from typing import Any

from rich.console import Console

from podwire.demo.figures import Figures, Meter
from podwire.demo.gather import Sample
from podwire.demo.latency import Arrived, Told
from podwire.demo.show import line, picture

S = 1_000_000_000


def stage(pid: int, *, cpu: float = 1.0, not_ready: str | None = None, **more: Any) -> dict[str, Any]:
    return {"pid": pid, "cpu_seconds": cpu, "pss_kib": 2_048, "not_ready": not_ready, **more}


def a_sample(at: float, **more: Any) -> Sample:
    relay = stage(5, link={"connected": True, "connection": 3, "last_trouble": None})
    usual: dict[str, Any] = {
        "at": at,
        "stages": {"matcher": stage(4, pods={"known": 7, "waiting": 1}), "relay": relay},
        "cluster": {"objects": {"pods": 8}},
        "reducer": {"pods": 6, "containers": 9, "epoch": 2, "bytes_wire": 1_000, "breaches": 0},
        "told": (),
        "arrived": (),
        "until_ns": int(at * S),
    }
    return Sample(**{**usual, **more})


def test_pods_are_counted_where_each_process_counts_them() -> None:
    figures = Meter().take(a_sample(100.0), step="in step")
    assert (figures.cluster_pods, figures.matcher_pods, figures.reducer_pods) == (8, 7, 6)
    assert (figures.containers, figures.waiting, figures.epoch, figures.breaches) == (9, 1, 2, 0)
    assert (figures.link, figures.step, figures.seconds) == ("up, connection 3", "in step", 0.0)


def test_what_does_not_answer_is_not_known_and_nothing_breaks() -> None:
    sample = a_sample(100.0, cluster=None, reducer=None, stages={"matcher": "not running", "relay": "not running"})
    figures = Meter().take(sample, step="not compared yet")
    assert (figures.cluster_pods, figures.matcher_pods, figures.reducer_pods, figures.breaches) == (None,) * 4
    assert [(one.pid, one.state) for one in figures.stages] == [(None, "not running")] * 2
    assert figures.link == "no relay"


def test_rates_are_means_over_the_last_seconds() -> None:
    meter = Meter()
    meter.take(a_sample(100.0), step="")
    told = tuple(Told(0, str(number), deleted=False) for number in range(20))
    arrived = (Arrived(0, "a", "new"), Arrived(0, "a", "container"), Arrived(0, "", "resync"))
    reducer = {"bytes_wire": 5_000}
    figures = meter.take(a_sample(102.0, told=told, arrived=arrived, reducer=reducer), step="")
    assert (figures.events_per_second, figures.messages_per_second) == (10.0, 1.0)
    assert (figures.bytes_per_second, figures.bytes_total) == (2_000.0, 5_000)
    meter.take(a_sample(104.0, reducer=reducer), step="")
    meter.take(a_sample(106.0, reducer=reducer), step="")
    figures = meter.take(a_sample(108.0, reducer=reducer), step="")
    assert (figures.events_per_second, figures.bytes_per_second) == (0.0, 0.0)


def test_latencies_are_those_of_the_last_seconds() -> None:
    meter = Meter()
    told, arrived = (Told(99 * S, "a", deleted=False),), (Arrived(99 * S + 2_000_000, "a", "new"),)
    figures = meter.take(a_sample(100.0, told=told, arrived=arrived), step="")
    assert (figures.p50_seconds, figures.p99_seconds) == (0.002, 0.002)
    assert meter.take(a_sample(109.0), step="").p50_seconds == 0.002
    assert meter.take(a_sample(111.0), step="").p50_seconds is None


def test_a_new_pid_is_a_restart_and_processor_time_is_that_of_one_life() -> None:
    def at(seconds: float, state: Any) -> Figures:
        return meter.take(a_sample(seconds, stages={"matcher": state}), step="")

    meter = Meter()
    pods: dict[str, Any] = {"pods": {}}
    assert at(100.0, stage(4, cpu=1.0, **pods)).stages[0].cpu_share is None
    assert at(102.0, stage(4, cpu=1.5, **pods)).stages[0].cpu_share == 0.25
    assert at(103.0, "not running").stages[0].restarts == 0
    again = at(104.0, stage(9, cpu=0.1, **pods)).stages[0]
    assert (again.pid, again.restarts, again.cpu_share) == (9, 1, None)
    assert at(105.0, stage(9, cpu=0.2, **pods)).stages[0].restarts == 1


def drawn(figures: Figures, *, width: int = 80) -> str:
    console = Console(width=width, no_color=True, force_terminal=True, file=None)
    with console.capture() as capture:
        console.print(picture(figures, note="Logs: somewhere"))
    return capture.get()


def test_the_table_fits_80_columns_and_has_what_matters() -> None:
    trouble = "listing pods of all namespaces; the API server answers 503 Service Unavailable to each of the requests"
    figures = Meter().take(
        a_sample(100.0, stages={"watcher-replicasets": stage(3, not_ready=trouble), "matcher": "not running"}),
        step="2 differences, such as pod team-1/web-77 (uid): is missing",
    )
    text = drawn(figures)
    assert max(map(len, text.splitlines())) <= 80 + len("\x1b[1m\x1b[0m") * 2
    for word in (
        "8 in the cluster",
        "waiting for owners",
        "epoch",
        "no relay",
        "watcher-replicasets",
        "not running",
        "2.0 MB",
    ):
        assert word in text
    assert "is missing" in text


def test_the_line_has_what_matters() -> None:
    figures = Meter().take(a_sample(100.0), step="in step")
    figures = replace(figures, p50_seconds=0.0012, p99_seconds=0.0304, events_per_second=19.6, bytes_per_second=1_234)
    assert line(figures) == (
        "0 s: pods 8 in the cluster, 6 in the reducer, 1 waiting; epoch 2; link up, connection 3; "
        "20 events/s, 1.2 kB/s; latency p50 1.2 ms, p99 30.4 ms; in step"
    )
