"""`python -m sandbox cluster`: runs the simulated cluster until it is told to stop."""

import asyncio
import signal
from pathlib import Path

import click

from common.errors import UsageError
from common.logs import Format, Log, configure
from common.options import Decorator, all_of, option
from sandbox.cluster import Cluster, ClusterSettings

OPTIONS: list[Decorator] = [
    option(
        "--listen",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="Where the API server answers; port 0 takes a free one.",
    ),
    option(
        "--advertise",
        default=None,
        metavar="HOST",
        show_default="the address that it listens on",
        help="The host that the kubeconfig names, for clients in other containers or on other machines.",
    ),
    option("--pods", type=click.IntRange(min=0), metavar="N", default=500, help="How many pods the cluster has."),
    option("--rate", type=click.FloatRange(min=0), metavar="PER_SECOND", default=20.0, help="Pod events a second."),
    option(
        "--seed",
        type=int,
        metavar="N",
        default=1,
        help="Seed of the workload: the same one gives the same objects and events.",
    ),
    # No environment variable: one that names somebody's real kubeconfig must not get it overwritten.
    click.option(
        "--kubeconfig",
        type=click.Path(path_type=Path, dir_okay=False),
        required=True,
        help="File that is written for clients.",
    ),
    option(
        "--bookmark-seconds",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        default=60.0,
        help="How often a watch gets a bookmark.",
    ),
    option(
        "--streaming/--no-streaming", default=True, help="Whether the server has streaming lists (sendInitialEvents)."
    ),
    option(
        "--open-to-all",
        is_flag=True,
        default=False,
        help="Let requests without a token in too: kubectl sends none over plain HTTP.",
    ),
    option(
        "--changes-kept",
        type=click.IntRange(min=1),
        metavar="N",
        default=20_000,
        help="How many changes of a resource can be watched again before a client gets 410.",
    ),
    option("--log-format", type=click.Choice(["text", "json"]), default="text", help="Log lines for people, or JSON."),
    option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        help="Least level that is logged.",
    ),
]


@click.command("cluster")
@all_of(OPTIONS)
def command(
    *,
    listen: str,
    advertise: str | None,
    log_format: Format,
    log_level: str,
    kubeconfig: Path,
    pods: int,
    rate: float,
    seed: int,
    bookmark_seconds: float,
    streaming: bool,
    changes_kept: int,
    open_to_all: bool,
) -> None:
    """Run a simulated Kubernetes API server with a moving workload, and write a kubeconfig for its clients.

    \b
    podwire sandbox cluster --kubeconfig sandbox.kubeconfig --pods 500 --rate 20
    """
    configure(format_=log_format, level=log_level)
    host, port = _address(listen)
    settings = ClusterSettings(
        kubeconfig=kubeconfig,
        host=host,
        port=port,
        advertise=advertise,
        pods=pods,
        rate=rate,
        seed=seed,
        bookmark_seconds=bookmark_seconds,
        streaming=streaming,
        changes_kept=changes_kept,
        open_to_all=open_to_all,
    )
    asyncio.run(_run(settings))


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise UsageError(f"--listen {listen!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


async def _run(settings: ClusterSettings) -> None:
    log = Log("sandbox-cluster")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cluster = Cluster(settings)
    path = await cluster.start()
    log.info("serving", url=cluster.url, kubeconfig=str(path), pods=settings.pods)
    await stop.wait()
    await cluster.stop()
    log.info("stopped")
