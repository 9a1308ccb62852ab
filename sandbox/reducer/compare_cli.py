"""The command line of the comparison: is what the reducer holds exactly what the cluster's lists say?"""

import sys
import time
from pathlib import Path
from typing import Final

import click
import msgspec
import urllib3

from common.address import Address, parse_address
from common.clock import monotonic
from sandbox.lists import CannotList, Cluster
from sandbox.reducer.held import HeldPod, PodsAnswer
from sandbox.truth import Comparison, compare

POLL_SECONDS: Final = 0.5

_decode_pods: Final = msgspec.json.Decoder(PodsAnswer).decode


class CannotCompare(Exception):
    """The reducer did not answer. Its text says why."""


@click.command("compare")
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    envvar="KUBECONFIG",
    show_envvar=True,
    help="The cluster.",
)
@click.option("--context", metavar="NAME", default=None, help="Context of the kubeconfig instead of its current one.")
@click.option("--reducer", required=True, metavar="HOST:PORT", help="The reference reducer's admin HTTP.")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="SECONDS",
    help="Compare again until both are equal, for so long at most.",
)
def command(*, kubeconfig: Path, context: str | None, reducer: str, wait_seconds: float) -> None:
    """Compare what the reference reducer holds with the cluster's own lists. Exit code 0: equal; 1: not, and what differs.

    \b
    podwire sandbox compare --reducer 127.0.0.1:8001 --wait 15
    """
    address = parse_address(reducer.removeprefix("http://"), option="--reducer")
    cluster = Cluster(kubeconfig=kubeconfig, context=context)
    give_up = monotonic() + wait_seconds
    while True:
        lines, equal = _compared(cluster, address)
        if equal or monotonic() >= give_up:
            click.echo("\n".join(lines))
            sys.exit(0 if equal else 1)
        time.sleep(POLL_SECONDS)


def _compared(cluster: Cluster, reducer: Address) -> tuple[list[str], bool]:
    try:
        comparison = compare(cluster.truth(), _held(reducer))
    except (CannotList, CannotCompare) as error:
        return [str(error)], False
    return [*comparison.differences.first, _summary(comparison)], comparison.differences.total == 0


def _summary(comparison: Comparison) -> str:
    different = comparison.differences.total
    return (
        f"{f'{different} differences' if different else 'equal'}: {comparison.pods} pods with an IP in the cluster (as designed: "
        f"{comparison.stale.total} replaced containers kept, {comparison.versions.total} older version strings, "
        f"{comparison.remembered.total} owners remembered)"
    )


def _held(reducer: Address) -> list[HeldPod]:
    try:
        answer = urllib3.request("GET", f"http://{reducer}/pods", retries=False, timeout=60.0)
        return _decode_pods(answer.data).pods
    except (urllib3.exceptions.HTTPError, msgspec.DecodeError) as error:
        raise CannotCompare(f"asking the reducer at {reducer}: {error}") from error
