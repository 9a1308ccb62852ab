"""`podwire tap`: what flows, as JSON lines. It has a subscription of its own beside the matcher: a slow tap loses its own messages only."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import click
import msgspec
import zmq

from common.clock import monotonic
from common.messages import AnyMessage, BadMessage, Beat, Emissions, Updates, decode
from common.options import COMMON, all_of
from common.records import KINDS, Kind
from common.sockets import UPDATES_HIGH_WATER, new_socket, tap_endpoint, updates_endpoint
from podwire.tap.emissions import EmissionFollower
from podwire.tap.updates import Follower, Line, Wanted


@click.command("tap")
@all_of(COMMON[:1])
@click.argument("what", type=click.Choice(["updates", "emissions"]))
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
    what: str,
    kinds: tuple[Kind, ...],
    namespace: str | None,
    pod: str | None,
    for_seconds: float | None,
) -> None:
    """Print what flows in this run directory from now on, a line of JSON for each event: the updates that watchers publish, or the
    emissions that the matcher sends to the relay.

    Nothing is disturbed by it. What the tap itself misses is a line too, with the event "gap".

    \b
    podwire tap updates
    podwire tap updates --namespace shop | jq -r .record.name
    podwire tap emissions --pod web-7d4b9c6f5-x2x8k
    """
    wanted = Wanted(namespace=namespace, pod=pod)
    if what == "emissions":
        places = {tap_endpoint(run_dir): _emissions(EmissionFollower(wanted))}
    else:
        places = {updates_endpoint(run_dir, kind): _updates(Follower(kind, wanted)) for kind in kinds or KINDS}
    until = math.inf if for_seconds is None else monotonic() + for_seconds
    with suppress(KeyboardInterrupt):
        for place, frame in _frames(list(places), until=until):
            with suppress(BadMessage):  # those whom it is for count them
                for line in places[place](decode(frame)):
                    click.echo(msgspec.json.encode(line))
    sys.exit(0)


Lines = Callable[[AnyMessage], Iterable[Line]]


def _updates(follower: Follower) -> Lines:
    return lambda message: follower.lines(message) if isinstance(message, Updates | Beat) else ()


def _emissions(follower: EmissionFollower) -> Lines:
    return lambda message: follower.lines(message) if isinstance(message, Emissions) else ()


def _frames(places: list[str], *, until: float) -> Iterator[tuple[str, bytes]]:
    """What is published at each of these endpoints, as it comes."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller = zmq.Poller()
    with ExitStack() as stack:
        stack.callback(context.term)
        found: dict[zmq.Socket[bytes], str] = {}
        for place in places:
            socket = stack.enter_context(closing(new_socket(context, zmq.SUB, high_water=UPDATES_HIGH_WATER)))
            socket.setsockopt(zmq.SUBSCRIBE, b"")
            socket.connect(place)
            poller.register(socket, zmq.POLLIN)
            found[socket] = place
        while (left := until - monotonic()) > 0:
            for socket, _ in poller.poll(None if left == math.inf else math.ceil(left * 1_000)):
                yield found[socket], socket.recv()
