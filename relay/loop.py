"""The relay's poll loop: moves what comes and goes between the sockets and the core, and reads the clock for it."""

import math
import socket
from typing import assert_never

import zmq

from common import messages
from common.admin import Admin
from common.clock import monotonic, wall_ns
from common.door import Door
from common.messages import BadMessage
from common.poller import POLLIN, POLLOUT, Poller, Ready
from common.sockets import joined
from common.stop import StopSignal
from relay.connect import Trouble
from relay.deliver import Action, Dial, Publish, Relay
from relay.dial import Connected, Dialer, NotConnected, text_of, trouble_of
from relay.outbox import Gate
from relay.record import Recorder
from relay.tap import Tap
from relay.wire import ClosedByReducer, Vanished, Wire

FRAMES_A_TURN = 10
"""Read before anything else is looked at, so that a storm starves neither the connection nor the end of the process."""

FINISH_SECONDS = 1.0
LOOK_SECONDS = 1.0
"""Between two looks whether the reducer still answers."""


class Loop:
    """Runs one relay on its sockets."""

    def __init__(
        self,
        relay: Relay,
        *,
        emissions: zmq.Socket[bytes],
        link: zmq.Socket[bytes],
        door: Door,
        dialer: Dialer,
        stop: StopSignal,
        admin: Admin,
        recorder: Recorder | None = None,
        tap: Tap | None = None,
    ) -> None:
        """Without a `recorder`, nothing is recorded; without a `tap`, nobody can look on."""
        self._relay = relay
        self._emissions = emissions
        self._link = link
        self._door = door
        self._dialer = dialer
        self._stop = stop
        self._admin = admin
        self._recorder = recorder
        self._tap = tap
        self._wire: Wire | None = None
        self._look_at = 0.0
        self._poller = Poller()
        self._poller.register(dialer.fd)
        self._poller.register(stop.fd)
        for waker in (link, *door.wakers, *([tap.socket] if tap is not None else [])):
            self._poller.register(waker)

    def run(self) -> None:
        """Turns until the process is told to stop; then sends what waits, for at most `FINISH_SECONDS`, and closes the connection."""
        while not self._stop.requested:
            self._turn()
        self._finish()

    def _turn(self) -> None:
        ready = self._wait()
        if self._dialer.fd in ready:
            self._connected()
        if self._wire is not None and ready.get(self._wire.fd, 0) & ~POLLOUT:
            self._read(self._wire)
        more_coming = self._emissions in ready and self._take_emissions()
        if self._tap is not None and self._tap.socket in ready:
            self._tap.hear()
        if self._link in ready and joined(self._link):
            self._do(Publish(self._relay.link))
        for action in self._relay.turn(now=monotonic(), wall_ns=wall_ns(), more_coming=more_coming):
            self._do(action)
        if self._wire is not None:
            self._send(self._wire)
        self._door.turn(monotonic())
        self._admin.turned()

    def _wait(self) -> Ready:
        """What is ready, at the latest when the core has something to do."""
        # No flags: not polled. A held gate leaves emissions in their socket.
        self._poller.register(self._emissions, POLLIN if self._relay.gate is Gate.OPEN else 0)
        if self._wire is not None:
            outbox = self._relay.outbox
            self._poller.register(self._wire.fd, POLLIN | (POLLOUT if outbox and outbox.size else 0))
        if self._tap is not None and self._tap.listened:
            self._poller.used(self._tap.socket)  # it may have published
        left_ms = max(0.0, self._relay.deadline() - monotonic()) * 1_000
        return self._poller.poll(math.ceil(left_ms))

    def _take_emissions(self) -> bool:
        """Takes what the socket holds; true when more may be there."""
        for _ in range(FRAMES_A_TURN):
            if self._relay.gate is Gate.HELD:
                return False
            frame = self._emissions.recv(zmq.NOBLOCK)
            if self._tap is not None:
                self._tap.took(frame)
            try:
                message = messages.decode(frame)
            except BadMessage as error:
                self._relay.bad_frame(str(error), now=monotonic())
            else:
                self._relay.take(message, now=monotonic(), wall_ns=wall_ns())
            if not self._poller.has(self._emissions):
                return False
        return True

    def _connected(self) -> None:
        match self._dialer.outcome():
            case Connected(connection=connection, peer=peer):
                self._relay.dialed(peer=peer, now=monotonic(), wall_ns=wall_ns())
                self._wire = self._new_wire(connection)
                self._poller.register(self._wire.fd)
            case NotConnected(trouble=trouble, text=text):
                self._relay.failed(trouble, text, now=monotonic(), wall_ns=wall_ns())
            case outcome:
                assert_never(outcome)

    def _new_wire(self, connection: socket.socket) -> Wire:
        if self._recorder is None:
            return Wire(connection)
        self._recorder.connected(self._relay.line.connections)
        return Wire(connection, sent=self._recorder.sent)

    def _do(self, action: Action) -> None:
        match action:
            case Dial():
                self._dialer.dial()
            case Publish(link):
                self._link.send(messages.encode(link), zmq.NOBLOCK)
                self._poller.used(self._link)
            case _:
                assert_never(action)

    def _read(self, wire: Wire) -> None:
        try:
            wire.read()
        except ClosedByReducer:
            self._lost(wire, Trouble.CLOSED, "closed by the reducer")
        except OSError as error:
            self._lost(wire, trouble_of(error), text_of(error))

    def _send(self, wire: Wire) -> None:
        outbox = self._relay.outbox
        if outbox is None:
            return
        try:
            wire.send(outbox)
            if (now := monotonic()) >= self._look_at:
                self._look_at = now + LOOK_SECONDS
                wire.look(now)
        except Vanished as error:
            self._lost(wire, Trouble.TIMEOUT, str(error))
        except OSError as error:
            self._lost(wire, trouble_of(error), text_of(error))

    def _lost(self, wire: Wire, trouble: Trouble, text: str) -> None:
        self._poller.unregister(wire.fd)
        wire.close()
        self._wire = None
        self._closed(text)
        self._relay.failed(trouble, text, now=monotonic(), wall_ns=wall_ns())

    def _finish(self) -> None:
        self._relay.end(now=monotonic(), wall_ns=wall_ns())
        wire, outbox = self._wire, self._relay.outbox
        if wire is None or outbox is None:
            return
        try:
            wire.finish(outbox, within_seconds=FINISH_SECONDS)
        except OSError as error:
            self._lost(wire, trouble_of(error), text_of(error))
        else:
            wire.close()
            self._closed("the relay stopped")

    def _closed(self, why: str) -> None:
        if self._recorder is not None:
            self._recorder.closed(why)
