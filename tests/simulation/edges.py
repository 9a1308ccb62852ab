"""Puts the simulation's clock, sockets and sizes in the place of the real ones, where the processes' own loops look for them.

The loops, wires and channels that run in the simulation are podwire's own. What they import (zmq, the clock, getrusage) is exchanged in
their modules while a schedule runs. Sizes are made small in the same way, so that a handful of pods fills pages, chunks, batches
and buffers.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest.mock import patch

import zmq

import common.clock
import common.sockets
import matcher.core
import matcher.follow
import matcher.loop
import matcher.wires
import relay.loop
import relay.outbox
import watcher.main
import watcher.publish
import watcher.reflect
from common.messages import Usage
from tests.simulation.clock import Clock
from tests.simulation.polling import Descriptors, Owner, Poller
from tests.simulation.sockets import Again, Context, Network

SIZES = (
    (watcher.reflect, "PAGE_SIZE", 3),
    (watcher.publish, "CHUNK_BYTES", 100),
    (matcher.follow, "MOST_KEPT_EVENTS", 12),
    (matcher.loop, "MOST_SENT", 1),
    (matcher.wires, "MOST_FRAMES", 2),
    (relay.loop, "FRAMES_A_TURN", 2),
    (relay.outbox, "LARGEST_BYTES", 120),
    (relay.outbox, "RESUME_BELOW_BYTES", 60),
)
"""Objects, bytes, events, messages and frames; small beside the real ones, in the same order."""

BATCH = {"most": 2}
"""Emissions of a message: what `Core.take` has by default."""

RHYTHMS = (
    (watcher.main, "TURN_MILLISECONDS", 2_000),
    (watcher.main, "LIST_PAUSE_SECONDS", 0.0),
    (common.clock, "BEAT_SECONDS", 2.0),
    (matcher.loop, "TICK_SECONDS", 1.0),
)
"""What is done again and again in quiet times is rarer, which costs precision of waits and saves most of the work of such times."""


class Edges:
    """What the schedule that runs now has in the place of the outside world. Its parts change with each schedule."""

    clock: Clock
    network: Network
    descriptors: Descriptors
    owner: Owner
    """Who makes sockets at the moment."""
    time_is_up: bool
    """The poll that the process which runs now was in has come to its time."""

    def monotonic(self) -> float:
        return self.clock.now

    def wall_ns(self) -> int:
        return self.clock.wall_ns()

    def context(self) -> Context:
        return Context(self.network, self.owner)

    def poller(self) -> Poller:
        return Poller(self.descriptors, may_block=lambda: not self.time_is_up)


EDGES = Edges()


@contextmanager
def simulated() -> Iterator[Edges]:
    """The processes' modules live in the simulation. Logging is off: a schedule logs as much as an hour of the real thing."""
    constants = {name: int(value) if isinstance(value, int) else value for name, value in vars(zmq).items()}
    fake = SimpleNamespace(**{**constants, "Context": EDGES.context, "Again": Again})
    clocks = (
        (relay.loop, "monotonic"),
        (watcher.main, "monotonic"),
        (relay.loop, "wall_ns"),
        (watcher.main, "wall_ns"),
    )
    disabled = logging.root.manager.disable
    with ExitStack() as stack:
        for module in (common.sockets, matcher.wires, relay.loop, watcher.main):
            stack.enter_context(patch.object(module, "zmq", fake))
        for module in (matcher.wires, relay.loop, watcher.main):
            stack.enter_context(patch.object(module, "Poller", EDGES.poller))
        for module, name in clocks:
            stack.enter_context(patch.object(module, name, getattr(EDGES, name)))
        for module in (matcher.loop, watcher.publish):
            stack.enter_context(patch.object(module, "own_usage", Usage))
        for module, name, value in (*SIZES, *RHYTHMS):
            stack.enter_context(patch.object(module, name, value))
        stack.enter_context(patch.dict(matcher.core.Core.take.__kwdefaults__, BATCH))
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, disabled)
        yield EDGES
