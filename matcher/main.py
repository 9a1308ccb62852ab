"""Runs the matcher: takes its place, opens sockets and the admin HTTP, and turns the loop until it is told to stop."""

import gc

from common.admin import open_admin
from common.clock import monotonic
from common.logs import Log
from common.messages import new_incarnation
from common.place import claim
from common.stop import StopSignal
from common.version import VERSION
from common.wanted import rest
from matcher.core import Core
from matcher.loop import Loop
from matcher.nudge import Nudge
from matcher.peers import STAGE, Peers
from matcher.settings import Settings
from matcher.view import MatcherView
from matcher.why import Why
from matcher.wires import Wires


def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. SIGUSR1 makes a new epoch. Raises UsageError where another matcher holds the place."""
    log = Log(STAGE)
    place = claim(settings.run_dir, STAGE)
    stop, nudge = StopSignal(), Nudge()
    core = Core(settings, incarnation=new_incarnation(), log=log)
    peers = Peers(settings.peers, keys_dir=settings.keys_dir)
    wires = Wires(settings.run_dir, peers=peers, wakers=(stop.fd, nudge.fd), log=log)
    loop = Loop(core, wires, clock=monotonic, log=log)
    view = MatcherView(core, loop, neighbours=wires.neighbours, clock=monotonic)
    why = Why(core, owner_wait_seconds=settings.owner_wait_seconds, clock=monotonic, rest=rest)
    admin = open_admin(
        stage=STAGE, run_dir=settings.run_dir, listen=settings.admin, view=view, questions={"/why": why.answer}
    )
    # Modules stay for good, and pods are outside the collector's sight: what is left for it to look at is small.
    gc.freeze()
    log.info("started", version=VERSION, incarnation=core.incarnation, run_dir=str(settings.run_dir))
    core.start(monotonic())
    try:
        while not stop.requested:
            loop.turn()
            admin.turned()
            if nudge.taken():
                core.resync()
    finally:
        admin.close()
        wires.close()
        place.close()
    log.info("stopped")
