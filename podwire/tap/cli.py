"""`podwire tap`: what flows, as JSON lines. It has a subscription of its own beside the matcher: a slow tap loses its own messages only."""

import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import click
import msgspec
import zmq

from common.clock import monotonic
from common.messages import BadMessage, Beat, Updates, decode
from common.options import COMMON, all_of
from common.records import KINDS, Kind
from common.sockets import UPDATES_HIGH_WATER, new_socket, updates_endpoint
from podwire.tap.updates import Follower, Wanted


@click.command("tap")
@all_of(COMMON[:1])
@click.argument("what", type=click.Choice(["updates"]))
@click.option(
    "--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Of this kind only; may be given many times."
)
@click.option("--namespace", metavar="NAME", default=None, help="Pods of this namespace only.")
@click.option("--pod", metavar="NAME", default=None, help="Pods of this name only.")
@click.option(
    "--for",
    "for_seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    metavar="SECONDS",
    help="For so long; without it until Ctrl-C.",
)
def command(
    *,
    run_dir: Path,
    what: str,  # noqa: ARG001 (there is one so far)
    kinds: tuple[Kind, ...],
    namespace: str | None,
    pod: str | None,
    for_seconds: float | None,
) -> None:
    """Print what the watchers of this run directory publish from now on, a line of JSON for each event.

    Nothing is disturbed by it. What the tap itself misses is a line too, with the event "gap".

    \b
    podwire tap updates
    podwire tap updates --namespace shop | jq -r .record.name
    """
    wanted = Wanted(namespace=namespace, pod=pod)
    followers = {kind: Follower(kind, wanted) for kind in kinds or KINDS}
    until = math.inf if for_seconds is None else monotonic() + for_seconds
    with suppress(KeyboardInterrupt):
        for kind, frame in _frames(run_dir, list(followers), until=until):
            with suppress(BadMessage):  # the matcher counts them
                message = decode(frame)
                if isinstance(message, Updates | Beat):
                    for line in followers[kind].lines(message):
                        click.echo(msgspec.json.encode(line))
    sys.exit(0)


def _frames(run_dir: Path, kinds: list[Kind], *, until: float) -> Iterator[tuple[Kind, bytes]]:
    """What each watcher publishes, as it comes."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller = zmq.Poller()
    with ExitStack() as stack:
        stack.callback(context.term)
        found: dict[zmq.Socket[bytes], Kind] = {}
        for kind in kinds:
            socket = stack.enter_context(closing(new_socket(context, zmq.SUB, high_water=UPDATES_HIGH_WATER)))
            socket.setsockopt(zmq.SUBSCRIBE, b"")
            socket.connect(updates_endpoint(run_dir, kind))
            poller.register(socket, zmq.POLLIN)
            found[socket] = kind
        while (left := until - monotonic()) > 0:
            for socket, _ in poller.poll(None if left == math.inf else math.ceil(left * 1_000)):
                yield found[socket], socket.recv()
