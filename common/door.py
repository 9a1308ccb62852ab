"""Where a stage's sockets are bound, and who is let in there: over TCP with CURVE only those whose public keys it has.

libzmq asks the door (by ZAP, rfc.zeromq.org/spec/27) about each client's key, and tells it (by socket monitors) what else becomes of
connections. Whoever is refused is counted, and logged at most once a minute per origin. On ipc there is nothing to refuse: the run
directory's mode decides.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import zmq
from zmq.utils import z85

from common import transport
from common.address import Address
from common.errors import UsageError
from common.keys import PARTNERS, Keys, read_keys
from common.knocks import WATCHED, Knocks, Refusal, read_event
from common.logs import Log, Seldom
from common.sockets import bind_ipc
from common.transport import endpoint, on_loopback

_Socket = zmq.Socket[bytes]

ZAP_ENDPOINT: Final = "inproc://zeromq.zap.01"

LISTEN: Final = "--listen"


def open_door(
    context: "zmq.Context[_Socket]",
    *,
    stage: str,
    listen: Address | None,
    keys_dir: Path | None,
    refused: dict[Refusal, int],
) -> "Door":
    """The door of a stage with the keys of that directory. Raises UsageError, also for plain TCP off loopback."""
    keys = read_keys(keys_dir, stage, others=PARTNERS[stage]) if keys_dir is not None else None
    return Door(context, listen=listen, keys=keys, refused=refused, log=Log(stage))


class Door:
    """One stage's. Its `wakers` are to be polled, and `turn` to be called at each turn of the loop."""

    def __init__(
        self,
        context: "zmq.Context[_Socket]",
        *,
        listen: Address | None,
        keys: Keys | None,
        refused: dict[Refusal, int],
        log: Log,
    ) -> None:
        """`listen` is None for ipc; `keys` are the stage's own and those of its clients; connections refused are counted in
        `refused`. Raises UsageError off loopback without keys."""
        if listen is None and keys is not None:
            raise UsageError(f"--keys are for tcp://; give {LISTEN} tcp://ADDRESS:PORT, or no keys")
        self._listen = on_loopback(listen, option=LISTEN) if listen is not None and keys is None else listen
        self._keys = keys
        self._log = log
        self._seldom = Seldom()
        self._allowed = frozenset(map(z85.decode, keys.others.values())) if keys is not None else frozenset()
        self.refused = refused
        self._knocks: dict[_Socket, Knocks] = {}
        self._bound: list[_Socket] = []
        self._zap: _Socket | None = None
        if keys is not None:
            self._zap = context.socket(zmq.REP)
            self._zap.bind(ZAP_ENDPOINT)

    @property
    def wakers(self) -> list[_Socket]:
        """What becomes readable when somebody knocks."""
        return [*self._knocks, *([self._zap] if self._zap is not None else [])]

    def bind(self, socket: _Socket, *, ipc: Callable[[], str], offset: int) -> None:
        """Binds a socket to its ipc endpoint, which a stage on TCP need not have, or to the port `offset` above the one it listens on.

        Raises UsageError.
        """
        if self._listen is None:
            bind_ipc(socket, ipc())
            return
        transport.tune(socket)
        if self._keys is not None:
            transport.serve_curve(socket, self._keys.own)
        where = endpoint(self._listen, offset=offset)
        self._knocks[socket.get_monitor_socket(WATCHED)] = Knocks(where)
        self._bound.append(socket)
        try:
            socket.bind(where)
        except zmq.ZMQError as error:
            raise UsageError(
                f"{LISTEN}: cannot listen on {where}: {zmq.strerror(error.errno or 0)}; choose another"
            ) from error

    def turn(self, now: float) -> None:
        """Lets in and refuses, and counts."""
        _drain(self._zap, partial(self._judge, now))
        for monitor, knocks in self._knocks.items():
            _drain(monitor, partial(self._hear, knocks, now))
            if unfinished := knocks.settle(now):
                why = "it hung up, or is no ZeroMQ"
                self._refuse(knocks.where, Refusal.UNFINISHED, why, now, count=unfinished)

    def close(self) -> None:
        """Ends what watches the bound sockets, which are their owner's to close."""
        for socket in self._bound:
            if not socket.closed:
                socket.disable_monitor()
        for monitor in self._knocks:
            monitor.close()
        if self._zap is not None:
            self._zap.close()

    def _judge(self, now: float, frames: list[bytes]) -> None:
        """Answers a question of libzmq's: version, request, domain, address, identity, mechanism, and the client's public key."""
        _, request, _, address, _, mechanism, *credentials = frames
        known = mechanism == b"CURVE" and credentials[:1] != [] and credentials[0] in self._allowed
        status = b"200" if known else b"400"
        assert self._zap is not None
        self._zap.send_multipart([b"1.0", request, status, b"" if known else b"unknown key", b"", b""])
        if not known:
            origin = address.decode("ascii", "replace").removeprefix("::ffff:")
            self._refuse(origin, Refusal.UNKNOWN_KEY, "its public key is none of those in --keys", now)

    def _hear(self, knocks: Knocks, now: float, frames: list[bytes]) -> None:
        event, value = read_event(frames)
        why = knocks.take(event, value, now)
        if why is not None:
            self._refuse(knocks.where, Refusal.PROTOCOL, why, now)

    def _refuse(self, origin: str, reason: Refusal, why: str, now: float, *, count: int = 1) -> None:
        self.refused[reason] += count
        held_back = self._seldom.held_back(f"{origin} {reason}", now)
        if held_back is not None:
            self._log.warning("connection refused", origin=origin, reason=reason, why=why, held_back=held_back)


def _drain(socket: _Socket | None, take: Callable[[list[bytes]], None]) -> None:
    """Takes all that waits in a socket."""
    while socket is not None and socket.poll(0):
        take(socket.recv_multipart(zmq.NOBLOCK))
