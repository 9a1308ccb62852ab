"""`podwire tap`: what flows, as JSON lines. It has a subscription of its own beside the matcher: a slow tap loses its own messages only."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
import zmq

from common.clock import monotonic
from common.errors import UsageError
from common.messages import BadMessage, Beat, Emissions, Updates, decode
from common.options import COMMON, all_of
from common.records import KINDS, Kind
from common.sockets import UPDATES_HIGH_WATER, new_socket, tap_endpoint, updates_endpoint
from common.tapped import EMISSIONS, UPSTREAM, decode_passed
from podwire.tap.emissions import EmissionFollower
from podwire.tap.updates import Follower, Line, Wanted
from podwire.tap.upstream import UpstreamFollower
from sandbox.reducer.layout import NAMES


@click.command("tap")
@all_of(COMMON[:1])
@click.argument("what", type=click.Choice(["updates", "emissions", "upstream"]))
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    help="Of this kind only; may be given many times. What goes to the relay and upstream is of pods.",
)
@click.option("--namespace", metavar="NAME", default=None, help="Pods of this namespace only.")
@click.option("--pod", metavar="NAME", default=None, help="Pods of this name only.")
@click.option(
    "--message",
    "names",
    metavar="NAME",
    multiple=True,
    help="Upstream: messages of this name only, as pod_delete (docs/protocol.md); may be given many times.",
)
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
    names: tuple[str, ...],
    for_seconds: float | None,
) -> None:
    """Print what flows in this run directory from now on, a line of JSON for each event: the updates that watchers publish, the
    emissions that the matcher sends to the relay, or the messages that the relay sends upstream, to the reducer.

    Nothing is disturbed by it. What the tap itself misses is a line too, with the event "gap".

    \b
    podwire tap updates
    podwire tap updates --namespace shop | jq -r .record.name
    podwire tap emissions --pod web-7d4b9c6f5-x2x8k
    podwire tap upstream --namespace shop --message pod_delete
    """
    follow = _places(run_dir, what, Wanted(namespace=namespace, pod=pod), kinds, names)
    until = math.inf if for_seconds is None else monotonic() + for_seconds
    with suppress(KeyboardInterrupt):
        for place, frame in _frames(list(follow), until=until):
            with suppress(BadMessage):  # those whom it is for count them
                for line in follow[place](frame):
                    click.echo(msgspec.json.encode(line))
    sys.exit(0)


class Place(NamedTuple):
    """Where something is published."""

    endpoint: str
    topic: bytes = b""


Follow = Callable[[bytes], Iterable[Line]]
"""The lines of a frame. Raises BadMessage."""


def _places(
    run_dir: Path, what: str, wanted: Wanted, kinds: tuple[Kind, ...], names: tuple[str, ...]
) -> dict[Place, Follow]:
    """What is to be listened to. Raises UsageError for filters that do not fit it."""
    if names and what != "upstream":
        raise UsageError("--message: only what is sent upstream has messages' names")
    if names and (unknown := set(names) - set(NAMES.values())):
        raise UsageError(f"--message: there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES.values())}")
    if what == "updates":
        return {Place(updates_endpoint(run_dir, kind)): _updates(Follower(kind, wanted)) for kind in kinds or KINDS}
    if set(kinds) - {"pods"}:
        raise UsageError(f"--kind: {what} are of pods; what there is of owners, podwire tap updates shows")
    if what == "emissions":
        return {Place(tap_endpoint(run_dir), EMISSIONS): _emissions(EmissionFollower(wanted))}
    follower = UpstreamFollower(msgspec.structs.replace(wanted, pods_only=bool(kinds)), names=names)
    return {Place(tap_endpoint(run_dir), UPSTREAM): lambda frame: follower.lines(decode_passed(frame))}


def _updates(follower: Follower) -> Follow:
    def follow(frame: bytes) -> Iterable[Line]:
        message = decode(frame)
        return follower.lines(message) if isinstance(message, Updates | Beat) else ()

    return follow


def _emissions(follower: EmissionFollower) -> Follow:
    def follow(frame: bytes) -> Iterable[Line]:
        message = decode(frame)
        return follower.lines(message) if isinstance(message, Emissions) else ()

    return follow


def _frames(places: list[Place], *, until: float) -> Iterator[tuple[Place, bytes]]:
    """What is published at each of these endpoints, as it comes."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    poller = zmq.Poller()
    with ExitStack() as stack:
        stack.callback(context.term)
        found: dict[zmq.Socket[bytes], Place] = {}
        for place in places:
            socket = stack.enter_context(closing(new_socket(context, zmq.SUB, high_water=UPDATES_HIGH_WATER)))
            socket.setsockopt(zmq.SUBSCRIBE, place.topic)
            socket.connect(place.endpoint)
            poller.register(socket, zmq.POLLIN)
            found[socket] = place
        while (left := until - monotonic()) > 0:
            for socket, _ in poller.poll(None if left == math.inf else math.ceil(left * 1_000)):
                yield found[socket], socket.recv_multipart()[-1]  # a topic stands before it
