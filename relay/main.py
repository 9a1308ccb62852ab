"""Wires a relay: place, sockets, core, admin and loop."""

import random
from functools import partial

import zmq

from common.admin import open_admin
from common.clock import monotonic, wall_ns
from common.door import open_door
from common.keeping import Keeper
from common.logs import Log
from common.messages import new_incarnation
from common.place import claim
from common.sockets import (
    EMISSIONS_HIGH_WATER,
    bind_ipc,
    emissions_endpoint,
    link_endpoint,
    new_publisher,
    new_socket,
    tap_endpoint,
)
from common.stop import StopSignal
from common.version import VERSION
from relay import machine
from relay.deliver import Relay
from relay.dial import Dialer
from relay.handshake import Identity
from relay.loop import Loop
from relay.record import Recorder
from relay.settings import Settings
from relay.tap import TAPPED_HIGH_WATER, Tap
from relay.tls import new_context
from relay.view import RelayView

STAGE = "relay"

LINKS_HIGH_WATER = 100
"""Links held for a slow matcher: nearly two minutes' worth, of which only the newest matters."""


def run(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT. Raises UsageError where the place is held or an address cannot be used."""
    if settings.tls is not None:
        new_context(settings.tls)
    place = claim(settings.run_dir, STAGE)
    stop = StopSignal()
    relay = _relay(settings)
    admin = open_admin(
        stage=STAGE, run_dir=settings.run_dir, listen=settings.admin, view=RelayView(relay, settings, clock=monotonic)
    )
    recorder = _recorder(settings, relay)
    context = zmq.Context()
    refused = relay.tally.connections_refused
    door = open_door(context, stage=STAGE, listen=settings.listen, keys_dir=settings.keys_dir, refused=refused)
    emissions = new_socket(context, zmq.PULL, high_water=EMISSIONS_HIGH_WATER)
    link = new_publisher(context, high_water=LINKS_HIGH_WATER)
    tap = Tap(new_socket(context, zmq.XPUB, high_water=TAPPED_HIGH_WATER), relay=relay.incarnation)
    relay.look_on(tap.passed)
    try:
        if settings.listen is None:
            bind_ipc(tap.socket, tap_endpoint(settings.run_dir))
        door.bind(emissions, ipc=partial(emissions_endpoint, settings.run_dir), offset=0)
        door.bind(link, ipc=partial(link_endpoint, settings.run_dir), offset=1)
        dialer = Dialer(settings.intake, tls=settings.tls)
        Loop(
            relay,
            emissions=emissions,
            link=link,
            door=door,
            dialer=dialer,
            stop=stop,
            admin=admin,
            recorder=recorder,
            tap=tap,
        ).run()
    finally:
        door.close()
        emissions.close()
        link.close()
        tap.socket.close()
        context.term()
        admin.close()
        if recorder is not None:
            recorder.close()
        place.close()
        unsent = relay.outbox.size if relay.outbox else 0
        Log(STAGE).info("stopped", sent_bytes=relay.tally.compressed_bytes - unsent, unsent_bytes=unsent)


def _recorder(settings: Settings, relay: Relay) -> Recorder | None:
    """What records, if something shall."""
    if settings.record is None:
        return None
    most, kept = settings.record_most_bytes, relay.tally.recorded
    return Recorder(Keeper(settings.record, most_bytes=most, kept=kept, log=Log(STAGE)))


def _relay(settings: Settings) -> Relay:
    log = Log(STAGE)
    incarnation = new_incarnation()
    log.info("started", version=VERSION, intake=str(settings.intake), incarnation=incarnation)
    return Relay(
        incarnation=incarnation,
        identity=Identity(hostname=settings.hostname, cores=machine.cores(), labels=settings.labels),
        random_=random.Random(),
        measure=machine.measure,
        log=log,
        now=monotonic(),
        wall_ns=wall_ns(),
    )
